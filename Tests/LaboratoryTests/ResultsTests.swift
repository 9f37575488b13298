import Measurements
import Results
import Suites
import Testing

struct ResultsTests {
  @Test func `fields with commas, quotes and line ends are read back as they were`() {
    let rows: [[String?]] = [
      ["plain", "a,b", "say \"hi\"", "two\r\nlines", "\n", nil],
      ["", "\"", ",", "é\u{301}", " spaced ", "x"],
    ]
    let text = rows.map { CSV.record($0) }.joined()
    #expect(parseCSV(text) == rows.map { $0.map { $0 ?? "" } })
    #expect(CSV.record(["a", nil, "b c"]) == "a,,b c\r\n")
  }

  @Test func `a row says what is known and leaves the rest empty`() throws {
    let suite = try Fixtures.suite("suite: a\ndefaults: {target: syscalls, batch_bytes: 1000}")
    let plan = SuitePlan(suite)
    let cell = try #require(plan.cells.first)
    let trial = try #require(plan.trials.last)
    var result = TrialResult(
      suite: "a", trial: trial, commit: "unknown", parameters: cell.parameters)
    result.bytes = 5_000_000
    result.seconds = 2
    result.cpuUserSeconds = 0.001
    result.cpuSystemSeconds = 0.004
    let row = Fixtures.row(result)
    #expect(row["mb_per_s"] == "2.500")
    #expect(row["cpu_s_per_gb"] == "1.0000")
    #expect(row["batch_bytes"] == "1000" && row["trial_id"] == "c01-b5")
    for column in [
      "records", "achieved_records_per_s", "response_p50_us", "payload", "minor_faults",
      "vs_syscalls_ratio", "rss_peak_mib", "reason", "memory", "errors", "transfer",
    ] {
      #expect(row[column] == .some(nil), "\(column)")
    }
  }

  /// Four hundredths of a second in 16 KiB are 2441.40625 s/GB, and the last digit is a matter of 1e-12.
  @Test func `costs by the gigabyte are of what the row says`() throws {
    let plan = SuitePlan(try Fixtures.suite("suite: a\ndefaults: {target: syscalls}"))
    let trial = try #require(plan.trials.last)
    var result = TrialResult(
      suite: "a", trial: trial, commit: "c", parameters: plan.cells[0].parameters)
    result.bytes = 16_384
    for tick in stride(from: 3_600_000.0, to: 3_600_500, by: 1) {
      result.machineCPUSeconds = (tick + 4) / 100 - tick / 100
      #expect(Metric.machineCPUSeconds.text(of: result) == "0.040000000")
      let text = Metric.machineCPUSecondsPerGigabyte.text(of: result)
      result.machineCPUSeconds = 0.04
      #expect(Metric.machineCPUSecondsPerGigabyte.text(of: result) == text, "\(tick)")
    }
  }

  @Test func `every column has a text where everything is known`() throws {
    let suite = try Fixtures.suite(
      """
      suite: a
      defaults:
        {target: transfer, payload: synthetic, durability: interval, preallocation: zero,
        memory_limit: 1GiB, variant: a}
      """)
    let plan = SuitePlan(suite)
    let cell = try #require(plan.cells.first)
    let trial = try #require(plan.trials.last)
    var result = TrialResult(suite: "a", trial: trial, commit: "c", parameters: cell.parameters)
    let recorder = TrialRecorder()
    recorder.recordService(from: recorder.start, to: recorder.start + 1500)
    result.reason = "r"
    result.records = 1
    result.bytes = 1
    result.errors = 0
    result.seconds = 1
    result.service = recorder.times[.service].flatMap { LatencySummary($0.total) }
    result.response = result.service
    result.endToEnd = result.service
    result.scheduleDelay = result.service
    var load = LoadCounts()
    load.producerCPUSeconds = 1
    load.targetCPUSeconds = 1
    load.consumerCPUSeconds = 1
    load.consumedRecords = 1
    load.consumedBytes = 1
    load.catchUpSeconds = 1
    load.catchUpBytes = 1
    load.lostRecords = 0
    result.load = load
    result.generatorCeiling = 1
    result.sustainableRecordsPerSecond = 1
    result.searchProbes = "1:held:1us"
    result.cpuUserSeconds = 1
    result.cpuSystemSeconds = 1
    result.threadCPUSeconds = 1
    result.receiverCPUSeconds = 1
    result.zeroCopySends = 2
    result.zeroCopyFallbacks = 1
    result.machineCPUSeconds = 1
    result.processCPUSeconds = 1
    result.machineStealSeconds = 0
    result.minorFaults = 1
    result.majorFaults = 1
    result.contextSwitches = 1
    result.deviceWriteBytes = 1
    result.rssPeakMebibytes = 1
    result.syscallsRatio = 1
    result.memory = .warm
    result.drained = true
    result.finalSyncSeconds = 1
    result.build = .this
    let ofLoads: Set<String> = [
      "consumers", "linger_ms", "in_flight", "record_sizes", "consume_from", "retention_bytes",
      "place_producers", "place_consumers", "place_log", "log_threads", "stall_ms",
      "stall_at_ms", "offered_records_per_s", "slowdown_percent",
    ]
    let ofTransfers: Set<String> = ["receiver", "reading"]
    // Those of lengths that others have replaced, and of keys that mean nothing here.
    let others: Set<String> = [
      "requested_batches", "requested_records", "requested_duration_ms", "background_flush",
    ]
    var row = Fixtures.row(result)
    // What a consumer catches up with is in nobody's gigabytes.
    #expect(row["cpu_s_per_gb"] == .some(nil))
    for (column, text) in row where column != "cpu_s_per_gb" {
      #expect((text == nil) == (ofLoads.contains(column) || others.contains(column)), "\(column)")
    }
    result.load?.catchUpBytes = nil
    #expect(Metric.cpuSecondsPerGigabyte.text(of: result) != nil)
    result.load?.catchUpBytes = 1
    result.parameters.target = TargetName.stream
    result.parameters.arrival = .uniform
    result.parameters.consumeFrom = .start
    result.parameters.stallMilliseconds = 1
    row = Fixtures.row(result)
    for column in ofLoads { #expect(row[column] != .some(nil), "\(column)") }
    for column in ofTransfers { #expect(row[column] == .some(nil), "\(column)") }
    #expect(row["service_max_us"] == "1.500")
  }

  @Test func `a line of mountinfo is read, escapes and optional fields included`() throws {
    let line = #"36 35 98:0 /mnt1 /mnt/a\040b rw,noatime master:1 - ext3 /dev/root rw,errors=ro"#
    let mount = try #require(MountPoint(line[...]))
    #expect(mount.path == "/mnt/a b" && mount.type == "ext3")
    #expect(mount.source == "/dev/root" && mount.options == "rw,noatime,rw,errors=ro")
    #expect(MountPoint("garbage") == nil)
    #expect(MountPoint("1 2 3 4 5 6 - 8 9") == nil)
    #expect(MountPoint("1 2 0:1 / / rw - a b c") != nil)
  }
}
