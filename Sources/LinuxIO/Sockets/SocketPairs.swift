import CLinux
import Glibc
import Synchronization

/// A TCP socket that takes connections. Closed when its last user lets it go.
package final class ListeningSocket: Sendable {
  package let host: String
  package let port: UInt16
  let number: Int32
  /// True where the descriptor is somebody else's.
  private let isGiven = Atomic(false)

  /// Listens on an IPv4 address; port 0 is one that is free.
  package init(host: String, port: UInt16 = 0, backlog: Int32 = 1024) throws(SystemCallError) {
    let name = "\(host):\(port)"
    let number = clinux_tcp_socket()
    if number < 0 { throw Self.failure(.socket, number, name) }
    do throws(SystemCallError) {
      try Self.check(.setsockopt, clinux_socket_set(number, Int32(CLINUX_REUSE_ADDRESS), 1), name)
      try Self.check(.bind, clinux_tcp_bind(number, host, port), name)
      if listen(number, backlog) != 0 { throw SystemCallError(.listen, .current, path: name) }
      let bound = clinux_tcp_port(number)
      try Self.check(.bind, bound, name)
      self.port = UInt16(truncatingIfNeeded: bound)
    } catch {
      Glibc.close(number)
      throw error
    }
    self.host = host
    self.number = number
  }

  deinit { if !isGiven.load(ordering: .relaxed) { close(number) } }

  /// Somebody else closes the descriptor from now on.
  func giveAway() { isGiven.store(true, ordering: .relaxed) }

  /// From now on `acceptNow` does not wait, and `accept` must not be called.
  package func setNonBlocking() throws(SystemCallError) {
    try Self.check(.fcntl, clinux_set_nonblocking(number), "\(host):\(port)")
  }

  /// `accept4(2)`: waits for a connection. Non-blocking from then on.
  package func accept() throws(SystemCallError) -> SocketHandle {
    while true {
      if let socket = try acceptNow() { return socket }
    }
  }

  /// The same after `setNonBlocking`: nil where nobody has come. The socket is named for its peer.
  package func acceptNow() throws(SystemCallError) -> SocketHandle? {
    var address: UInt32 = 0
    var peerPort: UInt16 = 0
    while true {
      let accepted = clinux_accept(number, &address, &peerPort)
      if accepted >= 0 {
        let bytes = [24, 16, 8, 0].map { String(address >> UInt32($0) & 0xff) }
        let name = "\(bytes.joined(separator: ".")):\(peerPort)"
        return SocketHandle(accepted, .tcp, name: name)
      }
      switch accepted {
      // A connection that was given up before it was taken is nobody's failure.
      case -EINTR, -ECONNABORTED: continue
      case -EAGAIN: return nil
      default: throw Self.failure(.accept, accepted, "\(host):\(port)")
      }
    }
  }

  fileprivate static func check(
    _ call: SystemCall, _ result: Int32, _ name: String
  ) throws(SystemCallError) {
    if result < 0 { throw failure(call, result, name) }
  }

  fileprivate static func failure(
    _ call: SystemCall, _ result: Int32, _ name: String
  ) -> SystemCallError { SystemCallError(call, ErrorNumber(rawValue: -result), path: name) }
}

extension SocketHandle {
  /// `connect(2)` to an IPv4 address, waiting; non-blocking from then on.
  package static func connect(
    host: String, port: UInt16
  ) throws(SystemCallError) -> SocketHandle {
    let name = "\(host):\(port)"
    let number = clinux_tcp_socket()
    try ListeningSocket.check(.socket, number, name)
    let socket = SocketHandle(number, .tcp, name: name)
    try ListeningSocket.check(.connect, clinux_tcp_connect(number, host, port), name)
    try ListeningSocket.check(.fcntl, clinux_set_nonblocking(number), name)
    return socket
  }

  /// Both ends of a TCP connection over loopback.
  package static func loopbackPair() throws(SystemCallError) -> (SocketHandle, SocketHandle) {
    let listener = try ListeningSocket(host: "127.0.0.1", backlog: 1)
    let near = try connect(host: listener.host, port: listener.port)
    return (near, try listener.accept())
  }

  /// Both ends of a Unix stream connection (`socketpair(2)`).
  package static func unixPair() throws(SystemCallError) -> (SocketHandle, SocketHandle) {
    var ends: [Int32] = [-1, -1]
    try ListeningSocket.check(.socketpair, clinux_unix_pair(&ends), "unix socket")
    return (
      SocketHandle(ends[0], .unix, name: "unix socket"),
      SocketHandle(ends[1], .unix, name: "unix socket")
    )
  }
}
