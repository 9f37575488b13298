import CommitLog
import Testing

/// A machine whose wall clock is set by the test.
private struct Machine {
  static let noon: Int64 = 1_800_000_000_000
  static let day: Int64 = 86_400_000
  var clock: RetentionClock
  private(set) var bootMilliseconds: Int64 = 5_000_000
  /// What the wall clock is ahead of the true time.
  var lead: Int64 = 0
  var grace = day

  init(noted: Int64? = nil) { clock = RetentionClock(notedMilliseconds: noted) }

  var trueTime: Int64 { Self.noon + bootMilliseconds - 5_000_000 }

  var now: LogTime {
    LogTime(
      monotonicNanoseconds: 0, wallMilliseconds: trueTime + lead,
      bootNanoseconds: bootMilliseconds * 1_000_000)
  }

  /// What retention goes by now.
  var believed: Int64 { clock.believed(now).wallMilliseconds }

  /// The changes of this time, with a look each `step` milliseconds.
  mutating func pass(_ milliseconds: Int64, step: Int64 = 1000) -> [RetentionClock.Change] {
    var changes: [RetentionClock.Change] = []
    var left = milliseconds
    while left > 0 {
      bootMilliseconds += min(step, left)
      left -= step
      if let change = look() { changes.append(change) }
    }
    return changes
  }

  mutating func look() -> RetentionClock.Change? {
    clock.observe(now, graceMilliseconds: grace)
  }
}

@Suite("The clock of retention")
struct RetentionClockTests {
  private typealias Change = RetentionClock.Change

  @Test("is the wall clock while that moves with the other one, a look a second or one a month")
  func believesSteadyClocks() {
    for step in [1000, 60_000, 30 * Machine.day] {
      var machine = Machine()
      #expect(machine.look() == nil)
      #expect(machine.pass(step * 20, step: step).isEmpty)
      #expect(!machine.clock.isInDoubt && machine.believed == machine.trueTime)
      #expect(machine.clock.noteMilliseconds == machine.trueTime)
    }
  }

  @Test("takes a leap second, a step by NTP and a short stop of a virtual machine")
  func believesSmallSteps() {
    for step: Int64 in [1000, -1000, 128, 60_000, -60_000, 999_000, -999_000] {
      var machine = Machine()
      #expect(machine.look() == nil)
      machine.lead = step
      #expect(machine.pass(10_000).isEmpty, "\(step) ms")
      #expect(machine.believed == machine.trueTime + step, "\(step) ms")
    }
  }

  @Test("follows clocks that drift apart, and is not led on by many small steps")
  func followsDriftOnly() {
    var drifting = Machine()
    _ = drifting.look()
    // A hundredth: far more than any two clocks of one machine.
    for _ in 0..<400 {
      drifting.lead += 600
      #expect(drifting.pass(60_000, step: 60_000).isEmpty)
    }
    #expect(drifting.believed == drifting.trueTime + 240_000)
    var creeping = Machine()
    _ = creeping.look()
    var jumps = 0
    for _ in 0..<20 {
      creeping.lead += 100_000
      jumps += creeping.pass(1000).count
    }
    #expect(jumps > 0 && creeping.clock.isInDoubt)
  }

  @Test("goes on from before where the wall clock jumps ahead, tells it once, and is back with it")
  func doubtsJumpAhead() {
    var machine = Machine()
    _ = machine.look()
    machine.lead = 8 * Machine.day
    let changes = machine.pass(3_600_000)
    #expect(
      changes == [
        .doubted(
          wallMilliseconds: Machine.noon + 1000 + 8 * Machine.day,
          expectedMilliseconds: Machine.noon + 1000, isSinceStart: false,
          graceMilliseconds: Machine.day)
      ])
    #expect(machine.believed == machine.trueTime, "time goes on meanwhile")
    #expect(machine.clock.noteMilliseconds == machine.trueTime)
    machine.lead = 0
    let back = machine.pass(3_600_000)
    #expect(back == [.returned(wallMilliseconds: Machine.noon + 3_601_000)])
    #expect(!machine.clock.isInDoubt && machine.believed == machine.trueTime)
  }

  @Test(
    "is the wall clock's, which is the earlier one, where that jumps back, until it is right again")
  func doubtsJumpBack() {
    var machine = Machine()
    _ = machine.look()
    machine.lead = -8 * Machine.day
    #expect(machine.pass(3_600_000).count == 1)
    #expect(machine.believed == machine.trueTime - 8 * Machine.day)
    #expect(machine.clock.noteMilliseconds == machine.trueTime, "a later start knows the jump")
    machine.lead = 0
    #expect(machine.pass(1000) == [.returned(wallMilliseconds: machine.trueTime)])
    #expect(machine.believed == machine.trueTime)
  }

  @Test("is the wall clock's again when that has gone on for the grace period, and not before")
  func acceptsAfterGrace() {
    var machine = Machine()
    machine.grace = 3_600_000
    _ = machine.look()
    machine.lead = 8 * Machine.day
    #expect(machine.pass(3_600_000).count == 1)
    #expect(machine.clock.isInDoubt)
    #expect(machine.pass(1000) == [.accepted(wallMilliseconds: machine.trueTime + machine.lead)])
    #expect(machine.believed == machine.trueTime + machine.lead)
    // The right time is a jump from here on.
    machine.lead = 0
    #expect(machine.pass(1000).count == 1)
    #expect(machine.clock.isInDoubt)
  }

  @Test("waits the whole grace period again after another jump")
  func waitsAnew() {
    var machine = Machine()
    machine.grace = 3_600_000
    _ = machine.look()
    machine.lead = 8 * Machine.day
    #expect(machine.pass(3_000_000).count == 1)
    machine.lead = 9 * Machine.day
    #expect(machine.pass(3_000_000).count == 1)
    #expect(machine.clock.isInDoubt && machine.believed == machine.trueTime)
    #expect(machine.pass(601_000).count == 1)
    #expect(!machine.clock.isInDoubt)
  }

  @Test("is the wall clock at once where the grace period is 0")
  func believesWithoutGrace() {
    var machine = Machine(noted: Machine.noon - 30 * Machine.day)
    machine.grace = 0
    #expect(machine.look() == nil)
    machine.lead = 8 * Machine.day
    #expect(machine.pass(5000).isEmpty)
    #expect(machine.believed == machine.trueTime + machine.lead)
    #expect(machine.clock.noteMilliseconds == machine.trueTime + machine.lead)
  }

  @Test("is the wall clock's after a stop of up to a day")
  func believesStarts() {
    for off in [0, 1000, Machine.day] {
      var machine = Machine(noted: Machine.noon - off)
      #expect(machine.look() == nil)
      #expect(machine.believed == machine.trueTime)
      machine.lead = 8 * Machine.day
      #expect(machine.pass(1000).count == 1, "from here on a jump is one")
    }
  }

  @Test("goes on from the noted time after a start that is far ahead of it, until it is accepted")
  func doubtsStartAhead() {
    let noted = Machine.noon - 8 * Machine.day
    var machine = Machine(noted: noted)
    #expect(
      machine.look()
        == .doubted(
          wallMilliseconds: Machine.noon, expectedMilliseconds: noted, isSinceStart: true,
          graceMilliseconds: Machine.day))
    #expect(machine.pass(Machine.day - 1000, step: 1000).isEmpty)
    #expect(machine.believed == noted + Machine.day - 1000)
    #expect(machine.clock.noteMilliseconds == noted + Machine.day - 1000)
    #expect(machine.pass(1000) == [.accepted(wallMilliseconds: machine.trueTime)])
  }

  @Test("is told of a start that is far behind the noted time, and of NTP's mending it")
  func doubtsStartBehind() {
    var machine = Machine(noted: Machine.noon - 60_000)
    machine.lead = -Machine.noon
    #expect(machine.look() != nil)
    #expect(machine.believed == 0, "keeps everything")
    machine.lead = 0
    #expect(machine.pass(1000) == [.returned(wallMilliseconds: machine.trueTime)])
    #expect(machine.believed == machine.trueTime)
  }

  @Test("does not take a suspended machine for a jump: both clocks go on")
  func countsSuspension() {
    var machine = Machine()
    _ = machine.look()
    // The clock for durations (monotonic) is 0 all the time here, as if it stood still.
    #expect(machine.pass(10 * 3_600_000, step: 10 * 3_600_000).isEmpty)
    #expect(machine.believed == machine.trueTime)
  }

  @Test("holds for every value of every clock")
  func takesExtremes() {
    let values: [Int64] = [.min, .min + 1, -1, 0, 1, Machine.noon, .max - 1, .max]
    for noted in values.map(Optional.some) + [nil] {
      for first in values {
        for second in values {
          for boot in values {
            var clock = RetentionClock(notedMilliseconds: noted)
            for wall in [first, second, first] {
              let now = LogTime(
                monotonicNanoseconds: boot, wallMilliseconds: wall, bootNanoseconds: boot)
              let change = clock.observe(now, graceMilliseconds: .max)
              if let change { #expect(!change.description.isEmpty) }
              #expect(clock.believed(now).wallMilliseconds <= wall)
            }
          }
        }
      }
    }
  }

  @Test("says in its notices how far the clock is off, and which setting ends the doubt")
  func tells() {
    var machine = Machine()
    _ = machine.look()
    machine.lead = 8 * Machine.day
    let text = machine.look()?.description ?? ""
    #expect(text.contains("2027-01-23T08:00:00.000Z: 691200 s ahead of"), "\(text)")
    #expect(text.contains("2027-01-15T08:00:00.000Z"), "\(text)")
    #expect(text.contains("for 86400 s") && text.contains("varve.retention.clock.grace.ms=0"))
  }
}
