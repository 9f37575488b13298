/// Fields from bytes that came from outside. It never reads at or past `end`, and each array is
/// paid for by the bytes that are left (`WireLimits`).
///
/// The memory is borrowed: a decoder is made and used within one `withUnsafeBytes` (`decodeFields`).
struct FieldDecoder: FieldCoder {
  let version: Int16
  let isFlexible: Bool
  /// The next field's position.
  private(set) var position: Int
  private let memory: UnsafeRawBufferPointer
  /// Where the fields end: the frame's end, or that of the tagged field that is being read.
  private var end: Int
  /// The array elements that the message may still have.
  private var elementCountLeft = WireLimits.elementCountMax

  /// Throws where `position` is not inside the memory or at its end.
  init(
    _ memory: UnsafeRawBufferPointer, from position: Int, version: Int16, isFlexible: Bool
  ) throws(WireError) {
    guard position >= 0, position <= memory.count else {
      throw .endOfBytes(.header, position: 0, needed: position, available: memory.count)
    }
    self.memory = memory
    self.position = position
    self.version = version
    self.isFlexible = isFlexible
    end = memory.count
  }

  /// Throws where bytes are left.
  func endOfMessage() throws(WireError) {
    guard position == end else {
      throw .trailingBytes(position: position, count: end - position)
    }
  }

  // MARK: Numbers

  mutating func bool(_ value: inout Bool) throws(WireError) {
    value = try integer(UInt8.self, .bool) != 0
  }

  mutating func int8(_ value: inout Int8) throws(WireError) {
    value = try integer(Int8.self, .int8)
  }

  mutating func int16(_ value: inout Int16) throws(WireError) {
    value = try integer(Int16.self, .int16)
  }

  mutating func int32(_ value: inout Int32) throws(WireError) {
    value = try integer(Int32.self, .int32)
  }

  mutating func int64(_ value: inout Int64) throws(WireError) {
    value = try integer(Int64.self, .int64)
  }

  mutating func uuid(_ value: inout UUIDBits) throws(WireError) {
    let high = try integer(UInt64.self, .uuid)
    value = UUIDBits(high: high, low: try integer(UInt64.self, .uuid))
  }

  // MARK: Bytes

  mutating func string(_ value: inout String) throws(WireError) {
    let start = position
    guard let decoded = try decodeString() else {
      throw .unexpectedNull(.string, position: start)
    }
    value = decoded
  }

  mutating func nullableString(_ value: inout String?) throws(WireError) {
    value = try decodeString()
  }

  /// A nullable string with an int16 length in any version, as request headers have it.
  mutating func headerString(_ value: inout String?) throws(WireError) {
    value = try decodeString(isCompact: false)
  }

  mutating func bytes(_ value: inout [UInt8]) throws(WireError) {
    let start = position
    guard let range = try byteRange(.bytes) else {
      throw .unexpectedNull(.bytes, position: start)
    }
    value = [UInt8](memory[range])
  }

  mutating func nullableBytes(_ value: inout [UInt8]?) throws(WireError) {
    value = try byteRange(.bytes).map { [UInt8](memory[$0]) }
  }

  mutating func records(_ value: inout RecordsField) throws(WireError) {
    value = try byteRange(.records).map { .range($0) } ?? .null
  }

  // MARK: Arrays

  mutating func array<Element: WireStruct>(_ value: inout [Element]) throws(WireError) {
    let start = position
    guard let count = try elementCount() else {
      throw .unexpectedNull(.array, position: start)
    }
    value = try elements(count)
  }

  mutating func nullableArray<Element: WireStruct>(
    _ value: inout [Element]?
  ) throws(WireError) {
    guard let count = try elementCount() else {
      value = nil
      return
    }
    value = try elements(count)
  }

  mutating func int32Array(_ value: inout [Int32]) throws(WireError) {
    value = try integers(.int32)
  }

  mutating func int64Array(_ value: inout [Int64]) throws(WireError) {
    value = try integers(.int64)
  }

  mutating func stringArray(_ value: inout [String]) throws(WireError) {
    let start = position
    guard let count = try elementCount() else {
      throw .unexpectedNull(.array, position: start)
    }
    value = try strings(count)
  }

  mutating func nullableStringArray(_ value: inout [String]?) throws(WireError) {
    guard let count = try elementCount() else {
      value = nil
      return
    }
    value = try strings(count)
  }

  // MARK: Tagged fields

  mutating func endOfStruct(
    _ known: [TaggedField],
    _ field: (_ tag: UInt32, _ coder: inout FieldDecoder) throws(WireError) -> Void
  ) throws(WireError) {
    guard isFlexible else { return }
    let start = position
    let count = Int(try unsignedVarint())
    // Each takes two bytes at least, a tag and a size.
    guard count <= (end - position) / 2 else {
      throw .lengthOutOfRange(
        .taggedFields, position: start, found: Int64(count), maximum: (end - position) / 2)
    }
    for _ in 0..<count {
      let tag = try unsignedVarint()
      let size = Int(try unsignedVarint())
      try need(size, .taggedFields)
      guard known.contains(where: { $0.tag == tag }) else {
        position += size
        continue
      }
      try knownField(tag, size: size, field)
    }
  }

  /// Reads a field that must end where its size says; `size` bytes are there.
  private mutating func knownField(
    _ tag: UInt32, size: Int,
    _ field: (_ tag: UInt32, _ coder: inout FieldDecoder) throws(WireError) -> Void
  ) throws(WireError) {
    let start = position
    let outerEnd = end
    end = start + size
    try field(tag, &self)
    guard position == end else {
      throw .taggedFieldNotUsedUp(
        tag: tag, position: start, found: position - start, expected: size)
    }
    end = outerEnd
  }
}

// MARK: What fields are made of

extension FieldDecoder {
  private func need(_ byteCount: Int, _ field: WireField) throws(WireError) {
    guard byteCount <= end - position else {
      throw .endOfBytes(
        field, position: position, needed: byteCount, available: end - position)
    }
  }

  @inline(__always)
  private mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
    _ type: Value.Type, _ field: WireField
  ) throws(WireError) -> Value {
    try need(MemoryLayout<Value>.size, field)
    let value = Value(bigEndian: memory.loadUnaligned(fromByteOffset: position, as: type))
    position += MemoryLayout<Value>.size
    return value
  }

  /// Seven bits a byte, lowest first; at most five bytes. Redundant zeros are accepted, as Kafka's
  /// own reader does.
  private mutating func unsignedVarint() throws(WireError) -> UInt32 {
    let start = position
    var value: UInt32 = 0
    for shift in stride(from: UInt32(0), through: 28, by: 7) {
      let byte = try integer(UInt8.self, .varint)
      if shift == 28 && byte > 0x0f { throw .overlongInteger(.varint, position: start) }
      value |= UInt32(byte & 0x7f) << shift
      if byte < 0x80 { break }
    }
    return value
  }

  /// A length or count, nil for null. Compact ones are one greater than what they mean.
  private mutating func length(
    _ field: WireField, isShort: Bool, isCompact: Bool
  ) throws(WireError) -> Int? {
    if isCompact {
      let raw = Int(try unsignedVarint())
      return raw == 0 ? nil : raw - 1
    }
    let start = position
    let found =
      isShort ? Int(try integer(Int16.self, field)) : Int(try integer(Int32.self, field))
    if found == -1 { return nil }
    guard found >= 0 else {
      throw .lengthOutOfRange(
        field, position: start, found: Int64(found), maximum: end - position)
    }
    return found
  }

  /// The positions of bytes with their length ahead, and past them; nil for null.
  private mutating func byteRange(_ field: WireField) throws(WireError) -> Range<Int>? {
    guard let count = try length(field, isShort: false, isCompact: isFlexible) else { return nil }
    try need(count, field)
    let start = position
    position += count
    return start..<position
  }

  private mutating func decodeString(isCompact: Bool? = nil) throws(WireError) -> String? {
    let start = position
    guard let count = try length(.string, isShort: true, isCompact: isCompact ?? isFlexible) else {
      return nil
    }
    guard count <= WireLimits.stringByteCountMax else {
      throw .lengthOutOfRange(
        .string, position: start, found: Int64(count), maximum: WireLimits.stringByteCountMax)
    }
    try need(count, .string)
    let bytes = UnsafeRawBufferPointer(rebasing: memory[position..<position + count])
    guard let decoded = String(validating: bytes, as: UTF8.self) else {
      throw .invalidUTF8(position: position, byteCount: count)
    }
    position += count
    return decoded
  }

  /// An array's count, nil for null: no greater than the bytes that are left, and taken from the
  /// elements that the message may still have.
  private mutating func elementCount() throws(WireError) -> Int? {
    let start = position
    guard let count = try length(.array, isShort: false, isCompact: isFlexible) else { return nil }
    guard count <= end - position else {
      throw .lengthOutOfRange(
        .array, position: start, found: Int64(count), maximum: end - position)
    }
    guard count <= elementCountLeft else {
      throw .tooManyElements(
        position: start, found: WireLimits.elementCountMax - elementCountLeft + count,
        maximum: WireLimits.elementCountMax)
    }
    elementCountLeft -= count
    return count
  }

  /// Room is made as elements come, since in memory one can be many times what a false count pays
  /// for it.
  private mutating func elements<Element: WireStruct>(
    _ count: Int
  ) throws(WireError) -> [Element] {
    var elements: [Element] = []
    elements.reserveCapacity(min(count, 64))
    for _ in 0..<count {
      var element = Element()
      try element.fields(&self)
      elements.append(element)
    }
    return elements
  }

  private mutating func integers<Value: FixedWidthInteger & BitwiseCopyable>(
    _ field: WireField
  ) throws(WireError) -> [Value] {
    let start = position
    guard let count = try elementCount() else {
      throw .unexpectedNull(.array, position: start)
    }
    // The count is no greater than the bytes that are left, so this does not overflow.
    try need(count * MemoryLayout<Value>.size, .array)
    var values: [Value] = []
    values.reserveCapacity(count)
    for _ in 0..<count { values.append(try integer(Value.self, field)) }
    return values
  }

  private mutating func strings(_ count: Int) throws(WireError) -> [String] {
    var strings: [String] = []
    strings.reserveCapacity(min(count, 64))
    for _ in 0..<count {
      var element = ""
      try string(&element)
      strings.append(element)
    }
    return strings
  }
}
