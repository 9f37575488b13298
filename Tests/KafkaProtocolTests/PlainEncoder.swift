import KafkaProtocol

/// The encoding once more, as plainly as it goes: a witness that shares no code with the module's
/// own. Where a struct ends it may write tagged fields that nobody knows.
struct PlainEncoder: FieldCoder {
  let version: Int16
  let isFlexible: Bool
  var unknownTags: [(tag: UInt32, bytes: [UInt8])] = []
  private(set) var output: [UInt8] = []

  init(version: Int16, isFlexible: Bool) {
    self.version = version
    self.isFlexible = isFlexible
  }

  mutating func put(_ value: some FixedWidthInteger) {
    for shift in stride(from: value.bitWidth - 8, through: 0, by: -8) {
      output.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  mutating func put(varint value: UInt64) {
    var rest = value
    while rest > 127 {
      output.append(UInt8(rest % 128) + 128)
      rest /= 128
    }
    output.append(UInt8(rest))
  }

  private mutating func put(length: Int?, isShort: Bool = false) {
    if isFlexible {
      put(varint: UInt64((length ?? -1) + 1))
    } else if isShort {
      put(Int16(length ?? -1))
    } else {
      put(Int32(length ?? -1))
    }
  }

  mutating func bool(_ value: inout Bool) { put(UInt8(value ? 1 : 0)) }
  mutating func int8(_ value: inout Int8) { put(value) }
  mutating func int16(_ value: inout Int16) { put(value) }
  mutating func int32(_ value: inout Int32) { put(value) }
  mutating func int64(_ value: inout Int64) { put(value) }

  mutating func uuid(_ value: inout UUIDBits) {
    put(value.high)
    put(value.low)
  }

  mutating func string(_ value: inout String) {
    put(length: value.utf8.count, isShort: true)
    output += Array(value.utf8)
  }

  mutating func nullableString(_ value: inout String?) {
    guard var present = value else { return put(length: nil, isShort: true) }
    string(&present)
  }

  mutating func bytes(_ value: inout [UInt8]) {
    put(length: value.count)
    output += value
  }

  mutating func nullableBytes(_ value: inout [UInt8]?) {
    guard var present = value else { return put(length: nil) }
    bytes(&present)
  }

  mutating func records(_ value: inout RecordsField) {
    guard case .bytes(var batches) = value else { return put(length: nil) }
    bytes(&batches)
  }

  mutating func array<Element: WireStruct>(_ value: inout [Element]) throws(WireError) {
    put(length: value.count)
    for index in value.indices { try value[index].fields(&self) }
  }

  mutating func nullableArray<Element: WireStruct>(
    _ value: inout [Element]?
  ) throws(WireError) {
    guard var present = value else { return put(length: nil) }
    try array(&present)
  }

  mutating func int32Array(_ value: inout [Int32]) {
    put(length: value.count)
    for element in value { put(element) }
  }

  mutating func int64Array(_ value: inout [Int64]) {
    put(length: value.count)
    for element in value { put(element) }
  }

  mutating func stringArray(_ value: inout [String]) {
    put(length: value.count)
    for var element in value { string(&element) }
  }

  mutating func nullableStringArray(_ value: inout [String]?) {
    guard var present = value else { return put(length: nil) }
    stringArray(&present)
  }

  mutating func endOfStruct(
    _ known: [TaggedField],
    _ field: (_ tag: UInt32, _ coder: inout PlainEncoder) throws(WireError) -> Void
  ) throws(WireError) {
    guard isFlexible else { return }
    let set = known.filter(\.isSet)
    put(varint: UInt64(set.count + unknownTags.count))
    for known in set {
      var inner = PlainEncoder(version: version, isFlexible: true)
      inner.unknownTags = unknownTags
      try field(known.tag, &inner)
      put(varint: UInt64(known.tag))
      put(varint: UInt64(inner.output.count))
      output += inner.output
    }
    for unknown in unknownTags {
      put(varint: UInt64(unknown.tag))
      put(varint: UInt64(unknown.bytes.count))
      output += unknown.bytes
    }
  }
}

/// A message's body by the plain encoder.
func plainBody<Message: WireMessage>(
  _ message: Message, version: Int16, unknownTags: [(tag: UInt32, bytes: [UInt8])] = []
) throws(WireError) -> [UInt8] {
  var encoder = PlainEncoder(version: version, isFlexible: version >= Message.flexibleSince)
  encoder.unknownTags = unknownTags
  var message = message
  try message.fields(&encoder)
  return encoder.output
}
