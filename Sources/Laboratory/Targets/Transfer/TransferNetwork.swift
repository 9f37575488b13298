import LinuxIO
import Suites

/// The connections of one trial: both ends are in this process.
struct TransferNetwork {
  let senders: [SocketHandle]
  let receivers: [SocketHandle]

  /// Makes them as the trial says. Throws `TrialSkipped` for what this system does not have.
  init(_ parameters: TrialParameters) throws {
    let veth = parameters.network == .veth ? try VethPair() : nil
    var senders: [SocketHandle] = []
    var receivers: [SocketHandle] = []
    for _ in 0..<parameters.connections {
      let (near, far) =
        switch parameters.network {
        case .loopback: try SocketHandle.loopbackPair()
        case .unix: try SocketHandle.unixPair()
        case .veth: try veth?.connect() ?? SocketHandle.loopbackPair()
        }
      if near.family == .tcp {
        // As brokers set it: a response's end does not wait for the receiver's word.
        try near.setNoDelay()
        try Self.setCongestion(parameters.congestion, near)
      }
      senders.append(near)
      receivers.append(far)
    }
    self.senders = senders
    self.receivers = receivers
  }

  func close() { for socket in senders + receivers { socket.close() } }

  private static func setCongestion(_ name: String, _ socket: SocketHandle) throws {
    if name == TrialParameters.systemCongestion { return }
    do { try socket.setCongestionControl(name) } catch {
      throw TrialSkipped("this kernel has no congestion control '\(name)' for us: \(error.number)")
    }
  }
}
