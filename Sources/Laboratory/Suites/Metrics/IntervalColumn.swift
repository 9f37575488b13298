import Foundation
import Measurements

/// A column of intervals.csv: one row a trial and second. An empty field is unknown.
package struct IntervalColumn: Sendable {
  package let name: String
  package let unit: String
  package let description: String
  package let text: @Sendable (Row) -> String?

  package struct Row {
    let interval: TrialInterval
    let suite: String
    let trial: String

    package init(interval: TrialInterval, suite: String, trial: String) {
      self.interval = interval
      self.suite = suite
      self.trial = trial
    }
  }

  package static let all: [IntervalColumn] =
    [
      IntervalColumn("suite", "", "The suite's name.") { $0.suite },
      IntervalColumn("trial_id", "", "The trial, as in trials.csv.") { $0.trial },
      IntervalColumn("second", "", "Seconds since the trial's start.") { "\($0.interval.second)" },
      IntervalColumn("records", "records", "Records acknowledged in that second.") {
        $0.interval.records.map { "\($0)" }
      },
      IntervalColumn("bytes", "bytes", "Bytes acknowledged in that second.") {
        $0.interval.bytes.map { "\($0)" }
      },
    ] + latencies + marks + samples

  private init(
    _ name: String, _ unit: String, _ description: String,
    _ text: @escaping @Sendable (Row) -> String?
  ) {
    self.name = name
    self.unit = unit
    self.description = description
    self.text = text
  }

  /// Of what was acknowledged, or consumed, in that second.
  private static var latencies: [IntervalColumn] {
    Metric.allCases.compactMap { metric in
      guard let (kind, percentile) = metric.percentile else { return nil }
      let definition = metric.definition
      let digits = definition.digits
      return IntervalColumn(
        metric.rawValue, definition.unit, definition.description + " In that second."
      ) { decimal($0.interval.times[kind]?[percentile], digits) }
    }
  }

  private static var marks: [IntervalColumn] {
    MarkKind.allCases.flatMap { kind in
      let (plural, what) =
        switch kind {
        case .roll: ("rolls", "new segments")
        case .flush: ("flushes", "fdatasync calls, each of one file or of a group of files")
        case .preallocation: ("preallocations", "reservations of space")
        case .retention: ("retentions", "deletions of segments")
        case .stall: ("stalls", "stops that the suite asked for")
        }
      return [
        IntervalColumn(plural, "", "How many \(what) ended in that second.") {
          "\($0.interval.marks[kind]?.count ?? 0)"
        },
        IntervalColumn("\(kind.rawValue)_max_us", "µs", "The longest of the \(plural).") {
          decimal($0.interval.marks[kind].map { Double($0.nanosecondsMax) / 1000 }, 3)
        },
      ]
    }
  }

  private static var samples: [IntervalColumn] {
    [
      IntervalColumn(
        "writeback_bytes", "bytes", "Bytes that the block device was asked to write, by anyone."
      ) { $0.interval.sample?.writebackBytes.map { "\($0)" } },
      IntervalColumn(
        "dirty_bytes", "bytes", "The machine's dirty page-cache bytes at the second's end."
      ) { $0.interval.sample?.dirtyBytes.map { "\($0)" } },
      IntervalColumn("cpu_s", "s", "CPU of the trial's process.") {
        decimal($0.interval.sample?.cpuSeconds, 6)
      },
    ]
  }

  private static func decimal(_ value: Double?, _ digits: Int) -> String? {
    value.map { String(format: "%.\(digits)f", $0) }
  }
}
