import Synchronization

/// Counters that any thread adds to without a lock. Each counts for itself: whoever reads several
/// of them may see one bumped and not yet its neighbour.
// SAFETY: the memory is set up before anybody else has it, and only touched by atomic operations.
final class CounterBlock: @unchecked Sendable {
  private let cells: UnsafeMutablePointer<Atomic<Int64>>
  let count: Int

  /// All zero.
  init(_ count: Int) {
    self.count = count
    cells = .allocate(capacity: count)
    for index in 0..<count { (cells + index).initialize(to: Atomic(0)) }
  }

  deinit {
    cells.deinitialize(count: count)
    cells.deallocate()
  }

  func add(_ value: Int64, at index: Int = 0) {
    precondition(index >= 0 && index < count)
    cells[index].wrappingAdd(value, ordering: .relaxed)
  }

  func value(at index: Int = 0) -> Int64 {
    precondition(index >= 0 && index < count)
    return cells[index].load(ordering: .relaxed)
  }
}
