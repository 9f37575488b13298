/// A metric of trials that verdicts are about. A suite names the one that it decides by before it
/// runs. Verdicts are about ratios, so a value of zero decides nothing.
package enum HeadlineMetric: String, CaseIterable, Hashable, Sendable {
  case megabytesPerSecond = "mb_per_s"
  case durableMegabytesPerSecond = "durable_mb_per_s"
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
    switch kind {
    case .rate: true
    case .time, .cost: false
    }
  }

  /// Ratios within this share of 1 are equivalent, where the suite says nothing else.
  package var defaultMargin: Double {
    switch kind {
    case .rate, .cost: 0.05
    case .time: 0.1
    }
  }

  private enum Kind { case rate, time, cost }

  private var kind: Kind {
    switch self {
    case .megabytesPerSecond, .durableMegabytesPerSecond, .recordsPerSecond,
      .catchUpMegabytesPerSecond, .sustainableRecordsPerSecond:
      .rate
    case .seconds, .serviceP50, .serviceP99, .serviceP999, .responseP50, .responseP99,
      .responseP999, .endToEndP50, .endToEndP99, .endToEndP999:
      .time
    case .cpuSecondsPerGigabyte, .receiverCPUSecondsPerGigabyte, .machineCPUSecondsPerGigabyte:
      .cost
    }
  }

  /// What a cell has of it, in a sentence: `direct has 0.54x the CPU per GB of buffered`.
  package var noun: String {
    switch self {
    case .megabytesPerSecond, .recordsPerSecond: "throughput"
    case .durableMegabytesPerSecond: "throughput until durable"
    case .seconds: "time"
    case .serviceP50: "median service time"
    case .serviceP99: "p99 service time"
    case .serviceP999: "p99.9 service time"
    case .responseP50: "median response time"
    case .responseP99: "p99 response time"
    case .responseP999: "p99.9 response time"
    case .endToEndP50: "median end-to-end time"
    case .endToEndP99: "p99 end-to-end time"
    case .endToEndP999: "p99.9 end-to-end time"
    case .cpuSecondsPerGigabyte: "CPU per GB"
    case .receiverCPUSecondsPerGigabyte: "receiver's CPU per GB"
    case .machineCPUSecondsPerGigabyte: "machine's CPU per GB"
    case .catchUpMegabytesPerSecond: "catch-up throughput"
    case .sustainableRecordsPerSecond: "sustainable rate"
    }
  }

  /// The percentile of a cell over all records of its trials, where it is one: a comparison has one
  /// percentile a trial, a cell's value is the merged histogram's.
  package var percentile:
    (kind: LatencyKind, value: any KeyPath<LatencySummary, Double> & Sendable)?
  {
    switch self {
    case .serviceP50: (.service, \.p50)
    case .serviceP99: (.service, \.p99)
    case .serviceP999: (.service, \.p999)
    case .responseP50: (.response, \.p50)
    case .responseP99: (.response, \.p99)
    case .responseP999: (.response, \.p999)
    case .endToEndP50: (.endToEnd, \.p50)
    case .endToEndP99: (.endToEnd, \.p99)
    case .endToEndP999: (.endToEnd, \.p999)
    case .megabytesPerSecond, .durableMegabytesPerSecond, .recordsPerSecond, .seconds,
      .cpuSecondsPerGigabyte, .receiverCPUSecondsPerGigabyte, .machineCPUSecondsPerGigabyte,
      .catchUpMegabytesPerSecond, .sustainableRecordsPerSecond:
      nil
    }
  }

  /// What it is called on an axis, and in which unit.
  package var title: (text: String, unit: String) {
    switch self {
    case .megabytesPerSecond: ("Throughput", "MB/s")
    case .durableMegabytesPerSecond: ("Throughput until durable", "MB/s")
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
    case .durableMegabytesPerSecond: result.durableMegabytesPerSecond
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
