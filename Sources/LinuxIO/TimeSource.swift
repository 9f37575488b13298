/// Where a program's time comes from: this machine's clocks, or a simulation's. From any thread.
package struct TimeSource: Sendable {
  /// Nanoseconds that only go forward (CLOCK_MONOTONIC).
  package let monotonicNanoseconds: @Sendable () -> Int64
  /// Milliseconds since 1970, by a clock that may be set (CLOCK_REALTIME).
  package let wallMilliseconds: @Sendable () -> Int64
  /// Nanoseconds that only go forward, also while the machine is suspended (CLOCK_BOOTTIME).
  package let bootNanoseconds: @Sendable () -> Int64

  package init(
    monotonicNanoseconds: @escaping @Sendable () -> Int64,
    wallMilliseconds: @escaping @Sendable () -> Int64,
    bootNanoseconds: (@Sendable () -> Int64)? = nil
  ) {
    self.monotonicNanoseconds = monotonicNanoseconds
    self.wallMilliseconds = wallMilliseconds
    self.bootNanoseconds = bootNanoseconds ?? monotonicNanoseconds
  }

  package static let machine = TimeSource(
    monotonicNanoseconds: { MonotonicClock.nanoseconds() },
    wallMilliseconds: { WallClock.milliseconds() },
    bootNanoseconds: { MonotonicClock.bootNanoseconds() })
}
