import Foundation
import Histogram
import Measurements
import Statistics
import Suites
import TestSupport
import Testing

/// HdrHistogram's Python port, run as a program: an implementation that shares nothing with this
/// one.
private enum HDRPython {
  private static let root = TemporaryDirectory.packageRoot
  private static let python =
    ProcessInfo.processInfo.environment["VARVE_PYTHON"] ?? "\(root)/.build/python/bin/python3"

  static let isInstalled = (try? run(["-c", "import hdrh.log"], quietly: true)) != nil
  static var remedy: String {
    "hdrhistogram 0.10.8 is not installed for \(python); install it there, or set VARVE_PYTHON to "
      + "an interpreter that has it"
  }

  struct Failure: Error { let status: Int32 }

  /// What the script says of each interval.
  static func script(_ command: String, _ path: String) throws -> [Interval] {
    let output = try run(["\(root)/Tests/Interop/histogram_log.py", command, path])
    return try output.split(separator: UInt8(ascii: "\n")).map {
      try JSONDecoder().decode(Interval.self, from: Data($0))
    }
  }

  struct Interval: Decodable {
    let tag: String?
    let start: Double
    let length: Double
    let count: UInt64
    let max: UInt64
    let min: UInt64
    let percentiles: [UInt64]
  }

  private static func run(_ arguments: [String], quietly: Bool = false) throws -> Data {
    let process = Process()
    process.executableURL = URL(filePath: python)
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    if quietly { process.standardError = Foundation.FileHandle.nullDevice }
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure(status: process.terminationStatus) }
    return data
  }
}

@Suite(.enabled(if: HDRPython.isInstalled, Comment(rawValue: HDRPython.remedy)))
struct HDRLogInteropTests {
  /// The script's.
  private static let percentiles = [1, 10, 50, 90, 99, 99.9, 99.99]

  private func expectSame(
    _ theirs: HDRPython.Interval, _ times: TrialRecorder.Times, _ comment: Comment
  ) {
    #expect(theirs.count == times.totalCount, comment)
    guard times.totalCount > 0 else { return }
    #expect(theirs.max == times.max, comment)
    #expect(theirs.min == times.lowestEquivalentForValue(times.min), comment)
    for (percentile, value) in zip(Self.percentiles, theirs.percentiles) {
      // Ours ends at the greatest value where theirs ends at the greatest equal to it.
      let own = times.highestEquivalentForValue(times.valueAtPercentile(percentile))
      #expect(value == own, "\(comment): \(percentile)")
    }
  }

  @Test func `the reference reads what is written here`() throws {
    var few = TrialRecorder.emptyTimes()
    var many = TrialRecorder.emptyTimes()
    for number in 0..<10_000 as Range<UInt64> {
      few.record(150_000 + number % 13)
      many.record(1 + number * number * number)
    }
    var wide = Histogram<UInt64>(highestTrackableValue: 3_600_000_000_000)
    wide.record(3_600_000_000_000, count: 10_000_000_000)
    wide.record(0, count: 10_000_000_000)
    var log = try HDRLogWriter(startSeconds: 1_700_000_000.25)
    try log.add(tag: "service", startSeconds: 0, lengthSeconds: 1, few)
    try log.add(tag: "response", startSeconds: 0, lengthSeconds: 1.5, many)
    try log.add(tag: nil, startSeconds: 1, lengthSeconds: 1, TrialRecorder.emptyTimes())
    try log.add(tag: "ünïcöde", startSeconds: 2.125, lengthSeconds: 0, wide)

    let directory = TemporaryDirectory()
    let file = "\(directory.path)/log.hlog"
    try Data(log.bytes).write(to: URL(filePath: file))
    let theirs = try HDRPython.script("read", file)
    #expect(theirs.map(\.tag) == ["service", "response", nil, "ünïcöde"])
    let starts: [Double] = [0, 0, 1, 2.125].map { $0 + 1_700_000_000.25 }
    #expect(zip(theirs, starts).allSatisfy { abs($0.start - $1) < 0.002 }, "\(theirs)")
    #expect(theirs.map(\.length) == [1, 1.5, 1, 0])
    try #require(theirs.count == 4)
    expectSame(theirs[0], few, "few")
    expectSame(theirs[1], many, "many")
    #expect(theirs[2].count == 0)
    #expect(theirs[3].count == 20_000_000_000)
    #expect(theirs[3].max == wide.max && theirs[3].min == 0)
  }

  @Test func `what the reference writes is read here`() throws {
    let directory = TemporaryDirectory()
    let file = "\(directory.path)/log.hlog"
    let theirs = try HDRPython.script("write", file)
    let lines = try HDRLogReader.read([UInt8](Data(contentsOf: URL(filePath: file))), name: file)
    #expect(lines.count == 4 && theirs.count == 4)
    for (theirs, line) in zip(theirs, lines) {
      #expect(line.tag == nil)
      #expect(line.startSeconds == theirs.start && line.lengthSeconds == theirs.length)
      expectSame(theirs, line.times, "\(theirs)")
    }
  }
}
