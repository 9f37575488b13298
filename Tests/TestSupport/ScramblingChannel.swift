import LinuxIO

/// A channel that takes only bytes: what goes over the socket is not what is sent, as where a
/// channel encrypts. Both ends scramble alike.
package final class ScramblingChannel: ByteChannel {
  private let below: SocketHandle

  package init(over socket: SocketHandle) { below = socket }

  package var name: String { below.name }
  package var socket: SocketHandle? { below }
  package var takesFileRanges: Bool { false }

  package static func scrambled(_ byte: UInt8) -> UInt8 { byte ^ 0x5a }

  package func send(_ bytes: RawSpan, more: Bool) throws(SystemCallError) -> Int? {
    let changed = bytes.withUnsafeBytes { $0.map { Self.scrambled($0) } }
    return try below.send(changed.span.bytes, more: more)
  }

  package func receive(into bytes: inout MutableRawSpan) throws(SystemCallError) -> Int? {
    let count = try below.receive(into: &bytes)
    bytes.withUnsafeMutableBytes { target in
      for index in 0..<(count ?? 0) { target[index] = Self.scrambled(target[index]) }
    }
    return count
  }

  package func receivableBytes() throws(SystemCallError) -> Int { try below.receivableBytes() }

  package func setWakeBytes(_ count: Int) throws(SystemCallError) {
    try below.setWakeBytes(count)
  }

  package func close() { below.close() }
  package func reset() { below.reset() }
}

/// This machine's network, of which every connection scrambles.
package struct ScramblingNetwork: Network {
  package init() {}

  private final class Listener: ChannelListener {
    let below: ListeningSocket

    init(_ below: ListeningSocket) { self.below = below }

    var host: String { below.host }
    var port: UInt16 { below.port }

    func acceptChannel() throws(SystemCallError) -> (any ByteChannel)? {
      try below.acceptNow().map { ScramblingChannel(over: $0) }
    }
  }

  private final class Poll: ChannelPoll {
    private let below: EventPoll

    init() throws(SystemCallError) { below = try EventPoll() }

    func add(
      _ channel: any ByteChannel, _ interests: Readiness, tag: Int
    ) throws(SystemCallError) { try below.add(channel, interests, tag: tag) }

    func add(_ listener: any ChannelListener, tag: Int) throws(SystemCallError) {
      guard let listener = listener as? Listener else { return }
      try below.add(listener.below, tag: tag)
    }

    func add(_ signal: EventSignal, tag: Int) throws(SystemCallError) {
      try below.add(signal, tag: tag)
    }

    func wait(
      milliseconds: Int, _ body: (Int, Readiness) -> Void
    ) throws(SystemCallError) { try below.wait(milliseconds: milliseconds, body) }
  }

  package func listen(
    host: String, port: UInt16
  ) throws(SystemCallError) -> any ChannelListener {
    let below = try ListeningSocket(host: host, port: port)
    try below.setNonBlocking()
    return Listener(below)
  }

  package func makePoll() throws(SystemCallError) -> any ChannelPoll { try Poll() }
}
