import LogStorage
import Records

/// The partitions that one thread appends to, and the backends that it does so through: no other thread
/// touches either. Flushes are shared within a shard, and a disk that stands still holds up no other.
package final class LogShard {
  package let number: Int
  let drivers: BackendDrivers
  /// Of all batches that its logs have accepted.
  let appendedBytes: ByteCounter
  private let lag: CheckpointLag
  /// In the order in which they came; the last one takes the place of one that goes.
  private(set) var logs: [PartitionLog] = []

  private init(
    _ number: Int, _ drivers: BackendDrivers, _ appendedBytes: ByteCounter, _ lag: CheckpointLag
  ) {
    self.number = number
    self.drivers = drivers
    self.appendedBytes = appendedBytes
    self.lag = lag
  }

  /// The shards of one directory, one for each of `drivers`.
  static func make(_ drivers: [BackendDrivers]) -> (shards: [LogShard], lag: CheckpointLag) {
    let counters = drivers.map { _ in ByteCounter() }
    let lag = CheckpointLag(counters)
    let shards = zip(drivers, counters).enumerated().map { number, parts in
      LogShard(number, parts.0, parts.1, lag)
    }
    return (shards, lag)
  }

  /// True where appends that promise no durability have to wait for a checkpoint.
  package var isFarAhead: Bool { lag.isAtLimit }

  /// Group commit over the shard's partitions, the first `membersMax` of each backend; true where others
  /// are left. See `BackendDrivers.commit`.
  @discardableResult
  package func commit(_ membersMax: Int = .max) throws(LogError) -> Bool {
    try drivers.commit(membersMax)
  }

  /// The flushes that appends under `batch` wait for which were made without one, of these partitions.
  /// Where one fails its log is fenced, and `status` says so of each append.
  package func flush(_ logs: [PartitionLog]) throws(LogError) { try drivers.flush(logs) }

  /// Hands out completions of asynchronous backends; with `waiting`, at least one where any is due.
  package func poll(waiting: Bool = true) throws(LogError) {
    try drivers.poll(waiting: waiting)
  }

  /// Partitions under `interval` whose flush is due. Hands out what flushes of before have come to.
  package func logsToFlush(_ now: LogTime) throws(LogError) -> [PartitionLog] {
    // Nobody may be waiting for them.
    try drivers.poll(waiting: false)
    return logs.filter { $0.isFlushDue(now) }
  }

  /// Begins one flush for each backend over `logs`, which are due one. Throws where one of them fails;
  /// the others are flushed all the same.
  package func flushDue(_ logs: [PartitionLog]) throws(LogError) {
    var failure = FirstError()
    failure.note { () throws(LogError) in try drivers.flush(logs) }
    for log in logs {
      failure.note { () throws(LogError) in
        if let error = log.fence { throw .fenced(log.partition, error) }
      }
    }
    try failure.rethrow()
  }

  /// How often flushes under `interval` are to be looked for: four times within the smallest `flush.ms`,
  /// and every second.
  package var tickNanoseconds: Int64 {
    var shortest: Int64 = 4000
    for log in logs where log.settings.durability == .interval {
      shortest = min(shortest, log.settings.flushMilliseconds)
    }
    return max(shortest / 4, 5) * 1_000_000
  }

  func add(_ new: [PartitionLog]) {
    for log in new {
      log.place = logs.count
      logs.append(log)
    }
  }

  func remove(_ log: PartitionLog) {
    let last = logs.removeLast()
    if last === log { return }
    last.place = log.place
    logs[log.place] = last
  }
}

/// The threads that shards belong to, as who makes and deletes topics sees them.
package protocol LogThreads: Sendable {
  /// Runs `body` where the shard's logs may be touched, and waits for it.
  func run(on shard: Int, _ body: () -> Void)
}

/// All shards belong to the caller's thread.
package struct CallersThread: LogThreads {
  package init() {}
  package func run(on shard: Int, _ body: () -> Void) { body() }
}
