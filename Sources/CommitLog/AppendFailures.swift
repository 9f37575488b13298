import LogStorage
import Records

/// The failures of one log's appends: where the log was cut back to at each, and why. The last are
/// kept: an append is asked about in the round that it was made in, or the next, and a disk that is
/// full for a day makes millions.
struct AppendFailures {
  private static let keptMax = 1024

  private var kept: [(end: Offset, error: StorageError)] = []
  /// Failures that were forgotten, and where the log ended at the first of them.
  private var forgotten = 0
  private var earliestEnd: Offset?

  /// All that there were.
  var count: Int { forgotten + kept.count }

  var last: StorageError? { kept.last?.error }

  /// The first failure after `generation`, which is what `count` was then; nil where there was
  /// none. Of one that is forgotten, the log's end is the earliest that it can have been.
  func first(after generation: Int) -> (end: Offset, error: StorageError)? {
    if generation >= count { return nil }
    if generation >= forgotten { return kept[generation - forgotten] }
    guard let oldest = kept.first else { return nil }
    return (earliestEnd ?? oldest.end, oldest.error)
  }

  mutating func add(_ end: Offset, _ error: StorageError) {
    kept.append((end, error))
    if kept.count <= Self.keptMax { return }
    earliestEnd = earliestEnd ?? kept.first?.end
    // Half of them at once, so that forgetting costs each failure little.
    kept.removeFirst(Self.keptMax / 2)
    forgotten += Self.keptMax / 2
  }

  /// It was no failure, but a doubt.
  mutating func removeLast() { kept.removeLast() }
}
