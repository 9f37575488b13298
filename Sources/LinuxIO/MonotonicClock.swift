import Glibc

/// Time that never jumps, in nanoseconds since an arbitrary start (`CLOCK_MONOTONIC`).
package enum MonotonicClock {
  package static func nanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// The same, with the time that the machine was suspended (`CLOCK_BOOTTIME`), which the other
  /// stands still for.
  package static func bootNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

/// The calendar's time: for record timestamps and result folders, never for durations.
package enum WallClock {
  /// Milliseconds since 1970 (`CLOCK_REALTIME`).
  package static func milliseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}

/// CPU time of this process.
package enum ProcessClock {
  /// Of all its threads, those that ended too (`CLOCK_PROCESS_CPUTIME_ID`).
  package static func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
