import CommitLog
import LinuxIO
import LogStorage
import Records

/// The embedded log: prebuilt batches appended to `partitions` partitions in turn, acknowledged as
/// the durability says.
///
/// Service time is from the call of append to the acknowledgement; under `group`, one commit
/// acknowledges a round over all partitions.
package final class LogTarget: LoadTarget {
  private let prepareBatches: (TrialParameters) throws -> PreparedBatches
  private var parameters = TrialParameters()
  private var directory: LogDirectory?
  private var logs: [PartitionLog] = []
  private var batches: [PreparedBatches.Batch] = []
  private var next = 0

  package init(_ prepareBatches: @escaping (TrialParameters) throws -> PreparedBatches) {
    self.prepareBatches = prepareBatches
  }

  package func prepare(_ trial: TrialSetting) throws {
    parameters = trial.parameters
    if parameters.preallocation != .none {
      throw TrialSkipped("the log does not preallocate yet: preallocation none only")
    }
    if parameters.queueDepth > 1 && !trial.backend.capabilities.isAsynchronous {
      throw TrialSkipped("'\(trial.backend.name)' is synchronous: queue_depth 1 only")
    }
    batches = try prepareBatches(parameters).batches
    let drivers = BackendDrivers { name throws(LogError) in
      do { return try trial.backend.make() } catch {
        throw LogError.unknownBackend(name, reason: "\(error)")
      }
    }
    let directory = try LogDirectory(
      path: "\(trial.directory)/log", io: LinuxFileIO(), drivers: drivers,
      defaults: TopicSettings(backend: trial.backend.name))
    self.directory = directory
    var random = SystemRandomNumberGenerator()
    let topic = try directory.createTopic(
      "trial", partitions: parameters.partitions, settings: settings(trial), using: &random)
    logs = try topic.partitions.map { try directory.log($0) }
    if parameters.prefillBytes > 0 { try prefill(trial) }
  }

  package var appendBytes: Int {
    batches.first.map { Int($0.byteCount) } ?? parameters.batchBytes
  }

  package func run(_ recorder: TrialRecorder) throws -> TrialCounts {
    let counts = try append(parameters.plannedBatches) {
      recorder.recordService(nanoseconds: $0)
    } until: {
      recorder.isStopped
    }
    if recorder.isStopped { throw TrialStopped() }
    return counts
  }

  package func synchronize() throws { try directory?.close() }

  package func finish() throws {
    logs = []
    directory = nil
  }

  private func settings(_ trial: TrialSetting) -> TopicSettings {
    var settings = TopicSettings(backend: trial.backend.name)
    settings.durability = parameters.durability
    settings.segmentBytes = Int(min(parameters.segmentBytes, Int64(Int32.max)))
    settings.flushMilliseconds = parameters.intervalMilliseconds
    settings.flushBytes = parameters.intervalBytes
    return settings
  }

  private func prefill(_ trial: TrialSetting) throws {
    let count = (parameters.prefillBytes - 1) / Int64(parameters.batchBytes) + 1
    _ = try append(count, record: { _ in }, until: { trial.stop.isRaised })
    if trial.stop.isRaised { throw TrialStopped() }
  }

  /// The measured loop. One buffer goes to the log and comes back; no allocation, whatever the
  /// number of records in a batch.
  private func append(
    _ count: Int64, record: (Int64) -> Void, until isStopped: () -> Bool
  ) throws -> TrialCounts {
    var done: Int64 = 0
    var records: Int64 = 0
    var bytes: Int64 = 0
    var partition = 0
    var roundStarts: [Int64] = []
    roundStarts.reserveCapacity(logs.count)
    let isGroup = parameters.durability == .group
    let isInterval = parameters.durability == .interval
    while done < count && !isStopped() {
      let batch = batches[next]
      next = next + 1 == batches.count ? 0 : next + 1
      let log = logs[partition]
      partition = partition + 1 == logs.count ? 0 : partition + 1
      let start = MonotonicClock.nanoseconds()
      let now = LogTime(
        monotonicNanoseconds: start, wallMilliseconds: WallClock.milliseconds())
      do throws(LogError) { _ = try log.append(&batch.buffer, now: now) } catch {
        if case .storage(.directUnsupported) = error { throw TrialSkipped("\(error)") }
        throw error
      }
      if isInterval { try log.tick(now) }
      if isGroup {
        roundStarts.append(start)
        if partition == 0 || done + 1 == count {
          try directory?.commit()
          let end = MonotonicClock.nanoseconds()
          for start in roundStarts { record(end - start) }
          roundStarts.removeAll(keepingCapacity: true)
        }
      } else {
        record(MonotonicClock.nanoseconds() - start)
      }
      done += 1
      records += batch.recordCount
      bytes += batch.byteCount
    }
    return TrialCounts(records: records, bytes: bytes)
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
  }

  private let flightsPath: String
  private var last: (key: Key, batches: PreparedBatches)?

  init(flightsPath: String) { self.flightsPath = flightsPath }

  func batches(_ parameters: TrialParameters) throws -> PreparedBatches {
    let isFlights = parameters.payload == "flights"
    let key = Key(
      payload: parameters.payload, recordBytes: isFlights ? 0 : parameters.recordBytes,
      batchBytes: parameters.batchBytes)
    if let last, last.key == key { return last.batches }
    last = nil
    let made =
      try isFlights
      ? PreparedBatches.events(path: flightsPath, batchBytes: parameters.batchBytes)
      : PreparedBatches.synthetic(
        recordBytes: parameters.recordBytes, batchBytes: parameters.batchBytes)
    last = (key, made)
    return made
  }
}
