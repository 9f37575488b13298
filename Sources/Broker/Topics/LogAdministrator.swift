import CommitLog
import LinuxIO
import LogRuntime
import Records

/// Who makes, changes and deletes topics, one request after another: belongs to the administration's
/// thread. What touches a log is done on its shard's thread, in short pieces between appends. Topics are in
/// `LogAdministrator+Topics`.
final class LogAdministrator {
  let directory: LogDirectory
  let metadata: any ClusterMetadata
  let services: BrokerServices
  var producerIDs: ProducerIDs
  private let proof: BackendProof
  var nextEntry = 0
  /// Partitions that one piece of work on a shard's thread looks at.
  private static let pieceCount = 256
  /// Partitions by shard, of one version of the registry.
  private var looked: (version: UInt64, shards: [Int: [LogPartition]])?

  init(
    _ directory: LogDirectory, _ metadata: any ClusterMetadata, _ services: BrokerServices,
    _ proof: BackendProof
  ) {
    self.directory = directory
    self.metadata = metadata
    self.services = services
    self.proof = proof
    producerIDs = ProducerIDs(metadata)
  }

  /// Why no topic can have these settings on this system, or nil.
  func reasonToRefuse(_ settings: TopicSettings) -> String? { proof.reasonToRefuse(settings) }

  /// Once a second: what partitions are due, retention and recovery points, and what the log has to say.
  func maintain() {
    lookAround()
    do throws(LogError) { try directory.maintain(.now()) } catch {
      services.log.limited("tick", "background work failed: \(error)")
    }
    tellNotices()
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
          try entry.ledger.save(now: LogTime.now().wallMilliseconds)
        } catch { services.tellUnsaved(entry, error) }
      }
    }
    do throws(LogError) { try directory.close() } catch {
      services.log.error("the stop is not a clean one: \(error)")
    }
    tellNotices()
  }

  // MARK: - Partitions

  /// Looks at every partition, some at a time: each piece is done between two rounds of their shard.
  private func lookAround() {
    if looked?.version != services.registry.version {
      let version = services.registry.version
      let entries = services.registry.snapshot.all.flatMap(\.partitions)
      looked = (version, Dictionary(grouping: entries, by: \.shard))
    }
    for (shard, entries) in looked?.shards ?? [:] {
      var rest = entries[...]
      while !rest.isEmpty {
        let piece = rest.prefix(Self.pieceCount)
        rest = rest.dropFirst(Self.pieceCount)
        var due: [LogPartition] = []
        services.runtime.run(on: shard) {
          for entry in piece {
            if entry.log.failure != nil {
              report(entry)
            } else if entry.ledger.isSaveDue {
              due.append(entry)
            }
          }
        }
        for entry in due { saveProducers(of: entry) }
      }
    }
  }

  /// Tells the operator, once, that a partition takes no appends. On its shard's thread.
  private func report(_ entry: LogPartition) {
    entry.setFenced()
    if entry.isReported { return }
    entry.isReported = true
    services.log.error(
      "\(entry.partition) takes no appends until the broker is started again: "
        + "\(entry.log.failure.map { "\($0)" } ?? "")")
  }

  /// The file is written on this thread, which also removes folders; appends go on.
  private func saveProducers(of entry: LogPartition) {
    var begun: Result<ProducerSave?, LogError> = .success(nil)
    services.runtime.run(on: entry.shard) { [services] in
      if !entry.ledger.isLoadedToSave { return services.runtime.loadProducers(of: entry) }
      do throws(LogError) {
        begun = .success(try entry.ledger.beginSave(now: LogTime.now().wallMilliseconds))
      } catch { begun = .failure(error) }
    }
    do throws(LogError) {
      guard let save = try begun.get() else { return }
      let written = Result { () throws(LogError) in try save.write() }
      services.runtime.run(on: entry.shard) {
        entry.ledger.ended(save, isWritten: (try? written.get()) != nil)
      }
      try written.get()
    } catch { services.tellUnsaved(entry, error) }
  }
}

extension BrokerServices {
  fileprivate func tellUnsaved(_ entry: LogPartition, _ error: LogError) {
    log.limited("producers", "producers of \(entry.partition): \(error)")
  }
}
