/// A connection as its user sees it: bytes both ways, in order, without waiting. A plain socket
/// takes ranges of files as they are, too; another kind, such as one that encrypts, takes only
/// bytes.
///
/// Calls may come from any thread; sends from one at a time, and receives likewise. A call that
/// would have to wait answers nil: a `ChannelPoll` tells when to ask again.
package protocol ByteChannel: AnyObject, Sendable {
  /// Its name in errors: the peer's address, mostly.
  var name: String { get }

  /// The kernel's socket below, for its options and to wait for; nil where there is none.
  var socket: SocketHandle? { get }

  /// True where what is handed to the `socket` itself reaches the peer as it is: `sendfile(2)`,
  /// `splice(2)` and mappings may be used.
  var takesFileRanges: Bool { get }

  /// How many of the bytes were taken, at least 1; nil where none can be now. With `more` others
  /// follow without delay, and a packet may wait for them.
  func send(_ bytes: RawSpan, more: Bool) throws(SystemCallError) -> Int?

  /// How many bytes were received, 0 at the end; nil where none have come yet. Fewer than there is
  /// room for are all that had come.
  func receive(into bytes: inout MutableRawSpan) throws(SystemCallError) -> Int?

  /// How many bytes have come and were not received.
  func receivableBytes() throws(SystemCallError) -> Int

  /// From now on the poll tells of received bytes only where at least so many are there, or where
  /// the peer has ended; 1 at first.
  func setWakeBytes(_ count: Int) throws(SystemCallError)

  /// Ends it, once: the peer reads what was sent, and then the end.
  func close()

  /// Ends it so that the peer does not take what it has got for all that there is.
  func reset()
}

extension SocketHandle: ByteChannel {
  package var socket: SocketHandle? { self }
  package var takesFileRanges: Bool { true }
}
