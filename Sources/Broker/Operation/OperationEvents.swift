import FlyingSocks
import Glibc
import LinuxIO

/// What FlyingFox waits for sockets by, with `poll(2)`. Its own way by epoll leaves a descriptor open
/// at every end, and more when it could not begin; here the last user's leave closes all.
///
/// One thread waits; any may change what it waits for, which wakes it. What has become ready is told
/// again until it is no longer asked for.
final class OperationEvents: EventQueue, Sendable {
  private struct State {
    /// Nil while it is not open.
    var wake: WakePipe?
    var asked: [Int32: Socket.Events] = [:]
  }

  private let state = Lock(State())

  func open() throws {
    let wake = try WakePipe()
    state.withLock { $0 = State(wake: wake) }
  }

  /// The thread that waits is told, and waits no more.
  func stop() {
    state.withLock { state in
      state.wake?.raise()
      state = State()
    }
  }

  func close() { stop() }

  func addEvents(_ events: Socket.Events, for socket: Socket.FileDescriptor) throws {
    try change(socket) { $0.formUnion(events) }
  }

  func removeEvents(_ events: Socket.Events, for socket: Socket.FileDescriptor) throws {
    try change(socket) { $0.subtract(events) }
  }

  private func change(
    _ socket: Socket.FileDescriptor, _ apply: (inout Socket.Events) -> Void
  ) throws {
    try state.withLock { state in
      guard let wake = state.wake else { throw SocketError.disconnected }
      var events = state.asked[socket.rawValue] ?? []
      apply(&events)
      state.asked[socket.rawValue] = events.isEmpty ? nil : events
      wake.raise()
    }
  }

  /// Waits until something is ready or has changed; nothing where only the latter.
  func getNotifications() throws -> [EventNotification] {
    let (wake, asked) = state.withLock { ($0.wake, $0.asked) }
    guard let wake else { throw SocketError.disconnected }
    var list = [pollfd(fd: wake.reading, events: Int16(POLLIN), revents: 0)]
    for (socket, events) in asked {
      let read = events.contains(.read) ? Int16(POLLIN) : 0
      let write = events.contains(.write) ? Int16(POLLOUT) : 0
      list.append(pollfd(fd: socket, events: read | write, revents: 0))
    }
    if poll(&list, nfds_t(list.count), -1) < 0 {
      if errno == EINTR { return [] }
      throw SocketError.makeFailed("poll")
    }
    if list[0].revents != 0 { wake.clear() }
    return list.dropFirst().compactMap { entry in
      entry.revents == 0 ? nil : Self.notification(entry, asked[entry.fd] ?? [])
    }
  }

  private static func notification(_ entry: pollfd, _ asked: Socket.Events) -> EventNotification {
    func has(_ event: Int32) -> Bool { entry.revents & Int16(event) != 0 }
    var events: Socket.Events = []
    if has(POLLIN) { events.insert(.read) }
    if has(POLLOUT) { events.insert(.write) }
    var errors: Set<EventNotification.Error> = []
    // Bytes that came before the end are read first.
    if has(POLLHUP), !has(POLLIN) { errors.insert(.endOfFile) }
    if has(POLLERR) || has(POLLNVAL) { errors.insert(.error) }
    // An error concerns whatever was asked for, or nobody would take it away.
    return EventNotification(
      file: Socket.FileDescriptor(rawValue: entry.fd), events: errors.isEmpty ? events : asked,
      errors: errors)
  }
}

/// Wakes a thread in `poll(2)`. Closed when its last user lets it go, who may be that thread.
private final class WakePipe: Sendable {
  let reading: Int32
  private let writing: Int32

  init() throws {
    var ends: [Int32] = [-1, -1]
    if pipe(&ends) != 0 { throw SocketError.makeFailed("pipe") }
    (reading, writing) = (ends[0], ends[1])
    for end in ends {
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
    }
  }

  deinit {
    close(reading)
    close(writing)
  }

  /// Where the pipe is full it has been raised often enough.
  func raise() {
    var byte: UInt8 = 1
    _ = write(writing, &byte, 1)
  }

  func clear() {
    var bytes = [UInt8](repeating: 0, count: 256)
    while read(reading, &bytes, bytes.count) > 0 {}
  }
}
