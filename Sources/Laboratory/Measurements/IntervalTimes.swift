import Histogram

/// Times by the second in which they ended, each second in an HDR histogram of its own. Belongs to one
/// thread at a time.
package final class IntervalTimes {
  package private(set) var seconds: [TrialRecorder.Times] = []
  /// Longer trials put the rest into the last second, and say so nowhere: 2 hours.
  private static let secondsMax = 7200

  /// Has room for so many seconds without allocating.
  package init(secondsExpected: Int = 1) {
    let count = min(max(1, secondsExpected), Self.secondsMax)
    for _ in 0..<count { seconds.append(TrialRecorder.emptyTimes()) }
  }

  /// `second` counts from the trial's start. Allocates only where it is past what was expected.
  @inline(__always)
  package func record(_ nanoseconds: Int64, second: Int, count: UInt32 = 1) {
    if second >= seconds.count { grow(second) }
    let index = min(max(second, 0), seconds.count - 1)
    let value = min(UInt64(max(nanoseconds, 0)), TrialRecorder.nanosecondsMax)
    seconds[index].record(value, count: count)
  }

  package func add(_ other: IntervalTimes) {
    if other.seconds.count > seconds.count { grow(other.seconds.count - 1) }
    for (index, times) in other.seconds.enumerated() where times.totalCount > 0 {
      seconds[index].add(times)
    }
  }

  /// Of the whole trial.
  package var total: TrialRecorder.Times {
    var sum = TrialRecorder.emptyTimes()
    for times in seconds where times.totalCount > 0 { sum.add(times) }
    return sum
  }

  private func grow(_ second: Int) {
    while seconds.count <= min(second, Self.secondsMax - 1) {
      seconds.append(TrialRecorder.emptyTimes())
    }
  }
}
