import LinuxIO
import Load
import Testing

struct WakeBudgetTests {
  private static let period = WakeBudget.periodNanoseconds

  private func arrivals(_ schedule: ArrivalSchedule) -> [Int64] {
    var schedule = schedule
    var times: [Int64] = []
    while let next = schedule.next {
      times.append(next)
      schedule.advance()
    }
    return times
  }

  private func wakes(_ schedule: ArrivalSchedule) -> [Int64] {
    var schedule = schedule
    var budget = WakeBudget()
    var times: [Int64] = []
    while let time = budget.wake(&schedule) { times.append(time) }
    return times
  }

  private func schedule(_ rate: Double, _ isPoisson: Bool, _ seed: UInt64) -> ArrivalSchedule {
    ArrivalSchedule(
      recordsPerSecond: rate, isPoisson: isPoisson, seed: seed, endNanoseconds: 1_000_000_000)
  }

  @Test(arguments: [10.0, 1000, 5000, 10_000, 10_600, 20_000, 50_000, 150_000])
  func `every arrival has a wake-up at it or soon after it, and the budget is kept`(
    rate: Double
  ) throws {
    for isPoisson in [false, true] {
      for seed in 1...4 as ClosedRange<UInt64> {
        let context = Comment("rate \(rate), Poisson \(isPoisson), seed \(seed)")
        let schedule = schedule(rate, isPoisson, seed)
        let due = arrivals(schedule)
        let wakes = wakes(schedule)
        #expect(zip(wakes, wakes.dropFirst()).allSatisfy { $0 < $1 }, context)
        let (first, last) = (try #require(wakes.first), try #require(wakes.last))
        #expect(first == due.first && last >= due[due.count - 1], context)
        // Two in a row, and then one a period.
        #expect(Int64(wakes.count) <= (last - first) / Self.period + 2, context)
        for start in stride(from: 0, to: wakes.count - 40, by: 13) {
          #expect((wakes[start + 39] - wakes[start]) >= 38 * Self.period, context)
        }
        expectCovered(due, by: wakes, context)
      }
    }
  }

  /// An arrival that comes too soon for a wake-up of its own waits for the next one: for the budget, and
  /// then for another arrival, if that comes soon.
  private func expectCovered(_ due: [Int64], by wakes: [Int64], _ context: Comment) {
    var index = 0
    for time in due {
      while index < wakes.count && wakes[index] < time { index += 1 }
      guard index < wakes.count,
        wakes[index] - time <= Self.period + WakeBudget.patienceNanoseconds
      else {
        Issue.record("the arrival at \(time) is not covered in time: \(context)")
        return
      }
    }
  }

  @Test func `a wake-up lies on an arrival, or where none comes soon`() throws {
    for seed in 1...20 as ClosedRange<UInt64> {
      let schedule = schedule(9000, true, seed)
      let due = arrivals(schedule)
      let known = Set(due)
      for wake in wakes(schedule) where !known.contains(wake) {
        let next = due.first { $0 > wake } ?? .max
        #expect(next > wake + WakeBudget.patienceNanoseconds, "seed \(seed): \(wake)")
        let missed = due.last { $0 < wake } ?? 0
        #expect(wake - missed < Self.period, "seed \(seed): \(wake)")
      }
    }
  }

  /// Three at once, and then nothing for a second: the third must not wait for the fourth.
  @Test(arguments: [100.0, 1000, 5000])
  func `where arrivals are seldom none waits for the next one`(rate: Double) {
    for seed in 1...10 as ClosedRange<UInt64> {
      let schedule = schedule(rate, true, seed)
      expectCovered(arrivals(schedule), by: wakes(schedule), "rate \(rate), seed \(seed)")
    }
  }

  @Test func `arrivals that are seldom have a wake-up each`() {
    for rate in [0.5, 10, 1000, 10_000, 10_638] {
      let schedule = schedule(rate, false, 1)
      #expect(wakes(schedule) == arrivals(schedule), "rate \(rate)")
    }
  }

  @Test func `two close arrivals have a wake-up each where it was quiet before them`() {
    let all = arrivals(schedule(500, true, 5))
    let woken = Set(wakes(schedule(500, true, 5)))
    for (before, (first, second)) in zip(all, zip(all.dropFirst(), all.dropFirst(2)))
    where first - before > 3 * Self.period {
      #expect(woken.contains(first) && woken.contains(second), "seed 5: \(first), \(second)")
    }
  }

  /// Then wake-ups need not lie on arrivals: one is never far.
  @Test(arguments: [200_000.0, 1e6, 2e7])
  func `where arrivals are dense wake-ups come evenly`(rate: Double) {
    var schedule = schedule(rate, false, 1)
    var budget = WakeBudget()
    var times: [Int64] = []
    // As a producer does: what is due at a wake-up is taken up.
    while let time = budget.wake(&schedule) {
      times.append(time)
      while let next = schedule.next, next <= time { schedule.advance() }
    }
    #expect(times.count > 10_000 && times.count <= 1_000_000_000 / Self.period + 3)
    let gap = Int64(1e9 / rate)
    for (first, second) in zip(times, times.dropFirst()).dropFirst(2) {
      guard (Self.period...Self.period + gap).contains(second - first) else {
        Issue.record("\(first) and \(second) at rate \(rate)")
        return
      }
    }
  }

  @Test func `there is no wake-up after the last arrival`() {
    var schedule = ArrivalSchedule(recordsPerSecond: 1000, isPoisson: false, seed: 1, count: 1)
    var budget = WakeBudget()
    #expect(budget.wake(&schedule) == 0)
    #expect(budget.wake(&schedule) == nil && budget.wake(&schedule) == nil)
  }
}
