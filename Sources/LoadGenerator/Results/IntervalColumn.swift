import Foundation

/// The columns of `intervals.csv`: one row a trial and second.
///
/// Latencies as in `trials.csv`, of what was acknowledged or consumed in that second. A mark's count is
/// how many such events ended in it, its `_max_us` the longest. Empty is unknown.
package enum IntervalColumn {
  static let latencies = ["p50_us", "p99_us", "p999_us", "max_us"]
  /// In the order of `MarkKind`, in the plural of each.
  static let marks: [(kind: MarkKind, plural: String)] = [
    (.roll, "rolls"), (.flush, "flushes"), (.preallocation, "preallocations"),
    (.retention, "retentions"), (.stall, "stalls"),
  ]

  package static let names: [String] =
    ["suite", "trial_id", "second", "records", "bytes"]
    + LatencyKind.allCases.flatMap { kind in latencies.map { "\(kind.rawValue)_\($0)" } }
    + marks.flatMap { ["\($0.plural)", "\($0.kind.rawValue)_max_us"] }
    + ["writeback_bytes", "dirty_bytes", "cpu_s"]

  package static func fields(
    _ interval: TrialInterval, suite: String, trial: String
  ) -> [String?] {
    var fields: [String?] = [
      suite, trial, "\(interval.second)", interval.records.map { "\($0)" },
      interval.bytes.map { "\($0)" },
    ]
    for kind in LatencyKind.allCases {
      let times = interval.times[kind]
      fields += [times?.p50, times?.p99, times?.p999, times?.max].map { decimal($0, 3) }
    }
    for mark in marks {
      let count = interval.marks[mark.kind]
      fields.append("\(count?.count ?? 0)")
      fields.append(decimal(count.map { Double($0.nanosecondsMax) / 1000 }, 3))
    }
    let sample = interval.sample
    fields += [
      sample?.writebackBytes.map { "\($0)" }, sample?.dirtyBytes.map { "\($0)" },
      decimal(sample?.cpuSeconds, 6),
    ]
    return fields
  }

  private static func decimal(_ value: Double?, _ digits: Int) -> String? {
    value.map { String(format: "%.\(digits)f", $0) }
  }
}
