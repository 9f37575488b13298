import CLinux
import Foundation
import Histogram
import LinuxIO
import Measurements
import Testing

/// The four shapes that latencies come in, in nanoseconds.
private enum Shape: String, CaseIterable {
  case uniform, exponential, bimodal, heavyTail

  func sample(_ random: inout SeededGenerator) -> UInt64 {
    let share = 1 - random.fraction()
    let value: Double
    switch self {
    case .uniform: value = share * 1e9
    case .exponential: value = -log(share) * 250_000
    case .bimodal: value = random.chance(0.9) ? 80_000 + share * 5_000 : 9e6 + share * 1e6
    // Pareto's with an exponent of 0.8: neither mean nor variance.
    case .heavyTail: value = 1_000 * pow(share, -1.25)
    }
    return UInt64(min(max(value, 1), 3.6e12))
  }
}

/// One line's histogram before compression, for tests that damage what is inside.
private enum Encoded {
  /// A log of one line with these bytes as the compressed stream's contents.
  static func log(_ encoding: [UInt8]) -> [UInt8] {
    let capacity = clinux_zlib_bound(encoding.count)
    var stream = [UInt8](repeating: 0, count: capacity)
    let made = clinux_zlib_compress(encoding, encoding.count, &stream, capacity)
    precondition(made > 0)
    stream.removeLast(capacity - made)
    return log(stream: stream)
  }

  static func log(stream: [UInt8], cookie: [UInt8] = [0x1c, 0x84, 0x93, 0x14]) -> [UInt8] {
    let length = (0..<4).map { UInt8(truncatingIfNeeded: stream.count >> (24 - 8 * $0)) }
    return Array("0.000,1.000,1.000,\(Data(cookie + length + stream).base64EncodedString())".utf8)
  }

  static func encoding(of times: TrialRecorder.Times) throws -> [UInt8] {
    var log = try HDRLogWriter(startSeconds: 0)
    try log.add(tag: nil, startSeconds: 0, lengthSeconds: 1, times)
    let text = String(decoding: log.bytes, as: UTF8.self)
    let last = try #require(text.split(separator: ",").last)
    let bytes = [UInt8](try #require(Data(base64Encoded: last.trimmingCharacters(in: .newlines))))
    let stream = Array(bytes.dropFirst(8))
    var encoding = [UInt8](repeating: 0, count: 1 << 20)
    let made = clinux_zlib_uncompress(stream, stream.count, &encoding, encoding.count)
    try #require(made > 0)
    return Array(encoding.prefix(made))
  }

  /// An encoding with three digits from 1 on, and these bytes as counts.
  static func encoding(counts: [UInt8], header: [Int: UInt8] = [:]) -> [UInt8] {
    var bytes: [UInt8] = [0x1c, 0x84, 0x93, 0x13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3]
    bytes += [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 3, 0x46, 0x30, 0xB8, 0xA0, 0]
    bytes += [0x3F, 0xF0, 0, 0, 0, 0, 0, 0]
    bytes[6] = UInt8(truncatingIfNeeded: counts.count >> 8)
    bytes[7] = UInt8(truncatingIfNeeded: counts.count)
    for (position, byte) in header { bytes[position] = byte }
    return bytes + counts
  }
}

struct HDRLogTests {
  private static let percentiles = [0, 1, 10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 99.999, 100]

  private func filled(_ shape: Shape, _ count: Int, seed: UInt64) -> TrialRecorder.Times {
    var random = SeededGenerator(seed: seed)
    var times = TrialRecorder.emptyTimes()
    for _ in 0..<count { times.record(shape.sample(&random)) }
    return times
  }

  @Test func `the file begins with version, start and legend, and has a line for each interval`()
    throws
  {
    var log = try HDRLogWriter(startSeconds: 1_700_000_000.5)
    var times = TrialRecorder.emptyTimes()
    times.record(1_234_567)
    try log.add(tag: "response", startSeconds: 0, lengthSeconds: 1, times)
    let lines = String(decoding: log.bytes, as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false)
    try #require(lines.count == 5)
    #expect(lines[0] == "#[Histogram log format version 1.3]")
    #expect(
      lines[1] == "#[StartTime: 1700000000.500 (seconds since epoch), 2023-11-14T22:13:20Z]")
    #expect(
      lines[2]
        == #""StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram""#)
    #expect(lines[3].hasPrefix("Tag=response,0.000,1.000,1.235,HISTFAAAA"))
    #expect(lines[4].isEmpty)
  }

  @Test(arguments: Shape.allCases)
  fileprivate func `what is written is read again, slot by slot`(shape: Shape) throws {
    let times = filled(shape, 5_000, seed: 11)
    var log = try HDRLogWriter(startSeconds: 0)
    try log.add(tag: shape.rawValue, startSeconds: 1.5, lengthSeconds: 2.25, times)
    try log.add(tag: nil, startSeconds: 4, lengthSeconds: 1, TrialRecorder.emptyTimes())
    let lines = try HDRLogReader.read(log.bytes, name: "log")
    try #require(lines.count == 2)
    #expect(lines[0].tag == shape.rawValue && lines[1].tag == nil)
    #expect(lines[0].startSeconds == 1.5 && lines[0].lengthSeconds == 2.25)
    #expect(lines[0].times == times, "seed 11")
    #expect(lines[1].times.totalCount == 0)
  }

  @Test func `the smallest and greatest values and counts come back`() throws {
    var times = TrialRecorder.emptyTimes()
    for value in [0, 1, 2047, 2048, 4095, 4096, 3_600_000_000_000] as [UInt64] {
      times.record(value, count: 1)
    }
    times.record(5, count: .max)
    var log = try HDRLogWriter(startSeconds: 0)
    try log.add(tag: nil, startSeconds: 0, lengthSeconds: 0, times)
    let read = try HDRLogReader.read(log.bytes, name: "log")
    #expect(read.first?.times == times)
    #expect(read.first?.times.countForValue(5) == .max)
  }

  @Test func `merged intervals give the percentiles of one histogram`() throws {
    var random = SeededGenerator(seed: 12)
    var whole = TrialRecorder.emptyTimes()
    var log = try HDRLogWriter(startSeconds: 0)
    for interval in 0..<20 {
      var part = TrialRecorder.emptyTimes()
      for _ in 0..<2_000 {
        let value = Shape.allCases[interval % 4].sample(&random)
        part.record(value)
        whole.record(value)
      }
      try log.add(tag: "all", startSeconds: Double(interval), lengthSeconds: 1, part)
    }
    var merged = TrialRecorder.emptyTimes()
    try HDRLogReader.forEach(log.bytes, name: "log") { _, line throws(HDRLogError) in
      merged.add(line.times)
    }
    #expect(merged == whole, "seed 12")
    // Read from a file, the greatest value is the greatest that is equal to it.
    for percentile in Self.percentiles where percentile > 0 {
      let known = whole.highestEquivalentForValue(whole.valueAtPercentile(percentile))
      #expect(merged.valueAtPercentile(percentile) == known, "seed 12, \(percentile)")
    }
    #expect(merged.maxRecorded == whole.max)
  }

  @Test(arguments: Shape.allCases)
  fileprivate func `percentiles are those of the raw samples, within a thousandth`(
    shape: Shape
  ) throws {
    var random = SeededGenerator(seed: 13)
    let samples = (0..<200_000).map { _ in shape.sample(&random) }
    var times = TrialRecorder.emptyTimes()
    for sample in samples { times.record(sample) }
    var log = try HDRLogWriter(startSeconds: 0)
    try log.add(tag: nil, startSeconds: 0, lengthSeconds: 1, times)
    let read = try #require(try HDRLogReader.read(log.bytes, name: "log").first).times
    let sorted = samples.sorted()
    for percentile in Self.percentiles {
      let rank = Int((percentile * 1000).rounded()) * sorted.count / 100_000
      let exact = Double(sorted[max(rank, 1) - 1])
      let found = Double(read.valueAtPercentile(percentile))
      #expect(
        abs(found - exact) <= exact / 1000, "seed 13, \(percentile) %: \(found), exactly \(exact)")
    }
  }

  @Test func `what no log may hold is not written`() throws {
    #expect(throws: HDREncodingError.self) { try HDRLogWriter(startSeconds: -1) }
    #expect(throws: HDREncodingError.self) { try HDRLogWriter(startSeconds: .nan) }
    var log = try HDRLogWriter(startSeconds: 0)
    let before = log.bytes
    for tag in ["", "a,b", "a b", "a\nb", "\u{7F}"] {
      #expect(throws: HDREncodingError.tag(tag)) {
        try log.add(
          tag: tag, startSeconds: 0, lengthSeconds: 1, TrialRecorder.emptyTimes())
      }
    }
    var huge = Histogram<UInt64>(highestTrackableValue: .max)
    huge.record(.max, count: .max)
    #expect(throws: HDREncodingError.self) {
      try log.add(tag: nil, startSeconds: 0, lengthSeconds: 1, huge)
    }
    #expect(log.bytes == before)
  }

  @Test(arguments: [
    ("0.0,1.0,2.0", "no histogram"), ("x,1.0,2.0,HISTFAAA", "no number"),
    ("-1,1.0,2.0,HISTFAAA", "before the start"), ("nan,1,2,HISTFAAA", "not a number"),
    ("Tag=a", "only a tag"), ("Tag=,0,1,2,HISTFAAA", "an empty tag"), ("0,1,2,!!!!", "no base64"),
    ("0,1,2,", "nothing"), ("0,1,2,HISTFAAA", "a short header"), ("junk", "junk"),
    ("0,1,2,AAAAAAAAAAAAAAAA", "another cookie"),
  ])
  func `a line that is none is an error with its number`(line: String, name: String) throws {
    let error = try #require(throws: HDRLogError.self, "\(name)") {
      try HDRLogReader.read(Array("#comment\n\r\n\(line)\n".utf8), name: "a.hlog")
    }
    #expect(error.line == 3 && error.description.hasPrefix("a.hlog:3: expected "), "\(error)")
  }

  @Test func `encodings that do not hold together are refused`() throws {
    // The counts 1 and 2, a run of 300 zeros, 3.
    let good: [UInt8] = [2, 4, 0xD7, 4, 6]
    let times = try #require(
      try HDRLogReader.read(Encoded.log(Encoded.encoding(counts: good)), name: "log").first
    ).times
    #expect(times.totalCount == 6 && times.countForValue(302) == 3)
    let all: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
    let cases: [(String, [UInt8])] = [
      ("a count of 2^32", Encoded.encoding(counts: [0x80, 0x80, 0x80, 0x80, 0x20])),
      ("a cut number", Encoded.encoding(counts: [2, 0x80])),
      ("zeros past the end", Encoded.encoding(counts: [0x83, 0x90, 4])),
      ("the least number", Encoded.encoding(counts: all)),
      ("a sum past 2^64", Encoded.encoding(counts: [0xFD, 0x8F, 4, 0xFE, 0xFF, 0xFF, 0xFF, 0x1F])),
      ("two digits", Encoded.encoding(counts: good, header: [15: 2])),
      ("another lowest value", Encoded.encoding(counts: good, header: [23: 2])),
      ("another length", Encoded.encoding(counts: good, header: [7: 4])),
      ("another offset", Encoded.encoding(counts: good, header: [11: 1])),
      ("another ratio", Encoded.encoding(counts: good, header: [32: 0x40])),
      ("another cookie", Encoded.encoding(counts: good, header: [3: 3])),
      ("a header only", Array(Encoded.encoding(counts: []).prefix(39))),
      ("ten million zeros", [UInt8](repeating: 0, count: 10_000_000)),
    ]
    for (name, encoding) in cases {
      #expect(throws: HDRLogError.self, "\(name)") {
        try HDRLogReader.read(Encoded.log(encoding), name: "log")
      }
    }
    #expect(throws: HDRLogError.self) {
      try HDRLogReader.read(Encoded.log(stream: [1, 2, 3]), name: "log")
    }
  }

  @Test func `a line longer than any histogram, and more histograms than fit, are refused`()
    throws
  {
    let long = Array("0,1,2,".utf8) + [UInt8](repeating: UInt8(ascii: "A"), count: 1 << 20)
    let error = try #require(throws: HDRLogError.self) {
      try HDRLogReader.read(long, name: "log")
    }
    guard case .lineTooLong = error.reason else { Issue.record("\(error)"); return }
    let line = Encoded.log(Encoded.encoding(counts: [2])) + [UInt8(ascii: "\n")]
    let many = Array(repeatElement(line, count: HDRLogReader.histogramsMax + 1).joined())
    let other = try #require(throws: HDRLogError.self) {
      try HDRLogReader.read(many, name: "log")
    }
    #expect(other.reason == .tooManyHistograms(max: HDRLogReader.histogramsMax))
  }

  /// Reads it, and asks of what was read all that could trap.
  private func read(_ bytes: [UInt8]) -> Bool {
    guard let lines = try? HDRLogReader.read(bytes, name: "log") else { return false }
    for line in lines {
      var times = TrialRecorder.emptyTimes()
      times.add(line.times)
      #expect(times.valueAtPercentile(99) <= times.max && times.mean >= 0)
    }
    return true
  }

  private func damage(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0...random.below(3) {
      let place = random.below(max(bytes.count, 1))
      switch random.below(4) {
      case 0: bytes = Array(bytes.prefix(place))
      case 1 where place < bytes.count: bytes.remove(at: place)
      case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: min(place, bytes.count))
      default: if place < bytes.count { bytes[place] ^= 1 << UInt8(random.below(8)) }
      }
    }
    return bytes
  }

  @Test func `two thousand mutilated logs end in an error or a value`() throws {
    let seed: UInt64 = 14
    var random = SeededGenerator(seed: seed)
    var log = try HDRLogWriter(startSeconds: 1e9)
    try log.add(
      tag: "a", startSeconds: 0, lengthSeconds: 1, filled(.exponential, 200, seed: seed))
    try log.add(tag: nil, startSeconds: 1, lengthSeconds: 1, filled(.heavyTail, 50, seed: seed))
    var readable = 0
    for _ in 0..<1_000 where read(damage(log.bytes, &random)) { readable += 1 }
    // Most damage above is found by base64 or zlib; this is behind both.
    let encoding = try Encoded.encoding(of: filled(.heavyTail, 300, seed: seed))
    for _ in 0..<1_000 where read(Encoded.log(damage(encoding, &random))) { readable += 1 }
    #expect(readable > 0 && readable < 2_000, "seed \(seed): \(readable) readable")
  }
}
