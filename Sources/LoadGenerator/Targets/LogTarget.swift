import CommitLog
import LinuxIO
import LogStorage
import Records

/// The embedded log: prebuilt batches appended to `partitions` partitions in turn, acknowledged as
/// the durability says.
///
/// Service time is from the call of append to the acknowledgement; under `group`, one commit
/// acknowledges a round over all partitions. Where the backend is asynchronous up to `queue_depth`
/// appends are under way at once, over all partitions together.
package final class LogTarget: LoadTarget {
  private let prepareBatches: (TrialParameters) throws -> PreparedBatches
  private var parameters = TrialParameters()
  private var directory: LogDirectory?
  private var logs: [PartitionLog] = []
  private var appender: LogAppender?

  package init(_ prepareBatches: @escaping (TrialParameters) throws -> PreparedBatches) {
    self.prepareBatches = prepareBatches
  }

  package func prepare(_ trial: TrialSetting) throws {
    parameters = trial.parameters
    if parameters.queueDepth > 1 && !trial.backend.capabilities.isAsynchronous {
      throw TrialSkipped("'\(trial.backend.name)' is synchronous: queue_depth 1 only")
    }
    let batches = try prepareBatches(parameters).batches
    guard batches.count > parameters.queueDepth else {
      throw TrialSkipped(
        "\(batches.count) batches of \(parameters.batchBytes) bytes are all that the payload "
          + "'\(parameters.payload)' has: too few for queue_depth \(parameters.queueDepth)")
    }
    // A group's round is under way as a whole.
    let depth = max(
      parameters.queueDepth, parameters.durability == .group ? parameters.partitions : 1)
    let directory = try LogDirectory(
      path: "\(trial.directory)/log", io: LinuxFileIO(),
      drivers: trial.backend.drivers(BackendOptions(queueDepth: depth)),
      defaults: TopicSettings(backend: trial.backend.name))
    self.directory = directory
    var random = SystemRandomNumberGenerator()
    let topic = try directory.createTopic(
      "trial", partitions: parameters.partitions, settings: settings(trial), using: &random)
    logs = try topic.partitions.map { try directory.log($0) }
    let appender = LogAppender(
      directory, logs, batches, parameters.durability, depth: parameters.queueDepth)
    self.appender = appender
    if parameters.prefillBytes > 0 {
      try fill(bytes: parameters.prefillBytes, appender, trial.stop)
    }
    if parameters.preallocation == .recycle { try leaveSpares(directory, appender, trial.stop) }
  }

  package var appendBytes: Int { appender?.appendBytes ?? parameters.batchBytes }

  package func run(_ recorder: TrialRecorder) throws -> TrialCounts {
    guard let appender else { return TrialCounts(records: 0, bytes: 0) }
    let counts = try appender.append(parameters.plannedBatches) {
      recorder.recordService(nanoseconds: $0)
    } until: {
      recorder.isStopped
    }
    if recorder.isStopped { throw TrialStopped() }
    return counts
  }

  package func synchronize() throws { try directory?.close() }

  package func finish() throws {
    appender = nil
    logs = []
    directory = nil
  }

  private func settings(_ trial: TrialSetting) -> TopicSettings {
    var settings = TopicSettings(backend: trial.backend.name)
    settings.durability = parameters.durability
    settings.segmentBytes = Int(min(parameters.segmentBytes, Int64(Int32.max)))
    settings.flushMilliseconds = parameters.intervalMilliseconds
    settings.flushBytes = parameters.intervalBytes
    settings.preallocation = parameters.preallocation
    return settings
  }

  private func fill(bytes: Int64, _ appender: LogAppender, _ stop: StopFlag) throws {
    let count = (bytes - 1) / Int64(parameters.batchBytes) + 1
    _ = try appender.append(count, record: { _ in }, until: { stop.isRaised })
    if stop.isRaised { throw TrialStopped() }
  }

  /// Lets each partition's first segment, as large as what the trial appends to it, be deleted by
  /// retention, so that the trial's segment is written over it.
  private func leaveSpares(
    _ directory: LogDirectory, _ appender: LogAppender, _ stop: StopFlag
  ) throws {
    guard var settings = directory.topics["trial"]?.settings else { return }
    try fill(bytes: parameters.plannedBytes, appender, stop)
    for log in logs { try log.roll() }
    try fill(bytes: Int64(parameters.batchBytes * logs.count), appender, stop)
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

extension TargetChoice {
  /// The embedded log, appended to (`log`) and opened (`recover`, `open`), with the payloads
  /// `synthetic` and, from the file of events, `flights`.
  package static func logs(flightsPath: String) -> [TargetChoice] {
    let cache = PreparedBatchesCache(flightsPath: flightsPath)
    return [
      TargetChoice("log") { LogTarget(cache.batches) },
      TargetChoice("recover") { OpeningTarget(isCrash: true, LogTarget(cache.batches)) },
      TargetChoice("open") { OpeningTarget(isCrash: false, LogTarget(cache.batches)) },
    ]
  }
}

/// Builds each kind of batches once for a suite, and keeps the last kind only: a suite over many
/// sizes must not grow with them.
private final class PreparedBatchesCache {
  private struct Key: Hashable {
    let payload: String
    let recordBytes: Int
    let batchBytes: Int
    let count: Int
  }

  private let flightsPath: String
  private var last: (key: Key, batches: PreparedBatches)?

  init(flightsPath: String) { self.flightsPath = flightsPath }

  func batches(_ parameters: TrialParameters) throws -> PreparedBatches {
    let isFlights = parameters.payload == "flights"
    let count = parameters.preparedBatchCount
    let key = Key(
      payload: parameters.payload, recordBytes: isFlights ? 0 : parameters.recordBytes,
      batchBytes: parameters.batchBytes, count: isFlights ? 0 : count)
    // After a failed trial some buffers are with the log that failed.
    if let last, last.key == key, last.batches.batches.allSatisfy({ $0.buffer != nil }) {
      return last.batches
    }
    last = nil
    let made =
      try isFlights
      ? PreparedBatches.events(path: flightsPath, batchBytes: parameters.batchBytes)
      : PreparedBatches.synthetic(
        recordBytes: parameters.recordBytes, batchBytes: parameters.batchBytes, count: count)
    last = (key, made)
    return made
  }
}
