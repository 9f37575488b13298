import CommitLog
import LinuxIO
import LogStorage

/// Appends producers' batches to the partitions of a log, and acknowledges them as its durability says:
/// under `group` one flush for all batches of a round. Belongs to the thread that made the log.
final class LogService: BatchService {
  private struct Awaited {
    let slot: BatchSlot
    let log: PartitionLog
    let receipt: AppendReceipt
  }

  private let directory: LogDirectory
  private let logs: [PartitionLog]
  private let parameters: TrialParameters
  /// Appends under way at once, where the backend is asynchronous.
  private let depth: Int
  private var awaited: [Awaited] = []
  private var isCommitDue = false
  private var hasFinished = false
  private var nextTick: Int64 = 0
  private let tickNanoseconds: Int64
  private let slowdown: Slowdown
  /// What failed beside the batches.
  private(set) var failure: (any Error)?

  init(_ directory: LogDirectory, _ logs: [PartitionLog], _ parameters: TrialParameters) {
    self.directory = directory
    self.logs = logs
    self.parameters = parameters
    depth = max(1, parameters.queueDepth)
    slowdown = Slowdown(percent: parameters.slowdownPercent)
    awaited.reserveCapacity(1024)
    // Often enough for the interval to be kept; retention and checkpoints need no more than a second.
    let interval = parameters.durability == .interval ? parameters.intervalMilliseconds / 4 : 1000
    tickNanoseconds = min(max(interval, 5), 1000) * 1_000_000
  }

  func take(_ slot: BatchSlot) {
    let start = MonotonicClock.nanoseconds()
    let log = logs[slot.partition]
    do throws(LogError) {
      // Under `group` the round's flush acknowledges all, however many they are.
      if parameters.durability != .group {
        while awaited.count >= depth { try wait() }
      }
      let receipt = try log.append(&slot.buffer, now: time(start))
      slowdown.lengthen(since: start)
      if parameters.durability == .group { isCommitDue = true }
      if slot.buffer != nil, case .acknowledged = log.status(of: receipt) {
        hasFinished = true
        slot.finish(at: MonotonicClock.nanoseconds())
      } else {
        awaited.append(Awaited(slot: slot, log: log, receipt: receipt))
      }
    } catch { fail(slot, error) }
  }

  func endRound(isIdle: Bool, now: Int64) -> RoundEnd {
    do throws(LogError) {
      if isCommitDue {
        isCommitDue = false
        try directory.commit()
        slowdown.lengthen(since: now)
        collect()
      }
      if !awaited.isEmpty {
        try directory.poll(waiting: isIdle || awaited.count >= depth)
        collect()
      }
    } catch {
      // What was done all the same, as by another backend.
      collect()
      let failed = awaited
      awaited.removeAll()
      for each in failed { fail(each.slot, error) }
    }
    if now >= nextTick { tick(now) }
    defer { hasFinished = false }
    return hasFinished || !awaited.isEmpty ? .busy : .quiet
  }

  /// Flushes under `interval`, and retention. What fails here belongs to no batch.
  private func tick(_ now: Int64) {
    nextTick = now + tickNanoseconds
    do throws(LogError) {
      try directory.tick(time(now))
      if parameters.retentionBytes > 0 { try directory.applyRetention(time(now)) }
    } catch { failure = failure ?? error }
  }

  private func wait() throws(LogError) {
    try directory.poll()
    collect()
  }

  /// Gives back what is acknowledged or has failed.
  private func collect() {
    if awaited.isEmpty { return }
    let now = MonotonicClock.nanoseconds()
    awaited.removeAll { each in
      switch each.log.status(of: each.receipt) {
      case .pending: return false
      case .acknowledged:
        takeBuffer(each)
        hasFinished = true
        each.slot.finish(at: now)
      case .failed(let error):
        takeBuffer(each)
        fail(each.slot, error)
      }
      return true
    }
  }

  /// All buffers are alike: one that came back from this log will do.
  private func takeBuffer(_ each: Awaited) {
    if each.slot.buffer == nil { each.slot.buffer = each.log.takeFinishedBuffer() }
  }

  private func fail(_ slot: BatchSlot, _ error: LogError) {
    if slot.buffer == nil { slot.buffer = AlignedBuffer(capacity: parameters.batchBytes + 4096) }
    hasFinished = true
    slot.finish(at: MonotonicClock.nanoseconds(), error)
  }

  private func time(_ nanoseconds: Int64) -> LogTime {
    LogTime(monotonicNanoseconds: nanoseconds, wallMilliseconds: WallClock.milliseconds())
  }
}

/// Acknowledges every batch at once: what is measured is the generator itself.
final class NullService: BatchService {
  func take(_ slot: BatchSlot) { slot.finish(at: MonotonicClock.nanoseconds()) }

  func endRound(isIdle: Bool, now: Int64) -> RoundEnd { .quiet }
}
