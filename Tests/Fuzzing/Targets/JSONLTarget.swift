import EventFiles
import Glibc
import LinuxIO
import Records

/// A file of events: the same events and the same error however the bytes arrive, and what is accepted
/// is an event, which written again reads back the same and goes into a batch as it is.
struct JSONLTarget {
  private static let keyFields: [String?] = [nil, "id", "key", "value", "\u{e9}", "headers"]
  private static let bufferSizes = [1, 2, 3, 7, 61, 256, 4096]
  private static let lineSizes = [1 << 20, 1, 16, 100, 4096]

  private let content: [UInt8]
  private let keyField: String?
  private let bufferBytes: Int
  private let lineBytesMax: Int
  private let memberBytes: Int

  /// Two bytes choose how to read; the rest is the file.
  init(_ input: [UInt8]) {
    var program = FuzzInput(input)
    let choice = program.byte()
    keyField = Self.keyFields[Int(choice) % Self.keyFields.count]
    lineBytesMax = Self.lineSizes[Int(choice) / 16 % Self.lineSizes.count]
    let split = program.byte()
    bufferBytes = Self.bufferSizes[Int(split) % Self.bufferSizes.count]
    memberBytes = 1 + Int(split) / 7 * 7
    content = program.rest()
  }

  func run() throws(FuzzViolation) {
    let found = read(content)
    if let error = found.error { _ = "\(error)" }
    // What begins as gzip does is not read as it stands.
    let isPlain = content.first != 0x1F
    if isPlain { try checkLineCount(found) }
    switch memberBytes % 3 {
    case 0 where isPlain:
      let packed = read(GzipText.pack(content, memberBytes: memberBytes))
      try require(packed, equals: found, "read from gzip in members of \(memberBytes) bytes")
    case 1 where isPlain: try checkLineEnds(found)
    default:
      let inPieces = read(content, bufferBytes: bufferBytes)
      try require(inPieces, equals: found, "read \(bufferBytes) bytes at a time")
    }
    for event in found.events { try check(event) }
    try checkWritten(found.events)
    try checkBatch(found.events)
  }

  private func read(
    _ bytes: [UInt8], keyField: String?? = nil, lineBytesMax: Int? = nil, bufferBytes: Int? = nil
  ) -> ReadEvents {
    ReadEvents(
      bytes, keyField: keyField ?? self.keyField, lineBytesMax: lineBytesMax ?? self.lineBytesMax,
      bufferBytes: bufferBytes ?? bytes.count + 16)
  }

  private var lines: [ArraySlice<UInt8>] {
    content.split(separator: 0x0A, omittingEmptySubsequences: false)
  }

  /// Every line that is not blank is an event.
  private func checkLineCount(_ found: ReadEvents) throws(FuzzViolation) {
    guard found.error == nil else { return }
    var all = lines
    if var first = all.first, first.starts(with: [0xEF, 0xBB, 0xBF]) {
      first = first.dropFirst(3)
      all[0] = first
    }
    let filled = all.filter { line in !line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D } }
    try require(found.events.count, equals: filled.count, "the events")
  }

  /// CRLF means the same as LF.
  private func checkLineEnds(_ found: ReadEvents) throws(FuzzViolation) {
    guard !content.contains(0x0D) else { return }
    let other = read(Array(lines.joined(separator: [0x0D, 0x0A])))
    try require(other, equals: found, "read with CRLF")
  }

  private func check(_ event: ReadEvent) throws(FuzzViolation) {
    try require(event.timestamp >= 0, "timestamp \(event.timestamp)")
    if let value = event.value {
      try require(
        PlainJSON(value).isOneValue,
        "the value is no JSON: \(String(decoding: value, as: UTF8.self))")
      try require(value != Array("null".utf8), "a null that is not told from a value")
    }
    let texts = [event.key] + event.headers.flatMap { [$0.name, $0.value] }
    for case let text? in texts {
      let repaired = Array(String(decoding: text, as: UTF8.self).utf8)
      try require(repaired == text, "a text is not UTF-8: \(text)")
    }
    let names = Set(event.headers.map(\.name))
    try require(names.count, equals: event.headers.count, "different header names")
  }

  /// The events written as plain JSON read back the same.
  private func checkWritten(_ events: [ReadEvent]) throws(FuzzViolation) {
    if events.isEmpty { return }
    let text = events.flatMap { $0.line }
    let again = read(text, keyField: .some(nil), lineBytesMax: 64 << 20)
    try require(again, equals: ReadEvents(events: events), "events written and read again")
  }

  private func checkBatch(_ events: [ReadEvent]) throws(FuzzViolation) {
    if events.isEmpty { return }
    var builder = RecordBatchBuilder(buffer: AlignedBuffer(capacity: 16))
    var expected: [Record] = []
    for event in events.prefix(100) {
      let record = event.record
      do { try builder.append(record) } catch {
        throw FuzzViolation("an event does not fit: \(error)")
      }
      expected.append(record)
    }
    let batch = builder.finish(baseOffset: .zero)
    let walk = try Walk(batch.withBytes { bytes in bytes.withUnsafeBytes { Array($0) } })
    try require(walk.records.map(\.record) == expected, "events differ in their batch")
  }
}

/// An event that was read, copied.
struct ReadEvent: Equatable {
  struct Header: Equatable {
    let name: [UInt8]
    var value: [UInt8]?
  }

  let timestamp: Int64
  var key: [UInt8]?
  var value: [UInt8]?
  let headers: [Header]

  var record: Record {
    Record(
      timestamp: timestamp, key: key, value: value,
      headers: headers.map { RecordHeader(key: $0.name, value: $0.value) })
  }

  /// The event as another program would write it, every byte of a text that may be escaped escaped.
  var line: [UInt8] {
    let members = headers.map { Self.quote($0.name) + [0x3A] + Self.text($0.value) }
    return Array("{\"headers\":{".utf8) + Array(members.joined(separator: [0x2C]))
      + Array("},\"value\":".utf8) + (value ?? Array("null".utf8))
      + Array(",\"timestamp\":\(timestamp),\"key\":".utf8) + Self.text(key) + Array("}\n".utf8)
  }

  private static func text(_ bytes: [UInt8]?) -> [UInt8] {
    bytes.map { quote($0) } ?? Array("null".utf8)
  }

  private static func quote(_ bytes: [UInt8]) -> [UInt8] {
    let digits = Array("0123456789abcdef".utf8)
    let body = bytes.flatMap { byte -> [UInt8] in
      if byte == 0x22 || byte == 0x5C { return [0x5C, byte] }
      if byte >= 0x20 { return [byte] }
      return Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
    return [0x22] + body + [0x22]
  }
}

/// All that a reader gives of a file, and how it ends.
struct ReadEvents: Equatable {
  private(set) var events: [ReadEvent] = []
  private(set) var error: EventError?

  init(events: [ReadEvent]) { self.events = events }

  init(_ bytes: [UInt8], keyField: String?, lineBytesMax: Int, bufferBytes: Int) {
    let file = ScratchFile.shared
    file.replace(bytes)
    do throws(EventError) {
      var reader = try EventReader(
        path: file.path, keyField: keyField, lineBytesMax: lineBytesMax, bufferBytes: bufferBytes)
      while try reader.next() { events.append(Self.copy(reader)) }
    } catch { self.error = error }
  }

  private static func copy(_ reader: borrowing EventReader) -> ReadEvent {
    var headers: [ReadEvent.Header] = []
    for index in 0..<reader.headerCount {
      var header = ReadEvent.Header(name: bytes(reader.headerName(index)), value: nil)
      if let value = reader.headerValue(index) { header.value = bytes(value) }
      headers.append(header)
    }
    var event = ReadEvent(timestamp: reader.timestamp, key: nil, value: nil, headers: headers)
    if let key = reader.key { event.key = bytes(key) }
    if let value = reader.value { event.value = bytes(value) }
    return event
  }

  private static func bytes(_ span: RawSpan) -> [UInt8] { span.withUnsafeBytes { Array($0) } }
}

/// A file under a path that no directory has, and that goes with the process. One for all: a target
/// runs on one thread.
final class ScratchFile: Sendable {
  static let shared = ScratchFile()
  private let number: Int32
  let path: String

  private init() {
    // In memory, where there is such a place: thousands of files a second.
    let place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
    var template = Array("\(place)/varve-fuzz-XXXXXX".utf8CString)
    number = mkstemp(&template)
    precondition(number >= 0, "no place for a file")
    unlink(template)
    path = "/proc/self/fd/\(number)"
  }

  func replace(_ bytes: [UInt8]) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { memory in
        pwrite(number, memory.baseAddress.map { $0 + done }, memory.count - done, done)
      }
      precondition(count > 0, "the scratch file cannot be written")
      done += count
    }
    precondition(ftruncate(number, bytes.count) == 0, "the scratch file cannot be cut")
  }
}
