/// Walks the records of an uncompressed batch, in place.
///
/// ```
///   record
///     length            varint   bytes after this field
///     attributes        int8     unused, 0
///     timestamp delta   varlong  from the base timestamp
///     offset delta      varint   from the base offset
///     key length        varint   -1 for null      key    bytes
///     value length      varint   -1 for null      value  bytes
///     header count      varint
///       key length      varint                    key    bytes
///       value length    varint   -1 for null      value  bytes
/// ```
package struct RecordCursor: ~Escapable {
  private let batch: RawSpan
  private let header: RecordBatchHeader
  private var position: Int
  private var recordsRead: Int32
  /// The greatest offset delta so far, -1 before the first record.
  private var lastDelta: Int32

  /// `batch` is the whole batch that `header` was parsed from, and its records are not compressed.
  @_lifetime(copy batch)
  init(batch: RawSpan, header: RecordBatchHeader) {
    self.batch = batch
    self.header = header
    position = RecordBatchHeader.byteCount
    recordsRead = 0
    lastDelta = -1
  }

  /// The next record, or nil after the last. Throws where the record does not hold together
  /// (lengths and counts that leave its bounds, an offset delta that does not grow or passes the
  /// batch's last, bytes left over in the record) and, after the last record, where bytes are left
  /// over in the batch. After a throw the cursor has not moved, and throws the same again.
  @_lifetime(copy self)
  package mutating func next() throws(BatchError) -> RecordView? {
    guard recordsRead < header.recordCount else {
      let left = batch.byteCount - position
      guard left == 0 else { throw .trailingBytes(left, position: position) }
      return nil
    }
    var parser = RecordParser(batch, at: position)
    let layout: RecordLayout
    do throws(RecordFault) {
      layout = try parser.record(header: header, after: lastDelta)
    } catch {
      throw .malformedRecord(index: Int(recordsRead), position: parser.position, fault: error)
    }
    position = parser.position
    recordsRead += 1
    lastDelta = layout.offsetDelta
    let isAppendTime = header.attributes.timestampType == .appendTime
    return RecordView(
      batch: batch, layout: layout,
      offset: header.baseOffset.advanced(by: Int64(layout.offsetDelta)),
      timestamp: isAppendTime ? header.maxTimestamp : layout.timestamp)
  }
}
