import LoadGenerator
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

  @Test func `trials.csv has the columns that every result of the project has`() {
    let common = """
      suite, trial_id, block, position, status, reason, commit, target, backend, transfer, \
      receiver, cache, network, connections, call_bytes, durability, queue_depth, preallocation, \
      payload, record_bytes, batch_bytes, partitions, producers, consumers, linger_ms, arrival, \
      offered_records_per_s, achieved_records_per_s, records, bytes, seconds, mb_per_s, \
      response_p50_us, response_p99_us, response_p999_us, response_max_us, service_p50_us, \
      service_p99_us, service_p999_us, service_max_us, e2e_p50_us, e2e_p99_us, e2e_p999_us, \
      cpu_user_s, cpu_system_s, cpu_s_per_gb, receiver_cpu_s_per_gb, machine_cpu_s, \
      reference_ratio, minor_faults, major_faults, context_switches, device_write_bytes, \
      rss_peak_mib, copied_sends, errors
      """
    let more = """
      memory, drained, final_sync_s, thread_cpu_s, machine_steal_s, prefill_bytes, \
      segment_bytes, interval_ms, interval_bytes, reading, congestion, zero_copy_sends, \
      machine_cpu_s_per_gb, e2e_max_us, lateness_p50_us, lateness_p99_us, lateness_max_us, \
      generator_ceiling_records_per_s, producer_cpu_s, consumer_cpu_s, target_cpu_s, \
      consumed_records, consumed_bytes, catch_up_s, catch_up_bytes, catch_up_mb_per_s, \
      lost_records, sustainable_records_per_s, search_probes, in_flight, record_sizes, \
      consume_from, retention_bytes, place_producers, place_consumers, place_log, stall_ms, \
      slowdown_percent, memory_limit, variant, durable_mb_per_s, build
      """
    let header = TrialColumn.allCases.map(\.rawValue).joined(separator: ", ")
    #expect(header == common + ", " + more)
  }

  @Test func `a row says what is known and leaves the rest empty`() throws {
    let suite = try Fixtures.suite("suite: a\ndefaults: {target: bare, batch_bytes: 1000}")
    let plan = SuitePlan(suite)
    let cell = try #require(plan.cells.first)
    let trial = try #require(plan.trials.last)
    var result = TrialResult(
      suite: "a", trial: trial, commit: "unknown", parameters: cell.parameters)
    result.bytes = 5_000_000
    result.seconds = 2
    result.cpuUserSeconds = 0.001
    result.cpuSystemSeconds = 0.004
    let row = Dictionary(
      uniqueKeysWithValues: TrialColumn.allCases.map { ($0, result.text(of: $0)) })
    #expect(row[.megabytesPerSecond] == "2.500")
    #expect(row[.cpuSecondsPerGigabyte] == "1.0000")
    #expect(row[.batchBytes] == "1000" && row[.trialID] == "c01-b5")
    for column: TrialColumn in [
      .records, .achievedRecordsPerSecond, .responseP50, .payload, .minorFaults, .referenceRatio,
      .rssPeakMebibytes, .reason, .memory, .errors, .transfer,
    ] {
      #expect(row[column] == .some(nil), "\(column)")
    }
  }

  /// Four hundredths of a second in 16 KiB are 2441.40625 s/GB, and the last digit is a matter of 1e-12.
  @Test func `costs by the gigabyte are of what the row says`() throws {
    let plan = SuitePlan(try Fixtures.suite("suite: a\ndefaults: {target: bare}"))
    let trial = try #require(plan.trials.last)
    var result = TrialResult(
      suite: "a", trial: trial, commit: "c", parameters: plan.cells[0].parameters)
    result.bytes = 16_384
    for tick in stride(from: 3_600_000.0, to: 3_600_500, by: 1) {
      result.machineCPUSeconds = (tick + 4) / 100 - tick / 100
      #expect(result.text(of: .machineCPUSeconds) == "0.04")
      let text = result.text(of: .machineCPUSecondsPerGigabyte)
      result.machineCPUSeconds = 0.04
      #expect(result.text(of: .machineCPUSecondsPerGigabyte) == text, "\(tick)")
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
    result.lateness = result.service
    var load = LoadCounts()
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
    result.copiedSends = 1
    result.machineCPUSeconds = 1
    result.machineStealSeconds = 0
    result.minorFaults = 1
    result.majorFaults = 1
    result.contextSwitches = 1
    result.deviceWriteBytes = 1
    result.rssPeakMebibytes = 1
    result.referenceRatio = 1
    result.memory = .warm
    result.drained = true
    result.finalSyncSeconds = 1
    result.build = .this
    let ofLoads: Set<TrialColumn> = [
      .consumers, .lingerMilliseconds, .inFlight, .recordSizes, .consumeFrom, .retentionBytes,
      .placeProducers, .placeConsumers, .placeLog, .stallMilliseconds,
      .offeredRecordsPerSecond,
    ]
    let ofTransfers: Set<TrialColumn> = [.receiver, .reading]
    // What a consumer catches up with is in nobody's gigabytes.
    #expect(result.text(of: .cpuSecondsPerGigabyte) == nil)
    for column in TrialColumn.allCases where column != .cpuSecondsPerGigabyte {
      #expect((result.text(of: column) == nil) == ofLoads.contains(column), "\(column.rawValue)")
    }
    result.load?.catchUpBytes = nil
    #expect(result.text(of: .cpuSecondsPerGigabyte) != nil)
    result.load?.catchUpBytes = 1
    result.parameters.target = "socket"
    result.parameters.arrival = .uniform
    result.parameters.consumeFrom = .start
    for column in ofLoads { #expect(result.text(of: column) != nil, "\(column.rawValue)") }
    for column in ofTransfers { #expect(result.text(of: column) == nil, "\(column.rawValue)") }
    #expect(result.text(of: .serviceMax) == "1.500")
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
