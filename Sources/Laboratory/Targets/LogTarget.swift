import CommitLog
import LinuxIO
import Load
import LogStorage
import Measurements
import Records
import Suites

/// The embedded log: prebuilt batches appended to `partitions` partitions in turn, acknowledged as
/// the durability says.
///
/// Service time is from the call of append to the acknowledgement; under `group`, one commit
/// acknowledges a round over all partitions. Where the backend is asynchronous up to `queue_depth`
/// appends are under way at once, over all partitions together.
package final class LogTarget: LoadTarget {
  private let prepareBatches: (TrialParameters) throws -> PreparedBatches
  private var parameters = TrialParameters()
  private var log: TrialLog?

  package init(_ prepareBatches: @escaping (TrialParameters) throws -> PreparedBatches) {
    self.prepareBatches = prepareBatches
  }

  package func prepare(_ trial: TrialSetting) throws {
    parameters = trial.parameters
    try trial.checkQueueDepth()
    let log = try TrialLog(trial, try prepareBatches(parameters))
    self.log = log
    try log.fill(bytes: parameters.prefillBytes, trial.stop)
    if parameters.preallocation == .recycle { try log.leaveSpares(trial.stop) }
  }

  package var appendBytes: Int { log?.appender.appendBytes ?? parameters.batchBytes }

  package func run(_ recorder: TrialRecorder) throws -> TrialCounts {
    guard let log else { return TrialCounts(records: 0, bytes: 0) }
    let counts = try log.appender.append(parameters.plannedBatches) {
      recorder.recordService(from: $0, to: $1)
    } until: {
      recorder.isStopped
    }
    if recorder.isStopped { throw TrialStopped() }
    return counts
  }

  package func synchronize() throws { try log?.directory.close() }

  package func finish() throws { log = nil }
}

extension TargetChoice {
  /// The targets with a log, and the load without one. The payload `flights` comes from the file of
  /// events at `flightsPath`.
  package static func logs(flightsPath: String) -> [TargetChoice] {
    let cache = PreparedBatchesCache(flightsPath: flightsPath)
    return [
      TargetChoice(TargetName.log) { LogTarget(cache.batches) },
      TargetChoice(TargetName.recover) { OpeningTarget(isCrash: true, LogTarget(cache.batches)) },
      TargetChoice(TargetName.transfer) { TransferTarget(cache.batches) },
      TargetChoice(TargetName.embedded) {
        LoadedTarget(.embedded, cache.batches, events: cache.storedEvents)
      },
      TargetChoice(TargetName.stream) {
        LoadedTarget(.stream, cache.batches, events: cache.storedEvents)
      },
      TargetChoice(TargetName.generator) {
        LoadedTarget(.generator, cache.batches, events: cache.storedEvents)
      },
      TargetChoice(TargetName.open) { OpeningTarget(isCrash: false, LogTarget(cache.batches)) },
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
  private var events: [RecordSource.Stored]?

  init(flightsPath: String) { self.flightsPath = flightsPath }

  /// The file's records, read once.
  func storedEvents() throws -> [RecordSource.Stored] {
    if let events { return events }
    let read = try RecordSource.events(path: flightsPath)
    guard !read.isEmpty else { throw TrialSkipped("\(flightsPath) holds no events") }
    events = read
    return read
  }

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
