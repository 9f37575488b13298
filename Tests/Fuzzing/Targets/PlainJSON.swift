/// Whether bytes are one JSON value (RFC 8259), by another way than the product's: recursive descent.
/// Inside strings it looks at escapes and control characters, not at UTF-8.
struct PlainJSON {
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isOneValue: Bool {
    var copy = self
    return copy.value(depth: 0) && copy.position == bytes.count
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
  }

  private mutating func take(_ text: String) -> Bool {
    guard bytes[position...].starts(with: text.utf8) else { return false }
    position += text.utf8.count
    return true
  }

  private mutating func value(depth: Int) -> Bool {
    guard depth <= 600, let byte = next else { return false }
    switch byte {
    case UInt8(ascii: "{"): return members(depth: depth, until: "}", areNamed: true)
    case UInt8(ascii: "["): return members(depth: depth, until: "]", areNamed: false)
    case UInt8(ascii: "\""): return string()
    case UInt8(ascii: "t"): return take("true")
    case UInt8(ascii: "f"): return take("false")
    case UInt8(ascii: "n"): return take("null")
    default: return number()
    }
  }

  private mutating func members(depth: Int, until end: String, areNamed: Bool) -> Bool {
    position += 1
    skipSpace()
    if take(end) { return true }
    repeat {
      skipSpace()
      if areNamed {
        guard string() else { return false }
        skipSpace()
        guard take(":") else { return false }
        skipSpace()
      }
      guard value(depth: depth + 1) else { return false }
      skipSpace()
    } while take(",")
    return take(end)
  }

  private mutating func string() -> Bool {
    guard take("\"") else { return false }
    while let byte = next, byte >= 0x20 {
      position += 1
      if byte == UInt8(ascii: "\"") { return true }
      if byte != UInt8(ascii: "\\") { continue }
      guard let escape = next else { return false }
      position += 1
      if escape == UInt8(ascii: "u") {
        for _ in 0..<4 {
          guard let digit = next, Character(Unicode.Scalar(digit)).isHexDigit else { return false }
          position += 1
        }
      } else if !"\"\\/bfnrt".utf8.contains(escape) {
        return false
      }
    }
    return false
  }

  private mutating func number() -> Bool {
    _ = take("-")
    if !take("0"), !digits() { return false }
    if take("."), !digits() { return false }
    if take("e") || take("E") {
      if !take("+") { _ = take("-") }
      return digits()
    }
    return true
  }

  private mutating func digits() -> Bool {
    let start = position
    while let byte = next, (0x30...0x39).contains(byte) { position += 1 }
    return position > start
  }
}

/// gzip without compression: as many members as the text has pieces.
enum GzipText {
  static func pack(_ text: [UInt8], memberBytes: Int) -> [UInt8] {
    var packed: [UInt8] = []
    var start = 0
    repeat {
      let end = min(text.count, start + memberBytes)
      packed += member(text[start..<end])
      start = end
    } while start < text.count
    return packed
  }

  /// At most 65,535 bytes.
  private static func member(_ text: ArraySlice<UInt8>) -> [UInt8] {
    let count = UInt16(text.count)
    return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255, 1] + little(count) + little(~count) + text
      + little(PlainCRC.gzip.checksum(text)) + little(UInt32(text.count))
  }

  private static func little<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}
