/// Fields to bytes. Throws nothing, whatever the fields hold.
struct FieldEncoder: FieldCoder {
  let version: Int16
  let isFlexible: Bool
  /// What was written so far, without the gaps' own bytes.
  private(set) var bytes: [UInt8] = []
  /// In ascending order.
  private(set) var gaps: [EncodedResponse.Gap] = []

  /// Goes on after `prefix`.
  init(version: Int16, isFlexible: Bool, after prefix: [UInt8] = []) {
    self.version = version
    self.isFlexible = isFlexible
    bytes = prefix
  }

  /// A whole struct. Since the encoder throws nothing, a struct's `fields` has nothing to throw.
  mutating func encode(_ value: some WireStruct) {
    var value = value
    do throws(WireError) {
      try value.fields(&self)
    } catch {
      assertionFailure("encoding threw: \(error)")
    }
  }

  // MARK: Numbers

  mutating func bool(_ value: inout Bool) { append(UInt8(value ? 1 : 0)) }
  mutating func int8(_ value: inout Int8) { append(value) }
  mutating func int16(_ value: inout Int16) { append(value) }
  mutating func int32(_ value: inout Int32) { append(value) }
  mutating func int64(_ value: inout Int64) { append(value) }

  mutating func uuid(_ value: inout UUIDBits) {
    append(value.high)
    append(value.low)
  }

  // MARK: Bytes

  mutating func string(_ value: inout String) { append(value, isCompact: isFlexible) }
  mutating func nullableString(_ value: inout String?) { append(value, isCompact: isFlexible) }

  /// A nullable string with an int16 length in any version, as request headers have it.
  mutating func headerString(_ value: String?) { append(value, isCompact: false) }

  mutating func bytes(_ value: inout [UInt8]) {
    appendLength(value.count)
    bytes.append(contentsOf: value)
  }

  mutating func nullableBytes(_ value: inout [UInt8]?) {
    guard let present = value else { return appendLength(nil) }
    appendLength(present.count)
    bytes.append(contentsOf: present)
  }

  mutating func records(_ value: inout RecordsField) {
    switch value {
    case .null:
      appendLength(nil)
    case .bytes(let batches):
      appendLength(batches.count)
      bytes.append(contentsOf: batches)
    case .range, .gap:
      appendLength(value.byteCount)
      if value.byteCount > 0 {
        gaps.append(EncodedResponse.Gap(position: bytes.count, byteCount: value.byteCount))
      }
    }
  }

  // MARK: Arrays

  mutating func array<Element: WireStruct>(_ value: inout [Element]) throws(WireError) {
    appendLength(value.count)
    for var element in value { try element.fields(&self) }
  }

  mutating func nullableArray<Element: WireStruct>(
    _ value: inout [Element]?
  ) throws(WireError) {
    guard var present = value else { return appendLength(nil) }
    try array(&present)
  }

  mutating func int32Array(_ value: inout [Int32]) {
    appendLength(value.count)
    for element in value { append(element) }
  }

  mutating func int64Array(_ value: inout [Int64]) {
    appendLength(value.count)
    for element in value { append(element) }
  }

  mutating func stringArray(_ value: inout [String]) {
    appendLength(value.count)
    for element in value { append(element, isCompact: isFlexible) }
  }

  mutating func nullableStringArray(_ value: inout [String]?) {
    guard var present = value else { return appendLength(nil) }
    stringArray(&present)
  }

  // MARK: Tagged fields

  mutating func endOfStruct(
    _ known: [TaggedField],
    _ field: (_ tag: UInt32, _ coder: inout FieldEncoder) throws(WireError) -> Void
  ) throws(WireError) {
    guard isFlexible else { return }
    append(varint: known.count(where: \.isSet))
    for known in known where known.isSet {
      append(varint: Int(known.tag))
      let start = bytes.count
      try field(known.tag, &self)
      // The size stands ahead of the field and is known after it. These fields are small.
      let size = Self.varint(bytes.count - start)
      bytes.insert(contentsOf: size, at: start)
    }
  }
}

extension FieldEncoder {
  @inline(__always)
  mutating func append<Value: FixedWidthInteger>(_ value: Value) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }

  /// The end of a header: no tagged fields.
  mutating func appendNoTaggedFields() {
    if isFlexible { append(varint: 0) }
  }

  /// Says in the first four bytes, which are there, how many follow, gaps included.
  mutating func endFrame() {
    let count = gaps.reduce(bytes.count - 4) { $0 + $1.byteCount }
    withUnsafeBytes(of: Int32(clamping: count).bigEndian) {
      bytes.replaceSubrange(0..<4, with: $0)
    }
  }

  /// The bytes with zeros in the gaps.
  consuming func bytesWithZeroedGaps() -> [UInt8] {
    for gap in gaps.reversed() {
      bytes.insert(contentsOf: repeatElement(0, count: gap.byteCount), at: gap.position)
    }
    return bytes
  }

  private mutating func append(_ value: String?, isCompact: Bool) {
    guard let utf8 = value?.utf8 else { return appendStringLength(nil, isCompact) }
    let count = utf8.count
    guard count <= WireLimits.stringByteCountMax else {
      return append(cut: [UInt8](utf8), isCompact)
    }
    appendStringLength(count, isCompact)
    bytes.append(contentsOf: utf8)
  }

  /// Writes as much of an overlong string as fits.
  private mutating func append(cut utf8: [UInt8], _ isCompact: Bool) {
    var count = min(WireLimits.stringByteCountMax, utf8.count - 1)
    // Not inside a scalar's encoding: 0b10…… are its later bytes.
    while count > 0 && utf8[count] & 0xc0 == 0x80 { count -= 1 }
    appendStringLength(count, isCompact)
    bytes.append(contentsOf: utf8[..<count])
  }

  private mutating func appendStringLength(_ count: Int?, _ isCompact: Bool) {
    if isCompact {
      append(varint: count.map { $0 + 1 } ?? 0)
    } else {
      append(Int16(clamping: count ?? -1))
    }
  }

  /// The length of bytes, or the count of an array.
  private mutating func appendLength(_ count: Int?) {
    if isFlexible {
      append(varint: count.map { $0 + 1 } ?? 0)
    } else {
      append(Int32(clamping: count ?? -1))
    }
  }

  private mutating func append(varint value: Int) {
    var bits = UInt32(clamping: value)
    while bits >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: bits) | 0x80)
      bits >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: bits))
  }

  private static func varint(_ value: Int) -> [UInt8] {
    var encoder = FieldEncoder(version: 0, isFlexible: true)
    encoder.append(varint: value)
    return encoder.bytes
  }
}
