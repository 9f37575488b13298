import LogStorage
import Records

/// What a log has to read before its next append: the headers of its last segment, where that is
/// appended to again, and its producers' last batches.
///
/// Reading takes as long as the segment is large. It touches nothing of the log, so any thread may
/// do it while the log takes no appends; what it gives is for `PartitionLog.take` and
/// `ProducerLedger.take`, and is left where the log has moved meanwhile. Retention may take away
/// what is to be read: then reading fails, and is to be begun anew. Who does not ask for it is not
/// refused: the append reads then.
package struct LogPreparation: Sendable {
  let segment: SegmentPreparation?
  let producers: ProducerLoad?

  package func read() throws(LogError) -> PreparedLog {
    PreparedLog(segment: try segment?.read(), producers: try producers?.read())
  }
}

/// What a preparation found.
// SAFETY: nobody else has seen the index before it is taken.
package struct PreparedLog: @unchecked Sendable {
  let segment: PreparedSegment?
  let producers: LoadedProducers?
}

/// A last segment that is to be appended to again.
struct SegmentPreparation: Sendable {
  let segment: LogSegment
  let settings: TopicSettings
  let end: FilePosition
  let next: Offset

  func read() throws(LogError) -> PreparedSegment {
    PreparedSegment(
      segment: segment, end: end, index: try segment.makeIndexWriter(settings, end: end, next: next)
    )
  }
}

struct PreparedSegment {
  let segment: LogSegment
  let end: FilePosition
  let index: IndexWriter
}

extension PartitionLog {
  /// What is to be read before the next append, with `ledger` also for what that has to know; nil
  /// where nothing is. Waits until all that was accepted is acknowledged where producers are to be
  /// loaded.
  package func preparation(_ ledger: ProducerLedger?) throws(LogError) -> LogPreparation? {
    if fence != nil || isDiscarded { return nil }
    let segment = segmentToResume()
    let producers = try ledger?.loadThatIsDue()
    if segment == nil && producers == nil { return nil }
    return LogPreparation(segment: segment, producers: producers)
  }

  /// Nil where a segment is active, or the next append begins one, or the last one is empty.
  func segmentToResume() -> SegmentPreparation? {
    guard active == nil, prepared == nil, let end = resumePosition, end > .zero,
      let last = published.segments.last
    else { return nil }
    return SegmentPreparation(segment: last, settings: settings, end: end, next: nextOffset)
  }

  /// True where the next append has to read the last segment first.
  package var isCold: Bool { segmentToResume() != nil }

  /// The next append goes by what was read, if it is of the segment that it opens then.
  package func take(_ found: PreparedLog) {
    if let segment = found.segment { prepared = segment }
  }
}
