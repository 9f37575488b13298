/// The parts of one event: places in its line and in a buffer of decoded text, both reused from
/// line to line.
package struct EventFields {
  package var timestamp: Int64 = 0
  /// Keys and headers, decoded.
  package var text: [UInt8] = []
  /// In `text`.
  package var key: Range<Int>?
  /// In `text`, in the order of the line.
  package var headers: [(name: Range<Int>, value: Range<Int>?)] = []
  /// In the line.
  package var value: Range<Int>?
  /// The headers' names, where there are many of them: to look through all for each would take as long
  /// as the square of their number. Few, as nearly always, are looked through without an allocation.
  private var names: Set<[UInt8]> = []
  private static let fewHeaders = 16

  package init() {}

  private mutating func clear() {
    text.removeAll(keepingCapacity: true)
    headers.removeAll(keepingCapacity: true)
    if !names.isEmpty { names = [] }
    key = nil
    value = nil
  }

  /// Reads the line, which begins at `start` (past a byte order mark).
  package mutating func parse(_ line: RawSpan, from start: Int, keyField: String?) throws(LineFault)
  {
    clear()
    var scanner = LineScanner(line, from: start)
    var seen = Seen()
    scanner.skipWhitespace()
    guard scanner.byte == UInt8(ascii: "{") else { throw scanner.fault("'{' to begin an event") }
    try scanner.enter(object: true)
    if !scanner.skip(UInt8(ascii: "}")) {
      repeat { try parseMember(&scanner, &seen, keyField) } while scanner.skip(UInt8(ascii: ","))
      guard scanner.skip(UInt8(ascii: "}")) else {
        throw scanner.fault("',' or '}' after a member")
      }
    }
    let end = scanner.position - 1
    guard seen.timestamp else { throw scanner.fault("a member 'timestamp'", at: end) }
    guard seen.value else {
      throw scanner.fault("a member 'value' (null for a tombstone)", at: end)
    }
    scanner.skipWhitespace()
    guard scanner.byte == nil else { throw scanner.fault("the end of the line after an event") }
    if let keyField {
      key = try keyFromField(keyField, line, seen.keyField, end: end)
    }
  }

  /// Members met so far.
  private struct Seen {
    var key = false
    var timestamp = false
    var headers = false
    var value = false
    /// Where the value of the member lies that the key is taken from.
    var keyField: Range<Int>?
  }

  private mutating func parseMember(
    _ scanner: inout LineScanner, _ seen: inout Seen, _ keyField: String?
  ) throws(LineFault) {
    scanner.skipWhitespace()
    let start = scanner.position
    let name = try scanner.scanMemberName()
    scanner.skipWhitespace()
    let valueStart = scanner.position
    if scanner.isEqual(name, "key") {
      try once(&seen.key, "key", scanner, start)
      key = try parseText(&scanner, "a string or null as the key")
    } else if scanner.isEqual(name, "timestamp") {
      try once(&seen.timestamp, "timestamp", scanner, start)
      timestamp = try parseTimestamp(&scanner)
    } else if scanner.isEqual(name, "headers") {
      try once(&seen.headers, "headers", scanner, start)
      try parseHeaders(&scanner)
    } else if scanner.isEqual(name, "value") {
      try once(&seen.value, "value", scanner, start)
      let range = try scanner.scanValue()
      value = scanner.at(range.lowerBound) == UInt8(ascii: "n") ? nil : range
    } else {
      _ = try scanner.scanValue()
    }
    if let keyField, scanner.isEqual(name, keyField) {
      // The four known members have said so themselves by now.
      guard seen.keyField == nil else { throw duplicate(keyField, start) }
      seen.keyField = valueStart..<scanner.position
    }
  }

  /// A string, decoded into `text`, or null.
  private mutating func parseText(
    _ scanner: inout LineScanner, _ expected: String
  ) throws(LineFault) -> Range<Int>? {
    scanner.skipWhitespace()
    switch scanner.byte {
    case UInt8(ascii: "\""):
      let token = try scanner.scanString()
      return try scanner.decode(token, into: &text)
    case UInt8(ascii: "n"):
      _ = try scanner.scanValue()
      return nil
    default: throw scanner.fault(expected)
    }
  }

  private func parseTimestamp(_ scanner: inout LineScanner) throws(LineFault) -> Int64 {
    let expected = "a timestamp: a whole number of milliseconds since 1970, from 0 on"
    guard let first = scanner.byte, 0x30...0x39 ~= first else { throw scanner.fault(expected) }
    let range = try scanner.scanValue()
    var result: Int64 = 0
    for position in range {
      guard let byte = scanner.at(position), 0x30...0x39 ~= byte else {
        throw scanner.fault(expected, at: position)
      }
      let (product, overflows) = result.multipliedReportingOverflow(by: 10)
      let (sum, overflowsToo) = product.addingReportingOverflow(Int64(byte - 0x30))
      if overflows || overflowsToo {
        throw LineFault(
          position: range.lowerBound, expected: expected, found: "one past 64 bits")
      }
      result = sum
    }
    return result
  }

  private mutating func parseHeaders(_ scanner: inout LineScanner) throws(LineFault) {
    if scanner.byte == UInt8(ascii: "n") {
      _ = try scanner.scanValue()
      return
    }
    guard scanner.byte == UInt8(ascii: "{") else {
      throw scanner.fault("an object or null as the headers")
    }
    scanner.advance()
    if scanner.skip(UInt8(ascii: "}")) { return }
    repeat {
      scanner.skipWhitespace()
      let start = scanner.position
      let token = try scanner.scanMemberName()
      let name = try scanner.decode(token, into: &text)
      if isHeader(name) {
        throw duplicate(String(decoding: text[name], as: UTF8.self), start)
      }
      headers.append((name, try parseText(&scanner, "a string or null as a header's value")))
    } while scanner.skip(UInt8(ascii: ","))
    guard scanner.skip(UInt8(ascii: "}")) else {
      throw scanner.fault("',' or '}' after a member")
    }
  }

  /// True where an earlier header has this name.
  private mutating func isHeader(_ name: Range<Int>) -> Bool {
    if headers.count < Self.fewHeaders {
      return headers.contains { text[$0.name].elementsEqual(text[name]) }
    }
    if names.isEmpty { names = Set(headers.map { Array(text[$0.name]) }) }
    return !names.insert(Array(text[name])).inserted
  }

  private func once(
    _ seen: inout Bool, _ name: String, _ scanner: borrowing LineScanner, _ start: Int
  ) throws(LineFault) {
    if seen { throw duplicate(name, start) }
    seen = true
  }

  private func duplicate(_ name: String, _ start: Int) -> LineFault {
    LineFault(position: start, expected: "each member once", found: "'\(name)' again")
  }
}

// Keys from another member.
extension EventFields {
  /// The key that a member gives: of the event itself, or else of the object `value`. `end` is
  /// where the event ends, for the error that there is none.
  private mutating func keyFromField(
    _ field: String, _ line: RawSpan, _ found: Range<Int>?, end: Int
  ) throws(LineFault) -> Range<Int>? {
    var place = found
    if place == nil { place = try memberOfValue(field, line) }
    guard let range = place else {
      throw LineFault(
        position: end, expected: "a member '\(field)' in the event or in its value, for the key",
        found: "none")
    }
    var scanner = LineScanner(line, from: range.lowerBound)
    switch scanner.byte {
    case UInt8(ascii: "n"): return nil
    case UInt8(ascii: "\""):
      let token = try scanner.scanString()
      return try scanner.decode(token, into: &text)
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      throw scanner.fault("a string, a number, true, false or null in '\(field)', for the key")
    default:
      let start = text.count
      scanner.append(range, to: &text)
      return start..<text.count
    }
  }

  /// Where the member of the object `value` lies; `value` was checked before.
  private func memberOfValue(_ field: String, _ line: RawSpan) throws(LineFault) -> Range<Int>? {
    guard let value else { return nil }
    var scanner = LineScanner(line, from: value.lowerBound)
    guard scanner.skip(UInt8(ascii: "{")), !scanner.skip(UInt8(ascii: "}")) else { return nil }
    var found: Range<Int>?
    repeat {
      scanner.skipWhitespace()
      let start = scanner.position
      let name = try scanner.scanMemberName()
      let isWanted = scanner.isEqual(name, field)
      let range = try scanner.scanValue()
      if isWanted {
        if found != nil { throw duplicate(field, start) }
        found = range
      }
    } while scanner.skip(UInt8(ascii: ","))
    return found
  }
}
