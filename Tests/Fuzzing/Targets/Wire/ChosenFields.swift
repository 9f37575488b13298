import CommitLog
import KafkaProtocol
import LinuxIO
import Records

/// A coder that fills a message's fields by an input's bytes: every input is a whole message, mostly with
/// names and numbers that mean something to a broker.
struct ChosenFields: FieldCoder {
  let version: Int16
  let isFlexible: Bool
  var input: FuzzInput

  static let names =
    ["a", "b", "c", "", "0", "new", "..", String(repeating: "x", count: 250), "né\n"]
    + TopicSettings.names
    + [
      "1", "-1", "1024", "9223372036854775807", "buffered", "direct", "group", "batch", "none",
      "zero", "recycle", "LogAppendTime", "CreateTime", "sendfile", "copy", "mapped", "splice",
    ]

  static func message<Message: WireMessage>(
    _ type: Message.Type, version: Int16, _ input: inout FuzzInput
  ) -> Message {
    var message = Message()
    var coder = ChosenFields(
      version: version, isFlexible: version >= Message.flexibleSince, input: input)
    // This coder throws nothing.
    try? message.fields(&coder)
    input = coder.input
    return message
  }

  mutating func bool(_ value: inout Bool) { value = input.bit() }
  mutating func int8(_ value: inout Int8) { value = Int8(bitPattern: input.byte()) }
  mutating func int16(_ value: inout Int16) { value = integer() }
  mutating func int32(_ value: inout Int32) { value = integer() }
  mutating func int64(_ value: inout Int64) { value = integer() }

  mutating func uuid(_ value: inout UUIDBits) {
    value = UUIDBits(high: UInt64(input.byte()), low: UInt64(input.byte()))
  }

  mutating func string(_ value: inout String) { value = input.element(of: Self.names) }

  mutating func nullableString(_ value: inout String?) {
    value = input.below(4) == 1 ? input.element(of: Self.names) : nil
  }

  mutating func bytes(_ value: inout [UInt8]) { value = input.bytes(input.below(8)) }

  mutating func nullableBytes(_ value: inout [UInt8]?) {
    value = input.bit() ? input.bytes(input.below(8)) : nil
  }

  mutating func records(_ value: inout RecordsField) {
    switch input.below(8) {
    case 0: value = .null
    case 1: value = .bytes([])
    case 2: value = .bytes(input.bytes(input.byte() & 1 == 0 ? 61 : 200))
    case 3: value = .bytes(Self.sealed(input.bytes(70 + input.below(100))))
    default: value = .bytes(batch())
    }
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
    guard input.bit() else { return value = nil }
    var elements: [Element] = []
    try array(&elements)
    value = elements
  }

  mutating func int32Array(_ value: inout [Int32]) { value = (0..<count()).map { _ in integer() } }
  mutating func int64Array(_ value: inout [Int64]) { value = (0..<count()).map { _ in integer() } }

  mutating func stringArray(_ value: inout [String]) {
    value = (0..<count()).map { _ in input.element(of: Self.names) }
  }

  mutating func nullableStringArray(_ value: inout [String]?) {
    guard input.bit() else { return value = nil }
    var strings: [String] = []
    stringArray(&strings)
    value = strings
  }

  mutating func endOfStruct(
    _ known: [TaggedField],
    _ field: (_ tag: UInt32, _ coder: inout ChosenFields) throws(WireError) -> Void
  ) throws(WireError) {
    guard isFlexible else { return }
    for known in known where input.bit() { try field(known.tag, &self) }
  }

  /// Mostly one.
  private mutating func count() -> Int { [1, 0, 1, 2, 1, 3, 1, 9][input.below(8)] }

  private mutating func integer<Value: FixedWidthInteger>() -> Value {
    let choice = input.byte()
    return switch choice {
    case 0..<8: Value(choice)
    case 250: .max
    case 251: .min
    case 252: .max - 1
    case 253: ~2
    case 254: ~1
    case 255: ~0
    case 8..<100: Value(truncatingIfNeeded: Int(choice) * 1_000)
    default: Value(truncatingIfNeeded: input.integer())
    }
  }

  /// A batch with a valid CRC; the header may say anything.
  private mutating func batch() -> [UInt8] {
    var made = FuzzBatch(recordCount: 1 + input.below(4), valueBytes: input.below(60))
    made.timestamp = WallClock.milliseconds()
    var batch = made.bytes
    guard var header = try? RecordBatchHeader(parsing: batch.span.bytes) else { return batch }
    if input.bit() {
      header.producerID = integer()
      header.producerEpoch = integer()
      header.baseSequence = integer()
    }
    switch input.below(16) {
    case 1: header.baseTimestamp = integer()
    case 2: header.maxTimestamp = integer()
    case 3: header.lastOffsetDelta = integer()
    case 4: header.recordCount = integer()
    case 5: header.attributes = BatchAttributes(isTransactional: input.bit(), isControl: true)
    case 6: header.baseOffset = Offset(integer())
    case 7: header.attributes = BatchAttributes(compression: .zstd)
    case 8: header.attributes = BatchAttributes(timestampType: .appendTime)
    default: break
    }
    FuzzBatch.seal(&batch, header)
    return batch
  }

  /// Any bytes with the length, magic and CRC of a batch.
  static func sealed(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.count >= RecordBatchHeader.byteCount else { return bytes }
    var batch = bytes
    write(UInt32(clamping: batch.count - 12), at: 8, &batch)
    batch[16] = 2
    write(CRC32C.checksum(batch.span.bytes.extracting(droppingFirst: 21)), at: 17, &batch)
    return batch
  }

  private static func write(_ value: UInt32, at position: Int, _ bytes: inout [UInt8]) {
    for index in 0..<4 {
      bytes[position + index] = UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * index))
    }
  }
}
