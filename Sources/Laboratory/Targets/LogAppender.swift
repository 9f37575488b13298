import CommitLog
import LinuxIO
import LogStorage

/// Appends prebuilt batches to logs in turn, and sees to it that no more than so many are under way.
///
/// A batch's buffer goes to the log and comes back, at once or later; until then another one is
/// used. Nothing is allocated for an append, whatever the number of records in a batch.
final class LogAppender {
  /// An append that is not acknowledged yet.
  private struct Awaited {
    let log: Int
    let receipt: AppendReceipt
    let start: Int64
  }

  private let directory: LogDirectory
  private let logs: [PartitionLog]
  private let batches: [PreparedBatches.Batch]
  private let durability: Durability
  private let depth: Int
  private let flushes: TrialFlushes?
  private let slowdown: Slowdown
  private var awaited: [Awaited] = []
  /// The batches whose buffers are here, oldest first, from `firstFree` on.
  private var free: [Int]
  private var firstFree = 0
  private var freeCount: Int

  /// `depth` is for all logs together.
  init(
    _ directory: LogDirectory, _ logs: [PartitionLog], _ batches: [PreparedBatches.Batch],
    _ durability: Durability, depth: Int, flushes: TrialFlushes? = nil,
    slowdown: Slowdown = Slowdown(percent: 0)
  ) {
    self.flushes = flushes
    self.slowdown = slowdown
    self.directory = directory
    self.logs = logs
    self.batches = batches
    self.durability = durability
    self.depth = max(1, depth)
    free = Array(batches.indices)
    freeCount = batches.count
    awaited.reserveCapacity(max(depth, logs.count) + 1)
    for (index, batch) in batches.enumerated() { batch.buffer?.tag = index }
  }

  var appendBytes: Int { batches.first.map { Int($0.byteCount) } ?? 0 }

  /// The measured loop: `count` batches, the times of append and acknowledgement to `record`.
  func append(
    _ count: Int64, record: (Int64, Int64) -> Void, until isStopped: () -> Bool
  ) throws(LogError) -> TrialCounts {
    var done: Int64 = 0
    var records: Int64 = 0
    var bytes: Int64 = 0
    var next = 0
    while done < count && !isStopped() {
      while freeCount == 0 { try wait(record) }
      let batch = batches[takeFree()]
      try append(batch, to: next, record)
      next = next + 1 == logs.count ? 0 : next + 1
      done += 1
      records += batch.recordCount
      bytes += batch.byteCount
      if durability == .group {
        if next == 0 || done == count {
          let start = MonotonicClock.nanoseconds()
          try directory.commit()
          slowdown.lengthen(since: start)
          try collect(record)
          while !awaited.isEmpty { try wait(record) }
        }
      } else {
        while awaited.count >= depth { try wait(record) }
      }
    }
    while !awaited.isEmpty { try wait(record) }
    return TrialCounts(records: records, bytes: bytes)
  }

  private func append(
    _ batch: PreparedBatches.Batch, to number: Int, _ record: (Int64, Int64) -> Void
  ) throws(LogError) {
    let log = logs[number]
    let start = MonotonicClock.nanoseconds()
    let now = LogTime(monotonicNanoseconds: start, wallMilliseconds: WallClock.milliseconds())
    let receipt = try log.append(&batch.buffer, now: now)
    if durability == .interval { try log.tick(now) }
    try flushes?.turn(now)
    slowdown.lengthen(since: start)
    if let buffer = batch.buffer.take() { giveBack(buffer) }
    if case .acknowledged = log.status(of: receipt) {
      record(start, MonotonicClock.nanoseconds())
    } else {
      awaited.append(Awaited(log: number, receipt: receipt, start: start))
    }
  }

  /// Waits until something has completed.
  private func wait(_ record: (Int64, Int64) -> Void) throws(LogError) {
    try directory.poll()
    try collect(record)
  }

  /// Takes buffers back, and what has been acknowledged; throws the first failure.
  private func collect(_ record: (Int64, Int64) -> Void) throws(LogError) {
    var failure: LogError?
    var index = 0
    while index < awaited.count {
      let each = awaited[index]
      let log = logs[each.log]
      while let buffer = log.takeFinishedBuffer() { giveBack(buffer) }
      switch log.status(of: each.receipt) {
      case .pending:
        index += 1
        continue
      case .acknowledged: record(each.start, MonotonicClock.nanoseconds())
      case .failed(let error): failure = failure ?? error
      }
      awaited.swapAt(index, awaited.count - 1)
      awaited.removeLast()
    }
    if let failure { throw failure }
  }

  private func takeFree() -> Int {
    let index = free[firstFree]
    firstFree = firstFree + 1 == free.count ? 0 : firstFree + 1
    freeCount -= 1
    return index
  }

  private func giveBack(_ buffer: consuming AlignedBuffer) {
    let index = buffer.tag
    batches[index].buffer = consume buffer
    free[(firstFree + freeCount) % free.count] = index
    freeCount += 1
  }
}
