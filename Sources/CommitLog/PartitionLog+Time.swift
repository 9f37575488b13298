import LinuxIO
import LogStorage
import Records

// What time brings: flushes that are due, and segments that are too old.

/// What retention finds of a log at a look.
enum RetentionOutlook {
  case nothing
  case mayExpire
  case futureHead(FutureHead)
}

extension PartitionLog {
  /// Under `interval`, begins the flush that is due. Call it from time to time, at least as often
  /// as `flush.ms`.
  package func tick(_ now: LogTime) throws(LogError) {
    guard let target = active, isFlushDue(now) else { return }
    try target.driver.flush([self])
    if let fence { throw .fenced(partition, fence) }
  }

  /// True under `interval` where something is unflushed for `flush.ms`.
  func isFlushDue(_ now: LogTime) -> Bool {
    guard settings.durability == .interval, let oldest = active?.oldestUnflushedNanoseconds else {
      return false
    }
    let age = now.monotonicNanoseconds - oldest
    let (limit, overflow) = settings.flushMilliseconds.multipliedReportingOverflow(by: 1_000_000)
    return !overflow && age >= limit
  }

  /// Segments that leave at once, at most: looking at one for the first time after a start may read
  /// its time index.
  private static let leavingMax = 64

  /// Takes the oldest segments that the topic does not keep out of the log, some at a time, and
  /// gives those that have left and whose files are to be removed, in order (`removed`). The log's
  /// start moves up before a file goes; who has the file open can still read it.
  func leaveExpired(_ now: LogTime) throws(LogError) -> [LeavingSegment] {
    if isDiscarded { return [] }
    if leaving.isEmpty { leave(try countExpired(now)) }
    return leavingSegments()
  }

  /// Whether `leaveExpired` may have something to give, and if not, whether a record from the
  /// future is why.
  func outlook(_ now: LogTime) throws(LogError) -> RetentionOutlook {
    if isDiscarded { return .nothing }
    if !leaving.isEmpty { return .mayExpire }
    let segments = published.segments
    let bytes = segments.reduce(0) { $0 + $1.file.end.rawValue }
    var newest: Int64?
    if try isExpired(segments[...], bytes, now, &newest) { return .mayExpire }
    guard segments.count > 1, let limit = settings.retentionMilliseconds, let newest,
      now.isInFuture(newest)
    else { return .nothing }
    return .futureHead(
      FutureHead(
        log: published, segment: segments[0], newestTimestamp: newest,
        retentionMilliseconds: limit))
  }

  private func countExpired(_ now: LogTime) throws(LogError) -> Int {
    var segments = published.segments
    var newest: Int64?
    var bytes = segments.reduce(0) { $0 + $1.file.end.rawValue }
    var count = 0
    while count < Self.leavingMax, count < segments.count,
      try isExpired(segments[count...], bytes, now, &newest)
    {
      if count == segments.count - 1 {
        // The newest segment goes too when all of it is too old: a new one takes its place.
        // Not of a log whose end is in doubt: where would the new one begin?
        if published.endOffset == segments[count].baseOffset || fence != nil { break }
        try roll()
        _ = try beginAfterRetention()
        // A younger batch may have been queued, which the roll has written: another look.
        segments = published.segments
        bytes = segments[count...].reduce(0) { $0 + $1.file.end.rawValue }
        continue
      }
      bytes -= segments[count].file.end.rawValue
      count += 1
    }
    return count
  }

  /// True where the first of these is not kept; they have so many bytes. `newest` is the first
  /// one's newest timestamp, where that had to be read.
  private func isExpired(
    _ segments: ArraySlice<LogSegment>, _ bytes: Int64, _ now: LogTime, _ newest: inout Int64?
  ) throws(LogError) -> Bool {
    guard let segment = segments.first else { return false }
    if let next = segments.dropFirst().first, next.baseOffset <= published.startOffset {
      return true
    }
    // Records without a timestamp (-1, as Kafka's clients may send) have no age.
    if let limit = settings.retentionMilliseconds {
      newest = try segment.newestTimestamp()
      if let newest, newest >= 0, now.isPast(newest, by: limit) { return true }
    }
    // Down to the limit, never below it: the log keeps at least so many bytes.
    if let limit = settings.retentionBytes, segments.count > 1 {
      return bytes - segment.file.end.rawValue >= limit
    }
    return false
  }

  /// Takes so many of the oldest segments out of the log, never the last one.
  func leave(_ count: Int) {
    let segments = published.segments
    guard count > 0, count < segments.count else { return }
    // Records may have been deleted up to a later one.
    published.publish(start: max(published.startOffset, segments[count].baseOffset))
    published.publish(segments: Array(segments[count...]))
    leaving = Array(segments[..<count])
    let files = Set(leaving.map { ObjectIdentifier($0.file) })
    unflushed.remove(files)
  }

  /// Those that have left, oldest first. Where removing one's files fails it stays the first, and
  /// whoever removes next tries it again.
  func leavingSegments() -> [LeavingSegment] {
    leaving.map { [self] segment in
      LeavingSegment(
        segment: segment, io: io, directory: directory,
        isRecycled: settings.preallocation == .recycle, hasUnflushedNames: unflushed.hasNames)
    }
  }

  /// The files of the first segment that has left are gone.
  func removed(_ gone: LeavingSegment) { leaving.removeAll { $0 === gone.segment } }
}
