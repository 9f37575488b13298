/// The header of a record batch in Kafka's format, version ("magic") 2. All integers big-endian.
///
/// ```
///   byte
///    0  base offset             int64    rewritten in place by the log
///    8  batch length            int32    bytes from here: byteCountTotal - 12
///   12  partition leader epoch  int32    rewritten in place by the log
///   16  magic                   int8     2
///   17  CRC-32C                 uint32   of bytes 21 to the end of the batch
///   21  attributes              int16    ─┐
///   23  last offset delta       int32     │
///   27  base timestamp          int64     │ milliseconds since 1970
///   35  max timestamp           int64     │ milliseconds since 1970
///   43  producer id             int64     │ -1 for none
///   51  producer epoch          int16     │ -1 for none
///   53  base sequence           int32     │ -1 for none
///   57  record count            int32     │
///   61  records                          ─┘ covered by the CRC
/// ```
///
/// The CRC begins at the attributes, so that the log may place a producer's batch (base offset and
/// leader epoch, both ahead of it) by writing twelve bytes in place, without touching the rest and
/// without hashing it again. The price: a damaged base offset or epoch is not seen by the CRC, and
/// whoever scans a log checks that offsets go on from one batch to the next.
///
/// A value made by `init(parsing:)` holds together as described there.
package struct RecordBatchHeader: Hashable, Sendable {
  /// The format's version, the only one that this type reads and writes.
  package static let magic: Int8 = 2
  /// The header's size; the records begin here.
  package static let byteCount = 61
  /// Base offset and batch length: what must be read to know where a batch ends.
  package static let prefixByteCount = 12
  /// The least batch length: the rest of the header, and no records.
  package static let batchLengthMin = Int32(byteCount - prefixByteCount)
  /// The greatest batch length: the whole batch's size still fits 31 bits.
  package static let batchLengthMax = Int32.max - Int32(prefixByteCount)
  /// The greatest batch, in bytes.
  package static let byteCountTotalMax = Int(Int32.max)

  /// Where the fields begin, in bytes.
  package enum Position {
    package static let baseOffset = 0
    package static let batchLength = 8
    package static let partitionLeaderEpoch = 12
    package static let magic = 16
    package static let crc = 17
    package static let attributes = 21
    package static let lastOffsetDelta = 23
    package static let baseTimestamp = 27
    package static let maxTimestamp = 35
    package static let producerID = 43
    package static let producerEpoch = 51
    package static let baseSequence = 53
    package static let recordCount = 57
    package static let records = 61
  }

  package var baseOffset: Offset
  /// The batch's bytes after this field.
  package var batchLength: Int32
  package var partitionLeaderEpoch: Int32
  package var crc: UInt32
  package var attributes: BatchAttributes
  /// The last record's offset, counted from the base offset. Compaction keeps it when it removes
  /// that record, so that offsets do not seem to be missing.
  package var lastOffsetDelta: Int32
  /// What the records' timestamp deltas count from: the first record's time, or the delete
  /// horizon. In milliseconds since 1970.
  package var baseTimestamp: Int64
  /// The latest record's time, or the time of the append (see `TimestampType`). In milliseconds
  /// since 1970.
  package var maxTimestamp: Int64
  package var producerID: Int64
  package var producerEpoch: Int16
  package var baseSequence: Int32
  /// The records in the batch: `lastOffsetDelta + 1`, or fewer after compaction.
  package var recordCount: Int32

  package init(
    baseOffset: Offset, batchLength: Int32, partitionLeaderEpoch: Int32, crc: UInt32,
    attributes: BatchAttributes, lastOffsetDelta: Int32, baseTimestamp: Int64,
    maxTimestamp: Int64, producer: ProducerStamp, recordCount: Int32
  ) {
    self.baseOffset = baseOffset
    self.batchLength = batchLength
    self.partitionLeaderEpoch = partitionLeaderEpoch
    self.crc = crc
    self.attributes = attributes
    self.lastOffsetDelta = lastOffsetDelta
    self.baseTimestamp = baseTimestamp
    self.maxTimestamp = maxTimestamp
    producerID = producer.id
    producerEpoch = producer.epoch
    baseSequence = producer.baseSequence
    self.recordCount = recordCount
  }
}

extension RecordBatchHeader {
  /// The whole batch's size in bytes, header included.
  package var byteCountTotal: Int { Self.prefixByteCount + Int(batchLength) }

  /// The offset of the last record that the batch was written with.
  package var lastOffset: Offset { baseOffset.advanced(by: Int64(lastOffsetDelta)) }

  /// The offset that the batch after this one begins with. Where the last offset is the greatest
  /// there is, this wraps and is negative: such a batch ends its log.
  package var nextOffset: Offset { lastOffset.advanced(by: 1) }

  package var producer: ProducerStamp {
    ProducerStamp(id: producerID, epoch: producerEpoch, baseSequence: baseSequence)
  }

  /// The last record's sequence number, -1 where the batch has none. Sequence numbers go on from 0
  /// after `Int32.max`.
  package var lastSequence: Int32 {
    guard baseSequence >= 0 else { return -1 }
    return (baseSequence &+ lastOffsetDelta) & Int32.max
  }
}
