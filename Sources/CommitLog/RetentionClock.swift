import Wording

/// Decides which time retention goes by. A value without a clock of its own: `observe` is given the
/// present, at least as often as retention is applied.
///
/// The wall clock is believed while it moves with the clock that is never set (`bootNanoseconds`).
/// After a jump retention goes by the earlier of two times: the wall clock's, and the one before
/// the jump plus what has passed since. So no jump makes a record old; a record that a wrong clock
/// stamped keeps that age. The doubt ends when the wall clock is back where it is expected, or when
/// it has gone on from its new time for the grace period.
///
/// After a start the last time that an earlier process noted is what is expected. How long the
/// machine was off nobody knows: a wall clock up to `absenceMilliseconds` ahead of that is
/// believed.
package struct RetentionClock: Hashable, Sendable {
  /// A smaller step is believed: about a quarter of an hour, at which ntpd, too, leaves it to a
  /// person whether the clock is to be set. Leap seconds, steps by NTP and short stops of a virtual
  /// machine are below it.
  package static let toleranceMilliseconds: Int64 = 1_000_000
  /// How far ahead of the last noted time a start may be: a stop of a day is nothing unusual.
  package static let absenceMilliseconds: Int64 = 86_400_000
  /// A person has a day to read the notice and to set the clock.
  package static let defaultGraceMilliseconds: Int64 = 86_400_000
  /// What is expected follows the wall clock by a hundredth of the time that passes: two clocks may
  /// drift apart, and many small steps do not add up to a large one.
  private static let drift: Int64 = 100

  /// A time of the wall clock, and what it comes to when more time has passed.
  private struct Expectation: Hashable {
    let bootNanoseconds: Int64
    let wallMilliseconds: Int64

    init(_ wallMilliseconds: Int64, at now: LogTime) {
      bootNanoseconds = now.bootNanoseconds
      self.wallMilliseconds = wallMilliseconds
    }

    /// Milliseconds from then to `now`; 0 where that clock, against its word, went back.
    func passed(at now: LogTime) -> Int64 {
      max(0, now.bootNanoseconds.minus(bootNanoseconds)) / 1_000_000
    }

    func time(at now: LogTime) -> Int64 { wallMilliseconds.plus(passed(at: now)) }

    /// How far the wall clock is ahead of what is expected; behind, where negative.
    func lead(of now: LogTime) -> Int64 { now.wallMilliseconds.minus(time(at: now)) }
  }

  private enum State: Hashable {
    /// Nothing is known: the first look is believed.
    case new
    /// Not looked at yet; the last time of an earlier process.
    case noted(Int64)
    case believed(Expectation)
    case doubted(Doubt)
  }

  private struct Doubt: Hashable {
    /// What was believed goes on here.
    let expected: Expectation
    let isSinceStart: Bool
    /// The wall clock as it was found; the grace period began then.
    let found: Expectation

    func isAsExpected(_ now: LogTime) -> Bool {
      RetentionClock.isAsExpected(expected.lead(of: now), isSinceStart: isSinceStart)
    }
  }

  /// What an observation changed, for the operator.
  package enum Change: Hashable, Sendable {
    /// The wall clock jumped, or jumped again; it is believed after the grace period.
    case doubted(
      wallMilliseconds: Int64, expectedMilliseconds: Int64, isSinceStart: Bool,
      graceMilliseconds: Int64)
    /// It is where it is expected.
    case returned(wallMilliseconds: Int64)
    /// The grace period has passed.
    case accepted(wallMilliseconds: Int64)
  }

  private var state: State
  /// What a later process is to compare its clock with: the time that is believed, also in doubt.
  /// Nil before the first look.
  package private(set) var noteMilliseconds: Int64?

  /// `notedMilliseconds` is the last `noteMilliseconds` of an earlier process; nil where none is
  /// known.
  package init(notedMilliseconds: Int64? = nil) {
    state = notedMilliseconds.map { .noted($0) } ?? .new
  }

  /// True while retention does not go by the wall clock alone.
  package var isInDoubt: Bool { if case .doubted = state { true } else { false } }

  /// Takes the present in, and says what that changed. With a grace period of 0 every time is
  /// believed.
  package mutating func observe(_ now: LogTime, graceMilliseconds: Int64) -> Change? {
    let change = graceMilliseconds > 0 ? look(now, graceMilliseconds) : believeAtOnce(now)
    if case .doubted(let doubt) = state {
      noteMilliseconds = doubt.expected.time(at: now)
    } else {
      noteMilliseconds = now.wallMilliseconds
    }
    return change
  }

  /// `now` as retention goes by it; of the last observation or later.
  package func believed(_ now: LogTime) -> LogTime {
    guard case .doubted(let doubt) = state else { return now }
    return LogTime(
      monotonicNanoseconds: now.monotonicNanoseconds,
      wallMilliseconds: min(now.wallMilliseconds, doubt.expected.time(at: now)),
      bootNanoseconds: now.bootNanoseconds)
  }

  private mutating func believeAtOnce(_ now: LogTime) -> Change? {
    let wasInDoubt = isInDoubt
    state = .believed(Expectation(now.wallMilliseconds, at: now))
    return wasInDoubt ? .accepted(wallMilliseconds: now.wallMilliseconds) : nil
  }

  private mutating func look(_ now: LogTime, _ grace: Int64) -> Change? {
    switch state {
    case .new:
      state = .believed(Expectation(now.wallMilliseconds, at: now))
      return nil
    case .noted(let wall):
      return compare(now, Expectation(wall, at: now), isSinceStart: true, grace)
    case .believed(let expected): return compare(now, expected, isSinceStart: false, grace)
    case .doubted(let doubt):
      if doubt.isAsExpected(now) {
        believe(now, doubt.expected, isSinceStart: doubt.isSinceStart)
        return .returned(wallMilliseconds: now.wallMilliseconds)
      }
      let isSteady = Self.isAsExpected(doubt.found.lead(of: now), isSinceStart: false)
      if !isSteady { return self.doubt(now, doubt.expected, doubt.isSinceStart, grace) }
      if doubt.found.passed(at: now) < grace { return nil }
      state = .believed(Expectation(now.wallMilliseconds, at: now))
      return .accepted(wallMilliseconds: now.wallMilliseconds)
    }
  }

  private mutating func compare(
    _ now: LogTime, _ expected: Expectation, isSinceStart: Bool, _ grace: Int64
  ) -> Change? {
    if !Self.isAsExpected(expected.lead(of: now), isSinceStart: isSinceStart) {
      return doubt(now, expected, isSinceStart, grace)
    }
    believe(now, expected, isSinceStart: isSinceStart)
    return nil
  }

  private mutating func doubt(
    _ now: LogTime, _ expected: Expectation, _ isSinceStart: Bool, _ grace: Int64
  ) -> Change {
    state = .doubted(
      Doubt(
        expected: expected, isSinceStart: isSinceStart,
        found: Expectation(now.wallMilliseconds, at: now)))
    return .doubted(
      wallMilliseconds: now.wallMilliseconds, expectedMilliseconds: expected.time(at: now),
      isSinceStart: isSinceStart, graceMilliseconds: grace)
  }

  /// The wall clock is where it is expected, about.
  private mutating func believe(_ now: LogTime, _ expected: Expectation, isSinceStart: Bool) {
    if isSinceStart {
      state = .believed(Expectation(now.wallMilliseconds, at: now))
      return
    }
    let stepMax = expected.passed(at: now) / Self.drift
    // Too little has passed to follow: what is expected goes on as it is.
    if stepMax == 0 { return state = .believed(expected) }
    let step = min(max(expected.lead(of: now), -stepMax), stepMax)
    state = .believed(Expectation(expected.time(at: now).plus(step), at: now))
  }

  private static func isAsExpected(_ lead: Int64, isSinceStart: Bool) -> Bool {
    lead >= -toleranceMilliseconds
      && lead <= (isSinceStart ? absenceMilliseconds : toleranceMilliseconds)
  }
}

extension RetentionClock.Change: CustomStringConvertible {
  /// What happened, what retention does now, and what to do.
  package var description: String {
    switch self {
    case .doubted(let wall, let expected, let isSinceStart, let grace):
      let lead = wall.minus(expected)
      let place = lead > 0 ? "ahead of" : "behind"
      let what =
        isSinceStart
        ? "the last time that was noted here, which is"
        : "the time before the jump with what has passed since, which is"
      let consequence =
        lead > 0
        ? "Retention by time goes by the latter, and deletes nothing that only the wall clock "
          + "makes old"
        : "Retention by time keeps records longer, and records that are stamped now will be too "
          + "old when the clock is set right"
      let absence =
        isSinceStart && lead > 0 ? " (a machine that was off for so long looks the same)" : ""
      return "the wall clock says \(UTCTime.text(milliseconds: wall)): \(lead.magnitude / 1000) s "
        + "\(place) \(what) \(UTCTime.text(milliseconds: expected))\(absence). \(consequence). "
        + "If the clock is wrong, set it right, and it is believed at once. If it is right, start "
        + "with varve.retention.clock.grace.ms=0, or wait: it is believed when it has gone on like "
        + "this for \(grace / 1000) s"
    case .returned(let wall):
      return "the wall clock is as expected again (\(UTCTime.text(milliseconds: wall))); retention "
        + "by time goes by it"
    case .accepted(let wall):
      return "the wall clock (\(UTCTime.text(milliseconds: wall))) is believed from now on, since "
        + "it has gone on like this for varve.retention.clock.grace.ms; retention by time goes by "
        + "it"
    }
  }
}

extension Int64 {
  /// The sum, or the extreme value that it would pass.
  func plus(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (other > 0 ? .max : .min) : sum
  }

  /// The difference, or the extreme value that it would pass.
  func minus(_ other: Int64) -> Int64 {
    let (difference, overflow) = subtractingReportingOverflow(other)
    return overflow ? (self >= other ? .max : .min) : difference
  }
}
