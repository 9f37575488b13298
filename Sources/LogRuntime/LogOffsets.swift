import CommitLog
import Records

/// A partition's four offsets at one moment: start ≤ last stable ≤ high watermark ≤ end.
package struct LogOffsets: Hashable, Sendable {
  /// The first record that the log still holds.
  package let start: Offset
  /// What `read_committed` consumers see ends here: below it no transaction is open.
  package let lastStable: Offset
  /// What consumers see ends here.
  package let highWatermark: Offset
  /// One past the last record.
  package let end: Offset
}

extension LogPartition {
  /// The offsets now. There are no transactions and no replicas: what is acknowledged is stable, and
  /// readers see no further.
  package var offsets: LogOffsets {
    // The start first: it never passes an end that is looked at after it.
    let start = published.startOffset
    let end = published.endOffset
    return LogOffsets(start: start, lastStable: end, highWatermark: end, end: end)
  }

  /// The epoch of the partition's leader, this broker, since it was made: there has been no other.
  package var leaderEpoch: Int32 { 0 }
}
