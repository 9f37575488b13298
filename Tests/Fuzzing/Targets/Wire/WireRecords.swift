import KafkaProtocol

/// Puts the bytes of batches in the place of their positions: two messages can be compared then.
struct WireRecords: FieldCoder {
  let version: Int16
  let isFlexible: Bool
  /// What the message was decoded from.
  private let bytes: [UInt8]

  static func inPlace<Message: WireMessage>(
    _ message: Message, version: Int16, of bytes: [UInt8]
  ) -> Message {
    var message = message
    var coder = WireRecords(
      version: version, isFlexible: version >= Message.flexibleSince, bytes: bytes)
    // This coder throws nothing.
    try? message.fields(&coder)
    return message
  }

  mutating func records(_ value: inout RecordsField) {
    if case .range(let range) = value { value = .bytes(Array(bytes[range])) }
  }

  mutating func array<Element: WireStruct>(_ value: inout [Element]) throws(WireError) {
    for index in value.indices { try value[index].fields(&self) }
  }

  mutating func nullableArray<Element: WireStruct>(
    _ value: inout [Element]?
  ) throws(WireError) {
    guard var present = value else { return }
    try array(&present)
    value = present
  }

  mutating func bool(_ value: inout Bool) {}
  mutating func int8(_ value: inout Int8) {}
  mutating func int16(_ value: inout Int16) {}
  mutating func int32(_ value: inout Int32) {}
  mutating func int64(_ value: inout Int64) {}
  mutating func uuid(_ value: inout UUIDBits) {}
  mutating func string(_ value: inout String) {}
  mutating func nullableString(_ value: inout String?) {}
  mutating func bytes(_ value: inout [UInt8]) {}
  mutating func nullableBytes(_ value: inout [UInt8]?) {}
  mutating func int32Array(_ value: inout [Int32]) {}
  mutating func int64Array(_ value: inout [Int64]) {}
  mutating func stringArray(_ value: inout [String]) {}
  mutating func nullableStringArray(_ value: inout [String]?) {}

  mutating func endOfStruct(
    _ known: [TaggedField],
    _ field: (_ tag: UInt32, _ coder: inout WireRecords) throws(WireError) -> Void
  ) throws(WireError) {}
}
