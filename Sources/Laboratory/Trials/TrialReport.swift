import Histogram
import Measurements
import Suites

/// What runs trials: in this process, or in one of their own.
package protocol TrialExecutor {
  /// Runs one trial; nil where it was stopped and does not count.
  func run(_ trial: SuitePlan.Trial, _ planned: TrialParameters) -> TrialReport?
}

/// Everything that one trial leaves.
package struct TrialReport: Codable, Sendable {
  package var result: TrialResult
  package var intervals: [TrialInterval] = []
  /// An HDR histogram log with a line for each second and kind of time; empty where nothing was
  /// measured.
  package var histogramLog = ""
  /// Of a traced trial: calls by name, while it ran. Tracing makes each of them slower.
  package var systemCalls: [String: Int]?

  package init(_ result: TrialResult) { self.result = result }

  /// A trial that did not go well has no numbers: what it measured is of nothing in particular.
  package mutating func end(_ status: TrialStatus, _ reason: String) {
    let old = result
    self = TrialReport(
      TrialResult(
        suite: old.suite, trial: old.trial, commit: old.commit, parameters: old.parameters))
    result.status = status
    result.reason = reason
  }

  mutating func take(
    _ recorder: TrialRecorder, _ samples: [SystemSample], wallStart: Double
  ) throws {
    let totals = recorder.times.mapValues(\.total)
    for kind in LatencyKind.allCases { result[kind] = totals[kind].flatMap { LatencySummary($0) } }
    intervals = TrialInterval.all(recorder, samples)
    var log = try HDRLogWriter(startSeconds: wallStart)
    for kind in LatencyKind.allCases {
      for (second, times) in (recorder.times[kind]?.seconds ?? []).enumerated()
      where times.totalCount > 0 {
        try log.add(
          tag: kind.rawValue, startSeconds: Double(second), lengthSeconds: 1, times)
      }
    }
    histogramLog = String(decoding: log.bytes, as: UTF8.self)
  }

  /// The trial's times by kind, all seconds together.
  package func times(name: String) throws(HDRLogError) -> [LatencyKind: TrialRecorder.Times] {
    try Self.times(Array(histogramLog.utf8), name: name)
  }

  /// Those of a histogram log; `name` is the file in errors.
  package static func times(
    _ log: [UInt8], name: String
  ) throws(HDRLogError) -> [LatencyKind: TrialRecorder.Times] {
    var sums: [LatencyKind: TrialRecorder.Times] = [:]
    try HDRLogReader.forEach(log, name: name) { _, line throws(HDRLogError) in
      guard let kind = line.tag.flatMap({ LatencyKind(tag: $0) }) else { return }
      sums[kind, default: TrialRecorder.emptyTimes()].add(line.times)
    }
    return sums
  }
}
