import Histogram

/// Takes one trial's times. Belongs to the thread that runs the trial.
package final class TrialRecorder {
  package typealias Times = Histogram<UInt32>

  /// Longer times are recorded as this long: an hour.
  private static let nanosecondsMax: UInt64 = 3_600_000_000_000

  /// From the call of each append to its return, in nanoseconds.
  package private(set) var service = TrialRecorder.emptyTimes()

  private let stop: StopFlag

  package init(stop: StopFlag = StopFlag()) { self.stop = stop }

  /// True once the suite is to stop: return from `run` soon, by throwing `TrialStopped`.
  package var isStopped: Bool { stop.isRaised }

  /// Records one append. Does not allocate.
  @inline(__always)
  package func recordService(nanoseconds: Int64) {
    service.record(min(UInt64(max(nanoseconds, 0)), Self.nanosecondsMax))
  }

  /// Adds the times of another thread, after it has ended.
  package func add(service times: Times) { service.add(times) }

  /// A histogram with three significant digits that never grows.
  package static func emptyTimes() -> Times {
    Times(
      lowestDiscernibleValue: 1, highestTrackableValue: nanosecondsMax,
      numberOfSignificantValueDigits: .three)
  }
}

/// What a histogram says, in microseconds.
package struct LatencySummary: Hashable, Sendable {
  package let p50: Double
  package let p99: Double
  package let p999: Double
  package let max: Double

  /// Nil where nothing was recorded.
  package init?(_ times: TrialRecorder.Times) {
    guard times.totalCount > 0 else { return nil }
    p50 = Double(times.valueAtPercentile(50)) / 1000
    p99 = Double(times.valueAtPercentile(99)) / 1000
    p999 = Double(times.valueAtPercentile(99.9)) / 1000
    max = Double(times.maxRecorded) / 1000
  }
}
