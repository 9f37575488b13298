import LinuxIO
import LoadGenerator
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

  @Test func `seven pairs of the same seldom differ`() throws {
    var random = SeededGenerator(seed: 7)
    var alarms = 0
    for round in 0..<200 {
      var a: [Int: Double] = [:]
      var b: [Int: Double] = [:]
      for block in 1...7 {
        a[block] = Double(900 + random.below(200))
        b[block] = Double(900 + random.below(200))
      }
      let comparison = PairedComparison(a, against: b, moreIsBetter: true, seed: UInt64(round))
      if comparison.verdict != .noDifference { alarms += 1 }
    }
    #expect(alarms <= 12, "seed 7: \(alarms) of 200")
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

  @Test func `a cell that is twice as fast in every block is better`() {
    let base = [1: 10.0, 2: 20, 3: 15, 4: 12, 5: 18]
    let doubled = [1: 20.2, 2: 40, 3: 30.3, 4: 23.7, 5: 36]
    let comparison = PairedComparison(doubled, against: base, moreIsBetter: true, seed: 1)
    #expect(comparison.verdict == .better)
    #expect(comparison.ratio == 2 && comparison.pairs == 5)
    #expect(comparison.interval == Interval(low: 23.7 / 12, high: 30.3 / 15))
    let p = comparison.p ?? 1
    #expect(p > 0 && p < 1e-6 && comparison.pAdjusted == p)
  }

  @Test func `where less is better, half the time is twice as good`() {
    let base = [1: 10.0, 2: 20, 3: 15, 4: 12, 5: 18]
    let half = [1: 5.05, 2: 10.0, 3: 7.4, 4: 6, 5: 9]
    let better = PairedComparison(half, against: base, moreIsBetter: false, seed: 1)
    #expect(better.verdict == .better && better.ratio == 2)
    let worse = PairedComparison(base, against: half, moreIsBetter: false, seed: 1)
    #expect(worse.verdict == .worse && worse.ratio == 0.5)
  }

  @Test func `five pairs without any spread are as good as five coins, and decide nothing`() {
    let base = [1: 10.0, 2: 20, 3: 15, 4: 12, 5: 18]
    let comparison = PairedComparison(
      base.mapValues { $0 * 2 }, against: base, moreIsBetter: true, seed: 1)
    #expect(comparison.p == 0.0625 && comparison.verdict == .noDifference)
    #expect(comparison.isOnlyNotCorrected)
  }

  @Test func `a difference that would do alone does not among many`() {
    let base = [1: 10.0, 2: 10, 3: 10, 4: 10, 5: 10, 6: 10]
    let other = [1: 11.0, 2: 10.6, 3: 12, 4: 10.9, 5: 11.5, 6: 10.4]
    let alone = PairedComparison(other, against: base, moreIsBetter: true, seed: 1)
    #expect(alone.verdict == .better)
    let p = alone.p ?? 1
    let among = alone.adjusted(Holm.adjusted([p] + Array(repeating: 0.5, count: 39))[0])
    #expect(among.verdict == .noDifference && among.isOnlyNotCorrected)
    #expect(alone.pairsNeeded != nil && (alone.smallestRatio ?? 0) > 1)
  }

  @Test func `ratios on both sides of one are no difference`() {
    let base = [1: 10.0, 2: 10, 3: 10, 4: 10, 5: 10, 6: 10]
    let other = [1: 9.0, 2: 11, 3: 10.5, 4: 9.5, 5: 10.2, 6: 9.9]
    let comparison = PairedComparison(other, against: base, moreIsBetter: true, seed: 1)
    #expect(comparison.verdict == .noDifference)
  }

  @Test func `only blocks in which both went well count, and four decide nothing`() {
    let comparison = PairedComparison(
      [1: 2.0, 2: 2, 3: 2, 4: 2, 9: 2], against: [1: 1.0, 2: 1, 3: 1, 4: 1, 5: 1],
      moreIsBetter: true, seed: 1)
    #expect(comparison.pairs == 4)
    #expect(comparison.verdict == .tooFewTrials && comparison.ratio == 2)
    let none = PairedComparison([:], against: [1: 1], moreIsBetter: true, seed: 1)
    #expect(none.ratio == nil && none.verdict == .tooFewTrials)
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
