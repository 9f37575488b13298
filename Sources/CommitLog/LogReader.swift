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

/// One reader of one partition, on any one thread. It remembers where it stopped, so that reading
/// on needs no index.
package struct LogReader {
  package let log: PublishedLog
  private var cursor: Cursor?

  private struct Cursor {
    let segment: LogSegment
    let position: FilePosition
    let offset: Offset
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
    guard offset >= start, offset <= end else {
      throw .offsetOutOfRange(offset, start: start, end: end, log.partition)
    }
    if offset == end { return nil }
    let segments = log.segments
    guard let first = segments.index(holding: offset) else {
      throw .offsetOutOfRange(offset, start: start, end: end, log.partition)
    }
    let segment = segments[first]
    guard let location = try locate(offset, in: segment) else {
      throw .damaged(
        path: segment.file.path, position: segment.file.end, expected: offset,
        reason: "no batch up to the segment's end holds it")
    }
    if let reason = location.header.reasonNotToFollow(offset, isFirst: true) {
      throw .damaged(
        path: segment.file.path, position: location.position, expected: offset, reason: reason)
    }
    let count = max(bytesMax, location.header.byteCountTotal)
    do throws(StorageError) {
      let slice = try segment.file.slice(at: location.position, count: count)
      return LogRead(
        slice: slice, segment: segment, position: location.position,
        firstBatch: location.header, startOffset: start, endOffset: end)
    } catch { throw retention(error, offset) }
  }

  /// Tells the reader where it got to: `offset` is that of the batch which begins `byteCount`
  /// bytes into `read`.
  package mutating func advance(past read: LogRead, byteCount: Int, to offset: Offset) {
    cursor = Cursor(
      segment: read.segment, position: read.position.advanced(by: byteCount), offset: offset)
  }

  /// The first record at or after `timestamp` (milliseconds): its offset and timestamp; nil where
  /// all are older. In a compressed batch, which is not opened, the batch's first offset.
  package func offset(
    at timestamp: Int64
  ) throws(LogError) -> (offset: Offset, timestamp: Int64)? {
    let end = log.endOffset
    for segment in log.segments {
      if segment.baseOffset >= end { break }
      let newest: Int64?
      do throws(LogError) { newest = try segment.newestTimestamp() } catch {
        if log.startOffset > segment.baseOffset { continue }
        throw error
      }
      guard let newest, newest >= timestamp else { continue }
      guard let location = try segment.locate(timestamp: timestamp) else { continue }
      return try firstRecord(at: timestamp, in: segment, location)
    }
    return nil
  }

  // MARK: - Steps

  private func locate(
    _ offset: Offset, in segment: LogSegment
  ) throws(LogError) -> LogSegment.Location? {
    do throws(LogError) {
      if let cursor, cursor.offset == offset, cursor.segment.file === segment.file {
        if let location = try header(at: cursor.position, in: segment),
          location.header.lastOffset >= offset, location.header.baseOffset <= offset
        {
          return location
        }
      }
      return try segment.locate(offset)
    } catch .storage(let error) {
      throw retention(error, offset)
    }
  }

  private func header(
    at position: FilePosition, in segment: LogSegment
  ) throws(LogError) -> LogSegment.Location? {
    do throws(StorageError) {
      var scanner = try BatchScanner(segment.file, from: position, readAheadBytes: 64)
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

  private func firstRecord(
    at timestamp: Int64, in segment: LogSegment, _ location: LogSegment.Location
  ) throws(LogError) -> (offset: Offset, timestamp: Int64) {
    let place = "\(segment.file.path): byte \(location.position)"
    let found: Result<(Offset, Int64)?, BatchOrFailure<BatchError>>
    do throws(StorageError) {
      var scanner = try BatchScanner(segment.file, from: location.position)
      found = try scanner.withBatch(location.header) { batch throws(BatchError) in
        // The CRC covers the timestamps.
        try batch.verifyChecksum()
        if batch.header.attributes.compression != .none { return nil }
        var records = try batch.records()
        while let record = try records.next() {
          if record.timestamp >= timestamp { return (record.offset, record.timestamp) }
        }
        return nil
      }
    } catch { throw .storage(error) }
    switch found {
    case .success(let record):
      return record ?? (location.header.baseOffset, location.header.maxTimestamp)
    case .failure(.batch(let error)), .failure(.failure(let error)):
      throw .batch(error, place: place)
    }
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
