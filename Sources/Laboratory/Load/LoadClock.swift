import LinuxIO

/// Time as producers see it; a test brings its own.
package protocol LoadClock: AnyObject {
  /// Nanoseconds since an arbitrary start.
  func now() -> Int64
  /// Returns at `deadline`, or as soon after it as the system manages. `following` is when the sleep
  /// after this one will probably end.
  func sleep(until deadline: Int64, following: Int64?)
}

extension LoadClock {
  package func sleep(until deadline: Int64) { sleep(until: deadline, following: nil) }
}

/// The machine's, for one thread.
package final class SystemLoadClock: LoadClock {
  private let timer: PacingTimer

  package init() throws(SystemCallError) { timer = try PacingTimer() }

  package func now() -> Int64 { MonotonicClock.nanoseconds() }

  package func sleep(until deadline: Int64, following: Int64?) {
    // A timer that is open can be armed and read; where it could not, the caller would look at once.
    try? timer.wait(until: deadline, following: following)
  }
}
