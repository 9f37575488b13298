import LinuxIO
import LogStorage
import Records

/// A search by time over one log, in pieces: on any one thread at a time.
///
/// It finds the first record at or after a timestamp (milliseconds), or, of all records with the
/// newest timestamp, the first (KIP-734). Never one below the log's start. In a compressed batch,
/// which nobody opens, it finds the batch's first offset that the log still holds.
///
/// ```
///   newest timestamps in memory:   [ 1000 ][ 2000 ][   ?  ][ 4000 ][ live ]
///   a search for 3500 passes over      -       -     read   look here
/// ```
/// Segments whose newest timestamp is in memory cost no system call. That of a segment that was
/// there at the start is read once, by the first search that comes to it.
package struct TimeSearch: Sendable {
  package typealias Found = (offset: Offset, timestamp: Int64)

  package enum Progress: Sendable {
    /// Nil where the log holds no such record.
    case ended(Found?)
    case goesOn
  }

  private enum Stage {
    /// Looks for the newest timestamp of all segments.
    case newest(Int64?)
    /// The same among what the log held at the beginning, and holds still.
    case newestReadable(Int64?, LogSegment.RangeScan?)
    /// Looks for the first record at or after the timestamp; `orElse` says what it does where there
    /// is none.
    case first(at: Int64, LookIn?, orElse: Fallback)
  }

  private enum Fallback {
    case nothing
    /// The record is not readable yet, or was deleted: the headers of the others say.
    case newestReadable
  }

  /// How far the search has come within a segment.
  private struct LookIn {
    var least: Offset
    var paused: LogSegment.PausedScan?
  }

  /// Segments in memory between two looks at the clock.
  private static let stepSegments = 256

  private let log: PublishedLog
  /// The log's end and segments when the stage began.
  private var end: Offset
  private var segments: [LogSegment]
  /// The segment that is looked at next.
  private var next = 0
  private var stage: Stage

  /// Looks for the first record at or after `timestamp`.
  package init(_ log: PublishedLog, at timestamp: Int64) {
    self.init(log, .first(at: timestamp, nil, orElse: .nothing))
  }

  /// Looks for the first of the records with the newest timestamp.
  package init(newestOf log: PublishedLog) { self.init(log, .newest(nil)) }

  private init(_ log: PublishedLog, _ stage: Stage) {
    self.log = log
    self.stage = stage
    // In this order: the segments hold all that lies below the end.
    end = log.endOffset
    segments = log.segments
  }

  /// The search as a whole, for whoever has time.
  consuming func run() throws(LogError) -> Found? {
    while true {
      if case .ended(let found) = try goOn(during: .endless) { return found }
    }
  }

  /// Goes on until the slice is over: for one step at least, which reads of one segment, a slice at
  /// most, or passes over some that are known. After a throw the search has ended.
  package mutating func goOn(during slice: TimeSlice) throws(LogError) -> Progress {
    repeat {
      if let ended = try step(slice) { return ended }
    } while !slice.isOver
    return .goesOn
  }

  /// Nil where there is more to do.
  private mutating func step(_ slice: TimeSlice) throws(LogError) -> Progress? {
    switch stage {
    case .newest(let newest): try stepToNewest(newest, slice)
    case .newestReadable(let newest, let paused):
      try stepToNewestReadable(newest, paused, slice)
    case .first(let timestamp, let place, let fallback):
      try stepToFirst(timestamp, place, fallback, slice)
    }
  }

  private mutating func begin(_ stage: Stage) {
    self.stage = stage
    end = log.endOffset
    segments = log.segments
    next = 0
  }

  // MARK: - The newest timestamp

  private mutating func stepToNewest(
    _ before: Int64?, _ slice: TimeSlice
  ) throws(LogError) -> Progress? {
    var newest = before
    for _ in 0..<Self.stepSegments {
      guard next < segments.count else {
        guard let newest else { return .ended(nil) }
        begin(.first(at: newest, nil, orElse: .newestReadable))
        return nil
      }
      let segment = segments[next]
      let isRead = segment.newestTimestampInMemory == nil
      guard case .known(let found) = try newestTimestamp(in: segment, slice) else { break }
      if let found { newest = max(newest ?? found, found) }
      next += 1
      if isRead { break }
    }
    stage = .newest(newest)
    return nil
  }

  /// Of the batches from the log's start to its end. Where the start lies inside a batch, and the
  /// newest record of all in it below the start, that batch's newest timestamp is the answer all the
  /// same.
  private mutating func stepToNewestReadable(
    _ before: Int64?, _ paused: LogSegment.RangeScan?, _ slice: TimeSlice
  ) throws(LogError) -> Progress? {
    guard next < segments.count, segments[next].baseOffset < end else {
      guard let before else { return .ended(nil) }
      begin(.first(at: before, nil, orElse: .nothing))
      return nil
    }
    let segment = segments[next]
    let (start, end) = (log.startOffset, self.end)
    let isWhole = segment.baseOffset >= start && segment.file.successor.map { $0 <= end } ?? false
    var paused = paused
    let found = try unlessGone(segment, .known(nil)) { () throws(LogError) in
      isWhole
        ? try segment.newestTimestamp(during: slice)
        : try segment.newestTimestamp(from: start, below: end, &paused, during: slice)
    }
    guard case .known(let timestamp) = found else {
      stage = .newestReadable(before, paused)
      return nil
    }
    next += 1
    stage = .newestReadable(timestamp.map { max(before ?? $0, $0) } ?? before, nil)
    return nil
  }

  /// Nil too where retention has taken the segment meanwhile.
  private func newestTimestamp(
    in segment: LogSegment, _ slice: TimeSlice
  ) throws(LogError) -> LogSegment.NewestTimestamp {
    try unlessGone(segment, .known(nil)) { () throws(LogError) in
      try segment.newestTimestamp(during: slice)
    }
  }

  // MARK: - The first record

  private mutating func stepToFirst(
    _ timestamp: Int64, _ place: LookIn?, _ fallback: Fallback, _ slice: TimeSlice
  ) throws(LogError) -> Progress? {
    if let place { return try look(timestamp, place, fallback, slice) }
    for _ in 0..<Self.stepSegments {
      guard next < segments.count, segments[next].baseOffset < end else {
        switch fallback {
        case .nothing: return .ended(nil)
        case .newestReadable:
          begin(.newestReadable(nil, nil))
          return nil
        }
      }
      let segment = segments[next]
      let isRead = segment.newestTimestampInMemory == nil
      guard case .known(let newest) = try newestTimestamp(in: segment, slice) else { return nil }
      if let newest, newest >= timestamp {
        return try look(
          timestamp, LookIn(least: max(log.startOffset, segment.baseOffset)), fallback, slice)
      }
      next += 1
      if isRead { return nil }
    }
    return nil
  }

  /// Looks in the segment whose turn it is, which has such a record.
  private mutating func look(
    _ timestamp: Int64, _ place: LookIn, _ fallback: Fallback, _ slice: TimeSlice
  ) throws(LogError) -> Progress? {
    let segment = segments[next]
    let scan = try unlessGone(segment, .none) { () throws(LogError) in
      try segment.locate(
        timestamp: timestamp, notBelow: place.least, place.paused, during: slice)
    }
    var place = place
    switch scan {
    case .found(let location):
      let start = log.startOffset
      let found = try unlessGone(segment, nil) { () throws(LogError) in
        try Self.firstRecord(at: timestamp, notBelow: start, in: segment, location)
      }
      if let found { return .ended(found) }
      // The batch's records of that time lie below the log's start.
      if location.header.nextOffset > place.least {
        place = LookIn(least: location.header.nextOffset)
        stage = .first(at: timestamp, place, orElse: fallback)
        return nil
      }
    case .paused(let paused):
      place.paused = paused
      stage = .first(at: timestamp, place, orElse: fallback)
      return nil
    case .none: break
    }
    next += 1
    stage = .first(at: timestamp, nil, orElse: fallback)
    return nil
  }

  /// Nil where the batch has such a record only below `least`.
  private static func firstRecord(
    at timestamp: Int64, notBelow least: Offset, in segment: LogSegment,
    _ location: LogSegment.Location
  ) throws(LogError) -> Found? {
    let place = "\(segment.file.path): byte \(location.position)"
    let found: Result<Found?, BatchOrFailure<BatchError>>
    do throws(StorageError) {
      var scanner = try BatchScanner(segment.file, from: location.position)
      found = try scanner.withBatch(location.header) { batch throws(BatchError) in
        // The CRC covers the timestamps.
        try batch.verifyChecksum()
        if batch.header.attributes.compression != .none { return nil }
        var records = try batch.records()
        while let record = try records.next() {
          if record.timestamp >= timestamp && record.offset >= least {
            return (record.offset, record.timestamp)
          }
        }
        return nil
      }
    } catch { throw .storage(error) }
    switch found {
    case .success(let record):
      let header = location.header
      if record == nil && header.baseOffset < least && header.attributes.compression == .none {
        return nil
      }
      return record ?? (max(least, header.baseOffset), header.maxTimestamp)
    case .failure(.batch(let error)), .failure(.failure(let error)):
      throw .batch(error, place: place)
    }
  }

  // MARK: - Retention

  /// `gone` where retention has taken the segment, or does meanwhile.
  private func unlessGone<Value>(
    _ segment: LogSegment, _ gone: Value, _ find: () throws(LogError) -> Value
  ) throws(LogError) -> Value {
    if log.hasLeft(segment) { return gone }
    do throws(LogError) { return try find() } catch {
      if log.hasLeft(segment) { return gone }
      throw error
    }
  }
}
