import Histogram

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

/// One second of a trial: a row of `intervals.csv`.
package struct TrialInterval: Codable, Sendable, Hashable {
  /// Counted from the trial's start.
  package var second: Int
  package var records: Int64?
  package var bytes: Int64?
  package var times: [LatencyKind: LatencySummary] = [:]
  package var marks: [MarkKind: TrialMarks.Count] = [:]
  package var sample: SystemSample?

  static func all(_ recorder: TrialRecorder, _ samples: [SystemSample]) -> [TrialInterval] {
    let marks = recorder.marks.seconds
    let used = recorder.times.values.map { times in
      (times.seconds.lastIndex { $0.totalCount > 0 } ?? -1) + 1
    }
    // A log directory's last moments may reach into a second in which nothing was acknowledged.
    let count = max(used.max() ?? 0, recorder.seconds.count, marks.count)
    return (0..<count).map { second in
      var interval = TrialInterval(second: second)
      if second < recorder.seconds.count {
        interval.records = recorder.seconds[second].records
        interval.bytes = recorder.seconds[second].bytes
      }
      for (kind, times) in recorder.times where second < times.seconds.count {
        interval.times[kind] = LatencySummary(times.seconds[second])
      }
      if second < marks.count { interval.marks = marks[second] }
      if second < samples.count { interval.sample = samples[second] }
      return interval
    }
  }
}
