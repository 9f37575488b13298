// What a log or a producer writes into a finished batch, in place.

extension RecordBatchHeader {
  /// Gives the batch at the beginning of `batch` its place in a log. The CRC does not cover what
  /// is written and stays valid.
  ///
  /// `batch` must hold at least the header, parsed before; that the batch's last offset stays in
  /// range is the caller's part too. Writes 12 bytes and reads none.
  package static func stamp(
    _ batch: inout MutableRawSpan, baseOffset: Offset, leaderEpoch: Int32
  ) {
    precondition(batch.byteCount >= byteCount, "a batch is stamped after it was parsed")
    batch.storeBigEndian(baseOffset.rawValue, at: Position.baseOffset)
    batch.storeBigEndian(leaderEpoch, at: Position.partitionLeaderEpoch)
  }

  /// Makes the batch at the beginning of `batch` one of append time, `milliseconds` since 1970:
  /// sets attribute bit 3 and the max timestamp, and makes the CRC anew over the whole batch. The
  /// records are not touched; their deltas no longer count.
  ///
  /// The old CRC is not looked at: verify it before, or damage is sealed in. Throws, with nothing
  /// written, where the header does not parse or the batch is not all there.
  package static func stampAppendTime(
    _ batch: inout MutableRawSpan, milliseconds: Int64
  ) throws(BatchError) {
    let header = try wholeBatch(batch)
    let attributes = header.attributes.rawValue | BatchAttributes.appendTimeBit
    batch.storeBigEndian(attributes, at: Position.attributes)
    batch.storeBigEndian(milliseconds, at: Position.maxTimestamp)
    storeChecksum(&batch, byteCountTotal: header.byteCountTotal)
  }

  /// Replaces the producer id, epoch and base sequence, as a producer does that sends a prebuilt
  /// batch again and again, and makes the CRC anew. `stampAppendTime`'s contract holds.
  package static func restampSequence(
    _ batch: inout MutableRawSpan, producer: ProducerStamp
  ) throws(BatchError) {
    let header = try wholeBatch(batch)
    batch.storeBigEndian(producer.id, at: Position.producerID)
    batch.storeBigEndian(producer.epoch, at: Position.producerEpoch)
    batch.storeBigEndian(producer.baseSequence, at: Position.baseSequence)
    storeChecksum(&batch, byteCountTotal: header.byteCountTotal)
  }

  /// Replaces the max timestamp, where it is not that of the records, and makes the CRC anew.
  /// `stampAppendTime`'s contract holds.
  package static func stampMaxTimestamp(
    _ batch: inout MutableRawSpan, milliseconds: Int64
  ) throws(BatchError) {
    let header = try wholeBatch(batch)
    batch.storeBigEndian(milliseconds, at: Position.maxTimestamp)
    storeChecksum(&batch, byteCountTotal: header.byteCountTotal)
  }

  private static func wholeBatch(
    _ batch: borrowing MutableRawSpan
  ) throws(BatchError) -> RecordBatchHeader {
    let header = try RecordBatchHeader(parsing: batch.bytes)
    guard header.byteCountTotal <= batch.byteCount else {
      throw .truncated(needed: header.byteCountTotal, available: batch.byteCount)
    }
    return header
  }

  /// Computes and writes the CRC of the batch that fills the first `byteCountTotal` bytes.
  static func storeChecksum(_ batch: inout MutableRawSpan, byteCountTotal: Int) {
    let crc = CRC32C.checksum(batch.bytes.extracting(Position.attributes..<byteCountTotal))
    batch.storeBigEndian(crc, at: Position.crc)
  }
}
