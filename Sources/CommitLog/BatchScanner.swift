import LinuxIO
import LogStorage
import Records

/// Why a scan found no further batch.
package enum ScanStop: Hashable, Sendable {
  /// The bytes end with the last batch.
  case end
  /// Zeros follow: padding or preallocated space, perhaps with something behind it.
  case zeros
  /// A batch begins and the bytes end inside it.
  case unfinished(needed: Int64, available: Int64)
  /// What follows is no batch, or does not hold.
  case invalid(BatchError)
}

extension ScanStop: CustomStringConvertible {
  package var description: String {
    switch self {
    case .end: "the log ends here"
    case .zeros: "zeros where a batch should begin"
    case .unfinished(let needed, let available):
      "a batch of \(needed) bytes begins, and only \(available) bytes follow"
    case .invalid(let error): "\(error)"
    }
  }
}

/// Walks the batches of one segment, front to back, through one buffer.
///
/// Reads ahead by `readAheadBytes`: 1 MiB for a scan of everything, less to hop from header to
/// header. A batch larger than the buffer is checked in pieces, so that a length that rot made up
/// costs no memory.
package struct BatchScanner: ~Copyable {
  private let segment: SegmentFile
  private let end: Int64
  private let readAheadBytes: Int
  /// Holds the file open between the slices.
  private let handle: ReadableFile
  private var buffer: AlignedBuffer
  private var bufferStart: Int64
  /// Where the next batch begins.
  package private(set) var position: FilePosition
  /// Of all bytes of the batches that `checksumFault` was asked for, one after the other, from the time
  /// on when it was set; nil where nobody wants it.
  var sum: UInt32?

  /// A scan of `segment` from `position`, where a batch begins, to `end`; over `file`, where the caller
  /// has the segment open already.
  package init(
    _ segment: SegmentFile, in file: ReadableFile? = nil, from position: FilePosition = .zero,
    end: FilePosition? = nil, readAheadBytes: Int = 1 << 20
  ) throws(StorageError) {
    self.segment = segment
    self.end = (end ?? segment.end).rawValue
    self.position = position
    // A small segment needs no large buffer.
    let scanBytes = max(self.end - position.rawValue, Int64(RecordBatchHeader.byteCount))
    self.readAheadBytes = Int(min(Int64(readAheadBytes), scanBytes))
    if let file { handle = file } else { handle = try segment.openForReading() }
    buffer = AlignedBuffer(capacity: self.readAheadBytes)
    bufferStart = position.rawValue
  }

  /// Bytes from here to the end of the scan.
  package var remaining: Int64 { max(0, end - position.rawValue) }

  /// The header of the next batch, which lies within the bytes as a whole; does not move on.
  package mutating func header() throws(StorageError) -> Result<RecordBatchHeader, ScanFault> {
    if remaining == 0 { return .failure(ScanFault(stop: .end)) }
    let available = try fill(RecordBatchHeader.byteCount)
    let start = Int(position.rawValue - bufferStart)
    let bytes = buffer.bytes.extracting(start..<(start + available))
    if bytes.isZero { return .failure(ScanFault(stop: .zeros)) }
    do throws(BatchError) {
      let header = try RecordBatchHeader(parsing: bytes)
      let needed = Int64(header.byteCountTotal)
      if needed > remaining {
        return .failure(ScanFault(stop: .unfinished(needed: needed, available: remaining)))
      }
      return .success(header)
    } catch .truncated(let needed, _) {
      let stop = ScanStop.unfinished(needed: Int64(needed), available: remaining)
      return .failure(ScanFault(stop: stop))
    } catch {
      return .failure(ScanFault(stop: .invalid(error)))
    }
  }

  /// Why `header` finds no batch here.
  package mutating func stop() throws(StorageError) -> ScanStop {
    if case .failure(let fault) = try header() { return fault.stop }
    return .end
  }

  /// Moves past the batch with this header.
  package mutating func skip(_ header: RecordBatchHeader) {
    position = position.advanced(by: header.byteCountTotal)
  }

  /// Checks the batch's CRC-32C; nil where it holds.
  package mutating func checksumFault(
    _ header: RecordBatchHeader
  ) throws(StorageError) -> BatchError? {
    var crc: UInt32 = 0
    var done = RecordBatchHeader.Position.attributes
    let resume = position
    defer { position = resume }
    if let before = sum {
      let count = min(try fill(done), done)
      let start = Int(position.rawValue - bufferStart)
      sum = checksum(start..<(start + count), continuing: before)
    }
    // The covered part begins inside the header; from there on in pieces of the buffer.
    position = position.advanced(by: done)
    while done < header.byteCountTotal {
      let wanted = min(readAheadBytes, header.byteCountTotal - done)
      let available = try fill(wanted)
      let start = Int(position.rawValue - bufferStart)
      let count = min(available, header.byteCountTotal - done)
      guard count > 0 else {
        return .truncated(needed: header.byteCountTotal, available: done)
      }
      crc = checksum(start..<(start + count), continuing: crc)
      if let before = sum { sum = checksum(start..<(start + count), continuing: before) }
      done += count
      position = position.advanced(by: count)
    }
    return crc == header.crc ? nil : .checksumMismatch(stored: header.crc, computed: crc)
  }

  private func checksum(_ range: Range<Int>, continuing before: UInt32) -> UInt32 {
    CRC32C.checksum(buffer.bytes.extracting(range), continuing: before)
  }

  /// Lends the whole batch with this header.
  package mutating func withBatch<Value, Failure: Error>(
    _ header: RecordBatchHeader, _ body: (RecordBatchView) throws(Failure) -> Value
  ) throws(StorageError) -> Result<Value, BatchOrFailure<Failure>> {
    let available = try fill(header.byteCountTotal)
    let start = Int(position.rawValue - bufferStart)
    let bytes = buffer.bytes.extracting(start..<(start + available))
    do throws(BatchError) {
      let view = try RecordBatchView(bytes)
      do throws(Failure) { return .success(try body(view)) } catch {
        return .failure(.failure(error))
      }
    } catch { return .failure(.batch(error)) }
  }

  /// True where only zeros follow.
  package mutating func isZeroToEnd() throws(StorageError) -> Bool {
    let resume = position
    defer { position = resume }
    while remaining > 0 {
      let available = try fill(readAheadBytes)
      if available == 0 { return true }
      let start = Int(position.rawValue - bufferStart)
      if !buffer.bytes.extracting(start..<(start + available)).isZero { return false }
      position = position.advanced(by: available)
    }
    return true
  }

  /// Moves by `count` bytes, to look for a batch where the last one did not end.
  package mutating func search(from newPosition: FilePosition) { position = newPosition }

  /// Lends the bytes that are buffered from here on, at least `count` where the scan has them.
  package mutating func withBytes<Value>(
    _ count: Int, _ body: (RawSpan) -> Value
  ) throws(StorageError) -> Value {
    let available = try fill(count)
    let start = Int(position.rawValue - bufferStart)
    return body(buffer.bytes.extracting(start..<(start + available)))
  }

  /// Makes the buffer hold at least `count` bytes from `position`, or what there is; how many it
  /// holds from there.
  private mutating func fill(_ count: Int) throws(StorageError) -> Int {
    let wanted = Int(min(Int64(count), remaining))
    let buffered = bufferStart + Int64(buffer.count) - position.rawValue
    if position.rawValue >= bufferStart && buffered >= Int64(wanted) { return Int(buffered) }
    let target = Int(min(Int64(max(count, readAheadBytes)), remaining))
    buffer.clear()
    buffer.resize(to: target)
    bufferStart = position.rawValue
    let slice = segment.slice(at: position, count: target, in: handle)
    let got = try buffer.withMutableBytes { span throws(StorageError) in
      try slice.read(into: &span)
    }
    buffer.truncate(to: got)
    return got
  }
}

/// A `ScanStop` as an error.
package struct ScanFault: Error, Hashable, Sendable { package let stop: ScanStop }

/// Either the batch did not hold, or the body threw.
package enum BatchOrFailure<Failure: Error>: Error {
  case batch(BatchError)
  case failure(Failure)
}

extension RawSpan {
  /// True where every byte is zero.
  package var isZero: Bool {
    withUnsafeBytes { bytes in
      var index = 0
      while index + 8 <= bytes.count {
        if bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) != 0 { return false }
        index += 8
      }
      return bytes[index...].allSatisfy { $0 == 0 }
    }
  }
}
