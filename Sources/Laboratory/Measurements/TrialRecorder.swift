import Histogram
import LinuxIO

/// The kinds of time that a trial measures, by their names in histogram logs.
package enum LatencyKind: String, CaseIterable, Hashable, Sendable, Codable {
  /// From the intended send to the acknowledgement.
  case response
  /// From the actual send to the acknowledgement.
  case service
  /// From the intended send to a consumer.
  case endToEnd = "e2e"
  /// From the intended send to the actual send: how late the generator was.
  case scheduleDelay = "schedule_delay"

  /// Reads the tag that earlier versions wrote, too.
  package init?(tag: String) { self.init(rawValue: tag == "lateness" ? "schedule_delay" : tag) }
}

/// Takes one trial's times, by second and kind. Belongs to the thread that runs the trial.
package final class TrialRecorder {
  package typealias Times = Histogram<UInt32>

  /// Longer times are recorded as this long: an hour.
  package static let nanosecondsMax: UInt64 = 3_600_000_000_000

  /// What the seconds count from (monotonic nanoseconds): the trial's start, until `begin`.
  package private(set) var start = MonotonicClock.nanoseconds()
  package private(set) var times: [LatencyKind: IntervalTimes] = [:]
  /// Records acknowledged, and their bytes, in each second, where the target counts them.
  package private(set) var seconds: [SecondCount] = []
  package let marks = TrialMarks()

  private let service = IntervalTimes()
  private let stop: StopFlag

  package init(stop: StopFlag = StopFlag()) {
    self.stop = stop
    times[.service] = service
  }

  /// The measured part begins: seconds count from here.
  package func begin(at time: Int64 = MonotonicClock.nanoseconds()) {
    start = time
    marks.begin(at: time)
  }

  /// True once the suite is to stop: return from `run` soon, by throwing `TrialStopped`.
  package var isStopped: Bool { stop.isRaised }

  /// Records one append that ends now. Allocates once a second.
  @inline(__always)
  package func recordService(since begin: Int64) {
    recordService(from: begin, to: MonotonicClock.nanoseconds())
  }

  @inline(__always)
  package func recordService(from begin: Int64, to end: Int64) {
    service.record(end - begin, second: Int(max(0, end - start) / 1_000_000_000))
  }

  /// Adds the times of another thread, after it has ended.
  package func add(_ kind: LatencyKind, _ other: IntervalTimes) {
    if let mine = times[kind] { mine.add(other) } else { times[kind] = other }
  }

  /// Adds what another thread counted, by second.
  package func add(_ others: [SecondCount]) {
    while seconds.count < others.count { seconds.append(SecondCount()) }
    for (index, other) in others.enumerated() {
      seconds[index].records += other.records
      seconds[index].bytes += other.bytes
    }
  }

  /// A histogram with three significant digits that never grows.
  package static func emptyTimes() -> Times {
    Times(
      lowestDiscernibleValue: 1, highestTrackableValue: nanosecondsMax,
      numberOfSignificantValueDigits: .three)
  }
}

/// What was acknowledged in one second.
package struct SecondCount: Hashable, Sendable {
  package var records: Int64 = 0
  package var bytes: Int64 = 0

  package init(records: Int64 = 0, bytes: Int64 = 0) {
    self.records = records
    self.bytes = bytes
  }
}

/// What a histogram says, in microseconds.
package struct LatencySummary: Hashable, Sendable, Codable {
  package let p50: Double
  package let p99: Double
  /// Nil where a file of an earlier version does not have it.
  package let p999: Double?
  package let max: Double?

  package init(p50: Double, p99: Double, p999: Double?, max: Double?) {
    self.p50 = p50
    self.p99 = p99
    self.p999 = p999
    self.max = max
  }

  /// Nil where nothing was recorded.
  package init?(_ times: TrialRecorder.Times) {
    guard times.totalCount > 0 else { return nil }
    p50 = Double(times.valueAtPercentile(50)) / 1000
    p99 = Double(times.valueAtPercentile(99)) / 1000
    p999 = Double(times.valueAtPercentile(99.9)) / 1000
    max = Double(times.maxRecorded) / 1000
  }
}
