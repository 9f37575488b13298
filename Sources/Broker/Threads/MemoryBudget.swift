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

  /// What one request has taken. Belongs to whoever has the request.
  struct Charge: Sendable {
    fileprivate(set) var bytes = 0
    fileprivate var mayOverdraw = false
  }

  /// Takes so many bytes more, all or nothing.
  func take(_ bytes: Int, _ charge: inout Charge) -> Bool {
    if !charge.mayOverdraw {
      let before = held.wrappingAdd(bytes, ordering: .relaxed).oldValue
      if before + bytes <= bytesMax {
        note(bytes, &charge)
        return true
      }
      held.wrappingSubtract(bytes, ordering: .relaxed)
      if isOverdrawn.exchange(true, ordering: .relaxed) { return false }
      charge.mayOverdraw = true
    }
    held.wrappingAdd(bytes, ordering: .relaxed)
    note(bytes, &charge)
    return true
  }

  private func note(_ bytes: Int, _ charge: inout Charge) {
    charge.bytes += bytes
    metrics.requestBytesHeld(bytes)
  }

  func giveBack(_ charge: inout Charge) {
    if charge.bytes == 0 { return }
    held.wrappingSubtract(charge.bytes, ordering: .relaxed)
    metrics.requestBytesHeld(-charge.bytes)
    if charge.mayOverdraw { isOverdrawn.store(false, ordering: .relaxed) }
    charge = Charge()
  }
}
