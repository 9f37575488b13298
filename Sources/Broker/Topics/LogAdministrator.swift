import CommitLog
import LinuxIO
import LogRuntime
import Records

/// Who makes, changes and deletes topics, one request after another: belongs to the
/// administration's thread. What touches a log is done on its shard's thread, in short pieces
/// between appends. Topics are in `LogAdministrator+Topics`.
final class LogAdministrator {
  let directory: LogDirectory
  let metadata: any ClusterMetadata
  let services: BrokerServices
  var producerIDs: ProducerIDs
  private let proof: BackendProof
  var nextEntry = 0
  private(set) var maintenanceCount = 0
  /// Openings that have ended and were not taken; the openers' threads add to them.
  let endedOpenings = Lock<[PartitionOpening]>([])
  /// Partitions that are being opened anew.
  var reopenings: Set<TopicPartition> = []
  var reopeningTimes = ReopeningTimes()
  /// Until every partition was opened, or could not be.
  var isStarting = true
  private var doubtsWallClock = false
  /// The lag that the metric shows.
  private var toldLag: Int64 = 0
  /// Partitions that one piece of work on a shard's thread looks at.
  private static let pieceCount = 256
  /// Partitions by shard, of one version of the registry.
  private var looked: (version: UInt64, shards: [Int: [LogPartition]])?
  /// Shards that are being looked at.
  private var looking: Set<Int> = []

  init(
    _ directory: LogDirectory, _ metadata: any ClusterMetadata, _ services: BrokerServices,
    _ proof: BackendProof
  ) {
    self.directory = directory
    self.metadata = metadata
    self.services = services
    self.proof = proof
    producerIDs = ProducerIDs(metadata)
    if services.settings.flushesInBackground {
      let lag = directory.lag
      lag.setLimit(services.settings.checkpointLagMax)
      directory.flushInBackground = { flushes in
        services.flusher.perform(flushes, lag) { ended in
          services.administration.run { $0.take(ended) }
        }
      }
    }
  }

  private func take(_ ended: [BackgroundFlusher.Ended]) {
    do throws(LogError) { try directory.ended(ended) } catch {
      services.log.limited("tick", "background work failed: \(error)")
    }
  }

  /// Why no topic can have these settings on this system, or nil.
  func reasonToRefuse(_ settings: TopicSettings) -> String? { proof.reasonToRefuse(settings) }

  /// Ten times a second: a checkpoint where one is due, since a second's appends may be a gigabyte.
  func lookAtLag() {
    let lag = directory.lag
    let bytes = lag.bytes
    services.metrics.add(.checkpointLag, Int(bytes - toldLag))
    toldLag = bytes
    if lag.isAtLimit {
      services.log.limited(
        "lag",
        "appends under 'none' and 'interval' wait: \(lag.bytesMax) bytes of them "
          + "(varve.checkpoint.lag.max.bytes) are not flushed yet; the disk is slower than the producers"
      )
    }
    do throws(LogError) { try directory.checkpointIfDue(.now(services.parts.time)) } catch {
      services.log.limited("tick", "background work failed: \(error)")
    }
  }

  /// Appends wait for no checkpoint any more: the broker stops.
  func endLagLimit() { directory.limitLag(to: .max) }

  /// Once a second: what partitions are due, retention and recovery points, and what the log has to
  /// say.
  func maintain() {
    lookAround()
    maintenanceCount += 1
    if maintenanceCount % 5 == 0 { services.giveBackMemory() }
    reopenOffline()
    keepProgress()
    do throws(LogError) { try directory.maintain(.nowSinceBoot(services.parts.time)) } catch {
      services.log.limited("tick", "background work failed: \(error)")
    }
    if directory.doubtsWallClock != doubtsWallClock {
      doubtsWallClock.toggle()
      services.metrics.add(.clockDoubted, doubtsWallClock ? 1 : -1)
    }
    tellNotices()
  }

  /// A start after a kill goes on where the recoveries of this one are.
  private func keepProgress() {
    if !directory.isOpening { return }
    do throws(LogError) { try directory.keepProgress() } catch {
      services.log.limited("tick", "recovery points could not be written: \(error)")
    }
  }

  func tellNotices() {
    for notice in directory.notices.take() { services.log.warning("\(notice)") }
  }

  /// Everything durable, and the marker of a clean stop written.
  func close() {
    let entries = services.registry.snapshot.all.flatMap(\.partitions)
    for entry in entries {
      services.runtime.run(on: entry.shard) { [services] in
        guard entry.log.failure == nil, entry.ledger.isWorthSaving else { return }
        do throws(LogError) {
          try entry.ledger.save(now: services.parts.time.wallMilliseconds())
        } catch { services.tellUnsaved(entry, error) }
      }
    }
    do throws(LogError) { try directory.close() } catch {
      services.log.error("the stop is not a clean one: \(error)")
    }
    tellNotices()
  }

  // MARK: - Partitions

  /// Has every partition looked at, some at a time, between two rounds of their shard. Waits for no
  /// shard: one whose disk stands still must not hold up what is asked of this thread.
  private func lookAround() {
    let version = services.registry.version
    if looked?.version != version {
      let entries = services.registry.snapshot.all.flatMap(\.partitions)
      looked = (version, Dictionary(grouping: entries, by: \.shard))
    }
    for (shard, entries) in looked?.shards ?? [:] where looking.insert(shard).inserted {
      look(shard, entries[...])
    }
  }

  /// Looks at the first of these partitions, and then at the rest.
  private func look(_ shard: Int, _ entries: ArraySlice<LogPartition>) {
    if entries.isEmpty {
      looking.remove(shard)
      return
    }
    let piece = entries.prefix(Self.pieceCount)
    let rest = entries.dropFirst(Self.pieceCount)
    services.runtime.post(on: shard) { [services] in
      var saves: [(LogPartition, ProducerSave)] = []
      var fenced: [TopicPartition] = []
      for entry in piece {
        if entry.log.failure != nil {
          services.tellFenced(entry)
          fenced.append(entry.partition)
        } else if entry.ledger.isSaveDue, let save = services.beginSave(of: entry) {
          saves.append((entry, save))
        }
      }
      services.administration.run { [saves, fenced] administrator in
        for partition in fenced { administrator.reopen(partition) }
        for (entry, save) in saves { administrator.write(save, of: entry) }
        administrator.look(shard, rest)
      }
    }
  }

  /// On this thread, which also removes folders; appends go on.
  private func write(_ save: ProducerSave, of entry: LogPartition) {
    var isWritten = false
    if !entry.isDeleted {
      do throws(LogError) {
        try save.write()
        isWritten = true
      } catch { services.tellUnsaved(entry, error) }
    }
    services.runtime.post(on: entry.shard) { [isWritten] in
      entry.ledger.ended(save, isWritten: isWritten)
    }
  }
}

// On the thread of the partition's shard.
extension BrokerServices {
  /// Tells the operator, once, that a partition takes no appends.
  fileprivate func tellFenced(_ entry: LogPartition) {
    entry.setFenced()
    if entry.isReported { return }
    entry.isReported = true
    log.error(
      "\(entry.partition) takes no appends until it is opened anew from what is on the disk, which is "
        + "tried within seconds: \(entry.log.failure.map { "\($0)" } ?? "")")
  }

  /// What is to be written down of the partition's producers; nil where they are to be read first.
  fileprivate func beginSave(of entry: LogPartition) -> ProducerSave? {
    if !entry.ledger.isLoadedToSave {
      runtime.loadProducers(of: entry)
      return nil
    }
    do throws(LogError) {
      return try entry.ledger.beginSave(now: parts.time.wallMilliseconds())
    } catch {
      tellUnsaved(entry, error)
      return nil
    }
  }

  fileprivate func tellUnsaved(_ entry: LogPartition, _ error: LogError) {
    log.limited("producers", "producers of \(entry.partition): \(error)")
  }
}
