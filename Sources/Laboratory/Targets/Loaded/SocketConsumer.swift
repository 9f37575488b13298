import CommitLog
import LinuxIO
import Load
import LogStorage
import Records

/// Reads partitions from sockets, one connection for each, batch after batch as they arrive: what a
/// client of a broker does, without the protocol.
struct SocketConsumer {
  /// Bytes of one `recv(2)`.
  static let chunkBytes = 256 << 10

  let sockets: [SocketHandle]
  /// Of each connection.
  let partitions: [Int]
  let startOffsets: [Offset]
  let start: Int64
  let secondsExpected: Int
  /// Asked after each read: one past the last record of a partition now, to know who has caught up.
  let logs: [PublishedLog]

  /// A connection's bytes that are no whole batch yet.
  private final class Inlet {
    let socket: SocketHandle
    var position: BatchIntake.Position
    var buffer = AlignedBuffer(capacity: chunkBytes)
    var isOpen = true

    init(_ socket: SocketHandle, _ position: BatchIntake.Position) {
      self.socket = socket
      self.position = position
    }
  }

  /// Until every connection has ended.
  func run(at place: Placement) -> ConsumerOutcome {
    var outcome = ConsumerOutcome()
    let before = ResourceUsage.current(.thread)
    var intake = BatchIntake(start: start, secondsExpected: secondsExpected)
    do {
      try place.apply()
      try consume(&intake, &outcome)
    } catch {
      outcome.error = error
      // The sender must not wait for us.
      for socket in sockets { socket.reset() }
    }
    outcome.records = intake.records
    outcome.bytes = intake.bytes
    outcome.endToEnd = intake.endToEnd
    outcome.usage = .current(.thread) - before
    return outcome
  }

  private func consume(_ intake: inout BatchIntake, _ outcome: inout ConsumerOutcome) throws {
    let poll = try EventPoll()
    var inlets: [Inlet] = []
    for (tag, socket) in sockets.enumerated() {
      try poll.add(socket, .readable, tag: tag)
      let partition = partitions[tag]
      let first = startOffsets[partition]
      inlets.append(
        Inlet(socket, BatchIntake.Position(partition: partition, next: first, first: first)))
    }
    var ready = Array(inlets.indices)
    var openCount = inlets.count
    while openCount > 0 {
      var still: [Int] = []
      for index in ready where inlets[index].isOpen {
        guard let count = try receive(inlets[index], &intake) else { continue }
        if count > 0 {
          still.append(index)
        } else {
          inlets[index].isOpen = false
          openCount -= 1
        }
      }
      ready = still
      guard ready.isEmpty, openCount > 0 else { continue }
      if outcome.caughtUpAt == nil,
        inlets.allSatisfy({ logs[$0.position.partition].endOffset == $0.position.next })
      {
        outcome.caughtUpAt = MonotonicClock.nanoseconds()
        outcome.caughtUpBytes = intake.bytes
      }
      try poll.wait(milliseconds: -1) { tag, _ in ready.append(tag) }
    }
    // Never before the last record.
    if outcome.caughtUpAt == nil {
      outcome.caughtUpAt = MonotonicClock.nanoseconds()
      outcome.caughtUpBytes = intake.bytes
    }
  }

  /// Bytes received, 0 at the connection's end; nil where there are none for now.
  private func receive(_ inlet: Inlet, _ intake: inout BatchIntake) throws -> Int? {
    let kept = inlet.buffer.count
    inlet.buffer.resize(to: kept + Self.chunkBytes)
    let count = try inlet.buffer.withMutableBytes { (bytes) throws(SystemCallError) in
      var room = bytes._mutatingExtracting(droppingFirst: kept)
      return try inlet.socket.receive(into: &room)
    }
    inlet.buffer.truncate(to: kept + (count ?? 0))
    guard let count, count > 0 else { return count }
    let now = MonotonicClock.nanoseconds()
    let done = try inlet.buffer.withBytes { bytes in
      try intake.take(bytes, &inlet.position, now: now)
    }
    inlet.buffer.dropFirst(done)
    return count
  }
}
