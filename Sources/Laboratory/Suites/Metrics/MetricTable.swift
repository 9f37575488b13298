import Measurements

/// The table of metrics: one row a metric, whose name is its column's. Columns, verdicts, axes,
/// `headline`, the data dictionary and reading back come from it.
extension Metric {
  package static let allCases: [Metric] = ofThroughput + ofTimes + ofCPU + ofCost + ofLoad

  /// What was moved, and how fast.
  private static let ofThroughput: [Metric] = [
    Metric(
      "records",
      .count("Records", "records", "Records appended, sent, or read by recovery.", \.records)),
    Metric(
      "bytes",
      .count("Bytes", "bytes", "Bytes of the batches that `records` are in.", \.bytes)),
    Metric(
      "errors",
      .count("Errors", "errors", "Appends or reads that failed.", \.errors)),
    // To the nanosecond: rates that are computed from it stay the same when it is read back.
    Metric(
      "seconds",
      .number(
        "Time", "s", 9, .time, "time",
        "From the first send to the last acknowledgement, at least the time that the suite asks for; "
          + "of a trial without load, how long it took.",
        .number(\.seconds))),
    Metric(
      "achieved_records_per_s",
      .number(
        "Throughput", "records/s", 1, .rate, "throughput in records", "`records` by `seconds`.",
        .computed(\.achievedRecordsPerSecond))),
    Metric(
      "mb_per_s",
      .number(
        "Throughput", "MB/s", 3, .rate, "throughput",
        "`bytes` by `seconds`. Without the final sync: under the durability `none` the kernel may hold all of "
          + "it in memory.", .computed(\.megabytesPerSecond))),
    Metric(
      "durable_mb_per_s",
      .number(
        "Throughput until durable", "MB/s", 3, .rate, "throughput until durable",
        "`bytes` by `seconds` and `final_sync_s` together.", .computed(\.durableMegabytesPerSecond))
    ),
    Metric(
      "final_sync_s",
      .number(
        "Final sync", "s", 9, nil, "time of the final sync",
        "fdatasync of every file after the run, until all of it is durable.",
        .number(\.finalSyncSeconds))),
  ]

  /// Every kind of time at every percentile.
  private static let ofTimes: [Metric] = [
    ("service", LatencyKind.service), ("response", .response), ("e2e", .endToEnd),
    ("schedule_delay", .scheduleDelay),
  ].flatMap { name, kind in
    Percentile.allCases.map { Metric("\(name)_\($0)_us", latency(kind, $0)) }
  }

  /// What it cost in time of processors.
  private static let ofCPU: [Metric] = [
    Metric(
      "cpu_s_per_gb",
      .number(
        "CPU of the target", "s/GB", 4, .cost, "CPU per GB",
        "User and system time of the target for each GB of `bytes`. Of a load: `target_cpu_s`. Of a log that "
          + "is sent: the sending thread. Empty where consumers catch up.",
        .computed(\.cpuSecondsPerGigabyte))),
    Metric(
      "cpu_s_per_moved_gb",
      .number(
        "CPU of the target", "s/GB moved", 4, .cost, "CPU per GB moved",
        "`target_cpu_s` for each GB of `bytes` and `consumed_bytes` together: what was appended and what was "
          + "delivered.", .computed(\.cpuSecondsPerMovedGigabyte))),
    Metric(
      "receiver_cpu_s_per_gb",
      .number(
        "CPU of the receiver", "s/GB", 4, .cost, "receiver's CPU per GB",
        "`receiver_cpu_s` for each GB that it received.",
        .computed(\.receiverCPUSecondsPerGigabyte))),
    Metric(
      "machine_cpu_s_per_gb",
      .number(
        "CPU of the machine", "s/GB", 4, .cost, "machine's CPU per GB",
        "`machine_cpu_s` for each GB of `bytes`.", .computed(\.machineCPUSecondsPerGigabyte))),
    Metric(
      "cpu_user_s",
      .cpu(
        "user time", "User time of the target's process, or sending thread, while it ran.",
        \.cpuUserSeconds)),
    Metric(
      "cpu_system_s",
      .cpu(
        "system time", "System time of the target's process, or sending thread, while it ran.",
        \.cpuSystemSeconds)),
    Metric(
      "thread_cpu_s",
      .cpu(
        "CPU of the driving thread", "CPU of the thread that drives the target.", \.threadCPUSeconds
      )),
    Metric(
      "receiver_cpu_s",
      .cpu(
        "CPU of the receiver", digits: 9,
        "CPU of the threads that receive, or consume, until the last byte.",
        \.receiverCPUSeconds)),
    Metric(
      "producer_cpu_s",
      .cpu("CPU of producers", "CPU of the producers' threads.", \.counts.producerCPUSeconds)),
    Metric(
      "consumer_cpu_s",
      .cpu("CPU of consumers", "CPU of the consumers' threads.", \.counts.consumerCPUSeconds)),
    Metric(
      "target_cpu_s",
      .cpu(
        "CPU of the target",
        "CPU of the process without producers, consumers and the laboratory's own threads.",
        \.counts.targetCPUSeconds)),
    Metric(
      "process_cpu_s",
      .cpu(
        "CPU of the process", digits: 9,
        "CPU of all threads of the trial's process, during the run and the final sync.",
        \.processCPUSeconds)),
    Metric(
      "machine_cpu_s",
      .cpu(
        "CPU of the machine", digits: 9,
        "CPU of every process and kernel thread, during the run and the final sync, from the kernel's "
          + "nanosecond counters (cpuacct, or cpu.stat and schedstat). At least `process_cpu_s`. Empty where the "
          + "system does not show them.", \.machineCPUSeconds)),
    Metric(
      "machine_steal_s",
      .number(
        "Steal", "s", 2, nil, "stolen time",
        "Time that the hypervisor gave to others, in ticks of the kernel.",
        .number(\.machineStealSeconds))),
  ]

  /// What else it cost.
  private static let ofCost: [Metric] = [
    Metric(
      "vs_syscalls_ratio",
      .number(
        "Ratio to system calls", "", 4, nil, "ratio to system calls",
        "Throughput by that of the bare system calls in the same block.", .number(\.syscallsRatio))),
    Metric(
      "minor_faults",
      .count("Minor faults", "", "Page faults without I/O of the process.", \.minorFaults)),
    Metric(
      "major_faults",
      .count("Major faults", "", "Page faults with I/O of the process.", \.majorFaults)),
    Metric(
      "context_switches",
      .count(
        "Context switches", "", "Voluntary and involuntary, of the process.", \.contextSwitches)),
    Metric(
      "device_write_bytes",
      .count(
        "Written to the device", "bytes",
        "Bytes that the block device was asked to write during the run and the final sync, by anyone.",
        \.deviceWriteBytes)),
    Metric(
      "rss_peak_mib",
      .number(
        "Peak memory", "MiB", 1, nil, "peak resident memory",
        "The process's resident memory at its highest.", .number(\.rssPeakMebibytes))),
    Metric(
      "zerocopy_sends",
      .count(
        "Zero-copy sends", "", "Sends with MSG_ZEROCOPY that the kernel has answered.",
        \.zeroCopySends)),
    Metric(
      "zerocopy_fallbacks",
      .count(
        "Zero-copy fallbacks", "", "Sends with MSG_ZEROCOPY that the kernel copied after all.",
        \.zeroCopyFallbacks)),
  ]

  /// What producers and consumers did.
  private static let ofLoad: [Metric] = [
    Metric(
      "consumed_records",
      .count("Consumed", "records", "Records that consumers read.", \.counts.consumedRecords)),
    Metric(
      "consumed_bytes",
      .count("Consumed", "bytes", "Bytes that consumers read.", \.counts.consumedBytes)),
    Metric(
      "catch_up_s",
      .number(
        "Catching up", "s", 9, nil, "time to catch up",
        "Until the slowest consumer first reached the log's end.",
        .number(\.counts.catchUpSeconds))),
    Metric(
      "catch_up_bytes",
      .count(
        "Catching up", "bytes", "Bytes that consumers had read by then.", \.counts.catchUpBytes)),
    Metric(
      "catch_up_mb_per_s",
      .number(
        "Catching up", "MB/s", 3, .rate, "catch-up throughput", "`catch_up_bytes` by `catch_up_s`.",
        .computed(\.catchUpMegabytesPerSecond))),
    Metric(
      "lost_records",
      .count(
        "Lost", "records",
        "Acknowledged records that a consumer did not find; above zero the trial failed.",
        \.counts.lostRecords)),
    Metric(
      "generator_ceiling_records_per_s",
      .number(
        "Ceiling of the generator", "records/s", 0, nil, "generator's ceiling",
        "What the same producers reach into the target `generator`, which keeps nothing.",
        .number(\.generatorCeiling))),
    Metric(
      "sustainable_records_per_s",
      .number(
        "Highest sustainable rate", "records/s", 1, .rate, "sustainable rate",
        "The highest rate that a search found to keep its limit.",
        .number(\.sustainableRecordsPerSecond))),
  ]

  private static func latency(_ kind: LatencyKind, _ percentile: Percentile) -> Definition {
    let (title, phrase, description) =
      switch kind {
      case .response:
        ("Response time", "response time", "From the scheduled send to the acknowledgement.")
      case .service:
        ("Service time", "service time", "From the actual send to the acknowledgement.")
      case .endToEnd:
        (
          "End-to-end time", "end-to-end time",
          "From the scheduled send until a consumer has the record."
        )
      case .scheduleDelay:
        (
          "Schedule delay", "schedule delay",
          "From the scheduled send to the actual one: how late the generator was."
        )
      }
    let (ofTitle, ofPhrase, ofDescription) =
      switch percentile {
      case .p50: ("median", "median", "Median.")
      case .p99: ("99th percentile", "p99", "99th percentile.")
      case .p999: ("99.9th percentile", "p99.9", "99.9th percentile.")
      case .max: ("maximum", "longest", "Maximum.")
      }
    let isCompared = kind != .scheduleDelay && percentile != .max
    return .number(
      "\(title), \(ofTitle)", "µs", 3, isCompared ? .time : nil, "\(ofPhrase) \(phrase)",
      "\(description) \(ofDescription)", .latency(kind, percentile))
  }
}

// The kinds of rows in the table of metrics.
extension Metric.Definition {
  fileprivate static func number(
    _ title: String, _ unit: String, _ digits: Int, _ kind: Metric.Kind?, _ phrase: String,
    _ description: String, _ source: Metric.Source
  ) -> Self {
    Self(
      title: title, unit: unit, digits: digits, kind: kind, phrase: phrase,
      description: description,
      source: source)
  }

  fileprivate static func count(
    _ title: String, _ unit: String, _ description: String,
    _ path: any WritableKeyPath<TrialResult, Int64?> & Sendable
  ) -> Self {
    number(title, unit, 0, nil, title.lowercased(), description, .count(path))
  }

  fileprivate static func cpu(
    _ phrase: String, digits: Int = 6, _ description: String,
    _ path: any WritableKeyPath<TrialResult, Double?> & Sendable
  ) -> Self {
    number(
      phrase.prefix(1).uppercased() + phrase.dropFirst(), "s", digits, nil, phrase, description,
      .number(path))
  }
}
