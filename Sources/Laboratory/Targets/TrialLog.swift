import CommitLog
import LinuxIO
import LogStorage
import Measurements
import Records
import Suites

/// A log in a trial's own directory, and an appender to all its partitions in turn.
final class TrialLog {
  let directory: LogDirectory
  let logs: [PartitionLog]
  let appender: LogAppender
  /// Nil where the trial has none.
  let flushes: TrialFlushes?
  private let parameters: TrialParameters

  /// `threads` are those of the shards, if the log has several.
  init(
    _ trial: TrialSetting, _ prepared: PreparedBatches, threads: any LogThreads = CallersThread()
  ) throws {
    parameters = trial.parameters
    let batches = prepared.batches
    guard batches.count > parameters.queueDepth else {
      throw TrialSkipped(
        "\(batches.count) batches of \(parameters.batchBytes) bytes are all that the payload "
          + "'\(parameters.payload)' has: too few for queue_depth \(parameters.queueDepth)")
    }
    // A group's round is under way as a whole.
    let depth = max(
      parameters.queueDepth, parameters.durability == .group ? parameters.partitions : 1)
    directory = try LogDirectory(
      path: "\(trial.directory)/log", io: LinuxFileIO(watch: trial.watch),
      shards: (0..<max(1, parameters.logThreads)).map { _ in
        trial.backend.drivers(BackendOptions(queueDepth: depth, watch: trial.watch))
      }, threads: threads, defaults: TopicSettings(backend: trial.backend.name))
    var random = SystemRandomNumberGenerator()
    let topic = try directory.createTopic(
      "trial", partitions: parameters.partitions, settings: Self.settings(trial), using: &random)
    logs = try topic.partitions.map { [directory] in try directory.log($0) }
    flushes = parameters.flushesInBackground ? try TrialFlushes(directory) : nil
    appender = LogAppender(
      directory, logs, batches, parameters.durability, depth: parameters.queueDepth,
      flushes: flushes, slowdown: Slowdown(percent: parameters.slowdownPercent))
  }

  private static func settings(_ trial: TrialSetting) -> TopicSettings {
    let parameters = trial.parameters
    var settings = TopicSettings(backend: trial.backend.name)
    settings.durability = parameters.durability
    // By size alone: what is there before the trial has timestamps of another time.
    settings.segmentMilliseconds = .max
    settings.segmentBytes = Int(min(parameters.segmentBytes, Int64(Int32.max)))
    settings.flushMilliseconds = parameters.intervalMilliseconds
    settings.flushBytes = parameters.intervalBytes
    settings.preallocation = parameters.preallocation
    if parameters.retentionBytes > 0 { settings.retentionBytes = parameters.retentionBytes }
    return settings
  }

  /// Appends whole batches of at least `bytes` together.
  func fill(bytes: Int64, _ stop: StopFlag) throws {
    if bytes <= 0 { return }
    let count = (bytes - 1) / Int64(parameters.batchBytes) + 1
    _ = try appender.append(count, record: { _, _ in }, until: { stop.isRaised })
    if stop.isRaised { throw TrialStopped() }
  }

  /// Acknowledges from now on as `durability` says.
  func change(to durability: Durability) throws {
    guard var settings = directory.topics["trial"]?.settings else { return }
    settings.durability = durability
    try directory.alterTopic("trial", settings)
  }

  /// Lets each partition's first segment, as large as what the trial appends to it, be deleted by
  /// retention, so that the trial's segment is written over it.
  func leaveSpares(_ stop: StopFlag) throws {
    guard var settings = directory.topics["trial"]?.settings else { return }
    try fill(bytes: parameters.plannedBytes, stop)
    for log in logs { try log.roll() }
    try fill(bytes: Int64(parameters.batchBytes * logs.count), stop)
    settings.retentionBytes = 1
    try directory.alterTopic("trial", settings)
    try directory.applyRetention(
      LogTime(
        monotonicNanoseconds: MonotonicClock.nanoseconds(),
        wallMilliseconds: WallClock.milliseconds()))
    settings.retentionBytes = nil
    try directory.alterTopic("trial", settings)
    for log in logs { try log.roll() }
  }
}
