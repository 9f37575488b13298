import CommitLog
import HeapModule
import LogRuntime
import Records

/// Waiting fetches of one event loop that lack much. No append is looked at for them: none of them
/// can have enough before so many bytes as it lacks have come to all partitions together. So what
/// twenty consumers of a thousand partitions cost who produces does not grow with them.
struct PatientFetches {
  /// Fetches that lack less are told of each append to their partitions.
  static let missingBytesMin = 1 << 20

  private struct Threshold: Comparable {
    let grownBytes: Int
    let ticket: Int

    static func < (one: Threshold, other: Threshold) -> Bool {
      (one.grownBytes, one.ticket) < (other.grownBytes, other.ticket)
    }
  }

  /// Where each partition's file ended when it was noted last, by `LogPartition.id`.
  private var ends: [Int: FileEnd] = [:]
  /// What all of them have grown by.
  private var grownBytes = 0
  /// Also of fetches that have gone.
  private var thresholds = Heap<Threshold>()

  /// A fetch that lacks so many bytes waits. It has seen its partitions up to these ends, which are
  /// no earlier than what was noted of them.
  mutating func add(_ ticket: Int, missingBytes: Int, seen: some Sequence<(id: Int, end: FileEnd)>)
  {
    for (id, end) in seen where ends[id] == nil { ends[id] = end }
    thresholds.insert(Threshold(grownBytes: grownBytes + missingBytes, ticket: ticket))
  }

  /// Forgets fetches that wait no more, where they may be most; `count` wait now.
  mutating func dropGone(where isGone: (Int) -> Bool, count: Int) {
    if thresholds.count <= 2 * count + 64 { return }
    thresholds = Heap(thresholds.unordered.filter { !isGone($0.ticket) })
  }

  /// A partition has moved; false where that is no growth which can be counted: it goes on in
  /// another segment, or is deleted, or its file had grown at the last look, and its end offset
  /// follows now.
  mutating func note(_ entry: LogPartition) -> Bool {
    if entry.isDeleted {
      forget(entry)
      return false
    }
    let end = entry.published.fileEnd
    guard let before = ends.updateValue(end, forKey: entry.id) else { return false }
    let grown = end.position.rawValue - before.position.rawValue
    if end.segmentBase != before.segmentBase || grown <= 0 { return false }
    grownBytes += Int(grown)
    return true
  }

  /// No fetch waits for the partition any more.
  mutating func forget(_ entry: LogPartition) { ends[entry.id] = nil }

  /// Some fetch may have enough now.
  var hasDue: Bool { thresholds.min.map { $0.grownBytes <= grownBytes } ?? false }

  /// One that may have enough now, and is forgotten here; nil where there is none.
  mutating func takeDue() -> Int? { hasDue ? thresholds.popMin()?.ticket : nil }
}
