import LinuxIO
import LogStorage
import Records

/// Batches with valid CRCs, made to measure.
struct FuzzBatch {
  var base: Int64 = 0
  var recordCount = 1
  var valueBytes = 20
  /// Of the first record; the others follow by a millisecond each.
  var timestamp: Int64 = 1_000
  var compression = CompressionCodec.none
  /// Nil: one less than there are records.
  var lastOffsetDelta: Int32?
  /// Nil: the newest record's.
  var maxTimestamp: Int64?

  var bytes: [UInt8] {
    // 'v' begins no header, wherever a reader looks for one.
    let value = [UInt8](repeating: UInt8(ascii: "v"), count: valueBytes)
    var batch = Self.bytes(
      of: (0..<max(1, recordCount)).map {
        Record(timestamp: timestamp &+ Int64($0), key: nil, value: value)
      })
    guard var header = try? RecordBatchHeader(parsing: batch.span.bytes) else { return batch }
    header.baseOffset = Offset(base)
    header.lastOffsetDelta = lastOffsetDelta ?? header.lastOffsetDelta
    header.maxTimestamp = maxTimestamp ?? header.maxTimestamp
    header.attributes = BatchAttributes(compression: compression)
    Self.seal(&batch, header)
    return batch
  }

  static func bytes(of records: [Record]) -> [UInt8] {
    var builder = RecordBatchBuilder(buffer: AlignedBuffer(capacity: 128))
    // A time that does not fit beside the first is left out.
    for record in records { try? builder.append(record) }
    let finished = builder.finish(baseOffset: .zero)
    return finished.withBytes { bytes in bytes.withUnsafeBytes { Array($0) } }
  }

  /// Writes the header and its CRC over the batch's first bytes.
  static func seal(_ batch: inout [UInt8], _ header: RecordBatchHeader) {
    var sealed = header
    let covered = RecordBatchHeader.Position.attributes
    write(sealed, &batch)
    sealed.crc = CRC32C.checksum(batch.span.bytes.extracting(droppingFirst: covered))
    write(sealed, &batch)
  }

  private static func write(_ header: RecordBatchHeader, _ batch: inout [UInt8]) {
    var span = batch.mutableSpan
    var bytes = span.mutableBytes
    header.write(to: &bytes)
  }
}
