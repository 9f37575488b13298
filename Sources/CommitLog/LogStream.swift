import LogStorage
import Records

/// All bytes of a partition in their order, slice after slice and segment after segment, without a
/// look into them: for who sends the whole log, or follows its end. On any one thread.
///
/// It holds the segment that it reads open, so retention does not take it away half read.
package struct LogStream: Sendable {
  package let log: PublishedLog
  private var current: LogSegment?
  private var position = FilePosition.zero
  // Keeps the file open between two slices.
  private var last: LogSlice?

  /// From the first byte that the log holds: its first segment's, also where the log starts later in it.
  package init(_ log: PublishedLog) { self.log = log }

  /// From the end as it is now: what is appended later. The appender's thread only.
  package init(atEndOf log: PublishedLog) {
    self.log = log
    current = log.segments.last
    position = current?.file.end ?? .zero
  }

  /// The next bytes, up to `bytesMax` of one segment; nil at the log's end, for now. They are not
  /// read, only named.
  ///
  /// Throws `offsetOutOfRange` where retention was quicker and took the segment that comes next.
  package mutating func next(bytesMax: Int) throws(LogError) -> LogSlice? {
    guard let segment = current ?? log.segments.first else { return nil }
    current = segment
    if let slice = try slice(of: segment, bytesMax) { return slice }
    // A segment that has a successor grows no more; whatever came in between is taken first.
    guard let successor = try successor(of: segment) else { return nil }
    if let slice = try slice(of: segment, bytesMax) { return slice }
    current = successor
    position = .zero
    return try slice(of: successor, bytesMax)
  }

  private mutating func slice(
    of segment: LogSegment, _ bytesMax: Int
  ) throws(LogError) -> LogSlice? {
    if segment.file.end <= position { return nil }
    do throws(StorageError) {
      let slice = try segment.file.slice(at: position, count: max(1, bytesMax))
      position = position.advanced(by: slice.count)
      last = slice
      return slice
    } catch {
      if log.hasLeft(segment) { throw outOfRange(segment) }
      throw .storage(error)
    }
  }

  private func successor(of segment: LogSegment) throws(LogError) -> LogSegment? {
    // Looked at by its offset: the segment itself may have been deleted since it was read to its end.
    guard let next = segment.file.successor else { return nil }
    let segments = log.segments
    if let index = segments.index(holding: next), segments[index].baseOffset == next {
      return segments[index]
    }
    if log.startOffset > next { throw outOfRange(segment) }
    return nil
  }

  private func outOfRange(_ segment: LogSegment) -> LogError {
    .offsetOutOfRange(
      segment.baseOffset, start: log.startOffset, end: log.endOffset, log.partition)
  }
}
