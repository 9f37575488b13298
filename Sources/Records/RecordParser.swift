/// Where one record's parts lie, in bytes from the batch's first. 32 bits suffice for a batch, and
/// keep small what is handed on for every record.
struct RecordLayout {
  let start: Int32
  let end: Int32
  let offsetDelta: Int32
  let keyStart: Int32
  /// -1 for null.
  let keyByteCount: Int32
  let valueStart: Int32
  /// -1 for null.
  let valueByteCount: Int32
  let headersStart: Int32
  let headerCount: Int32
  let attributes: Int8
  /// Base timestamp plus delta.
  let timestamp: Int64
}

/// Reads fields of a record one after the other, never past `end`. Where one throws, `position`
/// is that field's first byte.
struct RecordParser: ~Escapable {
  private let bytes: RawSpan
  private(set) var position: Int
  private var end: Int

  /// `position` is at most `bytes.byteCount`.
  @_lifetime(copy bytes)
  init(_ bytes: RawSpan, at position: Int) {
    self.bytes = bytes
    self.position = position
    end = bytes.byteCount
  }

  /// Reads a whole record and moves past it. `previousDelta` is the offset delta of the record
  /// before, -1 for the first.
  @inline(__always)
  mutating func record(
    header: RecordBatchHeader, after previousDelta: Int32
  ) throws(RecordFault) -> RecordLayout {
    let start = position
    end = bytes.byteCount
    let byteCount = try length(.length, orNull: false)
    end = position + Int(byteCount)
    guard position < end else { throw .endsInside(.attributes) }
    let attributes = bytes.unsafeLoad(fromByteOffset: position, as: Int8.self)
    position += 1
    let timestamp = try timestamp(
      base: header.baseTimestamp, type: header.attributes.timestampType)
    let offsetDelta = try offsetDelta(after: previousDelta, last: header.lastOffsetDelta)
    let keyByteCount = try part(.keyLength, orNull: true)
    let keyStart = position - max(Int(keyByteCount), 0)
    let valueByteCount = try part(.valueLength, orNull: true)
    let valueStart = position - max(Int(valueByteCount), 0)
    let headerCount = try headerCount()
    let headersStart = position
    for _ in 0..<headerCount {
      _ = try part(.headerKeyLength, orNull: false)
      _ = try part(.headerValueLength, orNull: true)
    }
    guard position == end else { throw .trailingBytes(end - position) }
    return RecordLayout(
      start: Int32(truncatingIfNeeded: start), end: Int32(truncatingIfNeeded: end),
      offsetDelta: offsetDelta, keyStart: Int32(truncatingIfNeeded: keyStart),
      keyByteCount: keyByteCount, valueStart: Int32(truncatingIfNeeded: valueStart),
      valueByteCount: valueByteCount, headersStart: Int32(truncatingIfNeeded: headersStart),
      headerCount: headerCount, attributes: attributes, timestamp: timestamp)
  }

  /// An append-time batch's deltas count for nothing, so that theirs may be anything.
  private mutating func timestamp(
    base: Int64, type: TimestampType
  ) throws(RecordFault) -> Int64 {
    let start = position
    let delta: Int64
    do throws(VariableLengthInteger.DecodingError) {
      delta = try VariableLengthInteger.decodeVarlong(bytes, at: &position, end: end)
    } catch {
      throw fault(error, .timestampDelta)
    }
    let (sum, overflow) = base.addingReportingOverflow(delta)
    if overflow && type == .createTime {
      position = start
      throw .timestampOutOfRange(base: base, delta: delta)
    }
    return sum
  }

  private mutating func offsetDelta(
    after previous: Int32, last: Int32
  ) throws(RecordFault) -> Int32 {
    let start = position
    let delta = try varint(.offsetDelta)
    if delta > previous && delta <= last { return delta }
    position = start
    guard previous < last else { throw .noOffsetLeft(found: delta, last: last) }
    throw .offsetDeltaOutOfRange(found: delta, expected: (previous + 1)...last)
  }

  /// A header takes two bytes at least, which bounds the loop over them by the record's size.
  private mutating func headerCount() throws(RecordFault) -> Int32 {
    let start = position
    let count = try varint(.headerCount)
    if count >= 0 && Int(count) <= (end - position) / 2 { return count }
    let available = end - position
    position = start
    throw .lengthOutOfRange(.headerCount, found: count, available: available)
  }

  /// Reads a length and steps over as many bytes; the length, -1 for null.
  @inline(__always)
  private mutating func part(_ field: RecordField, orNull: Bool) throws(RecordFault) -> Int32 {
    let byteCount = try length(field, orNull: orNull)
    position += max(Int(byteCount), 0)
    return byteCount
  }

  /// Reads a length that the bytes up to `end` can satisfy.
  @inline(__always)
  private mutating func length(
    _ field: RecordField, orNull: Bool
  ) throws(RecordFault) -> Int32 {
    let start = position
    let found = try varint(field)
    let available = end - position
    if Int(found) <= available && found >= (orNull ? -1 : 0) { return found }
    position = start
    throw .lengthOutOfRange(field, found: found, available: available)
  }

  @inline(__always)
  private mutating func varint(_ field: RecordField) throws(RecordFault) -> Int32 {
    do throws(VariableLengthInteger.DecodingError) {
      return try VariableLengthInteger.decodeVarint(bytes, at: &position, end: end)
    } catch {
      throw fault(error, field)
    }
  }

  private func fault(
    _ error: VariableLengthInteger.DecodingError, _ field: RecordField
  ) -> RecordFault {
    switch error {
    case .endOfBytes: .endsInside(field)
    case .overlong: .overlong(field)
    }
  }
}
