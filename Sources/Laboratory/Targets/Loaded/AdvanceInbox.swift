import LinuxIO

/// Tells one consumer which of its partitions have grown, so that it looks at no other: of a thousand, a
/// round moves a few.
final class AdvanceInbox: Sendable {
  private struct State {
    var moved: [Int] = []
    /// By place: true where it is in `moved`.
    var isListed: [Bool]
  }

  let wake: WakeSignal
  /// By partition number: its place among the consumer's; nil of others'.
  private let places: [Int?]
  private let state: Lock<State>

  init(_ partitions: [Int], of partitionCount: Int) throws(SystemCallError) {
    wake = try WakeSignal()
    var places = [Int?](repeating: nil, count: partitionCount)
    for (place, partition) in partitions.enumerated() { places[partition] = place }
    self.places = places
    state = Lock(State(isListed: [Bool](repeating: false, count: partitions.count)))
  }

  /// The log thread's, after it has published new ends.
  func advanced(_ partitions: [Int]) {
    let own = partitions.compactMap { places[$0] }
    if own.isEmpty { return }
    state.withLock { state in
      for place in own where !state.isListed[place] {
        state.isListed[place] = true
        state.moved.append(place)
      }
    }
    wake.wake()
  }

  /// The consumer's: places of partitions that have grown since the last call.
  func take() -> [Int] {
    state.withLock { state in
      if state.moved.isEmpty { return [] }
      defer { state.moved.removeAll(keepingCapacity: true) }
      for place in state.moved { state.isListed[place] = false }
      return state.moved
    }
  }

  var isEmpty: Bool { state.withLock { $0.moved.isEmpty } }
}
