import Histogram

/// One interval of a histogram log.
package struct HDRLogLine: Sendable {
  package let tag: String?
  /// As the line has it: in files of `HDRLogWriter`, from the file's start time.
  package let startSeconds: Double
  package let lengthSeconds: Double
  /// Of the kind that `TrialRecorder.emptyTimes` makes; the greatest value is known to the slot.
  package let times: TrialRecorder.Times
}

/// Reads HDR's log format, 1.3 and earlier, with V2 histograms of three digits from 1 on, as
/// `HDRLogWriter` and the format's other implementations write them.
///
/// Whatever is in the bytes, the answer is a value or an error with the line and the reason; a line
/// costs at most 1 MiB beside its histogram.
package enum HDRLogReader {
  /// `read` holds no more: a histogram is 132 KiB in memory, though 60 bytes may be all of its line.
  package static let histogramsMax = 2048
  private static let lineBytesMax = HDRCompression.textBytesMax + 1024

  /// All intervals, in the file's order; `name` is the file in errors.
  package static func read(
    _ bytes: [UInt8], name: String
  ) throws(HDRLogError) -> [HDRLogLine] {
    var lines: [HDRLogLine] = []
    try forEach(bytes, name: name) { number, line throws(HDRLogError) in
      guard lines.count < histogramsMax else {
        throw HDRLogError(name: name, line: number, .tooManyHistograms(max: histogramsMax))
      }
      lines.append(line)
    }
    return lines
  }

  /// Calls `body` with the line's number and each interval, in the file's order, of which one is
  /// in memory at a time. What it throws ends the reading.
  package static func forEach(
    _ bytes: [UInt8], name: String,
    _ body: (_ number: Int, HDRLogLine) throws(HDRLogError) -> Void
  ) throws(HDRLogError) {
    var rest = bytes[...]
    var number = 0
    while !rest.isEmpty {
      let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
      var line = rest[rest.startIndex..<end]
      rest = end < rest.endIndex ? rest[(end + 1)...] : []
      number += 1
      if line.last == UInt8(ascii: "\r") { line.removeLast() }
      guard line.count <= lineBytesMax else {
        throw HDRLogError(name: name, line: number, .lineTooLong(bytesMax: lineBytesMax))
      }
      let interval: HDRLogLine?
      do throws(HDRFault) { interval = try parse(line) } catch {
        throw HDRLogError(
          name: name, line: number, .malformed(expected: error.expected, found: error.found))
      }
      if let interval { try body(number, interval) }
    }
  }

  /// Nil of a line without an interval.
  private static func parse(_ line: ArraySlice<UInt8>) throws(HDRFault) -> HDRLogLine? {
    switch line.first {
    case nil, UInt8(ascii: "#"), UInt8(ascii: "\""): return nil
    default: break
    }
    var rest = line
    var tag: String?
    if line.starts(with: "Tag=".utf8) {
      let field = try field(&rest, "a tag").dropFirst(4)
      guard let text = String(validating: field, as: UTF8.self), !text.isEmpty else {
        throw HDRFault(expected: "a tag in UTF-8", found: quoted(field))
      }
      tag = text
    }
    let start = try number(&rest, "the interval's start in seconds")
    let length = try number(&rest, "the interval's length in seconds")
    _ = try number(&rest, "the interval's greatest value")
    let encoding = try HDRCompression.encoding(rest)
    return HDRLogLine(
      tag: tag, startSeconds: start, lengthSeconds: length,
      times: try HDREncoding.decode(encoding.span))
  }

  /// What comes before the next comma, which is taken too.
  private static func field(
    _ rest: inout ArraySlice<UInt8>, _ what: String
  ) throws(HDRFault) -> ArraySlice<UInt8> {
    guard let comma = rest.firstIndex(of: UInt8(ascii: ",")) else {
      throw HDRFault(expected: "\(what) and a comma", found: quoted(rest))
    }
    defer { rest = rest[(comma + 1)...] }
    return rest[rest.startIndex..<comma]
  }

  private static func number(
    _ rest: inout ArraySlice<UInt8>, _ what: String
  ) throws(HDRFault) -> Double {
    let field = try field(&rest, what)
    guard field.count <= 40, let value = Double(String(decoding: field, as: UTF8.self)),
      value.isFinite, value >= 0
    else { throw HDRFault(expected: what, found: quoted(field)) }
    return value
  }

  /// What an error shows of bytes that may be anything.
  static func quoted(_ bytes: ArraySlice<UInt8>) -> String {
    let shown = String(decoding: bytes.prefix(40), as: UTF8.self).unicodeScalars
      .map { $0.escaped(asASCII: true) }.joined()
    return bytes.count > 40 ? "'\(shown)…' (\(bytes.count) bytes)" : "'\(shown)'"
  }
}
