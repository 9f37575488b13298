import Foundation
import Measurements

/// A number that a trial measures, by the name of its column in trials.csv.
///
/// Units are in the names. MB and GB are powers of ten, MiB is a power of two.
package struct Metric: RawRepresentable, CaseIterable, Sendable {
  /// The column.
  package let rawValue: String
  package let definition: Definition

  init(_ column: String, _ definition: Definition) {
    rawValue = column
    self.definition = definition
  }

  /// The metric of a column; nil where there is none.
  package init?(rawValue: String) {
    guard let found = Self.byColumn[rawValue] else { return nil }
    self = found
  }

  private static let byColumn = Dictionary(uniqueKeysWithValues: allCases.map { ($0.rawValue, $0) })

  /// Everything that is known about a metric besides its name.
  package struct Definition: Sendable {
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
  enum Kind: Sendable { case rate, time, cost }

  /// Where a trial's result has it.
  enum Source: Sendable {
    case number(any WritableKeyPath<TrialResult, Double?> & Sendable)
    case count(any WritableKeyPath<TrialResult, Int64?> & Sendable)
    /// Of the histogram of one kind of time.
    case latency(LatencyKind, Percentile)
    /// From other columns; not read back.
    case computed(any KeyPath<TrialResult, Double?> & Sendable)
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

extension Metric: Hashable {
  package static func == (one: Metric, other: Metric) -> Bool { one.rawValue == other.rawValue }
  package func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }
}

// Those that code names; a row of the table needs none of it.
extension Metric {
  package static let records = named("records")
  package static let bytes = named("bytes")
  package static let seconds = named("seconds")
  package static let megabytesPerSecond = named("mb_per_s")
  package static let durableMegabytesPerSecond = named("durable_mb_per_s")
  package static let serviceP99 = named("service_p99_us")
  package static let cpuSecondsPerGigabyte = named("cpu_s_per_gb")
  package static let minorFaults = named("minor_faults")
  package static let generatorCeiling = named("generator_ceiling_records_per_s")
  package static let receiverCPUSecondsPerGigabyte = named("receiver_cpu_s_per_gb")
  package static let machineCPUSeconds = named("machine_cpu_s")
  package static let machineCPUSecondsPerGigabyte = named("machine_cpu_s_per_gb")

  private static func named(_ column: String) -> Metric {
    guard let found = Metric(rawValue: column) else {
      preconditionFailure("there is no metric '\(column)'")
    }
    return found
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
