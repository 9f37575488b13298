/// One record batch where it lies: in a producer's request, in a buffer read from a segment, in a
/// mapped file. Nothing is copied and nothing allocated; the view and all that comes from it live
/// no longer than the bytes.
///
/// The bytes are outside data. Whatever they are, nothing here traps.
package struct RecordBatchView: ~Escapable {
  /// The batch's bytes, header included, and no more.
  package let bytes: RawSpan
  package let header: RecordBatchHeader

  /// The batch that `bytes` begin with; more may follow. Checks the header as
  /// `RecordBatchHeader.init(parsing:)` does, and throws `.truncated` where the batch is not all
  /// there. The CRC and the records are looked at by `verifyChecksum`, `records` and `validate`.
  @_lifetime(copy bytes)
  package init(_ bytes: RawSpan) throws(BatchError) {
    let header = try RecordBatchHeader(parsing: bytes)
    guard header.byteCountTotal <= bytes.byteCount else {
      throw .truncated(needed: header.byteCountTotal, available: bytes.byteCount)
    }
    self.header = header
    self.bytes = bytes.extracting(first: header.byteCountTotal)
  }

  /// The CRC-32C of the bytes that the header's CRC covers: attributes to the end.
  package func computeChecksum() -> UInt32 {
    CRC32C.checksum(bytes.extracting(droppingFirst: RecordBatchHeader.Position.attributes))
  }

  /// Throws `.checksumMismatch` where the bytes are not those that the CRC was made of.
  package func verifyChecksum() throws(BatchError) {
    let computed = computeChecksum()
    guard computed == header.crc else {
      throw .checksumMismatch(stored: header.crc, computed: computed)
    }
  }

  /// A cursor before the first record. Throws `.compressed` where the records are compressed: such
  /// a batch is carried as it is.
  @_lifetime(copy self)
  package func records() throws(BatchError) -> RecordCursor {
    let codec = header.attributes.compression
    guard codec == .none else { throw .compressed(codec) }
    return RecordCursor(batch: bytes, header: header)
  }

  /// Checks everything that can be checked: the CRC, and, where the records are not compressed,
  /// that each of them holds together and that they are as many as the header says. The newest
  /// timestamp of the records; nil where they are compressed, or none.
  @discardableResult
  package func validate() throws(BatchError) -> Int64? {
    try verifyChecksum()
    guard header.attributes.compression == .none else { return nil }
    var cursor = try records()
    var newest: Int64?
    while let record = try cursor.next() { newest = max(newest ?? .min, record.timestamp) }
    return newest
  }
}
