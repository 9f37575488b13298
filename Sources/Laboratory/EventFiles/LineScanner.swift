/// Reads one line of JSON (RFC 8259), strictly, and knows where it is.
///
/// It builds no values: it steps over them, checks them, and says where they begin and end, since
/// a record's value is stored as it is written. Nothing is allocated, and nesting costs one bit a
/// level. After a throw the position is of no meaning.
struct LineScanner: ~Copyable, ~Escapable {
  /// Levels of arrays and objects in one line, the event's own included.
  static let depthMax = 512

  let bytes: RawSpan
  private(set) var position: Int
  private(set) var depth = 0
  /// One bit a level: set in an object.
  private var levels = InlineArray<8, UInt64>(repeating: 0)

  @_lifetime(copy bytes)
  init(_ bytes: RawSpan, from position: Int = 0) {
    self.bytes = bytes
    self.position = position
  }

  /// The byte at the position; nil at the end of the line.
  var byte: UInt8? { at(position) }

  func at(_ position: Int) -> UInt8? {
    position < bytes.byteCount
      ? bytes.unsafeLoad(fromByteOffset: position, as: UInt8.self) : nil
  }

  @_lifetime(self: copy self)
  mutating func advance(by count: Int = 1) { position += count }

  @_lifetime(self: copy self)
  mutating func skipWhitespace() {
    while let byte, byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A { position += 1 }
  }

  /// Steps over `wanted`, after white space.
  @_lifetime(self: copy self)
  mutating func expect(_ wanted: UInt8, _ expected: String) throws(LineFault) {
    skipWhitespace()
    guard byte == wanted else { throw fault(expected) }
    position += 1
  }

  /// True, and past it, where `wanted` comes next after white space.
  @_lifetime(self: copy self)
  mutating func skip(_ wanted: UInt8) -> Bool {
    skipWhitespace()
    guard byte == wanted else { return false }
    position += 1
    return true
  }

  /// Steps over a member's name and the colon.
  @_lifetime(self: copy self)
  mutating func scanMemberName() throws(LineFault) -> StringToken {
    skipWhitespace()
    guard byte == UInt8(ascii: "\"") else { throw fault("a member's name in quotes") }
    let name = try scanString()
    try expect(UInt8(ascii: ":"), "':' after a member's name")
    return name
  }

  /// Steps over one value of any kind, after white space; where it lies.
  @_lifetime(self: copy self)
  mutating func scanValue() throws(LineFault) -> Range<Int> {
    skipWhitespace()
    let start = position
    let base = depth
    while true {
      skipWhitespace()
      switch byte {
      case UInt8(ascii: "{"):
        try enter(object: true)
        if !skip(UInt8(ascii: "}")) {
          _ = try scanMemberName()
          continue
        }
        depth -= 1
      case UInt8(ascii: "["):
        try enter(object: false)
        if !skip(UInt8(ascii: "]")) { continue }
        depth -= 1
      default: try scanScalar()
      }
      if try !leaveLevels(to: base) { return start..<position }
    }
  }

  /// Steps over `{` or `[`.
  @_lifetime(self: copy self)
  mutating func enter(object isObject: Bool) throws(LineFault) {
    guard depth < Self.depthMax else {
      throw fault("at most \(Self.depthMax) levels of nesting")
    }
    let mask: UInt64 = 1 << UInt64(depth % 64)
    if isObject { levels[depth / 64] |= mask } else { levels[depth / 64] &= ~mask }
    depth += 1
    position += 1
  }

  /// Steps over what follows a value: false where the level `base` is reached again, true where
  /// another value comes.
  @_lifetime(self: copy self)
  private mutating func leaveLevels(to base: Int) throws(LineFault) -> Bool {
    while depth > base {
      let isObject = levels[(depth - 1) / 64] >> UInt64((depth - 1) % 64) & 1 == 1
      if skip(UInt8(ascii: ",")) {
        if isObject { _ = try scanMemberName() }
        return true
      }
      guard skip(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
        throw fault(isObject ? "',' or '}' after a member" : "',' or ']' after an element")
      }
      depth -= 1
    }
    return false
  }

  @_lifetime(self: copy self)
  private mutating func scanScalar() throws(LineFault) {
    switch byte {
    case UInt8(ascii: "\""): _ = try scanString()
    case let first? where first == UInt8(ascii: "-") || 0x30...0x39 ~= first: try scanNumber()
    case UInt8(ascii: "t"): try scanLiteral("true")
    case UInt8(ascii: "f"): try scanLiteral("false")
    case UInt8(ascii: "n"): try scanLiteral("null")
    default: throw fault("a value")
    }
  }

  @_lifetime(self: copy self)
  private mutating func scanLiteral(_ literal: StaticString) throws(LineFault) {
    for index in 0..<literal.utf8CodeUnitCount {
      guard byte == literal.utf8Start[index] else { throw fault("'\(literal)'") }
      position += 1
    }
  }

  @_lifetime(self: copy self)
  private mutating func scanNumber() throws(LineFault) {
    if byte == UInt8(ascii: "-") { position += 1 }
    if byte == UInt8(ascii: "0") {
      position += 1
    } else {
      try scanDigits("a digit")
    }
    if byte == UInt8(ascii: ".") {
      position += 1
      try scanDigits("a digit after the decimal point")
    }
    if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
      position += 1
      if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { position += 1 }
      try scanDigits("a digit of the exponent")
    }
  }

  @_lifetime(self: copy self)
  private mutating func scanDigits(_ expected: String) throws(LineFault) {
    let start = position
    while let byte, 0x30...0x39 ~= byte { position += 1 }
    if position == start { throw fault(expected) }
  }

  /// What is wrong at the position, or at another.
  func fault(_ expected: String, at place: Int? = nil) -> LineFault {
    let place = place ?? position
    return LineFault(position: place, expected: expected, found: Self.describe(at(place)))
  }

  private static func describe(_ byte: UInt8?) -> String {
    guard let byte else { return "the end of the line" }
    if 0x20...0x7E ~= byte { return "'\(Character(Unicode.Scalar(byte)))'" }
    let digits = String(byte, radix: 16, uppercase: true)
    return "byte 0x" + (digits.count < 2 ? "0" : "") + digits
  }
}
