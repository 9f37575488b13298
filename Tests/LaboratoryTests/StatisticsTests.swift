import LinuxIO
import Statistics
import Testing

struct StatisticsTests {
  @Test func `the median is the middle one, or the mean of the middle two`() {
    #expect(Bootstrap.median([]) == nil)
    #expect(Bootstrap.median([3]) == 3)
    #expect(Bootstrap.median([9, 1, 5]) == 5)
    #expect(Bootstrap.median([4, 1, 3, 2]) == 2.5)
  }

  @Test func `the interval of five runs from the least to the greatest`() {
    let interval = Bootstrap.interval(ofMedianOf: [5, 1, 4, 2, 3], seed: 1)
    #expect(interval == Interval(low: 1, high: 5))
    #expect(Bootstrap.interval(ofMedianOf: [7, 7, 7], seed: 1) == Interval(low: 7, high: 7))
    #expect(Bootstrap.interval(ofMedianOf: [7], seed: 1) == nil)
  }

  @Test func `an interval from the least to the greatest of few has its own level`() {
    #expect(Bootstrap.level(trials: 2) == 0.5 && Bootstrap.level(trials: 5) == 0.9375)
    #expect(Bootstrap.level(trials: 6) == 0.95 && Bootstrap.level(trials: 100) == 0.95)
  }

  @Test func `the interval of one to a hundred is what another implementation finds`() throws {
    // Python's random.choices and statistics.median, 40,000 resamples: 41 and 60.
    let values = (1...100).map(Double.init)
    let interval = try #require(Bootstrap.interval(ofMedianOf: values, seed: 1))
    #expect(abs(interval.low - 41) <= 1 && abs(interval.high - 60) <= 1)
  }

  @Test(arguments: [(5, 1.0, 5.0), (7, 1, 7), (8, 1, 8), (9, 2, 8), (12, 3, 10)])
  func `few samples give an interval of order statistics`(
    count: Int, low: Double, high: Double
  ) throws {
    let values = (1...count).map(Double.init)
    let interval = try #require(Bootstrap.interval(ofMedianOf: values, seed: 1))
    #expect(interval.low <= low && interval.high >= high)
    #expect(interval.low >= max(low - 1, 1) && interval.high <= min(high + 1, Double(count)))
  }

  @Test func `the same seed gives the same interval`() {
    let values: [Double] = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5]
    let first = Bootstrap.interval(ofMedianOf: values, seed: 9)
    #expect(first == Bootstrap.interval(ofMedianOf: values, seed: 9))
  }

  @Test func `ninety-odd of a hundred intervals hold the true median`() throws {
    var random = SeededGenerator(seed: 2024)
    var held = 0
    let rounds = 120
    for round in 0..<rounds {
      let values = (0..<15).map { _ in Double(random.below(1_000_000)) }
      let interval = try #require(Bootstrap.interval(ofMedianOf: values, seed: UInt64(round)))
      if interval.low <= 500_000 && 500_000 <= interval.high { held += 1 }
    }
    let share = Double(held) / Double(rounds)
    #expect(share >= 0.88 && share <= 0.995, "seed 2024: \(share)")
  }

  @Test func `a shuffle keeps what it shuffles, and its generator is SplitMix64`() {
    var random = SeededGenerator(seed: 1_234_567)
    // The reference implementation's first outputs for this seed.
    #expect(random.next() == 6_457_827_717_110_365_317)
    #expect(random.next() == 3_203_168_211_198_807_973)
    #expect(random.shuffled(Array(0..<50)).sorted() == Array(0..<50))
    #expect(random.shuffled([Int]()) == [])
  }
}
