/// So many histograms of durations, with fixed buckets, that any thread adds to without a lock.
package final class DurationHistograms: Sendable {
  /// Upper bounds in nanoseconds, 50 µs to 10 s, four a decade.
  package static let bounds: [Int64] =
    [50_000]
    + [100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000].flatMap { decade in
      [1, 2, 3, 5].map { $0 * decade }
    } + [10_000_000_000]

  /// One histogram's values, as they were read.
  package struct Reading: Equatable {
    /// Not cumulative; the last one is of what is beyond all bounds.
    package var buckets: [Int64]
    package var sumNanoseconds: Int64
    package var count: Int64 { buckets.reduce(0, &+) }
  }

  private let cells: CounterBlock
  private static let buckets = bounds.count + 1
  /// A histogram's buckets, then its sum.
  private static let stride = buckets + 1

  package init(_ count: Int) { cells = CounterBlock(count * Self.stride) }

  /// A duration below zero counts as none.
  package func add(_ nanoseconds: Int64, at index: Int = 0) {
    let first = index * Self.stride
    let bucket = Self.bounds.firstIndex { nanoseconds <= $0 } ?? Self.bounds.count
    cells.add(1, at: first + bucket)
    cells.add(max(0, nanoseconds), at: first + Self.buckets)
  }

  package func read(at index: Int = 0) -> Reading {
    let first = index * Self.stride
    return Reading(
      buckets: (first..<first + Self.buckets).map { cells.value(at: $0) },
      sumNanoseconds: cells.value(at: first + Self.buckets))
  }
}
