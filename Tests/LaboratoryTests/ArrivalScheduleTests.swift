import LinuxIO
import Load
import TestSupport
import Testing

struct ArrivalScheduleTests {
  private func times(_ schedule: ArrivalSchedule, max: Int = .max) -> [Int64] {
    var schedule = schedule
    var times: [Int64] = []
    while times.count < max, let next = schedule.next {
      times.append(next)
      schedule.advance()
    }
    return times
  }

  /// The thousandth, the third and the seventh of a second are no whole nanoseconds: a sum of gaps would
  /// be off by more the longer it goes on.
  @Test(
    .enabled(if: TestBuild.isOptimized, "runs long: in release builds"),
    arguments: [7, 3_333, 10_000, 999_983] as [Int64])
  func `uniform arrivals are where they belong, ten million of them on`(rate: Int64) {
    var schedule = ArrivalSchedule(recordsPerSecond: Double(rate), isPoisson: false, seed: 1)
    var wrong = 0
    for number in 0..<10_000_000 as Range<Int64> {
      // By whole numbers; what is cut off may differ by one.
      let (quotient, _) = rate.dividingFullWidth(number.multipliedFullWidth(by: 1_000_000_000))
      guard let next = schedule.next, abs(next - quotient) <= 1 else {
        wrong += 1
        break
      }
      schedule.advance()
    }
    #expect(wrong == 0, "rate \(rate)")
  }

  @Test(arguments: [1, 2, 3, 7, 16])
  func `producers side by side interleave evenly`(producers: Int) {
    let rate = 12_000.0
    let all = (0..<producers).flatMap { number in
      times(
        ArrivalSchedule(
          recordsPerSecond: rate / Double(producers), isPoisson: false,
          phase: Double(number) / Double(producers), seed: UInt64(number), count: 500))
    }.sorted()
    #expect(all.count == 500 * producers)
    // Together they are the schedule of one producer with the whole rate.
    let one = times(
      ArrivalSchedule(
        recordsPerSecond: rate, isPoisson: false, seed: 1, count: Int64(500 * producers)))
    #expect(zip(all, one).allSatisfy { abs($0 - $1) <= 1 })
  }

  @Test func `the same seed gives the same random arrivals, and another seed others`() {
    func poisson(_ seed: UInt64) -> [Int64] {
      times(
        ArrivalSchedule(recordsPerSecond: 5000, isPoisson: true, seed: seed), max: 10_000)
    }
    #expect(poisson(1) == poisson(1) && poisson(1) != poisson(2))
    let rising = poisson(1)
    #expect(zip(rising, rising.dropFirst()).allSatisfy { $0 <= $1 })
  }

  @Test func `a phase moves uniform arrivals only`() {
    func first(_ isPoisson: Bool, _ phase: Double) -> Int64? {
      ArrivalSchedule(
        recordsPerSecond: 1000, isPoisson: isPoisson, phase: phase, seed: 1
      ).next
    }
    #expect(first(true, 0) == first(true, 0.5))
    #expect(first(false, 0) == 0 && first(false, 0.25) == 250_000)
  }

  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func `the gaps between random arrivals are exponential`(seed: UInt64) {
    let count = 200_000
    let mean = 100_000.0
    let all = times(
      ArrivalSchedule(recordsPerSecond: 1e9 / mean, isPoisson: true, seed: seed), max: count)
    let gaps = zip(all, [0] + all).map { Double($0 - $1) / mean }
    let average = gaps.reduce(0, +) / Double(count)
    let variance = gaps.reduce(0) { $0 + ($1 - average) * ($1 - average) } / Double(count - 1)
    // Four standard errors: of the mean 1 / sqrt(n), of the variance sqrt(8 / n).
    let root = Double(count).squareRoot()
    #expect(abs(average - 1) < 4 / root, "seed \(seed): mean \(average)")
    #expect(abs(variance - 1) < 4 * 8.0.squareRoot() / root, "seed \(seed): variance \(variance)")
    // Memoryless: a share of 1/e is longer than the mean, of 1/e^2 than twice that.
    for (bound, share) in [(1.0, 0.367879), (2.0, 0.135335)] {
      let longer = Double(gaps.count { $0 > bound }) / Double(count)
      let error = (share * (1 - share)).squareRoot() / root
      #expect(abs(longer - share) < 4 * error, "seed \(seed): \(longer) above \(bound)")
    }
    // And one gap says nothing about the next.
    let products = zip(gaps, gaps.dropFirst()).reduce(0) { $0 + ($1.0 - 1) * ($1.1 - 1) }
    #expect(abs(products / Double(count)) < 4 / root, "seed \(seed)")
  }

  @Test func `it ends at its count or at its end, whichever comes first`() {
    func count(_ count: Int64, _ end: Int64, poisson: Bool = false) -> Int {
      times(
        ArrivalSchedule(
          recordsPerSecond: 1000, isPoisson: poisson, seed: 3, count: count, endNanoseconds: end)
      ).count
    }
    #expect(count(10, .max) == 10 && count(0, .max) == 0)
    // The end itself is outside.
    #expect(count(.max, 10_000_000) == 10 && count(.max, 10_000_001) == 11)
    #expect(count(.max, 0) == 0 && count(5, 10_000_000) == 5 && count(50, 10_000_000) == 10)
    #expect(count(7, .max, poisson: true) == 7)
    let poisson = times(
      ArrivalSchedule(
        recordsPerSecond: 1000, isPoisson: true, seed: 3, endNanoseconds: 1_000_000_000))
    // Five standard deviations of 1,000.
    #expect(abs(poisson.count - 1000) < 160, "seed 3: \(poisson.count)")
    #expect(poisson.allSatisfy { $0 < 1_000_000_000 })
  }

  @Test func `after its end it stays at its end`() {
    var schedule = ArrivalSchedule(recordsPerSecond: 10, isPoisson: false, seed: 1, count: 2)
    for _ in 0..<5 { schedule.advance() }
    #expect(schedule.next == nil)
  }

  @Test(arguments: [false, true])
  func `a copy walks the same times, and leaves the original where it is`(isPoisson: Bool) {
    var schedule = ArrivalSchedule(recordsPerSecond: 700, isPoisson: isPoisson, seed: 9)
    for _ in 0..<100 { schedule.advance() }
    let before = schedule.next
    let copied = times(schedule, max: 1000)
    #expect(schedule.next == before && times(schedule, max: 1000) == copied)
  }

  @Test(arguments: [1e-12, 1e-3, 1e9, 1e12])
  func `rates out of the ordinary do not trap`(rate: Double) {
    for isPoisson in [false, true] {
      var schedule = ArrivalSchedule(recordsPerSecond: rate, isPoisson: isPoisson, seed: 1)
      for _ in 0..<1000 { schedule.advance() }
      if let next = schedule.next { #expect(next >= 0) }
    }
  }
}
