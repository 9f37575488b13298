import Testing

/// A line that is no event, and what is to be said of it.
struct MalformedLine: Sendable, CustomTestStringConvertible {
  let bytes: [UInt8]
  let column: Int
  let expected: String
  let found: String
  var keyField: String?

  init(
    _ line: String, _ column: Int, _ expected: String, _ found: String, keyField: String? = nil
  ) {
    self.init(Array(line.utf8), column, expected, found)
    self.keyField = keyField
  }

  init(_ bytes: [UInt8], _ column: Int, _ expected: String, _ found: String) {
    self.bytes = bytes
    self.column = column
    self.expected = expected
    self.found = found
  }

  var testDescription: String { String(decoding: bytes, as: UTF8.self) }

  private static let member = "',' or '}' after a member"
  private static let element = "',' or ']' after an element"
  private static let name = "a member's name in quotes"
  private static let escape = "an escape (one of \" \\ / b f n r t u)"
  private static let time = "a timestamp: a whole number of milliseconds since 1970, from 0 on"
  private static let end = "the end of the line"

  /// A line whose value is these bytes, which begin at column 24.
  private static func value(
    _ bytes: [UInt8], _ column: Int, _ expected: String, _ found: String
  ) -> MalformedLine {
    let line = Array(#"{"timestamp":1,"value":"#.utf8) + bytes + Array("}".utf8)
    return MalformedLine(line, 23 + column, expected, found)
  }

  private static func value(
    _ text: String, _ column: Int, _ expected: String, _ found: String
  ) -> MalformedLine { value(Array(text.utf8), column, expected, found) }

  static let all: [MalformedLine] = events + values + strings

  private static let events: [MalformedLine] = [
    .init("", 1, "'{' to begin an event", "a blank line"),
    .init("[1]", 1, "'{' to begin an event", "'['"),
    .init("  x", 3, "'{' to begin an event", "'x'"),
    .init([0xFF, 0xFE], 1, "'{' to begin an event", "byte 0xFF"),
    .init("{", 2, name, end),
    .init("{}", 2, "a member 'timestamp'", "'}'"),
    .init(#"{"value":1}"#, 11, "a member 'timestamp'", "'}'"),
    .init(#"{"timestamp":1}"#, 15, "a member 'value' (null for a tombstone)", "'}'"),
    .init(#"{"timestamp":1,}"#, 16, name, "'}'"),
    .init(#"{,"timestamp":1}"#, 2, name, "','"),
    .init(#"{"timestamp" 1}"#, 14, "':' after a member's name", "'1'"),
    .init(#"{"timestamp":1 "value":1}"#, 16, member, "'\"'"),
    .init(#"{"timestamp":1,"value":1"#, 25, member, end),
    .init(
      #"{"timestamp":1,"value":1}{"#, 26, "the end of the line after an event", "'{'"),
    .init(#"{"timestamp":1.5,"value":1}"#, 15, time, "'.'"),
    .init(#"{"timestamp":-1,"value":1}"#, 14, time, "'-'"),
    .init(#"{"timestamp":"1","value":1}"#, 14, time, "'\"'"),
    .init(#"{"timestamp":null,"value":1}"#, 14, time, "'n'"),
    .init(#"{"timestamp":01,"value":1}"#, 15, member, "'1'"),
    .init(
      #"{"timestamp":9223372036854775808,"value":1}"#, 14, time, "one past 64 bits"),
    .init(#"{"key":1}"#, 8, "a string or null as the key", "'1'"),
    .init(#"{"headers":[]}"#, 12, "an object or null as the headers", "'['"),
    .init(#"{"headers":{"a":1}}"#, 17, "a string or null as a header's value", "'1'"),
    .init(#"{"headers":{"a":"b" "c":"d"}}"#, 21, member, "'\"'"),
    .init(#"{"headers":{"a":"b","\u0061":"d"}}"#, 21, "each member once", "'a' again"),
    .init(#"{"key":"a","key":"b"}"#, 12, "each member once", "'key' again"),
    .init(#"{"value":1,"timestamp":1,"value":1}"#, 26, "each member once", "'value' again"),
    .init(#"{"key":"\ud800x"}"#, 9, "a pair of surrogates", "one without its partner"),
    .init(#"{"key":"a\udc00"}"#, 10, "a pair of surrogates", "one without its partner"),
    .init(
      #"{"timestamp":1,"value":{"a":1}}"#, 31,
      "a member 'id' in the event or in its value, for the key", "none", keyField: "id"),
    .init(
      #"{"timestamp":1,"value":{"id":[]}}"#, 30,
      "a string, a number, true, false or null in 'id', for the key", "'['", keyField: "id"),
    .init(
      #"{"timestamp":1,"value":{"id":1,"id":2}}"#, 32, "each member once", "'id' again",
      keyField: "id"),
    .init(
      #"{"id":1,"timestamp":1,"id":2}"#, 23, "each member once", "'id' again", keyField: "id"),
  ]

  private static let values: [MalformedLine] = [
    value("", 1, "a value", "'}'"),
    value("tru", 4, "'true'", "'}'"),
    value("nul!", 4, "'null'", "'!'"),
    value("False", 1, "a value", "'F'"),
    value("NaN", 1, "a value", "'N'"),
    value("+1", 1, "a value", "'+'"),
    value(".5", 1, "a value", "'.'"),
    value("-", 2, "a digit", "'}'"),
    value("1.", 3, "a digit after the decimal point", "'}'"),
    value("1e", 3, "a digit of the exponent", "'}'"),
    value("1e+x", 4, "a digit of the exponent", "'x'"),
    value("00", 2, member, "'0'"),
    value("[1,]", 4, "a value", "']'"),
    value("[1 2]", 4, element, "'2'"),
    value("[1", 3, element, "'}'"),
    value("[1}", 3, element, "'}'"),
    value(#"{"a":1]"#, 7, member, "']'"),
    value(#"{"a":1,}"#, 8, name, "'}'"),
    value(#"{"a"}"#, 5, "':' after a member's name", "'}'"),
    value("{1:2}", 2, name, "'1'"),
    value("{'a':2}", 2, name, "'''"),
    value("1/*c*/", 2, member, "'/'"),
    value([0xC2, 0xA0], 1, "a value", "byte 0xC2"),
  ]

  private static let strings: [MalformedLine] = [
    value(#""a"#, 4, "'\"' at the end of a string", end),
    value("\"a\tb\"", 3, "a control character to be escaped in a string", "byte 0x09"),
    value([0x22, 0x00, 0x22], 2, "a control character to be escaped in a string", "byte 0x00"),
    value(#""\x""#, 3, escape, "'x'"),
    value(#""\u12g4""#, 6, "four hexadecimal digits after \\u", "'g'"),
    value(#""\u12""#, 6, "four hexadecimal digits after \\u", "'\"'"),
    value([0x22, 0x80, 0x22], 2, "valid UTF-8", "byte 0x80"),
    value([0x22, 0x61, 0xC3, 0x22], 3, "valid UTF-8", "byte 0xC3"),
    value([0x22, 0xC0, 0x80, 0x22], 2, "valid UTF-8", "byte 0xC0"),
    value([0x22, 0xE0, 0x80, 0x80, 0x22], 2, "valid UTF-8", "byte 0xE0"),
    value([0x22, 0xED, 0xA0, 0x80, 0x22], 2, "valid UTF-8", "byte 0xED"),
    value([0x22, 0xF0, 0x80, 0x80, 0x80, 0x22], 2, "valid UTF-8", "byte 0xF0"),
    value([0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], 2, "valid UTF-8", "byte 0xF4"),
    value([0x22, 0xF5, 0x80, 0x80, 0x80, 0x22], 2, "valid UTF-8", "byte 0xF5"),
  ]
}
