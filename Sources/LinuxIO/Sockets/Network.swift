/// Where a server's connections come from, and how it waits for them: this machine's network, or a
/// simulation's.
package protocol Network: Sendable {
  /// Listens on an IPv4 address; port 0 is one that is free. Calls of the listener do not wait.
  func listen(host: String, port: UInt16) throws(SystemCallError) -> any ChannelListener
  func makePoll() throws(SystemCallError) -> any ChannelPoll
}

/// Takes connections. From any thread.
package protocol ChannelListener: AnyObject, Sendable {
  var host: String { get }
  /// The one that was taken.
  var port: UInt16 { get }
  /// A connection that has come; nil where none has.
  func acceptChannel() throws(SystemCallError) -> (any ByteChannel)?
}

/// Waits for many channels at once; see `EventPoll`, which is this machine's. Belongs to one thread.
package protocol ChannelPoll: AnyObject {
  /// `tag` comes back with each event. A channel that is closed is forgotten by itself.
  func add(_ channel: any ByteChannel, _ interests: Readiness, tag: Int) throws(SystemCallError)
  func add(_ listener: any ChannelListener, tag: Int) throws(SystemCallError)
  func add(_ signal: EventSignal, tag: Int) throws(SystemCallError)
  /// Waits until something has changed, or for so many milliseconds, and hands out what has.
  func wait(milliseconds: Int, _ body: (Int, Readiness) -> Void) throws(SystemCallError)
}

/// This machine's.
package struct LinuxNetwork: Network {
  package init() {}

  package func listen(
    host: String, port: UInt16
  ) throws(SystemCallError) -> any ChannelListener {
    let listener = try ListeningSocket(host: host, port: port)
    try listener.setNonBlocking()
    return listener
  }

  package func makePoll() throws(SystemCallError) -> any ChannelPoll { try EventPoll() }
}

extension ListeningSocket: ChannelListener {
  package func acceptChannel() throws(SystemCallError) -> (any ByteChannel)? { try acceptNow() }
}

extension EventPoll: ChannelPoll {
  package func add(
    _ channel: any ByteChannel, _ interests: Readiness, tag: Int
  ) throws(SystemCallError) {
    guard let socket = channel.socket else {
      throw SystemCallError(.epoll, .badFileDescriptor, path: channel.name)
    }
    try add(socket, interests, tag: tag)
  }

  package func add(_ listener: any ChannelListener, tag: Int) throws(SystemCallError) {
    guard let listener = listener as? ListeningSocket else {
      throw SystemCallError(.epoll, .badFileDescriptor, path: "\(listener.host):\(listener.port)")
    }
    try add(listener, tag: tag)
  }
}
