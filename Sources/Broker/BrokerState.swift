import LinuxIO
import LogRuntime

/// Whether the broker serves, for who asks after its health.
final class BrokerState: Sendable {
  enum Phase: String, Sendable { case starting, serving, stopping }

  private let phase = Lock(Phase.starting)

  func set(_ new: Phase) { phase.withLock { $0 = new } }

  func health(_ services: BrokerServices) -> (isHealthy: Bool, text: String) {
    let phase = phase.withLock { $0 }
    if phase != .serving { return (false, phase.rawValue) }
    let fenced = services.registry.snapshot.sorted.flatMap(\.partitions).filter(\.isFenced)
    if fenced.isEmpty { return (true, "ok") }
    let names = fenced.prefix(10).map { "\($0.partition)" }.joined(separator: ", ")
    return (false, "\(fenced.count) partitions take no appends after a failure: \(names)")
  }
}
