import Histogram

/// One second of a trial: a row of `intervals.csv`.
package struct TrialInterval: Codable, Sendable, Hashable {
  /// Counted from the trial's start.
  package var second: Int
  package var records: Int64?
  package var bytes: Int64?
  package var times: [LatencyKind: LatencySummary] = [:]
  package var marks: [MarkKind: TrialMarks.Count] = [:]
  package var sample: SystemSample?

  package static func all(_ recorder: TrialRecorder, _ samples: [SystemSample]) -> [TrialInterval] {
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

/// What a sampler read in one second.
package struct SystemSample: Hashable, Sendable, Codable {
  /// Bytes that the block device was asked to write in this second; nil where it has none.
  package var writebackBytes: Int64?
  /// Dirty page-cache bytes of the machine at the second's end.
  package var dirtyBytes: Int64?
  /// Of the process in this second.
  package var cpuSeconds: Double

  package init(writebackBytes: Int64?, dirtyBytes: Int64?, cpuSeconds: Double) {
    self.writebackBytes = writebackBytes
    self.dirtyBytes = dirtyBytes
    self.cpuSeconds = cpuSeconds
  }
}
