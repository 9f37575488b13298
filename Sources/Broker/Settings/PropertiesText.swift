/// Java's properties files: `name=value` (or `:`), `#` and `!` comments, lines that go on after a
/// `\`, and the escapes `\t`, `\n`, `\r`, `\f`, `\\`, `\=` and the like. Unlike Java's reader it
/// trims the value's end, as Kafka does, and wants a separator; `\u` is refused, since files are
/// UTF-8. Source: the documentation of `java.util.Properties.load`.
package enum PropertiesText {
  package struct Property: Equatable {
    package let name: String
    package let value: String
    /// Where it begins, counted from 1.
    package let line: Int

    package init(
      name: String, value: String, line: Int
    ) {
      self.name = name
      self.value = value
      self.line = line
    }
  }

  package struct Malformed: Error, Equatable {
    package let line: Int
    package let reason: String
  }

  package static func parse(_ text: String) throws(Malformed) -> [Property] {
    var properties: [Property] = []
    var begun: (line: Int, text: [UInt8])?
    for (index, line) in naturalLines(Array(text.utf8)).enumerated() {
      let rest = line.drop(while: isSpace)
      // Only a line that begins something can be empty or a comment.
      if begun == nil, rest.isEmpty || rest.first == hash || rest.first == exclamation { continue }
      var whole = begun ?? (index + 1, [])
      whole.text += rest
      let backslashes = rest.reversed().prefix { $0 == backslash }.count
      if backslashes % 2 == 1 {
        whole.text.removeLast()
        begun = whole
      } else {
        begun = nil
        properties.append(try property(whole.text, whole.line))
      }
    }
    if let begun { properties.append(try property(begun.text, begun.line)) }
    return properties
  }

  private static func property(_ text: [UInt8], _ line: Int) throws(Malformed) -> Property {
    var isEscaped = false
    let separator = text.firstIndex { byte in
      if isEscaped {
        isEscaped = false
        return false
      }
      isEscaped = byte == backslash
      return byte == UInt8(ascii: "=") || byte == UInt8(ascii: ":")
    }
    guard let separator else {
      let found = SettingsError.quoted(String(decoding: text, as: UTF8.self))
      throw Malformed(line: line, reason: "found \(found), expected name=value")
    }
    let name = try unescaped(trimmed(text[..<separator]), line)
    if name.isEmpty { throw Malformed(line: line, reason: "found no name, expected name=value") }
    let value = try unescaped(trimmed(text[(separator + 1)...]), line)
    return Property(name: name, value: value, line: line)
  }

  private static func unescaped(_ text: ArraySlice<UInt8>, _ line: Int) throws(Malformed) -> String
  {
    var bytes: [UInt8] = []
    var isEscaped = false
    for byte in text {
      if !isEscaped, byte == backslash {
        isEscaped = true
        continue
      }
      if isEscaped, byte == UInt8(ascii: "u") {
        throw Malformed(line: line, reason: "found '\\u', expected the character itself in UTF-8")
      }
      bytes.append(isEscaped ? escapes[byte] ?? byte : byte)
      isEscaped = false
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Ended by LF, CR or both.
  private static func naturalLines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
    var lines: [ArraySlice<UInt8>] = []
    var start = 0
    for (index, byte) in bytes.enumerated() {
      if byte == lineFeed, index > 0, bytes[index - 1] == carriageReturn {
        start = index + 1
      } else if byte == lineFeed || byte == carriageReturn {
        lines.append(bytes[start..<index])
        start = index + 1
      }
    }
    if start < bytes.count { lines.append(bytes[start...]) }
    return lines
  }

  private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let rest = text.drop(while: isSpace)
    return rest.dropLast(rest.reversed().prefix(while: isSpace).count)
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0c
  }

  private static let escapes: [UInt8: UInt8] = [
    UInt8(ascii: "t"): 0x09, UInt8(ascii: "n"): 0x0a, UInt8(ascii: "f"): 0x0c,
    UInt8(ascii: "r"): 0x0d,
  ]
  private static let hash = UInt8(ascii: "#")
  private static let exclamation = UInt8(ascii: "!")
  private static let backslash = UInt8(ascii: "\\")
  private static let lineFeed: UInt8 = 0x0a
  private static let carriageReturn: UInt8 = 0x0d
}
