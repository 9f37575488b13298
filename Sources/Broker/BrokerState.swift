import CommitLog
import LinuxIO
import LogRuntime
import Records

/// Whether the broker serves, for who asks after its health.
final class BrokerState: Sendable {
  enum Phase: String, Sendable { case starting, serving, stopping }

  private let phase = Lock(Phase.starting)
  private let opening: OpeningWatch
  /// On the monotonic clock.
  private let began: Int64

  init(_ opening: OpeningWatch, _ time: TimeSource) {
    self.opening = opening
    began = time.monotonicNanoseconds()
  }

  func set(_ new: Phase) { phase.withLock { $0 = new } }

  func health(_ services: BrokerServices) -> (isHealthy: Bool, text: String) {
    let phase = phase.withLock { $0 }
    if phase == .stopping { return (false, phase.rawValue) }
    let snapshot = services.registry.snapshot
    let topics = snapshot.sorted
    if phase == .starting || opening.openedCount < opening.partitionCount {
      return (false, "starting: \(progress(services.parts.time))")
    }
    let fenced = topics.flatMap(\.partitions).filter(\.isFenced).map(\.partition)
    let faults = [
      Self.told(
        snapshot.offlineTopics.keys.sorted(),
        "topics are offline, since their own files do not hold"),
      Self.told(
        topics.flatMap(\.offline), "partitions are offline, since their logs could not be opened"),
      Self.told(fenced, "partitions take no appends after a failure"),
    ].compactMap(\.self)
    if !faults.isEmpty { return (false, faults.joined(separator: "; ")) }
    if services.metrics.value(.clockDoubted) == 0 { return (true, "ok") }
    return (
      true, "ok, but the wall clock has jumped: retention by time does not go by it (see the log)"
    )
  }

  private func progress(_ time: TimeSource) -> String {
    let done = opening.doneShare
    let seconds = Double(time.monotonicNanoseconds() - began) / 1e9
    // The first hundredth says little of the rest.
    let left = done < 0.01 ? nil : seconds * (1 - done) / done
    return "\(opening.openedCount) of \(opening.partitionCount) partitions are open, "
      + "\(opening.checkedBytes >> 20) MiB were checked"
      + (left.map { ", about \(Int($0.rounded(.up))) s are left" } ?? "")
  }

  private static func told(_ some: [some CustomStringConvertible], _ what: String) -> String? {
    if some.isEmpty { return nil }
    let names = some.prefix(10).map { "\($0)" }.joined(separator: ", ")
    return "\(some.count) \(what): \(names)"
  }
}
