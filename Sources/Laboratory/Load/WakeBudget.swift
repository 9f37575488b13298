/// How often a generator wakes up: for each arrival while that is seldom, and for some of them
/// where it would be often. The arrivals in between are taken up with the next one.
///
/// A sleep and a wake-up cost some 10 us of processor time on a virtual machine: at 20,000 separate
/// arrivals a second a fifth of a core, and more than the rest of the generator. So wake-ups are
/// dealt out evenly (the generic cell rate algorithm, ITU-T I.371): about 10,600 a second, up to
/// two in a row. Each lies on an arrival, which is then late by nothing but the time to wake, where
/// one comes soon enough; those that were passed over do not wait for one that comes later.
package struct WakeBudget {
  /// From one wake-up to the next, on average, at the least.
  package static let periodNanoseconds: Int64 = 94_000
  /// From a timer's expiry to the thread's running, about: a guess that only saves system calls.
  package static let wakingNanoseconds: Int64 = 30_000
  /// Arrivals that follow each other closer than this are not looked at one by one.
  private static let denseNanoseconds = Double(periodNanoseconds) / 16
  /// So long may those that were passed over wait for the next arrival, once there is a wake-up to
  /// be had. The generator's mean schedule delay is least about here.
  package static let patienceNanoseconds = periodNanoseconds / 2

  /// When the budget would be even.
  private var due: Int64 = 0

  package init() {}

  /// The next wake-up, which is taken from the budget; `schedule` moves behind it, but where
  /// arrivals are dense. Nil after the last arrival.
  package mutating func wake(_ schedule: inout ArrivalSchedule) -> Int64? {
    let earliest = due - Self.periodNanoseconds
    guard var time = schedule.next else { return nil }
    if schedule.meanGapNanoseconds < Self.denseNanoseconds {
      time = max(time, earliest)
      if schedule.next == time { schedule.advance() }
    } else {
      if time < earliest {
        while let next = schedule.next, next < earliest { schedule.advance() }
        time = earliest
        if let next = schedule.next, next <= earliest + Self.patienceNanoseconds { time = next }
      }
      while let next = schedule.next, next <= time { schedule.advance() }
    }
    due = max(due, time) + Self.periodNanoseconds
    return time
  }
}
