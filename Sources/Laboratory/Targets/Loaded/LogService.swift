import CommitLog
import LinuxIO
import Load
import LogRuntime
import LogStorage
import Records
import Suites

/// Serves producers' batches by the loop that the broker runs. Belongs to its shard's thread.
final class LogService: BatchService {
  private let directory: LogDirectory
  private let appends: AppendLoop
  private let partitions: [LogPartition]
  /// One for each batch under way; they are used again.
  private var waiting: [WaitingSlot] = []
  private let batchBytes: Int
  private let slowdown: Slowdown
  /// When the work began that is to be slowed.
  private var slowedSince: Int64?
  private let flushes: TrialFlushes?
  /// Nil where the trial keeps everything.
  private var nextRetention: Int64?
  /// What failed beside the batches.
  private(set) var failure: (any Error)?

  /// Serves one of the directory's shards; `logs` are of all of them.
  init(
    _ directory: LogDirectory, shard: Int, _ logs: [PartitionLog], _ parameters: TrialParameters,
    flushes: TrialFlushes? = nil
  ) {
    self.directory = directory
    self.flushes = flushes
    appends = AppendLoop(directory.shards[shard])
    partitions = logs.enumerated().map { LogPartition(id: $0, log: $1) }
    batchBytes = parameters.batchBytes
    slowdown = Slowdown(percent: parameters.slowdownPercent)
    nextRetention = parameters.retentionBytes > 0 ? 0 : nil
  }

  func take(_ slot: BatchSlot) {
    let start = MonotonicClock.nanoseconds()
    guard let buffer = slot.buffer.take() else { return }
    let header: RecordBatchHeader
    do { header = try buffer.withBytes { try RecordBatchHeader(parsing: $0) } } catch {
      slot.buffer = .some(buffer)
      return slot.finish(at: MonotonicClock.nanoseconds(), error)
    }
    let owner = waiting.popLast() ?? WaitingSlot(self)
    owner.slot = slot
    slowedSince = start
    appends.submit(buffer, header, to: partitions[slot.partition], for: owner, now: time(start))
    slowDown()
  }

  func endRound(isIdle: Bool, now: Int64) -> RoundEnd {
    slowedSince = now
    defer { slowedSince = nil }
    let end = appends.round(isIdle: isIdle, now: time(now))
    if let error = appends.takeBackgroundFailure() { failure = failure ?? error }
    if let flushes {
      do throws(LogError) { try flushes.turn(time(now)) } catch { failure = failure ?? error }
    }
    if let due = nextRetention, now >= due { applyRetention(now) }
    return end.hasEnded || end.isWaiting ? .busy : .quiet
  }

  func takeAdvanced() -> [Int] { appends.takeAdvanced().map(\.id) }

  /// Once for each append and each round: before its owners are told, where it ends any.
  private func slowDown() {
    guard let start = slowedSince else { return }
    slowedSince = nil
    slowdown.lengthen(since: start)
  }

  private func applyRetention(_ now: Int64) {
    nextRetention = now + 1_000_000_000
    do throws(LogError) { try directory.applyRetention(time(now)) } catch {
      failure = failure ?? error
    }
  }

  private func time(_ nanoseconds: Int64) -> LogTime {
    LogTime(monotonicNanoseconds: nanoseconds, wallMilliseconds: WallClock.milliseconds())
  }

  /// A slot whose batch is under way.
  private final class WaitingSlot: AppendOwner {
    private unowned let service: LogService
    var slot: BatchSlot?

    init(_ service: LogService) { self.service = service }

    func appendEnded(_ part: Int, _ end: AppendEnd) {
      guard let slot else { return }
      self.slot = nil
      slot.buffer = service.appends.takeBuffer(byteCount: service.batchBytes)
      service.slowDown()
      var failure: (any Error)?
      switch end {
      case .acknowledged: break
      case .failed(let error): failure = error
      case .refused(let fault): failure = ProducerRefused(fault: fault)
      }
      slot.finish(at: MonotonicClock.nanoseconds(), failure)
      service.waiting.append(self)
    }
  }
}

/// The log holds the load generator for a producer that is out of step.
struct ProducerRefused: Error, CustomStringConvertible {
  let fault: ProducerFault
  var description: String { "the log refused a batch: \(fault)" }
}

/// Acknowledges every batch at once: what is measured is the generator itself.
final class NullService: BatchService {
  func take(_ slot: BatchSlot) { slot.finish(at: MonotonicClock.nanoseconds()) }

  func endRound(isIdle: Bool, now: Int64) -> RoundEnd { .quiet }
}
