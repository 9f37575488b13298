import KafkaProtocol
import LinuxIO

/// A coder that fills a struct with random values, in the fields that a version has.
struct RandomFields: FieldCoder {
  let version: Int16
  let isFlexible: Bool
  var generator: SeededGenerator
  /// The greatest array, and the greatest string in characters.
  var countMax = 3

  mutating func bool(_ value: inout Bool) { value = generator.chance(0.5) }
  mutating func int8(_ value: inout Int8) { value = integer() }
  mutating func int16(_ value: inout Int16) { value = integer() }
  mutating func int32(_ value: inout Int32) { value = integer() }
  mutating func int64(_ value: inout Int64) { value = integer() }

  mutating func uuid(_ value: inout UUIDBits) {
    value = UUIDBits(high: generator.next(), low: generator.next())
  }

  mutating func string(_ value: inout String) {
    // Of one to four bytes each.
    let characters: [Character] = ["a", "-", "é", "€", "🦊"]
    value = String((0..<count()).map { _ in characters[generator.below(characters.count)] })
    // Long enough for a compact length of two bytes.
    if countMax > 2 && generator.chance(0.05) { value += String(repeating: "x", count: 130) }
  }

  mutating func nullableString(_ value: inout String?) {
    guard !isNull() else { return value = nil }
    var string = ""
    self.string(&string)
    value = string
  }

  mutating func bytes(_ value: inout [UInt8]) {
    value = (0..<count()).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
  }

  mutating func nullableBytes(_ value: inout [UInt8]?) {
    guard !isNull() else { return value = nil }
    var bytes: [UInt8] = []
    self.bytes(&bytes)
    value = bytes
  }

  mutating func records(_ value: inout RecordsField) {
    var batches: [UInt8]?
    nullableBytes(&batches)
    value = batches.map { .bytes($0) } ?? .null
  }

  mutating func array<Element: WireStruct>(_ value: inout [Element]) throws(WireError) {
    value = []
    for _ in 0..<count() {
      var element = Element()
      try element.fields(&self)
      value.append(element)
    }
  }

  mutating func nullableArray<Element: WireStruct>(
    _ value: inout [Element]?
  ) throws(WireError) {
    guard !isNull() else { return value = nil }
    var elements: [Element] = []
    try array(&elements)
    value = elements
  }

  mutating func int32Array(_ value: inout [Int32]) { value = (0..<count()).map { _ in integer() } }
  mutating func int64Array(_ value: inout [Int64]) { value = (0..<count()).map { _ in integer() } }

  mutating func stringArray(_ value: inout [String]) {
    value = []
    for _ in 0..<count() {
      var element = ""
      string(&element)
      value.append(element)
    }
  }

  mutating func nullableStringArray(_ value: inout [String]?) {
    guard !isNull() else { return value = nil }
    var strings: [String] = []
    stringArray(&strings)
    value = strings
  }

  mutating func endOfStruct(
    _ known: [TaggedField],
    _ field: (_ tag: UInt32, _ coder: inout RandomFields) throws(WireError) -> Void
  ) throws(WireError) {
    guard isFlexible else { return }
    for known in known where generator.chance(0.5) { try field(known.tag, &self) }
  }

  private mutating func count() -> Int { generator.below(countMax + 1) }
  private mutating func isNull() -> Bool { generator.chance(0.25) }

  /// Often an extreme one.
  private mutating func integer<Value: FixedWidthInteger>() -> Value {
    switch generator.below(6) {
    case 0: .max
    case 1: .min
    case 2: ~0
    default: Value(truncatingIfNeeded: generator.next())
    }
  }
}

/// A message of this type and version with random values.
func random<Message: WireMessage>(
  _ type: Message.Type, version: Int16, countMax: Int = 3, _ generator: inout SeededGenerator
) throws(WireError) -> Message {
  var message = Message()
  var coder = RandomFields(
    version: version, isFlexible: version >= Message.flexibleSince,
    generator: SeededGenerator(seed: generator.next()), countMax: countMax)
  try message.fields(&coder)
  return message
}
