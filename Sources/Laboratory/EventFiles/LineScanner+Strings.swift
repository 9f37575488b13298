/// A string of a line that was stepped over.
struct StringToken {
  /// Between the quotes, as written.
  let range: Range<Int>
  let hasEscapes: Bool
}

extension LineScanner {
  /// Steps over a string, from quote to quote. Checks escapes, control characters and UTF-8; not
  /// whether surrogates pair up, which RFC 8259 leaves open: see `decode`.
  @_lifetime(self: copy self)
  mutating func scanString() throws(LineFault) -> StringToken {
    advance()
    let start = position
    var hasEscapes = false
    while true {
      guard let byte else { throw fault("'\"' at the end of a string") }
      switch byte {
      case UInt8(ascii: "\""):
        let token = StringToken(range: start..<position, hasEscapes: hasEscapes)
        advance()
        return token
      case UInt8(ascii: "\\"):
        hasEscapes = true
        try scanEscape()
      case 0..<0x20: throw fault("a control character to be escaped in a string")
      case 0x20..<0x80: advance()
      default: try scanMultibyte(byte)
      }
    }
  }

  @_lifetime(self: copy self)
  private mutating func scanEscape() throws(LineFault) {
    advance()
    switch byte {
    case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: advance()
    case UInt8(ascii: "u"):
      advance()
      for _ in 0..<4 {
        guard let byte, Self.hexValue(byte) != nil else {
          throw fault("four hexadecimal digits after \\u")
        }
        advance()
      }
    default: throw fault("an escape (one of \" \\ / b f n r t u)")
    }
  }

  /// One scalar of two to four bytes: no overlong form, no surrogate, nothing past U+10FFFF.
  @_lifetime(self: copy self)
  private mutating func scanMultibyte(_ first: UInt8) throws(LineFault) {
    let second: ClosedRange<UInt8>
    let count: Int
    switch first {
    case 0xC2...0xDF: (second, count) = (0x80...0xBF, 2)
    case 0xE0: (second, count) = (0xA0...0xBF, 3)
    case 0xED: (second, count) = (0x80...0x9F, 3)
    case 0xE1...0xEF: (second, count) = (0x80...0xBF, 3)
    case 0xF0: (second, count) = (0x90...0xBF, 4)
    case 0xF1...0xF3: (second, count) = (0x80...0xBF, 4)
    case 0xF4: (second, count) = (0x80...0x8F, 4)
    default: throw fault("valid UTF-8")
    }
    for index in 1..<count {
      let allowed = index == 1 ? second : 0x80...0xBF
      guard let next = at(position + index), allowed ~= next else { throw fault("valid UTF-8") }
    }
    advance(by: count)
  }

  /// Appends the string's text as UTF-8; where it lies in `target`. Throws for a surrogate without
  /// its partner, which no UTF-8 can stand for.
  func decode(_ token: StringToken, into target: inout [UInt8]) throws(LineFault) -> Range<Int> {
    let start = target.count
    if !token.hasEscapes {
      append(token.range, to: &target)
      return start..<target.count
    }
    var next = token.range.lowerBound
    while next < token.range.upperBound {
      guard let byte = at(next) else { break }
      if byte == UInt8(ascii: "\\") {
        next = try decodeEscape(at: next, into: &target)
      } else {
        target.append(byte)
        next += 1
      }
    }
    return start..<target.count
  }

  /// Appends bytes of the line as they are.
  func append(_ range: Range<Int>, to target: inout [UInt8]) {
    bytes.extracting(range).withUnsafeBytes { target.append(contentsOf: $0) }
  }

  /// True where the string's text is `text`.
  func isEqual(_ token: StringToken, _ text: String) -> Bool {
    if token.hasEscapes {
      var decoded: [UInt8] = []
      guard (try? decode(token, into: &decoded)) != nil else { return false }
      return decoded.elementsEqual(text.utf8)
    }
    guard token.range.count == text.utf8.count else { return false }
    var position = token.range.lowerBound
    for unit in text.utf8 {
      if at(position) != unit { return false }
      position += 1
    }
    return true
  }

  /// The escape was checked when it was stepped over. Where it ends.
  private func decodeEscape(
    at start: Int, into target: inout [UInt8]
  ) throws(LineFault) -> Int {
    switch at(start + 1) {
    case UInt8(ascii: "b"): target.append(0x08)
    case UInt8(ascii: "f"): target.append(0x0C)
    case UInt8(ascii: "n"): target.append(0x0A)
    case UInt8(ascii: "r"): target.append(0x0D)
    case UInt8(ascii: "t"): target.append(0x09)
    case UInt8(ascii: "u"): return try decodeUnicode(at: start, into: &target)
    case let other?: target.append(other)
    case nil: break
    }
    return start + 2
  }

  private func decodeUnicode(
    at start: Int, into target: inout [UInt8]
  ) throws(LineFault) -> Int {
    var value = codeUnit(at: start + 2)
    var end = start + 6
    if 0xD800..<0xDC00 ~= value, at(end) == UInt8(ascii: "\\"), at(end + 1) == UInt8(ascii: "u") {
      let low = codeUnit(at: end + 2)
      if 0xDC00..<0xE000 ~= low {
        value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
        end += 6
      }
    }
    guard let scalar = Unicode.Scalar(value) else {
      throw LineFault(
        position: start, expected: "a pair of surrogates", found: "one without its partner")
    }
    if let encoded = UTF8.encode(scalar) { target.append(contentsOf: encoded) }
    return end
  }

  private func codeUnit(at start: Int) -> UInt32 {
    (0..<4).reduce(0) { value, index in
      value << 4 | UInt32(at(start + index).flatMap(Self.hexValue) ?? 0)
    }
  }

  private static func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }
}
