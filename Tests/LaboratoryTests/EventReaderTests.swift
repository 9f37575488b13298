import EventFiles
import Foundation
import LinuxIO
import Suites
import Testing

/// Events as a test keeps them, past the reader's buffers.
private struct KeptEvent: Equatable {
  var timestamp: Int64
  var key: String?
  var value: String?
  var headers: [String]
}

/// A file that goes away with the test.
private final class TemporaryFile {
  let path: String

  init(_ bytes: [UInt8], name: String = "events.jsonl") throws {
    let directory = FileManager.default.temporaryDirectory.path + "/varve-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    path = directory + "/" + name
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  deinit {
    try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent)
  }
}

private func text(_ span: RawSpan) -> String {
  span.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
}

private func read(
  path: String, keyField: String? = nil, lineBytesMax: Int = 1 << 20
) throws -> [KeptEvent] {
  var reader = try EventReader(path: path, keyField: keyField, lineBytesMax: lineBytesMax)
  var events: [KeptEvent] = []
  while try reader.next() {
    var event = KeptEvent(timestamp: reader.timestamp, key: nil, value: nil, headers: [])
    if let key = reader.key { event.key = text(key) }
    if let value = reader.value { event.value = text(value) }
    for index in 0..<reader.headerCount {
      var header = text(reader.headerName(index)) + "="
      if let value = reader.headerValue(index) { header += text(value) } else { header += "null!" }
      event.headers.append(header)
    }
    events.append(event)
  }
  return events
}

private func read(_ content: String, keyField: String? = nil) throws -> [KeptEvent] {
  let file = try TemporaryFile(Array(content.utf8))
  return try withExtendedLifetime(file) { try read(path: file.path, keyField: keyField) }
}

@Suite struct EventReaderTests {
  static let january =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path + "/Bench/Data/flights-2013-01.jsonl.gz"

  @Test("January has its 26,865 events, 154 without a key, values as they are written")
  func january() throws {
    var reader = try EventReader(path: Self.january)
    var source = try LineSource(path: Self.january, lineBytesMax: 1 << 20)
    var count = 0
    var nullKeys = 0
    var last: Int64 = 0
    let marker = Array(#""value":"#.utf8)
    while try reader.next() {
      count += 1
      if reader.key == nil { nullKeys += 1 }
      #expect(reader.headerCount == 2)
      #expect(reader.timestamp >= last)
      last = reader.timestamp
      let range = try #require(try source.next())
      let raw = source.bytes(range).withUnsafeBytes { Array($0) }
      let start = try #require(raw.firstRange(of: marker)).upperBound
      var value: [UInt8] = []
      if let span = reader.value { value = span.withUnsafeBytes { Array($0) } }
      #expect(value == Array(raw[start..<(raw.count - 1)]))
    }
    #expect(count == 26_865)
    #expect(nullKeys == 154)
  }

  @Test("members come in any order, unknown ones are ignored, and escapes are resolved")
  func members() throws {
    let line = #"""
       {"x":[1,{"y":null}],"value" : {"a": 1.50e+3, "b":"\u00e9"} ,"headers":{"b":"2","a":null,"\u0063":"\n"},"timestamp":7,"k\u0065y":"\ud83d\ude00\u00e9\/\"é"}
      """#
    #expect(
      try read(line + "\n" + #"{"value":null,"timestamp":0,"key":null,"headers":null}"#) == [
        KeptEvent(
          timestamp: 7, key: "😀é/\"é", value: #"{"a": 1.50e+3, "b":"\u00e9"}"#,
          headers: ["b=2", "a=null!", "c=\n"]),
        KeptEvent(timestamp: 0, key: nil, value: nil, headers: []),
      ])
  }

  @Test("a value may be any JSON, and is kept as written")
  func values() throws {
    let values = [
      "-0", "0.10", "1E5", "true", "false", #""text\ud800""#, "[]", "[ 1 , 2 ]", "{}",
      #"{"a":1,"a":2}"#, #""null""#, "\"\u{7F}\u{10FFFF}\"",
    ]
    for value in values {
      let events = try read(#"{"timestamp":1,"value":\#(value)}"#)
      #expect(events.map(\.value) == [value])
    }
  }

  @Test("CRLF, a missing last newline, blank lines at the end and a byte order mark are accepted")
  func lineEnds() throws {
    let line = #"{"timestamp":1,"value":1}"#
    for content in [
      line, line + "\n", line + "\r\n", line + "\r\n\r\n", line + "\n\n \n", "\u{FEFF}" + line,
    ] {
      #expect(try read(content).count == 1, "\(content.debugDescription)")
    }
    #expect(try read("") == [])
    #expect(try read("\u{FEFF}\n") == [])
    #expect(try read(line + "\r\n" + line).count == 2)
  }

  @Test("a key field is looked for in the event, then in its value")
  func keyField() throws {
    func key(_ line: String) throws -> String? { try read(line, keyField: "id").first?.key }
    let start = #"{"timestamp":1,"#
    #expect(try key(start + #""id":"top","value":{"id":"in"}}"#) == "top")
    #expect(try key(start + #""value":{"x":{"id":0},"id":"\u0069n"},"key":"k"}"#) == "in")
    #expect(try key(start + #""value":{"id":-1.50}}"#) == "-1.50")
    #expect(try key(start + #""value":{"id":true}}"#) == "true")
    #expect(try key(start + #""value":{"id":null}}"#) == nil)
    #expect(try read(start + #""value":1}"#, keyField: "timestamp").first?.key == "1")
  }

  @Test("every malformed line names its line and column", arguments: MalformedLine.all)
  func malformed(_ sample: MalformedLine) throws {
    let good = #"{"timestamp":1,"value":{"id":1}}"# + "\n"
    let file = try TemporaryFile(Array(good.utf8) + sample.bytes + Array(("\n" + good).utf8))
    let error = #expect(throws: EventError.self) {
      try read(path: file.path, keyField: sample.keyField)
    }
    let wanted =
      "\(file.path):2:\(sample.column): expected \(sample.expected), found \(sample.found)"
    #expect(error?.description == wanted)
  }

  @Test("every truncation of a line is an error")
  func truncations() throws {
    let line = Array(
      #"{"key":"\ud83d\ude00é","timestamp":12,"headers":{"a":null},"value":[{"b":-1.5e3},"x"]}"#
        .utf8)
    for count in 1..<line.count {
      let file = try TemporaryFile(Array(line[..<count]))
      #expect(throws: EventError.self, "\(count) bytes") { try read(path: file.path) }
    }
  }

  @Test("nesting is bounded")
  func nesting() throws {
    func line(_ depth: Int) -> String {
      let open = String(repeating: "[", count: depth)
      return #"{"timestamp":1,"value":"# + open + String(repeating: "]", count: depth) + "}"
    }
    #expect(try read(line(511)).count == 1)
    let error = #expect(throws: EventError.self) { try read(line(512)) }
    #expect(error?.line == 1 && error?.column == 24 + 511)
    #expect(throws: EventError.self) { try read(String(repeating: "[", count: 500_000)) }
  }

  @Test("a line past the limit is an error, one at the limit is not")
  func longLines() throws {
    let line = #"{"timestamp":1,"value":""# + String(repeating: "x", count: 700_000) + "\"}"
    let file = try TemporaryFile(Array((line + "\r\n" + line).utf8))
    #expect(try read(path: file.path, lineBytesMax: line.utf8.count).count == 2)
    let error = #expect(throws: EventError.self) {
      try read(path: file.path, lineBytesMax: line.utf8.count - 1)
    }
    #expect(error?.reason == .lineTooLong(bytesMax: line.utf8.count - 1))
    #expect(error?.line == 1)
  }

  @Test("a gzip file that was cut short gives its whole lines and then an error")
  func truncatedGzip() throws {
    let whole = try Array(Data(contentsOf: URL(fileURLWithPath: Self.january)))
    let file = try TemporaryFile(Array(whole.prefix(whole.count / 2)), name: "cut.jsonl.gz")
    var reader = try EventReader(path: file.path)
    var count = 0
    var failure: EventError?
    do { while try reader.next() { count += 1 } } catch { failure = error }
    #expect(count > 5000)
    #expect(failure?.line == count + 1)
    #expect(
      failure?.description
        == "\(file.path): the compressed data ends too soon (after \(count) whole lines)")
    // A spent reader stays spent.
    #expect(throws: try #require(failure)) { _ = try reader.next() }
  }

  @Test("a gzip file cut anywhere in its header or its last bytes is an error")
  func truncatedGzipEnds() throws {
    let whole = try Array(Data(contentsOf: URL(fileURLWithPath: Self.january)))
    for count in Array(1...40) + [whole.count - 9, whole.count - 1] {
      let file = try TemporaryFile(Array(whole.prefix(count)), name: "cut.jsonl.gz")
      #expect(throws: EventError.self, "\(count) bytes") {
        var reader = try EventReader(path: file.path)
        while try reader.next() {}
      }
    }
  }

  @Test(
    "a gzip file cut anywhere is an error, in pieces of any size", arguments: [1, 2, 7, 21, 61])
  func truncatedGzipInPieces(_ bufferBytes: Int) throws {
    let whole = try Array(Data(contentsOf: URL(fileURLWithPath: Self.january)))
    for count in 20..<400 {
      let file = try TemporaryFile(Array(whole.prefix(count)), name: "cut.jsonl.gz")
      var failure: EventError?
      do throws(EventError) {
        var reader = try EventReader(path: file.path, bufferBytes: bufferBytes)
        while try reader.next() {}
      } catch { failure = error }
      // Not what the line that was begun lacks: that the file ends too soon comes first.
      #expect(
        failure?.description.contains("the compressed data ends too soon") ?? false,
        "\(count) bytes, \(bufferBytes) at a time: \(String(describing: failure))")
    }
  }

  @Test("behind the last gzip member there may be zeros, and nothing else")
  func trailingBytes() throws {
    let whole = try Array(Data(contentsOf: URL(fileURLWithPath: Self.january)))
    let trailers: [([UInt8], Bool)] = [([0, 0, 0], true), ([0, 1], false), ([0x1F], false)]
    for (trailer, isAccepted) in trailers {
      let file = try TemporaryFile(whole + trailer, name: "long.jsonl.gz")
      var reader = try EventReader(path: file.path)
      var count = 0
      var failure: EventError?
      do throws(EventError) { while try reader.next() { count += 1 } } catch { failure = error }
      #expect(count == 26_865)
      #expect((failure == nil) == isAccepted, "\(trailer): \(String(describing: failure))")
    }
  }

  @Test("a damaged gzip file, a missing file and a directory are errors that name the file")
  func unreadable() throws {
    var bytes = try Array(Data(contentsOf: URL(fileURLWithPath: Self.january)))
    bytes[bytes.count / 3] ^= 0x40
    let file = try TemporaryFile(bytes, name: "damaged.jsonl.gz")
    #expect(throws: EventError.self) { try read(path: file.path) }
    for path in [file.path + ".missing", "/"] {
      let error = #expect(throws: EventError.self) { try read(path: path) }
      #expect(error?.path == path)
      #expect(error?.description.hasPrefix("\(path): ") ?? false)
    }
  }

  @Test("a line of fifty thousand headers is read, and each of them is there once")
  func manyHeaders() throws {
    let names = (0..<50_000).map { #""h\#($0)":"v""# }
    let line = #"{"timestamp":1,"value":2,"headers":{"# + names.joined(separator: ",")
    let events = try read(line + "}}\n" + line + "}}")
    #expect(events.map(\.headers.count) == [50_000, 50_000])
    let again = #expect(throws: EventError.self) { try read(line + #","\u00680":"w"}}"#) }
    #expect("\(try #require(again))".hasSuffix("expected each member once, found 'h0' again"))
  }

  @Test("a hundred thousand mutated lines give events or errors, never a trap")
  func mutations() throws {
    let seed: UInt64 = 20_130_101
    let line = Array(
      #"{"key":"\ud83d\ude00é","timestamp":12,"headers":{"a":null},"value":[{"b":-1.5e3},"x"]}"#
        .utf8)
    let spice = Array(#"{}[]",:\u0dD9e.+-ntf"#.utf8) + [0, 0x0D, 0x80, 0xC3, 0xED, 0xF4, 0xFF]
    var state = seed
    func below(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    var fields = EventFields()
    var accepted = 0
    for _ in 0..<100_000 {
      var mutant = line
      for _ in 0...below(3) {
        let place = below(mutant.count)
        switch below(4) {
        case 0: mutant[place] = spice[below(spice.count)]
        case 1: mutant.insert(spice[below(spice.count)], at: place)
        case 2: mutant.remove(at: place)
        default: mutant[place] ^= 1 << UInt8(below(8))
        }
      }
      do throws(LineFault) {
        try fields.parse(mutant.span.bytes, from: 0, keyField: below(2) == 0 ? "b" : nil)
        accepted += 1
        if (try? JSONSerialization.jsonObject(with: Data(mutant))) == nil {
          // Foundation takes no lone surrogate, which RFC 8259 does; nothing else may differ.
          let text = String(decoding: mutant, as: UTF8.self)
          let isKnown = text.lowercased().contains(#"\ud"#)
          #expect(isKnown, "seed \(seed): \(text)")
        }
      } catch {
        #expect(error.position >= 0 && error.position <= mutant.count, "seed \(seed)")
      }
    }
    #expect(accepted > 1000 && accepted < 99_000)
  }
}
