/// The one metric that a suite decides by, named before it runs.
package enum HeadlineMetric: String, CaseIterable, Hashable, Sendable {
  case megabytesPerSecond = "mb_per_s"
  case recordsPerSecond = "achieved_records_per_s"
  case seconds
  case serviceP50 = "service_p50_us"
  case serviceP99 = "service_p99_us"
  case serviceP999 = "service_p999_us"
  case cpuSecondsPerGigabyte = "cpu_s_per_gb"
  case receiverCPUSecondsPerGigabyte = "receiver_cpu_s_per_gb"
  case machineCPUSecondsPerGigabyte = "machine_cpu_s_per_gb"
  case responseP50 = "response_p50_us"
  case responseP99 = "response_p99_us"
  case responseP999 = "response_p999_us"
  case endToEndP50 = "e2e_p50_us"
  case endToEndP99 = "e2e_p99_us"
  case endToEndP999 = "e2e_p999_us"
  case catchUpMegabytesPerSecond = "catch_up_mb_per_s"
  case sustainableRecordsPerSecond = "sustainable_records_per_s"

  package var moreIsBetter: Bool {
    switch self {
    case .megabytesPerSecond, .recordsPerSecond, .catchUpMegabytesPerSecond,
      .sustainableRecordsPerSecond:
      true
    default: false
    }
  }

  /// How a sentence says that a cell is better, or worse, than another.
  package var words: (better: String, worse: String) {
    switch self {
    case .cpuSecondsPerGigabyte, .receiverCPUSecondsPerGigabyte, .machineCPUSecondsPerGigabyte:
      ("cheaper", "dearer")
    default: ("faster", "slower")
    }
  }

  /// What it is called on an axis, and in which unit.
  package var title: (text: String, unit: String) {
    switch self {
    case .megabytesPerSecond: ("Throughput", "MB/s")
    case .recordsPerSecond: ("Throughput", "records/s")
    case .seconds: ("Time", "s")
    case .serviceP50: ("Service time, median", "µs")
    case .serviceP99: ("Service time, 99th percentile", "µs")
    case .serviceP999: ("Service time, 99.9th percentile", "µs")
    case .responseP50: ("Response time, median", "µs")
    case .responseP99: ("Response time, 99th percentile", "µs")
    case .responseP999: ("Response time, 99.9th percentile", "µs")
    case .endToEndP50: ("End-to-end time, median", "µs")
    case .endToEndP99: ("End-to-end time, 99th percentile", "µs")
    case .endToEndP999: ("End-to-end time, 99.9th percentile", "µs")
    case .cpuSecondsPerGigabyte: ("CPU of the target", "s/GB")
    case .receiverCPUSecondsPerGigabyte: ("CPU of the receiver", "s/GB")
    case .machineCPUSecondsPerGigabyte: ("CPU of the machine", "s/GB")
    case .catchUpMegabytesPerSecond: ("Catching up", "MB/s")
    case .sustainableRecordsPerSecond: ("Highest sustainable rate", "records/s")
    }
  }

  /// The metric of one trial; nil where it was not measured.
  package func value(of result: TrialResult) -> Double? {
    switch self {
    case .megabytesPerSecond: result.megabytesPerSecond
    case .recordsPerSecond: result.achievedRecordsPerSecond
    case .seconds: result.seconds
    case .serviceP50: result.service?.p50
    case .serviceP99: result.service?.p99
    case .serviceP999: result.service?.p999
    case .cpuSecondsPerGigabyte: result.cpuSecondsPerGigabyte
    case .receiverCPUSecondsPerGigabyte: result.receiverCPUSecondsPerGigabyte
    case .machineCPUSecondsPerGigabyte: result.machineCPUSecondsPerGigabyte
    case .responseP50: result.response?.p50
    case .responseP99: result.response?.p99
    case .responseP999: result.response?.p999
    case .endToEndP50: result.endToEnd?.p50
    case .endToEndP99: result.endToEnd?.p99
    case .endToEndP999: result.endToEnd?.p999
    case .catchUpMegabytesPerSecond: result.catchUpMegabytesPerSecond
    case .sustainableRecordsPerSecond: result.sustainableRecordsPerSecond
    }
  }
}
