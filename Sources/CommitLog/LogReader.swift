import LinuxIO
import LogStorage
import Records

/// Bytes of a partition, to send or to parse.
package struct LogRead: Sendable {
  /// Begins with the batch that holds the offset asked for (whose base may be lower). That batch
  /// is whole; the last one may be cut short by the byte limit, as in Kafka's fetch.
  package let slice: LogSlice
  package let segment: LogSegment
  package let position: FilePosition
  package let firstBatch: RecordBatchHeader
  /// The log's bounds when the read was made.
  package let startOffset: Offset
  package let endOffset: Offset
}

/// What the next read of a `LogReader` will touch.
package enum ReadPlace: Sendable {
  /// Nothing: the log ends there, or does not hold the offset.
  case end
  /// This file, from the header at this position on. Bytes that a backend still holds in memory are
  /// read there, not from the file.
  case known(ReadableFile, FilePosition)
  /// The last read was cut short, and the offset may lie in one of its batches: `lookNear` reads
  /// their headers, in this range of the file, and says whether it does.
  case near(ReadableFile, Range<Int64>)
  /// Another segment, an index, or a scan: anything that has to be looked for first.
  case unknown
}

/// One reader of one partition, on any one thread at a time.
///
/// It keeps the segment that it reads in, and that segment's file: while it goes on there it takes
/// no lock that another reader, or the appender, could hold. It remembers where it stopped, so that
/// reading on needs no index. A segment that it keeps stays readable when retention deletes it, and
/// is not recycled.
package struct LogReader: Sendable {
  package let log: PublishedLog
  private var current: Current?

  private struct Current: Sendable {
    let segment: LogSegment
    let file: ReadableFile
    /// Where the last read began.
    var last: Boundary?
    /// Where the next one begins, where the last one went up to the segment's end.
    var next: Boundary?
    /// Where it lies, where the last one was cut short.
    var cut: Cut?

    /// The segment holds it, or ends before it and has no successor yet.
    func covers(_ offset: Offset) -> Bool {
      offset >= segment.baseOffset && segment.file.successor.map { offset < $0 } ?? true
    }

    /// The cut that `offset` lies in, or behind: its batch is found by going from header to header.
    func cut(holding offset: Offset) -> Cut? {
      guard let cut, offset >= cut.nextOffset,
        cut.truncationCount == segment.file.truncationCount
      else { return nil }
      return cut
    }

    /// Where the batch of `offset` can be expected to begin.
    func position(of offset: Offset) -> FilePosition? {
      func holds(_ boundary: Boundary) -> Bool {
        boundary.offsets.contains(offset)
          && boundary.truncationCount == segment.file.truncationCount
      }
      if let next, holds(next) { return next.position }
      if let last, holds(last) { return last.position }
      return nil
    }
  }

  /// Where a batch begins.
  private struct Boundary: Sendable {
    let position: FilePosition
    /// Those that can be expected to lie in that batch; what lies there says whether they do.
    let offsets: ClosedRange<Offset>
    /// The segment's; when bytes are cut off, what comes in their place begins elsewhere.
    let truncationCount: UInt64
  }

  /// Batches of a read that was cut short, in its last batch mostly: clients ask for that one next,
  /// and never got it whole.
  private struct Cut: Sendable {
    /// Of the batches, with the header of the last one.
    let range: Range<Int64>
    /// That of the second batch.
    let nextOffset: Offset
    let truncationCount: UInt64

    /// With more batches than this an index is quicker.
    static let batchesMax = 64
  }

  package init(_ log: PublishedLog) { self.log = log }

  /// Up to `bytesMax` bytes from the batch that holds `offset`, of one segment; nil at the log's
  /// end. At least that batch, however large. Nothing but headers is read here: the slice is.
  ///
  /// Throws `offsetOutOfRange` for offsets that the log does not hold (retention may have been
  /// quicker).
  package mutating func read(from offset: Offset, bytesMax: Int) throws(LogError) -> LogRead? {
    let end = log.endOffset
    let start = log.startOffset
    if offset == end { return nil }
    guard offset >= start, offset < end else {
      if offset > end, try isBeingPublished(offset) { return nil }
      throw .offsetOutOfRange(offset, start: start, end: end, log.partition)
    }
    // Given up before another one is opened.
    if let kept = current, !kept.covers(offset) { current = nil }
    let (place, location) = try find(offset)
    let file = place.segment.file
    if let reason = location.header.reasonNotToFollow(offset, isFirst: true) {
      throw .damaged(
        path: file.path, position: location.position, expected: offset, reason: reason)
    }
    // Read once: it moves, and only its own places are known to be ends of batches.
    let (readable, truncationCount) = (file.end, file.truncationCount)
    let there = Int(clamping: readable.rawValue - location.position.rawValue)
    let count = min(max(bytesMax, location.header.byteCountTotal), max(0, there))
    let slice = file.slice(at: location.position, count: count, in: place.file)
    current = place
    let header = location.header
    current?.last = Boundary(
      position: location.position, offsets: header.baseOffset...header.lastOffset,
      truncationCount: truncationCount)
    current?.next =
      slice.count == there
      ? Boundary(
        position: readable, offsets: end...Offset(Int64.max), truncationCount: truncationCount)
      : nil
    let begin = location.position.rawValue
    let withLastHeader = begin + Int64(slice.count + RecordBatchHeader.byteCount)
    current?.cut =
      slice.count < there && slice.count / header.byteCountTotal < Cut.batchesMax
      ? Cut(
        range: begin..<min(readable.rawValue, withLastHeader), nextOffset: header.nextOffset,
        truncationCount: truncationCount)
      : nil
    return LogRead(
      slice: slice, segment: place.segment, position: location.position,
      firstBatch: location.header, startOffset: start, endOffset: end)
  }

  /// Tells the reader where it got to: `offset` is that of the batch which begins `byteCount`
  /// bytes into `read`.
  package mutating func advance(past read: LogRead, byteCount: Int, to offset: Offset) {
    guard let segment = current?.segment, segment.file === read.segment.file else { return }
    current?.next = Boundary(
      position: read.position.advanced(by: byteCount), offsets: offset...Offset(Int64.max),
      truncationCount: read.slice.version)
  }

  /// What the next `read` from `offset` will have to touch, as far as can be told without a call or a
  /// lock: so that whoever must not wait for a disk can leave cold reads to another thread.
  package func place(of offset: Offset) -> ReadPlace {
    let end = log.endOffset
    if offset == end || offset < log.startOffset { return .end }
    if offset > end { return .unknown }
    guard let current, current.covers(offset) else { return .unknown }
    if let position = current.position(of: offset) { return .known(current.file, position) }
    return current.cut(holding: offset).map { .near(current.file, $0.range) } ?? .unknown
  }

  /// Goes from header to header through what the last read was cut short in. True where the batch of
  /// `offset` was found: its place is known then.
  package mutating func lookNear(_ offset: Offset) -> Bool {
    guard let kept = current, let cut = kept.cut(holding: offset),
      let found = try? walk(cut, to: offset, in: kept)
    else { return false }
    current?.next = Boundary(
      position: found.position, offsets: found.header.baseOffset...found.header.lastOffset,
      truncationCount: cut.truncationCount)
    return true
  }

  /// The first record at or after `timestamp` (milliseconds), without a pause: see `TimeSearch`.
  package func offset(at timestamp: Int64) throws(LogError) -> TimeSearch.Found? {
    try TimeSearch(log, at: timestamp).run()
  }

  /// The first of the records with the newest timestamp (KIP-734), without a pause.
  package func newestRecord() throws(LogError) -> TimeSearch.Found? {
    try TimeSearch(newestOf: log).run()
  }

  // MARK: - Steps

  /// True where the log is about to end at `offset` or later. A segment's bytes are published before the
  /// log's end is: a reader may have read on between the two, and must not be told that it is too far.
  private func isBeingPublished(_ offset: Offset) throws(LogError) -> Bool {
    guard let last = log.segments.last, offset > last.baseOffset else { return false }
    return try last.locate(Offset(offset.rawValue - 1)) != nil
  }

  /// The batch that holds `offset`: in the segment that is kept, or, where none is, in another one.
  private func find(_ offset: Offset) throws(LogError) -> (Current, LogSegment.Location) {
    do throws(LogError) {
      if let current { return try find(offset, in: current) }
      let segment = try listedSegment(offset)
      guard let location = try segment.locate(offset) else { throw missing(offset, in: segment) }
      do throws(StorageError) {
        return (Current(segment: segment, file: try segment.file.openForReading()), location)
      } catch { throw .storage(error) }
    } catch .storage(let error) {
      throw retention(error, offset)
    }
  }

  private func find(
    _ offset: Offset, in kept: Current
  ) throws(LogError) -> (Current, LogSegment.Location) {
    if let position = kept.position(of: offset), let found = try header(at: position, in: kept),
      found.header.baseOffset <= offset, found.header.lastOffset >= offset,
      // Nothing was cut off meanwhile.
      kept.position(of: offset) == position
    {
      return (kept, found)
    }
    if let cut = kept.cut(holding: offset), let found = try walk(cut, to: offset, in: kept),
      // Nothing was cut off meanwhile.
      kept.cut(holding: offset) != nil
    {
      return (kept, found)
    }
    var segment = kept.segment
    if !segment.keepsUp, case let listed = try listedSegment(offset), listed.file === segment.file {
      segment = listed
    }
    guard let location = try segment.locate(offset, in: kept.file) else {
      throw missing(offset, in: segment)
    }
    return (Current(segment: segment, file: kept.file), location)
  }

  /// From header to header through a cut to the batch that holds `offset`; nil where it is none of
  /// them.
  private func walk(
    _ cut: Cut, to offset: Offset, in kept: Current
  ) throws(LogError) -> LogSegment.Location? {
    do throws(StorageError) {
      var scanner = try BatchScanner(
        kept.segment.file, in: kept.file, from: FilePosition(cut.range.lowerBound),
        readAheadBytes: 64)
      for _ in 0...Cut.batchesMax {
        let position = scanner.position
        guard position.rawValue < cut.range.upperBound,
          case .success(let header) = try scanner.header(),
          header.baseOffset <= offset
        else { return nil }
        if header.lastOffset >= offset {
          return LogSegment.Location(position: position, header: header)
        }
        scanner.skip(header)
      }
      return nil
    } catch { throw .storage(error) }
  }

  private func listedSegment(_ offset: Offset) throws(LogError) -> LogSegment {
    let segments = log.segments
    if let index = segments.index(holding: offset) { return segments[index] }
    throw .offsetOutOfRange(offset, start: log.startOffset, end: log.endOffset, log.partition)
  }

  private func missing(_ offset: Offset, in segment: LogSegment) -> LogError {
    .damaged(
      path: segment.file.path, position: segment.file.end, expected: offset,
      reason: "no batch up to the segment's end holds it")
  }

  private func header(
    at position: FilePosition, in kept: Current
  ) throws(LogError) -> LogSegment.Location? {
    do throws(StorageError) {
      var scanner = try BatchScanner(
        kept.segment.file, in: kept.file, from: position, readAheadBytes: 64)
      guard case .success(let header) = try scanner.header() else { return nil }
      return LogSegment.Location(position: position, header: header)
    } catch { throw .storage(error) }
  }

  /// A file that is gone because retention deleted it means that the offset is gone too.
  private func retention(_ error: StorageError, _ offset: Offset) -> LogError {
    let start = log.startOffset
    return offset < start
      ? .offsetOutOfRange(offset, start: start, end: log.endOffset, log.partition)
      : .storage(error)
  }
}

extension LogReader {
  /// Lends every whole batch from the one that holds `offset` up to the log's end as it is now,
  /// in order, its CRC checked; the offset after the last. For tools and tests.
  package mutating func forEachBatch<Failure: Error>(
    from offset: Offset, bytesMax: Int = 1 << 20,
    _ body: (RecordBatchView) throws(Failure) -> Void
  ) throws(LogError) -> Result<Offset, Failure> {
    var next = offset
    while let read = try read(from: next, bytesMax: bytesMax) {
      var fault: BatchError?
      var misplaced: String?
      var failure: Failure?
      var position = read.position
      do throws(StorageError) {
        var scanner = try BatchScanner(
          read.segment.file, from: read.position, readAheadBytes: bytesMax)
        let limit = read.position.advanced(by: read.slice.count)
        while scanner.position < limit, case .success(let header) = try scanner.header() {
          fault = try scanner.checksumFault(header)
          misplaced = header.reasonNotToFollow(next, isFirst: scanner.position == read.position)
          if fault != nil || misplaced != nil { break }
          switch try scanner.withBatch(header, body) {
          case .success: break
          case .failure(.failure(let error)): failure = error
          case .failure(.batch(let error)): fault = error
          }
          if failure != nil || fault != nil { break }
          scanner.skip(header)
          next = header.nextOffset
        }
        position = scanner.position
      } catch { throw retention(error, next) }
      if let failure { return .failure(failure) }
      if let fault { throw .batch(fault, place: "\(read.segment.file.path): byte \(position)") }
      if let misplaced {
        throw .damaged(
          path: read.segment.file.path, position: position, expected: next, reason: misplaced)
      }
      advance(
        past: read, byteCount: Int(position.rawValue - read.position.rawValue), to: next)
    }
    return .success(next)
  }
}

extension RecordBatchHeader {
  /// Why this batch cannot be the one that holds `offset`, or nil. Base offsets are not covered by
  /// the CRC, but the log has no gaps: each batch goes on where the one before it ended. Only the
  /// `isFirst` of a read may begin before the offset that was asked for.
  fileprivate func reasonNotToFollow(_ offset: Offset, isFirst: Bool) -> String? {
    let follows = isFirst ? baseOffset <= offset && lastOffset >= offset : baseOffset == offset
    return follows ? nil : "found a batch of offsets \(baseOffset) to \(lastOffset)"
  }
}
