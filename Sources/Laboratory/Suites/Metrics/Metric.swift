import Foundation
import Measurements

/// A number that a trial measures, by the name of its column in trials.csv.
///
/// Units are in the names. MB and GB are powers of ten, MiB is a power of two.
package enum Metric: String, CaseIterable, Hashable, Sendable {
  case records, bytes, errors, seconds
  case recordsPerSecond = "achieved_records_per_s"
  case megabytesPerSecond = "mb_per_s"
  case durableMegabytesPerSecond = "durable_mb_per_s"
  case finalSyncSeconds = "final_sync_s"
  case serviceP50 = "service_p50_us"
  case serviceP99 = "service_p99_us"
  case serviceP999 = "service_p999_us"
  case serviceMax = "service_max_us"
  case responseP50 = "response_p50_us"
  case responseP99 = "response_p99_us"
  case responseP999 = "response_p999_us"
  case responseMax = "response_max_us"
  case endToEndP50 = "e2e_p50_us"
  case endToEndP99 = "e2e_p99_us"
  case endToEndP999 = "e2e_p999_us"
  case endToEndMax = "e2e_max_us"
  case scheduleDelayP50 = "schedule_delay_p50_us"
  case scheduleDelayP99 = "schedule_delay_p99_us"
  case scheduleDelayP999 = "schedule_delay_p999_us"
  case scheduleDelayMax = "schedule_delay_max_us"
  case cpuSecondsPerGigabyte = "cpu_s_per_gb"
  case cpuSecondsPerMovedGigabyte = "cpu_s_per_moved_gb"
  case receiverCPUSecondsPerGigabyte = "receiver_cpu_s_per_gb"
  case machineCPUSecondsPerGigabyte = "machine_cpu_s_per_gb"
  case cpuUserSeconds = "cpu_user_s"
  case cpuSystemSeconds = "cpu_system_s"
  case threadCPUSeconds = "thread_cpu_s"
  case receiverCPUSeconds = "receiver_cpu_s"
  case producerCPUSeconds = "producer_cpu_s"
  case consumerCPUSeconds = "consumer_cpu_s"
  case targetCPUSeconds = "target_cpu_s"
  case processCPUSeconds = "process_cpu_s"
  case machineCPUSeconds = "machine_cpu_s"
  case machineStealSeconds = "machine_steal_s"
  case syscallsRatio = "vs_syscalls_ratio"
  case minorFaults = "minor_faults"
  case majorFaults = "major_faults"
  case contextSwitches = "context_switches"
  case deviceWriteBytes = "device_write_bytes"
  case rssPeakMebibytes = "rss_peak_mib"
  case zeroCopySends = "zerocopy_sends"
  case zeroCopyFallbacks = "zerocopy_fallbacks"
  case consumedRecords = "consumed_records"
  case consumedBytes = "consumed_bytes"
  case catchUpSeconds = "catch_up_s"
  case catchUpBytes = "catch_up_bytes"
  case catchUpMegabytesPerSecond = "catch_up_mb_per_s"
  case lostRecords = "lost_records"
  case generatorCeiling = "generator_ceiling_records_per_s"
  case sustainableRecordsPerSecond = "sustainable_records_per_s"

  /// Everything that is known about a metric besides its name.
  package struct Definition {
    /// On an axis.
    let title: String
    package let unit: String
    /// Decimals in trials.csv.
    let digits: Int
    /// Nil where no verdict is about it: it may be zero, or more of it is neither better nor worse.
    let kind: Kind?
    /// In a sentence: "p99 response time".
    let phrase: String
    /// What it is, in one or two sentences.
    let description: String
    let source: Source
  }

  /// What a verdict needs to know.
  enum Kind { case rate, time, cost }

  /// Where a trial's result has it.
  enum Source {
    case number(WritableKeyPath<TrialResult, Double?>)
    case count(WritableKeyPath<TrialResult, Int64?>)
    /// Of the histogram of one kind of time.
    case latency(LatencyKind, Percentile)
    /// From other columns; not read back.
    case computed(KeyPath<TrialResult, Double?>)
  }

  /// Those that verdicts can be about, and so a suite's `headline` and `also`.
  package static let comparable = allCases.filter { $0.definition.kind != nil }

  package var moreIsBetter: Bool { definition.kind == .rate }

  /// Ratios within this share of 1 are equivalent, unless the suite sets a margin.
  package var defaultMargin: Double { definition.kind == .time ? 0.1 : 0.05 }

  /// In a sentence: `p99 response time`.
  package var noun: String { definition.phrase }

  package var title: (text: String, unit: String) { (definition.title, definition.unit) }

  /// The kind of time and the percentile, where the metric is one. A comparison uses one percentile
  /// a trial; a cell's value is the merged histogram's.
  package var percentile: (kind: LatencyKind, percentile: Percentile)? {
    if case .latency(let kind, let percentile) = definition.source {
      (kind, percentile)
    } else {
      nil
    }
  }

  /// The metric of one trial; nil where it was not measured.
  package func value(of result: TrialResult) -> Double? {
    switch definition.source {
    case .number(let path): result[keyPath: path]
    case .count(let path): result[keyPath: path].map { Double($0) }
    case .latency(let kind, let percentile): result[kind]?[percentile]
    case .computed(let path): result[keyPath: path]
    }
  }

  /// As trials.csv has it; nil is an empty field.
  package func text(of result: TrialResult) -> String? {
    if case .count(let path) = definition.source { return result[keyPath: path].map { "\($0)" } }
    return value(of: result).map { String(format: "%.\(definition.digits)f", $0) }
  }
}

/// Which value of a histogram.
package enum Percentile: String, CaseIterable, Hashable, Sendable {
  case p50, p99, p999, max
}

extension LatencySummary {
  package subscript(percentile: Percentile) -> Double? {
    switch percentile {
    case .p50: p50
    case .p99: p99
    case .p999: p999
    case .max: max
    }
  }
}
