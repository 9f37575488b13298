import CLinux
import Glibc

/// What a descriptor is waited for, or has become.
package struct Readiness: OptionSet, Sendable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  package static let readable = Readiness(rawValue: UInt32(CLINUX_READABLE))
  package static let writable = Readiness(rawValue: UInt32(CLINUX_WRITABLE))
  /// The connection failed or was closed, or its error queue has something. Always waited for.
  package static let broken = Readiness(rawValue: UInt32(CLINUX_BROKEN))
  /// The peer sends no more; what it has sent may still be there. Comes with `readable`.
  package static let ended = Readiness(rawValue: UInt32(CLINUX_ENDED))
}

/// Waits for many sockets at once (`epoll(7)`, edge-triggered): an event says that something has
/// changed since the last one, so a socket is used until it answers nil, and waited for then.
///
/// Belongs to one thread. A socket that is closed is forgotten by itself.
package final class EventPoll {
  private static let eventCountMax = 64

  private let number: Int32
  private var events = [clinux_event](repeating: clinux_event(), count: eventCountMax)

  package init() throws(SystemCallError) {
    number = clinux_epoll_open()
    if number < 0 { throw SystemCallError(.epoll, ErrorNumber(rawValue: -number), path: "") }
  }

  deinit { close(number) }

  /// `tag` comes back with each event.
  package func add(
    _ socket: SocketHandle, _ interests: Readiness, tag: Int
  ) throws(SystemCallError) {
    try add(socket.number, interests, tag, socket.name)
  }

  package func add(_ signal: EventSignal, tag: Int) throws(SystemCallError) {
    try add(signal.number, .readable, tag, "eventfd")
  }

  /// A listener that does not wait: readable when somebody has come.
  package func add(_ listener: ListeningSocket, tag: Int) throws(SystemCallError) {
    try add(listener.number, .readable, tag, "\(listener.host):\(listener.port)")
  }

  private func add(
    _ file: Int32, _ interests: Readiness, _ tag: Int, _ name: String
  ) throws(SystemCallError) {
    let tag = UInt64(bitPattern: Int64(tag))
    let result = clinux_epoll_add(number, file, interests.rawValue, tag)
    if result < 0 { throw SystemCallError(.epoll, ErrorNumber(rawValue: -result), path: name) }
  }

  /// Waits until something has changed, or for so many milliseconds (-1: for ever), and hands out
  /// what has; nothing after a signal, too.
  package func wait(
    milliseconds: Int, _ body: (Int, Readiness) -> Void
  ) throws(SystemCallError) {
    let count = clinux_epoll_wait(
      number, &events, Int32(Self.eventCountMax), Int32(clamping: milliseconds))
    if count < 0 { throw SystemCallError(.epoll, ErrorNumber(rawValue: -count), path: "") }
    for event in events.prefix(Int(count)) {
      body(Int(Int64(bitPattern: event.tag)), Readiness(rawValue: event.readiness))
    }
  }
}

/// Wakes a thread that waits in an `EventPoll`, from any thread (`eventfd(2)`).
package final class EventSignal: Sendable {
  let number: Int32

  package init() throws(SystemCallError) {
    number = clinux_eventfd()
    if number < 0 { throw SystemCallError(.eventfd, ErrorNumber(rawValue: -number), path: "") }
  }

  deinit { close(number) }

  package func raise() {
    var one: UInt64 = 1
    _ = write(number, &one, MemoryLayout<UInt64>.size)
  }

  /// The waiting thread's, before it looks for what it was woken for.
  package func clear() {
    var count: UInt64 = 0
    _ = read(number, &count, MemoryLayout<UInt64>.size)
  }
}
