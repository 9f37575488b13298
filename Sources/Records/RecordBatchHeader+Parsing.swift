extension RecordBatchHeader {
  /// Reads the header of the batch that `bytes` begin with; of the records, `bytes` may hold any
  /// part or none.
  ///
  /// Checks what can be known from the header alone: the magic is 2; the length leaves room for a
  /// header and no more than the format allows; the offsets lie in 0…`Int64.max`; the attributes
  /// are known; the records are no more than there are offsets for (fewer is what compaction
  /// leaves). Does not look at the CRC. Never traps, whatever the bytes are.
  package init(parsing bytes: RawSpan) throws(BatchError) {
    // The magic first: messages of older formats may be shorter than a header of this one.
    if bytes.byteCount > Position.magic {
      let magic = bytes.loadBigEndian(Int8.self, at: Position.magic)
      guard magic == Self.magic else { throw .unsupportedMagic(magic) }
    }
    guard bytes.byteCount >= Self.byteCount else {
      throw .truncated(needed: Self.byteCount, available: bytes.byteCount)
    }
    self.init(
      baseOffset: Offset(bytes.loadBigEndian(Int64.self, at: Position.baseOffset)),
      batchLength: bytes.loadBigEndian(Int32.self, at: Position.batchLength),
      partitionLeaderEpoch: bytes.loadBigEndian(Int32.self, at: Position.partitionLeaderEpoch),
      crc: bytes.loadBigEndian(UInt32.self, at: Position.crc),
      attributes: try BatchAttributes(
        parsing: bytes.loadBigEndian(UInt16.self, at: Position.attributes)),
      lastOffsetDelta: bytes.loadBigEndian(Int32.self, at: Position.lastOffsetDelta),
      baseTimestamp: bytes.loadBigEndian(Int64.self, at: Position.baseTimestamp),
      maxTimestamp: bytes.loadBigEndian(Int64.self, at: Position.maxTimestamp),
      producer: ProducerStamp(
        id: bytes.loadBigEndian(Int64.self, at: Position.producerID),
        epoch: bytes.loadBigEndian(Int16.self, at: Position.producerEpoch),
        baseSequence: bytes.loadBigEndian(Int32.self, at: Position.baseSequence)),
      recordCount: bytes.loadBigEndian(Int32.self, at: Position.recordCount))
    try checkRanges()
  }

  private func checkRanges() throws(BatchError) {
    guard batchLength >= Self.batchLengthMin, batchLength <= Self.batchLengthMax else {
      throw .lengthOutOfRange(batchLength)
    }
    guard lastOffsetDelta >= 0 else { throw .negativeLastOffsetDelta(lastOffsetDelta) }
    let base = baseOffset.rawValue
    guard base >= 0, base <= Int64.max - Int64(lastOffsetDelta) else {
      throw .offsetOutOfRange(base: base, lastOffsetDelta: lastOffsetDelta)
    }
    guard recordCount >= 0, Int64(recordCount) <= Int64(lastOffsetDelta) + 1 else {
      throw .recordCountOutOfRange(recordCount, lastOffsetDelta: lastOffsetDelta)
    }
  }

  /// Writes the header, its CRC field included as it stands, over the first 61 bytes of `batch`.
  package func write(to batch: inout MutableRawSpan) {
    batch.storeBigEndian(baseOffset.rawValue, at: Position.baseOffset)
    batch.storeBigEndian(batchLength, at: Position.batchLength)
    batch.storeBigEndian(partitionLeaderEpoch, at: Position.partitionLeaderEpoch)
    batch.storeBigEndian(Self.magic, at: Position.magic)
    batch.storeBigEndian(crc, at: Position.crc)
    batch.storeBigEndian(attributes.rawValue, at: Position.attributes)
    batch.storeBigEndian(lastOffsetDelta, at: Position.lastOffsetDelta)
    batch.storeBigEndian(baseTimestamp, at: Position.baseTimestamp)
    batch.storeBigEndian(maxTimestamp, at: Position.maxTimestamp)
    batch.storeBigEndian(producerID, at: Position.producerID)
    batch.storeBigEndian(producerEpoch, at: Position.producerEpoch)
    batch.storeBigEndian(baseSequence, at: Position.baseSequence)
    batch.storeBigEndian(recordCount, at: Position.recordCount)
  }
}
