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

  package var moreIsBetter: Bool {
    switch self {
    case .megabytesPerSecond, .recordsPerSecond: true
    case .seconds, .serviceP50, .serviceP99, .serviceP999, .cpuSecondsPerGigabyte,
      .receiverCPUSecondsPerGigabyte, .machineCPUSecondsPerGigabyte:
      false
    }
  }

  /// How a sentence says that a cell is better, or worse, than another.
  package var words: (better: String, worse: String) {
    switch self {
    case .cpuSecondsPerGigabyte, .receiverCPUSecondsPerGigabyte, .machineCPUSecondsPerGigabyte:
      ("cheaper", "dearer")
    case .megabytesPerSecond, .recordsPerSecond, .seconds, .serviceP50, .serviceP99, .serviceP999:
      ("faster", "slower")
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
    }
  }
}
