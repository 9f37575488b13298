/// Why bytes are not a record batch, or a record does not go into one.
///
/// Positions are in bytes from the batch's first byte.
package enum BatchError: Error, Hashable, Sendable {
  /// The bytes end before the batch does. Of a file's tail that is an unfinished write.
  case truncated(needed: Int, available: Int)
  /// Byte 16 is not 2: an older message format, or no batch at all.
  case unsupportedMagic(Int8)
  /// The length field leaves no room for the header, or names more than a batch can hold.
  case lengthOutOfRange(Int32)
  /// The base offset is negative, or the last offset is past the greatest offset.
  case offsetOutOfRange(base: Int64, lastOffsetDelta: Int32)
  /// The last offset delta is negative.
  case negativeLastOffsetDelta(Int32)
  /// Fewer than no records, or more than there are offsets for.
  case recordCountOutOfRange(Int32, lastOffsetDelta: Int32)
  /// Compression 5, 6 or 7.
  case unknownCompression(UInt8)
  /// A bit above bit 6 is set.
  case unknownAttributes(UInt16)
  /// The bytes from the attributes onward are not those that were written.
  case checksumMismatch(stored: UInt32, computed: UInt32)
  /// The records are compressed, and a compressed batch is carried unopened.
  case compressed(CompressionCodec)
  /// The record with this index (from 0) does not hold together at `position`.
  case malformedRecord(index: Int, position: Int, fault: RecordFault)
  /// All records that the header counts have been read, and bytes are left.
  case trailingBytes(Int, position: Int)
  /// A builder's batch would be greater than the format's length field can say.
  case batchTooLarge(byteCount: Int)
  /// A builder's record is too far in time from the batch's first for a 64-bit delta.
  case timestampTooFar(Int64, base: Int64)
}

/// The parts of a record, in their order.
package enum RecordField: String, Hashable, Sendable {
  case length
  case attributes
  case timestampDelta = "timestamp delta"
  case offsetDelta = "offset delta"
  case keyLength = "key length"
  case valueLength = "value length"
  case headerCount = "header count"
  case headerKeyLength = "header key length"
  case headerValueLength = "header value length"
}

/// What is wrong with one record.
package enum RecordFault: Error, Hashable, Sendable {
  /// The record (or, for its length, the batch) ends inside this field.
  case endsInside(RecordField)
  /// A variable-length integer with more bits than its field has.
  case overlong(RecordField)
  /// A length or count that is negative (other than the -1 that says null, where it may), or
  /// greater than the bytes that are left.
  case lengthOutOfRange(RecordField, found: Int32, available: Int)
  /// The offset delta does not lie above the previous record's and at or below the batch's last.
  case offsetDeltaOutOfRange(found: Int32, expected: ClosedRange<Int32>)
  /// The offset delta where the batch's last has been given to an earlier record already.
  case noOffsetLeft(found: Int32, last: Int32)
  /// The timestamp does not fit 64 bits.
  case timestampOutOfRange(base: Int64, delta: Int64)
  /// The fields end before the record's own length does.
  case trailingBytes(Int)
}

extension BatchError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .truncated(let needed, let available):
      "the bytes end inside a batch: expected \(needed) bytes, found \(available)"
    case .unsupportedMagic(let found):
      "byte 16, the magic: found \(found), expected 2"
    case .lengthOutOfRange(let found):
      "byte 8, the batch length: found \(found), expected "
        + "\(RecordBatchHeader.batchLengthMin) to \(RecordBatchHeader.batchLengthMax)"
    case .offsetOutOfRange(let base, let delta):
      "byte 0, the base offset: found \(base) with a last offset delta of \(delta), "
        + "expected 0 to \(Int64.max) for both ends"
    case .negativeLastOffsetDelta(let found):
      "byte 23, the last offset delta: found \(found), expected 0 or more"
    case .recordCountOutOfRange(let found, let delta):
      "byte 57, the record count: found \(found), "
        + "expected 0 to \(Int64(delta) + 1), as the last offset delta is \(delta)"
    case .unknownCompression(let found):
      "byte 21, the attributes: found compression \(found), expected 0 to 4"
    case .unknownAttributes(let found):
      "byte 21, the attributes: found 0x\(hexadecimal(UInt32(found))), "
        + "expected no bit above 0x7f"
    case .checksumMismatch(let stored, let computed):
      "byte 17, the CRC-32C: found 0x\(hexadecimal(stored)), "
        + "expected 0x\(hexadecimal(computed)) for these bytes"
    case .compressed(let codec):
      "the batch's records are compressed with \(codec), and are not opened here"
    case .malformedRecord(let index, let position, let fault):
      "byte \(position), record \(index) of the batch: \(fault)"
    case .trailingBytes(let count, let position):
      "byte \(position): \(count) more bytes after the last record, expected none"
    case .batchTooLarge(let byteCount):
      "a batch of \(byteCount) bytes: expected at most \(RecordBatchHeader.byteCountTotalMax)"
    case .timestampTooFar(let timestamp, let base):
      "timestamp \(timestamp) is too far from the batch's first, \(base), for a 64-bit delta"
    }
  }
}

extension RecordFault: CustomStringConvertible {
  package var description: String {
    switch self {
    case .endsInside(let field):
      "the bytes end inside the \(field.rawValue)"
    case .overlong(let field):
      "the \(field.rawValue) has more bits than the field can hold"
    case .lengthOutOfRange(let field, let found, let available):
      "\(field.rawValue): found \(found), with \(available) bytes left"
    case .offsetDeltaOutOfRange(let found, let expected):
      "offset delta: found \(found), expected \(expected.lowerBound) to \(expected.upperBound)"
    case .noOffsetLeft(let found, let last):
      "offset delta: found \(found), but the batch's last, \(last), was an earlier record's"
    case .timestampOutOfRange(let base, let delta):
      "timestamp delta: found \(delta), which from \(base) does not fit 64 bits"
    case .trailingBytes(let count):
      "\(count) more bytes after the last field, expected none"
    }
  }
}

private func hexadecimal(_ value: UInt32) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: max(0, 8 - digits.count)) + digits
}
