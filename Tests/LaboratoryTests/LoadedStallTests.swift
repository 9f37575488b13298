import Histogram
import LinuxIO
import Measurements
import Results
import TestSupport
import Testing

/// A target that is stopped for 100 ms for real. What others do to the machine meanwhile can only add
/// delays: every bound is one from below, but for those of what a closed loop does not see.
extension SuiteRunTests {
  private static let disk = TemporaryDirectory()

  private static let stall = "stall_ms: 100, stall_at_ms: 800, rate: 10000, duration: 2s"

  @Test(
    .enabled(if: TestBuild.isOptimized, "runs long: in release builds"),
    arguments: ["embedded", "generator"], ["uniform", "poisson"])
  func `an open loop charges a stall to all who came in it`(
    _ target: String, _ arrival: String
  ) throws {
    // A loop that was preempted between its look at the clock and its work begins the stall late; the
    // records that it took meanwhile are not delayed. It does not happen thrice.
    for attempt in 1...3 {
      var delayed: UInt64 = 0
      var latest: UInt64 = 0
      try load(
        "target: '\(target)', arrival: \(arrival), batch_bytes: 16KiB, \(Self.stall)",
        "backend: [buffered]"
      ) { row, times in
        #expect(row["status"] == "ok" || row["status"] == "saturated", "\(row)")
        let response = try #require(times[.response])
        if arrival == "uniform" { #expect(response.totalCount == 20_000) }
        #expect("\(response.totalCount)" == row["records"])
        delayed = response.count(within: 2_000_000...TrialRecorder.nanosecondsMax)
        latest = response.maxRecorded
      }
      // Who comes in the stall's last 2 ms waits less: 980 of 1,000 are left. Random arrivals are 980 with
      // a deviation of 31.
      let least: UInt64 = arrival == "uniform" ? 970 : 850
      if (delayed < least || latest < 99_000_000) && attempt < 3 { continue }
      #expect(delayed >= least, "\(delayed)")
      #expect(latest >= 99_000_000, "\(latest)")
      return
    }
  }

  @Test(arguments: ["embedded", "generator"])
  func `a closed loop sees a stall in the batches that were under way, and in no other`(
    _ target: String
  ) throws {
    // Of one record each, so that records are batches.
    try load(
      """
      target: '\(target)', arrival: max, batch_bytes: 200, in_flight: 5, stall_ms: 100,
          stall_at_ms: 300, duration: 1s
      """, "backend: [buffered]"
    ) { row, times in
      #expect(row["status"] == "ok", "\(row)")
      let service = try #require(times[.service])
      // Five; and five more for each time that the machine itself stood still for as long.
      let delayed = service.count(within: 50_000_000...TrialRecorder.nanosecondsMax)
      #expect(delayed >= 1 && delayed < 50, "\(delayed)")
      #expect(service.totalCount > 1000 && times[.response] == nil)
      #expect(service.maxRecorded >= 90_000_000)
    }
  }

  @Test func `a stall is marked in the second in which it ended, with its length`() throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let run = try run(
        """
        suite: marks
        repeats: 1
        warmup: 0
        defaults: {target: generator, drain: false, arrival: uniform, rate: 1000, duration: 2s,
          stall_ms: 100, stall_at_ms: 1200}
        """, in: folder, context: Self.loaded)
      let bytes = try LinuxFileIO().readFile(
        at: "\(run.outcome.directory)/intervals.csv", bytesMax: 1 << 20)
      let table = parseCSV(String(decoding: try #require(bytes), as: UTF8.self))
      let header = try #require(table.first)
      let rows = table.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(header, $0)) }
      #expect(rows.count >= 2)
      for row in rows {
        let isIts = row["second"] == "1"
        #expect(row["stalls"] == (isIts ? "1" : "0"), "\(row)")
        #expect(row["stall_max_us"] == (isIts ? "100000.000" : ""), "\(row)")
      }
    }
  }

  /// It is a share of what a round takes, so it shows where nothing else is waited for.
  @Test func `a slowdown is a column, and the trial goes well`() throws {
    try load("records: 5000, consumers: 1", "slowdown_percent: [0, 200]") { row, times in
      #expect(row["status"] == "ok" && row["consumed_records"] == "5000", "\(row)")
      #expect(times[.service]?.totalCount == 5000)
    }
  }
}
