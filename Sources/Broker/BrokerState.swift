import CommitLog
import LinuxIO
import LogRuntime
import Records

/// Whether the broker serves, for who asks after its health.
final class BrokerState: Sendable {
  enum Phase: String, Sendable { case starting, serving, stopping }

  private let phase = Lock(Phase.starting)
  private let opening: OpeningWatch

  init(_ opening: OpeningWatch) { self.opening = opening }

  func set(_ new: Phase) { phase.withLock { $0 = new } }

  func health(_ services: BrokerServices) -> (isHealthy: Bool, text: String) {
    let phase = phase.withLock { $0 }
    if phase == .starting { return (false, "starting: \(progress)") }
    if phase != .serving { return (false, phase.rawValue) }
    let topics = services.registry.snapshot.sorted
    let fenced = topics.flatMap(\.partitions).filter(\.isFenced).map(\.partition)
    let faults = [
      Self.told(topics.flatMap(\.offline), "are offline, since their logs could not be opened"),
      Self.told(fenced, "take no appends after a failure"),
    ].compactMap(\.self)
    return faults.isEmpty ? (true, "ok") : (false, faults.joined(separator: "; "))
  }

  private var progress: String {
    "\(opening.openedCount) of \(opening.partitionCount) partitions are open, "
      + "\(opening.checkedBytes >> 20) MiB were checked"
  }

  private static func told(_ partitions: [TopicPartition], _ what: String) -> String? {
    if partitions.isEmpty { return nil }
    let names = partitions.prefix(10).map { "\($0)" }.joined(separator: ", ")
    return "\(partitions.count) partitions \(what): \(names)"
  }
}
