import LogStorage
import Records

/// Looks for whole batches behind one that does not hold, at any byte: a bad length says nothing
/// about where the next batch begins.
///
/// What lies there may be anything, such as a record whose value looks like headers of large
/// batches. Checking a CRC for each would take the square of the bytes, so there is a budget: a few
/// times the bytes that there are.
struct IntactBatchSearch {
  struct Finding: Hashable {
    /// How many whole batches with a valid CRC there are, as far as was looked.
    var batches = 0
    /// The records in them.
    var records: Int64 = 0
    /// The offset after the last of them; nil where there is none.
    var next: Offset?
    /// Where the budget was spent; nil where all was looked through.
    var gaveUpAt: FilePosition?
  }

  let file: SegmentFile
  /// Intact batches of this log behind the bad one have this offset or a later one.
  let after: Offset

  /// Bytes whose CRC may be checked in vain, in times those that are looked through, and at least.
  private static let budgetFactor: Int64 = 4
  private static let budgetMin: Int64 = 16 << 20

  /// What lies from `start` on.
  func run(from start: FilePosition) throws(LogError) -> Finding {
    do throws(StorageError) {
      var scanner = try BatchScanner(file, from: start)
      var budget = max(Self.budgetMin, Self.budgetFactor * scanner.remaining)
      var finding = Finding()
      while scanner.remaining >= Int64(RecordBatchHeader.byteCount) {
        if case .success(let header) = try scanner.header(), header.baseOffset >= after {
          if try scanner.checksumFault(header) == nil {
            finding.batches += 1
            finding.records += Int64(header.recordCount)
            finding.next = max(finding.next ?? after, header.nextOffset)
            scanner.skip(header)
            continue
          }
          budget -= Int64(header.byteCountTotal)
          if budget < 0 {
            finding.gaveUpAt = scanner.position
            return finding
          }
        }
        let candidate = try scanner.withBytes(1 << 20, nextCandidate)
        scanner.search(from: scanner.position.advanced(by: candidate))
      }
      return finding
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
