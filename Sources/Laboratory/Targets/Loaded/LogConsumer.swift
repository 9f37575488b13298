import CommitLog
import LinuxIO
import Load
import LogStorage
import Measurements
import Records
import Synchronization

/// What one consumer saw.
struct ConsumerOutcome {
  var records: Int64 = 0
  var bytes: Int64 = 0
  var endToEnd = IntervalTimes()
  var usage = ResourceUsage()
  /// When it first had all that there was, and the bytes until then.
  var caughtUpAt: Int64?
  var caughtUpBytes: Int64 = 0
  var error: (any Error)?
}

/// Where the log ends, once nothing is appended any more.
final class FinalEnds: Sendable {
  private let ends = Lock<[Offset]?>(nil)
  private let isKnown = ServiceThread.Flag()

  func set(_ offsets: [Offset]) {
    ends.withLock { $0 = offsets }
    isKnown.set()
  }

  /// Nil while it is not known.
  var offsets: [Offset]? { isKnown.isSet ? ends.withLock { $0 } : nil }
}

/// Reads partitions in the same process, in turn, as fast as they grow: a copy into its own memory, as a
/// client's socket would make it, then every record.
struct LogConsumer {
  /// Bytes of one read.
  static let fetchBytes = 1 << 20

  let logs: [PublishedLog]
  let partitions: [Int]
  let startOffsets: [Offset]
  let inbox: AdvanceInbox
  let ends: FinalEnds
  let stop: StopFlag
  let start: Int64
  let secondsExpected: Int

  func run(at place: Placement) -> ConsumerOutcome {
    var outcome = ConsumerOutcome()
    let before = ResourceUsage.current(.thread)
    var intake = BatchIntake(start: start, secondsExpected: secondsExpected)
    do {
      try place.apply()
      // Catching up counts from there.
      try SystemLoadClock().sleep(until: start)
      try consume(&intake, &outcome)
    } catch { outcome.error = error }
    outcome.records = intake.records
    outcome.bytes = intake.bytes
    outcome.endToEnd = intake.endToEnd
    outcome.usage = .current(.thread) - before
    return outcome
  }

  private func consume(_ intake: inout BatchIntake, _ outcome: inout ConsumerOutcome) throws {
    var readers = partitions.map { LogReader(logs[$0]) }
    var positions = partitions.map {
      BatchIntake.Position(partition: $0, next: startOffsets[$0], first: startOffsets[$0])
    }
    // Keeps each partition's file open from one read to the next.
    var last = [LogSlice?](repeating: nil, count: readers.count)
    var buffer = AlignedBuffer(capacity: Self.fetchBytes)
    let poll = try EventPoll()
    try poll.add(inbox.wake.signal, tag: 0)
    // What has grown, or may have: at first, and at the end, any.
    var toRead = Array(readers.indices)
    while !stop.isRaised {
      let final = ends.offsets
      if final != nil { toRead = Array(readers.indices) }
      var unread: [Int] = []
      var hasMoved = false
      for index in toRead {
        // A read may have gone past the end that was seen before it: what it found is acknowledged.
        if logs[partitions[index]].endOffset <= positions[index].next { continue }
        hasMoved = true
        let slice = try read(&readers[index], &positions[index], &buffer, &intake)
        if let slice { last[index] = slice }
        unread.append(index)
      }
      toRead = unread + inbox.take()
      if hasMoved || !toRead.isEmpty { continue }
      if outcome.caughtUpAt == nil {
        outcome.caughtUpAt = MonotonicClock.nanoseconds()
        outcome.caughtUpBytes = intake.bytes
      }
      // Asked for before the look: what was appended since would be seen in the next.
      if final != nil { return }
      inbox.wake.await()
      if inbox.isEmpty && ends.offsets == nil {
        try poll.wait(milliseconds: 100) { _, _ in inbox.wake.signal.clear() }
      }
    }
  }

  private func read(
    _ reader: inout LogReader, _ position: inout BatchIntake.Position,
    _ buffer: inout AlignedBuffer, _ intake: inout BatchIntake
  ) throws -> LogSlice? {
    guard let read = try reader.read(from: position.next, bytesMax: Self.fetchBytes) else {
      return nil
    }
    let slice = read.slice
    buffer.resize(to: slice.count)
    let count = try buffer.withMutableBytes { (bytes) throws(StorageError) in
      try slice.read(into: &bytes)
    }
    let now = MonotonicClock.nanoseconds()
    let done = try buffer.withBytes { bytes in
      try intake.take(bytes.extracting(first: count), &position, now: now)
    }
    reader.advance(past: read, byteCount: done, to: position.next)
    return slice
  }
}
