import LogStorage
import Records

/// Looks for whole batches behind one that does not hold, at any byte: a bad length says nothing
/// about where the next batch begins.
struct IntactBatchSearch {
  let file: SegmentFile
  /// Intact batches of this log behind the bad one have this offset or a later one.
  let after: Offset

  /// How many whole batches with a valid CRC lie from `start` on.
  func count(from start: FilePosition) throws(LogError) -> Int {
    do throws(StorageError) {
      var scanner = try BatchScanner(file, from: start)
      var found = 0
      while scanner.remaining >= Int64(RecordBatchHeader.byteCount) {
        if case .success(let header) = try scanner.header(), header.baseOffset >= after,
          try scanner.checksumFault(header) == nil
        {
          found += 1
          scanner.skip(header)
        } else {
          let candidate = try scanner.withBytes(1 << 20, nextCandidate)
          scanner.search(from: scanner.position.advanced(by: candidate))
        }
      }
      return found
    } catch { throw .storage(error) }
  }

  /// How far on, at least one byte, the next place is that could be a header: magic 2, and a base
  /// offset that this log can have reached (its upper bytes are those of `after`, or nearly).
  private func nextCandidate(_ bytes: RawSpan) -> Int {
    let magic = RecordBatchHeader.Position.magic
    return bytes.withUnsafeBytes { raw in
      let last = raw.count - RecordBatchHeader.byteCount
      if last < 1 { return max(1, raw.count) }
      for index in 1...last where raw[index + magic] == UInt8(RecordBatchHeader.magic) {
        let base = Int64(bigEndian: raw.loadUnaligned(fromByteOffset: index, as: Int64.self))
        if base >= after.rawValue && base - after.rawValue < 1 << 40 { return index }
      }
      return last + 1
    }
  }
}
