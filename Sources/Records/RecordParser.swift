/// Where one record's parts lie, in bytes from the batch's first.
struct RecordLayout {
  var start = 0
  var end = 0
  var attributes: Int8 = 0
  /// Base timestamp plus delta.
  var timestamp: Int64 = 0
  var offsetDelta: Int32 = 0
  var keyStart = 0
  /// -1 for null.
  var keyByteCount = -1
  var valueStart = 0
  /// -1 for null.
  var valueByteCount = -1
  var headersStart = 0
  var headerCount = 0
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
  mutating func record(
    header: RecordBatchHeader, after previousDelta: Int32
  ) throws(RecordFault) -> RecordLayout {
    var layout = RecordLayout()
    layout.start = position
    end = bytes.byteCount
    let byteCount = try length(.length, orNull: false)
    end = position + byteCount
    guard position < end else { throw .endsInside(.attributes) }
    layout.attributes = bytes.unsafeLoad(fromByteOffset: position, as: Int8.self)
    position += 1
    layout.timestamp = try timestamp(
      base: header.baseTimestamp, type: header.attributes.timestampType)
    layout.offsetDelta = try offsetDelta(after: previousDelta, last: header.lastOffsetDelta)
    (layout.keyStart, layout.keyByteCount) = try bytes(.keyLength, orNull: true)
    (layout.valueStart, layout.valueByteCount) = try bytes(.valueLength, orNull: true)
    layout.headerCount = try headerCount()
    layout.headersStart = position
    for _ in 0..<layout.headerCount {
      _ = try bytes(.headerKeyLength, orNull: false)
      _ = try bytes(.headerValueLength, orNull: true)
    }
    guard position == end else { throw .trailingBytes(end - position) }
    layout.end = position
    return layout
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
  private mutating func headerCount() throws(RecordFault) -> Int {
    let start = position
    let count = try varint(.headerCount)
    if count >= 0 && Int(count) <= (end - position) / 2 { return Int(count) }
    let available = end - position
    position = start
    throw .lengthOutOfRange(.headerCount, found: count, available: available)
  }

  /// Reads a length and steps over as many bytes. The count is -1 for null.
  private mutating func bytes(
    _ field: RecordField, orNull: Bool
  ) throws(RecordFault) -> (start: Int, byteCount: Int) {
    let byteCount = try length(field, orNull: orNull)
    let start = position
    position += max(byteCount, 0)
    return (start, byteCount)
  }

  /// Reads a length that the bytes up to `end` can satisfy.
  @inline(__always)
  private mutating func length(
    _ field: RecordField, orNull: Bool
  ) throws(RecordFault) -> Int {
    let start = position
    let found = try varint(field)
    let available = end - position
    if Int(found) <= available && found >= (orNull ? -1 : 0) { return Int(found) }
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
