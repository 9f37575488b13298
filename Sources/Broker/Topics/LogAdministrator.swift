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

  /// Once a second: retention and recovery points, where they are due, and what the log has to say.
  func maintain() {
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
        services.saveProducers(of: entry, .now())
      }
    }
    do throws(LogError) { try directory.close() } catch {
      services.log.error("the stop is not a clean one: \(error)")
    }
    tellNotices()
  }
}
