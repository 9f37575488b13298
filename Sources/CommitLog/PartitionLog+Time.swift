import LinuxIO
import LogStorage
import Records

// What time brings: flushes that are due, and segments that are too old.

extension PartitionLog {
  /// Under `interval`, begins the flush that is due. Call it from time to time, at least as often
  /// as `flush.ms`.
  package func tick(_ now: LogTime) throws(LogError) {
    guard settings.durability == .interval, let target = active,
      let oldest = target.oldestUnflushedNanoseconds
    else { return }
    let age = now.monotonicNanoseconds - oldest
    let (limit, overflow) = settings.flushMilliseconds.multipliedReportingOverflow(by: 1_000_000)
    if overflow || age < limit { return }
    try target.driver.flush([self])
    if let fence { throw .fenced(partition, fence) }
  }

  /// Deletes the oldest segments that the topic does not keep, whole ones, and says how many. The
  /// log's start moves up before a file goes; who has the file open can still read it.
  package func applyRetention(_ now: LogTime) throws(LogError) -> Int {
    if isDiscarded { return 0 }
    try deleteLeaving()
    var deleted = 0
    while let first = published.segments.first, try isExpired(first, now) {
      if published.segments.count == 1 {
        // The newest segment goes too when all of it is too old: a new one takes its place.
        // Not of a log whose end is in doubt: where would the new one begin?
        if published.endOffset == first.baseOffset || fence != nil { break }
        try roll()
        _ = try beginAfterRetention()
      }
      try deleteOldest()
      deleted += 1
    }
    return deleted
  }

  private func isExpired(_ segment: LogSegment, _ now: LogTime) throws(LogError) -> Bool {
    if isFirstSegmentBelowStart { return true }
    // Records without a timestamp (-1, as Kafka's clients may send) have no age.
    if let limit = settings.retentionMilliseconds, let newest = try segment.newestTimestamp(),
      newest >= 0
    {
      let (age, overflow) = now.wallMilliseconds.subtractingReportingOverflow(newest)
      if (overflow && now.wallMilliseconds > newest) || (!overflow && age > limit) { return true }
    }
    if let limit = settings.retentionBytes {
      // Down to the limit, never below it: the log keeps at least so many bytes.
      let total = published.segments.reduce(0) { $0 + $1.file.end.rawValue }
      if published.segments.count > 1 && total - segment.file.end.rawValue >= limit { return true }
    }
    return false
  }

  func deleteOldest() throws(LogError) {
    let segments = published.segments
    guard segments.count > 1 else { return }
    // Records may have been deleted up to a later one.
    published.publish(start: max(published.startOffset, segments[1].baseOffset))
    published.publish(segments: Array(segments.dropFirst()))
    leaving = segments[0]
    unflushedSealed.removeAll { $0 === segments[0].file }
    try deleteLeaving()
  }

  /// Deletes the files of the segment that has left the log; where that fails, whoever deletes next
  /// tries again first. Otherwise a later segment could go before an earlier one, and recovery would find
  /// a hole where the log has none.
  func deleteLeaving() throws(LogError) {
    guard let segment = leaving else { return }
    do throws(SystemCallError) {
      // What stays must have its name before what goes loses it.
      if hasUnflushedNames { try io.synchronizeDirectory(directory) }
      if try io.size(ofFileAt: segment.file.path) != nil { try letGo(segment.file) }
      try segment.indexFiles.remove()
      // Durable before the next one goes, for the same reason.
      try io.synchronizeDirectory(directory)
    } catch { throw .system(error) }
    leaving = nil
  }

  private func letGo(_ file: SegmentFile) throws(SystemCallError) {
    let spare = SpareSegment(io: io, directory: directory)
    if settings.preallocation == .recycle, try spare.keep(file) { return }
    try io.remove(file.path)
  }
}
