import Foundation
import Histogram
import LinuxIO
import LogStorage
import Measurements
import Results
import Targets
import TestSupport
import Testing
import TransferPaths
import Trials

/// Producers and consumers on threads of their own, over real backends, at their smallest.
extension SuiteRunTests {
  /// Every target, backend and transfer path, with the real events.
  static var loaded: LaboratoryContext {
    var context = real
    let path = TemporaryDirectory.packageRoot + "/Bench/Data/flights-2013-01.jsonl.gz"
    context.targets = TargetChoice.logs(flightsPath: path) + [.syscalls]
    context.transfers = PathUnderTest.shipping
      .map { TransferChoice($0.type) }
    return context
  }

  private static let disk = TemporaryDirectory()

  /// One run of a cross of `axes`; the rows and all times of each.
  func load(
    _ defaults: String, _ axes: String, context: LaboratoryContext = SuiteRunTests.loaded,
    data: String? = nil,
    check: ([String: String], [LatencyKind: TrialRecorder.Times]) throws -> Void
  ) throws {
    // A key may be there once.
    let own = [("target", "embedded"), ("batch_bytes", "8KiB")]
      .filter { !"\(defaults), \(axes)".contains("\($0.0):") }
      .map { "\($0.0): \($0.1), " }.joined()
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let run = try run(
        """
        suite: loads
        repeats: 1
        warmup: 0
        defaults: {drain: false, memory: cold, \(own)\(defaults)}
        crosses: {all: {axes: {\(axes)}}}
        """, in: folder, context: context, data: data)
      #expect(!run.rows.isEmpty)
      for row in run.rows {
        let path = "\(run.outcome.directory)/histograms/\(row["trial_id"] ?? "").hlog"
        let bytes = try LinuxFileIO().readFile(at: path, bytesMax: 1 << 30) ?? []
        try check(row, try TrialReport.times(bytes, name: path))
      }
    }
  }

  private func expectWhole(
    _ row: [String: String], _ times: [LatencyKind: TrialRecorder.Times], records: Int
  ) {
    #expect(row["status"] == "ok", "\(row)")
    #expect(row["records"] == "\(records)" && row["errors"] == "0", "\(row)")
    #expect(row["lost_records"] == "0", "\(row)")
    #expect(times[.service]?.totalCount == UInt64(records))
    #expect(row["service_p50_us"] != "" && row["producer_cpu_s"] != "" && row["target_cpu_s"] != "")
  }

  @Test(arguments: ["embedded", "stream"])
  func `threads that append to shards of their own lose and repeat nothing`(
    _ target: String
  ) throws {
    try load(
      """
      target: \(target), records: 3000, producers: 3, partitions: 5, consumers: 2,
          segment_bytes: 512KiB
      """, "backend: [\(Self.names)], durability: [none, batch, group], log_threads: [1, 3]"
    ) { row, times in
      expectWhole(row, times, records: 3000)
      #expect(row["consumed_records"] == "3000" && row["consumed_bytes"] == row["bytes"])
    }
  }

  @Test(
    .enabled(if: TestBuild.isOptimized, "runs long: in release builds"),
    arguments: ["embedded", "stream"])
  func `what every backend acknowledged is consumed, every record of it once`(
    _ target: String
  ) throws {
    try load(
      """
      target: \(target), records: 20000, producers: 2, partitions: 3, consumers: 2,
          segment_bytes: 512KiB
      """, "backend: [\(Self.names)], durability: [none, group]"
    ) { row, times in
      expectWhole(row, times, records: 20_000)
      #expect(row["consumed_records"] == "20000" && row["consumed_bytes"] == row["bytes"])
      #expect(times[.endToEnd]?.totalCount == 20_000 && row["e2e_p99_us"] != "")
      #expect(row["consumer_cpu_s"] != "" && row["generator_ceiling_records_per_s"] != "")
      // In a closed loop nobody has a time at which to send.
      #expect(row["response_p50_us"] == "" && row["offered_records_per_s"] == "")
      #expect((row["connections"] == "3") == (target == "stream"))
    }
  }

  @Test(arguments: ["uring", "uring-buffered"])
  func `many appends are under way, and all are acknowledged and consumed`(
    _ backend: String
  ) throws {
    guard Self.names.contains(backend) else { return }
    try load(
      "backend: \(backend), records: 20000, producers: 3, partitions: 2, consumers: 1, in_flight: 16",
      "queue_depth: [4, 64], durability: [none, batch, interval]"
    ) { row, times in
      expectWhole(row, times, records: 20_000)
      #expect(row["consumed_records"] == "20000")
    }
  }

  @Test func `every transfer path brings every record to the consumers`() throws {
    try load(
      """
      target: stream, backend: buffered, records: 20000, producers: 2, partitions: 3, consumers: 2,
          call_bytes: 30000
      """,
      "transfer: [\(PathUnderTest.shipping.map(\.rawValue).joined(separator: ", "))], "
        + "network: [loopback, unix]"
    ) { row, times in
      let path = PathUnderTest.shipping.first { $0.rawValue == row["transfer"] }
      if path?.families.contains(.unix) == false && row["network"] == "unix" {
        #expect(row["status"] == "skipped" && row["reason"]?.contains("TCP") == true)
        return
      }
      expectWhole(row, times, records: 20_000)
      #expect(row["consumed_records"] == "20000" && row["call_bytes"] == "30000")
      #expect(times[.endToEnd]?.totalCount == 20_000)
    }
  }

  /// What was there before the trial is read, and is nobody's end-to-end time: those of the file begin
  /// with bytes that look like a time to come.
  @Test func `consumers from the start read what was there before, and time what came since`()
    throws
  {
    try load(
      """
      records: 20000, producers: 2, partitions: 2, consumers: 2, prefill_bytes: 1MiB,
          consume_from: start, segment_bytes: 400KiB
      """, "target: [embedded, stream], payload: [synthetic, flights], cache: [hot, cold]"
    ) { row, times in
      expectWhole(row, times, records: 20_000)
      let consumed = Int(row["consumed_records"] ?? "") ?? 0
      // A megabyte of records of a hundred bytes, or of three hundred.
      #expect(consumed > 22_000, "\(row)")
      let before = (Int(row["consumed_bytes"] ?? "") ?? 0) - (Int(row["bytes"] ?? "") ?? 0)
      #expect(before > 1_000_000 && before < 1_200_000, "\(before)")
      #expect(times[.endToEnd]?.totalCount == 20_000, "\(row["payload"] ?? "")")
      #expect(row["catch_up_s"] != "" && row["catch_up_mb_per_s"] != "")
    }
  }

  @Test(arguments: ["fixed", "uniform", "lognormal"])
  func `records of all sizes come through`(_ sizes: String) throws {
    try load(
      "records: 5000, record_bytes: 300, record_sizes: \(sizes), partitions: 2, consumers: 1",
      "target: [embedded, stream], batch_bytes: [500, 64KiB]"
    ) { row, times in
      expectWhole(row, times, records: 5000)
      #expect(row["consumed_records"] == "5000" && row["record_sizes"] == sizes)
    }
  }

  @Test func `consumers without a partition of their own share one`() throws {
    try load(
      "records: 3000, producers: 2",
      "target: [embedded, stream], partitions: [1, 2], consumers: [3, 5]"
    ) { row, times in
      expectWhole(row, times, records: 3000)
      let consumers = Int(row["consumers"] ?? "") ?? 0
      let consumed = Int(row["consumed_records"] ?? "") ?? 0
      if row["partitions"] == "1" {
        #expect(consumed == 3000 * consumers)
      } else {
        // Either half is read by this or that many.
        #expect(consumed > 3000 * (consumers / 2) && consumed < 3000 * (consumers / 2 + 1))
      }
      #expect(times[.endToEnd]?.totalCount == UInt64(consumed))
      if row["target"] == "stream" { #expect(row["connections"] == row["consumers"]) }
    }
  }

  @Test func `more partitions than threads, and more threads than partitions`() throws {
    try load(
      "records: 4000, consumers: 1", "producers: [1, 7], partitions: [1, 3, 40]"
    ) { row, times in
      expectWhole(row, times, records: 4000)
      #expect(row["consumed_records"] == "4000")
    }
  }

  /// The first record of a batch waits for all of it.
  @Test func `linger is in the response time and not in the service time`() throws {
    try load(
      "arrival: uniform, rate: 2000, duration: 400ms, batch_bytes: 64KiB",
      "target: [embedded, generator], linger_ms: [0, 50]"
    ) { row, times in
      #expect(row["records"] == "800" && times[.response]?.totalCount == 800)
      #expect(times[.scheduleDelay]?.totalCount == 800)
      if row["linger_ms"] == "50" {
        let most = Double(row["response_max_us"] ?? "") ?? 0
        #expect(most > 49_000, "\(row)")
        // A batch of 50 ms holds a hundred.
        let half = Double(row["response_p50_us"] ?? "") ?? 0
        #expect(half > 20_000, "\(row)")
      }
    }
  }

  @Test func `retention during a trial takes old segments, and readers at the end go on`() throws {
    try load(
      """
      arrival: uniform, rate: 20000, duration: 2500ms, segment_bytes: 256KiB,
          retention_bytes: 512KiB, consumers: 1
      """, "target: [embedded, stream]"
    ) { row, times in
      #expect(row["records"] == "50000" && row["lost_records"] == "0", "\(row)")
      #expect(row["consumed_records"] == "50000", "\(row)")
    }
  }

  @Test func `what makes no sense is skipped with the reason`() throws {
    try load(
      "records: 100", "target: [generator], consumers: [0, 1], payload: [synthetic]"
    ) { row, _ in
      #expect((row["status"] == "ok") == (row["consumers"] == "0"))
      if row["consumers"] == "1" { #expect(row["reason"]?.contains("keeps nothing") == true) }
    }
    try load("target: stream", "records: [100], consumers: [0]") { row, _ in
      #expect(row["reason"] == "the target 'stream' needs consumers")
    }
    try load("batch_bytes: 100", "records: [100]") { row, _ in
      #expect(row["status"] == "skipped" && row["reason"]?.contains("holds no record") == true)
    }
    try load("consumers: 1, cache: cold", "records: [100]") { row, _ in
      #expect(row["status"] == "skipped" && row["reason"]?.contains("consume_from") == true)
    }
    try load("target: log, arrival: poisson", "records: [100]") { row, _ in
      #expect(row["status"] == "skipped" && row["reason"]?.contains("embedded") == true)
    }
  }

  /// A target whose disk fills up between its preparation and its run.
  private final class FillingTarget: LoadTarget {
    private let target: any LoadTarget
    private let path: String
    init(_ target: any LoadTarget, _ path: String) {
      self.target = target
      self.path = path
    }

    func prepare(_ trial: TrialSetting) throws {
      try target.prepare(trial)
      let file = try LinuxIO.FileHandle(
        LinuxFileIO(), path, FileOpening(.readWrite, creation: .mustBeNew))
      let chunk = [UInt8](repeating: 1, count: 1 << 20)
      var position: Int64 = 0
      // Until there is no room.
      while (try? file.write(chunk.span.bytes, at: position)) != nil {
        position += Int64(chunk.count)
      }
      try file.truncate(to: max(0, position - 2 << 20))
    }
    var appendBytes: Int { target.appendBytes }
    func bringCacheToState() throws { try target.bringCacheToState() }
    func run(_ recorder: TrialRecorder) throws -> TrialCounts { try target.run(recorder) }
    func synchronize() throws { try target.synchronize() }
    func finish() throws {
      try? LinuxFileIO().remove(path)
      try target.finish()
    }
  }

  @Test(.enabled(if: Tmpfs.isAvailable, "mounting a tmpfs needs root"), .timeLimit(.minutes(2)))
  func `a disk that fills up makes the trial a failed row with the reason`() throws {
    let disk = try #require(Tmpfs(mebibytes: 96))
    var context = Self.loaded
    context.targets = context.targets.map { choice in
      TargetChoice(choice.name) { FillingTarget(choice.make(), "\(disk.path)/ballast") }
    }
    var backends = ["buffered", "mmap"]
    if Self.names.contains("uring-buffered") { backends.append("uring-buffered") }
    try load(
      "records: 60000, producers: 2, partitions: 2, consumers: 2",
      """
      target: [embedded, stream], backend: [\(backends.joined(separator: ", "))],
          durability: [none, batch, group]
      """, context: context, data: "\(disk.path)/data"
    ) { row, times in
      #expect(row["status"] == "failed", "\(row)")
      #expect(row["reason"]?.contains("No space left") == true, "\(row["reason"] ?? "")")
      // No numbers of half a trial.
      #expect(row["records"] == "" && row["mb_per_s"] == "" && times.isEmpty)
    }
  }
}
