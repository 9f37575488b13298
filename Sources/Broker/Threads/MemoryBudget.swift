import Synchronization

/// Memory for requests that are being received or served, of all connections together
/// (`queued.max.request.bytes`). From any thread.
///
/// A connection that gets none stops reading, which is how back-pressure reaches the client. So that
/// half-received requests cannot wait for one another for ever, one connection at a time may go over
/// the limit, by one request.
final class MemoryBudget: Sendable {
  let bytesMax: Int
  private let metrics: BrokerMetrics
  private let held = Atomic<Int>(0)
  private let isOverdrawn = Atomic(false)

  init(bytesMax: Int, _ metrics: BrokerMetrics) {
    self.bytesMax = bytesMax
    self.metrics = metrics
  }

  /// What one request has taken. Whoever has the request's memory has this too: it is given back when
  /// nobody has it any more, whatever has become of the connection.
  // SAFETY: changes while the request is received, on its event loop, and then no more.
  final class Charge: @unchecked Sendable {
    private let budget: MemoryBudget
    fileprivate(set) var bytes = 0
    fileprivate var mayOverdraw = false

    fileprivate init(_ budget: MemoryBudget) { self.budget = budget }

    deinit { budget.giveBack(self) }
  }

  /// A charge that has nothing yet.
  func open() -> Charge { Charge(self) }

  /// Takes so many bytes more, all or nothing.
  func take(_ bytes: Int, _ charge: Charge) -> Bool {
    if !charge.mayOverdraw {
      let before = held.wrappingAdd(bytes, ordering: .relaxed).oldValue
      if before + bytes <= bytesMax {
        note(bytes, charge)
        return true
      }
      held.wrappingSubtract(bytes, ordering: .relaxed)
      if isOverdrawn.exchange(true, ordering: .relaxed) { return false }
      charge.mayOverdraw = true
    }
    held.wrappingAdd(bytes, ordering: .relaxed)
    note(bytes, charge)
    return true
  }

  private func note(_ bytes: Int, _ charge: Charge) {
    charge.bytes += bytes
    metrics.requestBytesHeld(bytes)
  }

  private func giveBack(_ charge: Charge) {
    if charge.bytes == 0 { return }
    held.wrappingSubtract(charge.bytes, ordering: .relaxed)
    metrics.requestBytesHeld(-charge.bytes)
    if charge.mayOverdraw { isOverdrawn.store(false, ordering: .relaxed) }
  }
}
