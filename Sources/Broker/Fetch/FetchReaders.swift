import CommitLog
import LogRuntime

/// A connection's readers, one for each partition that it has fetched from: each remembers where it got
/// to, so that fetching on needs neither an index nor a lock.
// SAFETY: one thread at a time: the loop's, or the read thread that looks a fetch up for it.
final class FetchReaders: @unchecked Sendable {
  /// Readers that a connection keeps; each may hold a file open.
  private static let countMax = 4096

  private var readers: [Int: LogReader] = [:]

  /// Lends the partition's reader.
  func withReader<Value, Failure: Error>(
    _ entry: LogPartition, _ body: (inout LogReader) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    if readers.count >= Self.countMax && readers[entry.id] == nil { readers.removeAll() }
    return try body(&readers[entry.id, default: LogReader(entry.published)])
  }

  /// Lets go of the partitions that the connection does not fetch any more.
  func keep(_ wanted: [FetchTopic]) {
    if readers.count <= wanted.reduce(0, { $0 + $1.targets.count }) { return }
    let ids = Set(wanted.lazy.flatMap(\.targets).compactMap { $0.entry?.id })
    readers = readers.filter { ids.contains($0.key) }
  }
}
