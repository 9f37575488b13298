import Glibc
import LinuxIO

/// Two network namespaces with a pair of virtual Ethernet devices between them. Nothing of it has a
/// name outside, or outlives the process.
final class VethPair: Sendable {
  private static let addresses = ["10.255.77.1", "10.255.77.2"]

  private let near: NetworkNamespace
  private let far: NetworkNamespace

  /// Throws the reason where this process may not, or the program `ip` is missing.
  init() throws(TrialSkipped) {
    do throws(SystemCallError) {
      near = try NetworkNamespace()
      far = try NetworkNamespace()
    } catch {
      throw TrialSkipped("network 'veth' needs root, to make network namespaces: \(error.number)")
    }
    try Self.ip(near, "link add varve0 type veth peer name varve1 netns \(far.path)")
    try Self.ip(near, "addr add \(Self.addresses[0])/30 dev varve0")
    try Self.ip(near, "link set varve0 up")
    try Self.ip(far, "addr add \(Self.addresses[1])/30 dev varve1")
    try Self.ip(far, "link set varve1 up")
  }

  /// A connection from one namespace to the other.
  func connect() throws(SystemCallError) -> (near: SocketHandle, far: SocketHandle) {
    let listener = try far.run { () throws(SystemCallError) in
      try ListeningSocket(host: Self.addresses[1])
    }
    let socket = try near.run { () throws(SystemCallError) in
      try SocketHandle.connect(host: listener.host, port: listener.port)
    }
    return (socket, try listener.accept())
  }

  private static func ip(_ namespace: NetworkNamespace, _ command: String) throws(TrialSkipped) {
    let status: Int32
    do throws(SystemCallError) {
      status = try namespace.run { run(["ip"] + command.split(separator: " ").map(String.init)) }
    } catch { throw TrialSkipped("network 'veth': \(error)") }
    if status == 0 { return }
    let reason =
      status == 127
      ? "the program 'ip' is missing (Debian's package iproute2)"
      : "'ip \(command)' ended with status \(status)"
    throw TrialSkipped("network 'veth': \(reason)")
  }

  /// Runs a program in the calling thread's namespace; its exit status, 127 where there is no such
  /// program.
  private static func run(_ words: [String]) -> Int32 {
    let process = try? ChildProcess(words, errors: .standardError)
    guard let process else { return 127 }
    switch process.wait() {
    case .status(let status)?: return status
    case .signal?, nil: return 128
    }
  }
}
