/// Chooses a partition for each record of one topic: by the key's murmur2 where it has one (an
/// empty key is one), by policy where it has none. Deterministic; one owner, no shared state.
package struct Partitioner: Hashable, Sendable {
  /// Where keyless records go.
  package enum KeylessPolicy: Hashable, Sendable {
    /// To one partition after the other, from 0.
    case roundRobin
    /// To one partition until a batch for it is complete, then to the next: fuller batches.
    case sticky
  }

  package let partitionCount: Int32
  package let keyless: KeylessPolicy
  /// Where the next keyless record goes.
  private var current: Int32 = 0

  /// - Precondition: `partitionCount` is at least 1.
  package init(partitionCount: Int32, keyless: KeylessPolicy = .roundRobin) {
    precondition(partitionCount >= 1)
    self.partitionCount = partitionCount
    self.keyless = keyless
  }

  /// The partition, 0 ..< `partitionCount`, for the next record; `key` nil is a null key.
  package mutating func partition(for key: RawSpan?) -> Int32 {
    if let key { return Murmur2.partition(for: key, of: partitionCount) }
    let chosen = current
    if keyless == .roundRobin { moveOn() }
    return chosen
  }

  /// Says that a batch for `partition` is complete. The sticky policy then moves to the next
  /// partition, if this is the one that it stands on: keyed records complete batches elsewhere.
  package mutating func batchCompleted(on partition: Int32) {
    if keyless == .sticky && partition == current { moveOn() }
  }

  private mutating func moveOn() {
    current = current + 1 == partitionCount ? 0 : current + 1
  }
}
