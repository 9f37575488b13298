import Foundation
import LinuxIO
import LoadGenerator
import TestSupport
import Testing

/// Noise for simulations.
extension SeededGenerator {
  /// Box and Muller's.
  mutating func normal() -> Double {
    (-2 * log(1 - fraction())).squareRoot() * cos(2 * .pi * fraction())
  }

  /// Student's t with three degrees of freedom: symmetric, and with a tail so heavy that its fourth
  /// moment is infinite.
  mutating func heavyTailed() -> Double {
    let squares = (0..<3).reduce(0.0) { sum, _ in
      let z = normal()
      return sum + z * z
    }
    return normal() / (squares / 3).squareRoot()
  }
}

/// Expected values are scipy 1.17.1's, printed by `repr`: `2 * stats.t.sf(t, df)`,
/// `stats.t.ppf(p, df)`, `stats.ttest_1samp`, and `stats.ttest_ind(log(a), log(b), equal_var=False)`.
struct TTestTests {
  @Test(arguments: [
    (2.0, 1.0, 0.2951672353008665), (2.776445, 4, 0.05000000538209156),
    (0.5, 2.5, 0.6576979198697148), (3.7, 9.3, 0.004650214726052646),
    (12.7062, 1, 0.0500000185607104), (1.96, 1e6, 0.04999606758526985),
    (0.001, 5, 0.9992407867721976), (40, 7, 1.5902179984850364e-09),
    (1e-9, 3, 0.9999999992648948), (-8.5, 30, 1.74408846834658e-09),
  ])
  func `the two-sided p-value is what scipy finds`(t: Double, degrees: Double, p: Double) {
    let found = StudentT(degreesOfFreedom: degrees).twoSidedP(t)
    #expect(abs(found - p) <= 1e-9 * p, "\(found)")
  }

  @Test(arguments: [
    (0.975, 1.0, 12.706204736174694), (0.975, 4, 2.7764451051977934),
    (0.995, 9, 3.249835541592126), (0.9, 2.5, 1.7302509288071766),
    (0.9995, 1, 636.6192487687897), (0.975, 99.5, 1.9840936109906238),
    (0.75, 3, 0.7648923284043444), (0.025, 4, -2.7764451051977943),
    (0.9999999, 6, 26.286699973081294),
  ])
  func `the quantile is what scipy finds, and the way back`(
    p: Double, degrees: Double, t: Double
  ) {
    let distribution = StudentT(degreesOfFreedom: degrees)
    let found = distribution.quantile(p)
    #expect(abs(found - t) <= 1e-8 * abs(t), "\(found)")
    #expect(abs(distribution.cumulative(found) - p) <= 1e-10)
  }

  @Test func `the distribution's ends hold`() {
    for degrees in [1e-3, 1, 5, 1e6, 1e9, .infinity] {
      let distribution = StudentT(degreesOfFreedom: degrees)
      #expect(distribution.twoSidedP(0) == 1 && distribution.twoSidedP(.infinity) == 0)
      #expect(distribution.twoSidedP(.nan) == 1)
      #expect(distribution.twoSidedP(1e300) <= 1 && distribution.quantile(0.5) == 0)
      #expect(distribution.quantile(1) == .infinity && distribution.quantile(-1).isNaN)
    }
    let normal = StudentT(degreesOfFreedom: .infinity).quantile(0.975)
    #expect(abs(normal - 1.959963984540054) < 1e-9)
  }

  @Test func `the paired test of seven is what scipy finds`() throws {
    let test = try #require(
      PairedT.test(logRatios: [0.02, 0.05, -0.01, 0.03, 0.06, 0.01, 0.04]))
    #expect(test.pairs == 7 && abs(test.mean - 0.028571428571428574) < 1e-15)
    #expect(abs(test.standardDeviation - 0.02410295378065479) < 1e-15)
    #expect(abs(test.p - 0.02016374568624988) < 1e-11)
  }

  @Test func `pairs without noise give the sign test's p-value, and one pair none`() {
    #expect(PairedT.test(logRatios: [0, 0, 0])?.p == 1)
    #expect(PairedT.test(logRatios: [0.1, 0.1, 0.1])?.p == 0.25)
    // A tenth, and what is left of it after rounding.
    #expect(PairedT.test(logRatios: [0.1, 0.3 - 0.2, 0.1, 0.1, 0.1])?.p == 0.0625)
    #expect(PairedT.test(logRatios: [0.1]) == nil && PairedT.test(logRatios: []) == nil)
    #expect(PairedT.test(logRatios: [0.1, .nan]) == nil)
    #expect(PairedT.test(logRatios: [0.1, -.infinity]) == nil)
  }

  @Test func `Welch's test of six and five is what scipy finds`() throws {
    let test = try #require(Welch.test([102, 98, 110, 105, 99, 120], [90, 95, 88, 100, 91]))
    #expect(abs(test.t - 3.339190811339816) < 1e-11)
    #expect(abs(test.degreesOfFreedom - 8.667889953269487) < 1e-10)
    #expect(abs(test.p - 0.009140593847707957) < 1e-11)
  }

  @Test func `samples that do not vary are compared by the number of their values`() throws {
    let apart = try #require(Welch.test([2, 2, 2], [1, 1, 1]))
    #expect(abs(apart.p - 0.1) < 1e-12 && apart.t == .infinity)
    #expect(Welch.test([2, 2], [2, 2, 2])?.p == 1)
    let one = try #require(Welch.test([2, 2, 2], [1, 1.1, 0.9]))
    #expect(abs(one.degreesOfFreedom - 2) < 1e-9 && one.p < 0.05)
    #expect(Welch.test([1], [1, 2]) == nil && Welch.test([0, 1], [1, 2]) == nil)
    #expect(Welch.test([1, .infinity], [1, 2]) == nil)
  }

  @Test func `Holm's correction multiplies step by step and never turns the order round`() {
    // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") is 0.03 0.06 0.06 0.02.
    let adjusted = Holm.adjusted([0.01, 0.04, 0.03, 0.005])
    for (found, expected) in zip(adjusted, [0.03, 0.06, 0.06, 0.02]) {
      #expect(abs(found - expected) < 1e-15)
    }
    #expect(Holm.adjusted([]) == [] && Holm.adjusted([0.2]) == [0.2])
    #expect(Holm.adjusted([0.6, 0.5]) == [1, 1])
    #expect(Holm.adjusted([.nan, 0, 2]) == [1, 0, 1])
  }
}

/// Chances are sums over scipy 1.17.1's chi density (`integrate.quad` of the normal tails beyond the
/// critical value); numbers of pairs are the first at which `stats.nct` gives the power.
struct PowerTests {
  @Test(arguments: [
    (10, 1.0, 0.05, 0.8030968566327216), (5, 0.5, 0.05, 0.14051668999029823),
    (3, 1.5, 0.01, 0.0743071879812443), (20, 0, 0.05, 0.05),
  ])
  func `the chance to find a ratio is what scipy finds`(
    pairs: Int, distance: Double, alpha: Double, chance: Double
  ) throws {
    let found = try #require(
      Power.chance(
        pairs: pairs, ratio: exp(distance * 0.05), standardDeviation: 0.05, alpha: alpha))
    #expect(abs(found - chance) < 1e-4, "\(found)")
  }

  @Test(arguments: [
    (0.05, 0.05, 0.05, 0.8, 11), (0.1, 0.05, 0.05, 0.8, 5), (0.02, 0.05, 0.05, 0.8, 52),
    (0.01, 0.05, 0.05, 0.8, 201), (0.05, 0.1, 0.05, 0.9, 47), (-0.05, 0.05, 0.05, 0.8, 10),
    (0.05, 0.05, 0.001, 0.8, 24), (1, 0.05, 0.05, 0.8, 2), (0.5, 0.05, 0.05, 0.8, 3),
    (0.005, 0.05, 0.05, 0.8, 791),
  ])
  func `the number of pairs is what scipy finds`(
    effect: Double, deviation: Double, alpha: Double, power: Double, pairs: Int
  ) {
    #expect(
      Power.pairs(toFind: effect, standardDeviation: deviation, alpha: alpha, power: power)
        == pairs)
  }

  @Test(arguments: [
    (5, 0.05, 0.05, 1.0877374971243245), (10, 0.05, 0.05, 1.0510609352549287),
    (30, 0.02, 0.01, 1.0133322314823774), (2, 0.05, 0.05, 1.7815689734088127),
    (3, 0.1, 0.05, 1.385975681737655), (200, 0.1, 0.05, 1.0201058715435036),
  ])
  func `the smallest ratio that so many pairs find is what scipy finds`(
    pairs: Int, deviation: Double, alpha: Double, ratio: Double
  ) throws {
    let found = try #require(
      Power.smallestRatio(pairs: pairs, standardDeviation: deviation, alpha: alpha))
    #expect(abs(log(found) - log(ratio)) <= 2e-3 * log(ratio), "\(found)")
  }

  @Test func `what cannot be answered is nil, and a cap is kept`() {
    #expect(Power.pairs(toFind: 0.001, standardDeviation: 0.1) == nil)
    #expect(Power.pairs(toFind: 0.05, standardDeviation: 0.05, pairsMax: 10) == nil)
    #expect(Power.pairs(toFind: 0.05, standardDeviation: 0.05, pairsMax: 11) == 11)
    for effect in [0, -1, .nan, .infinity] as [Double] {
      #expect(Power.pairs(toFind: effect, standardDeviation: 0.1) == nil)
    }
    for deviation in [0, -1, .nan, .infinity] as [Double] {
      #expect(Power.pairs(toFind: 0.1, standardDeviation: deviation) == nil)
      #expect(Power.smallestRatio(pairs: 5, standardDeviation: deviation) == nil)
    }
    #expect(Power.smallestRatio(pairs: 1, standardDeviation: 0.1) == nil)
    #expect(Power.pairs(toFind: 0.1, standardDeviation: 0.1, alpha: 0) == nil)
    #expect(Power.pairs(toFind: 0.1, standardDeviation: 0.1, power: 1) == nil)
    #expect(Power.smallestRatio(pairs: 5, standardDeviation: 1e300) == nil)
    #expect(Power.smallestRatio(pairs: 5, standardDeviation: 0.1, alpha: 0.9) == 1)
  }

  @Test(.enabled(if: TestBuild.isOptimized, "runs long: in release builds"))
  func `simulated pairs find a ratio as often as the formula says`() throws {
    var random = SeededGenerator(seed: 21)
    for (pairs, effect) in [(5, 0.08), (11, 0.05), (20, 0.02)] {
      let chance = try #require(
        Power.chance(pairs: pairs, ratio: 1 + effect, standardDeviation: 0.05))
      var found = 0
      for _ in 0..<2_000 {
        let ratios = (0..<pairs).map { _ in log1p(effect) + 0.05 * random.normal() }
        if let test = PairedT.test(logRatios: ratios), test.p <= 0.05 { found += 1 }
      }
      // Three standard errors of 2,000 are 0.034 at most.
      #expect(abs(Double(found) / 2_000 - chance) < 0.034, "seed 21: \(found), \(chance)")
    }
  }
}

@Suite(.enabled(if: TestBuild.isOptimized, "runs long: in release builds"))
struct FalseAlarmTests {
  @Test(arguments: [5, 7, 15, 40])
  func `pairs of the same with heavy-tailed noise seldom differ`(pairs: Int) {
    var random = SeededGenerator(seed: 22)
    var alarms = 0
    for _ in 0..<2_000 {
      let ratios = (0..<pairs).map { _ in 0.03 * random.heavyTailed() }
      if let test = PairedT.test(logRatios: ratios), test.p <= 0.05 { alarms += 1 }
    }
    // 5 %, and three standard errors.
    #expect(alarms <= 129, "seed 22: \(alarms) of 2,000")
  }

  @Test func `of ten comparisons corrected by Holm, one alarm or more is as seldom`() {
    var random = SeededGenerator(seed: 23)
    var alarms = 0
    for _ in 0..<1_000 {
      let p = (0..<10).compactMap { _ in
        PairedT.test(logRatios: (0..<9).map { _ in 0.03 * random.heavyTailed() })?.p
      }
      if Holm.adjusted(p).contains(where: { $0 <= 0.05 }) { alarms += 1 }
    }
    #expect(alarms <= 71, "seed 23: \(alarms) of 1,000")
  }

  @Test(arguments: [(5, 5, 1.0), (7, 12, 1), (8, 5, 6), (30, 30, 2)])
  func `two runs of the same with heavy-tailed noise seldom differ`(
    first: Int, second: Int, spread: Double
  ) {
    var random = SeededGenerator(seed: 24)
    var alarms = 0
    for _ in 0..<2_000 {
      let a = (0..<first).map { _ in exp(0.03 * random.heavyTailed()) }
      let b = (0..<second).map { _ in exp(0.03 * spread * random.heavyTailed()) }
      if let test = Welch.test(a, b), test.p <= 0.05 { alarms += 1 }
    }
    #expect(alarms <= 129, "seed 24: \(alarms) of 2,000")
  }

  @Test(
    .enabled(if: TestBuild.isOptimized, "runs long: in release builds"),
    arguments: [(5, 5, 1.0), (7, 7, 0), (7, 12, 1), (8, 5, 6), (25, 25, 2)])
  func `ninety-odd of a hundred intervals hold the true ratio of medians`(
    first: Int, second: Int, spread: Double
  ) throws {
    var random = SeededGenerator(seed: 25)
    var held = 0
    // Few, since each draws 20,000 resamples.
    let rounds = 40
    for round in 0..<rounds {
      let a = (0..<first).map { _ in 3 * exp(0.03 * random.heavyTailed()) }
      let b = (0..<second).map { _ in 2 * exp(0.03 * spread * random.heavyTailed()) }
      let interval = try #require(
        Bootstrap.interval(ofRatioOfMediansOf: a, to: b, seed: UInt64(round)))
      if interval.low <= 1.5 && 1.5 <= interval.high { held += 1 }
    }
    #expect(held >= 34, "seed 25: \(held) of \(rounds)")
  }

  @Test func `the interval of a ratio of medians is the first's where the second is constant`()
    throws
  {
    let interval = try #require(
      Bootstrap.interval(ofRatioOfMediansOf: [5, 1, 4, 2, 3], to: [2, 2, 2], seed: 1))
    #expect(abs(interval.low - 0.5) < 1e-12 && abs(interval.high - 2.5) < 1e-12)
    #expect(Bootstrap.interval(ofRatioOfMediansOf: [1], to: [2, 2], seed: 1) == nil)
    #expect(Bootstrap.interval(ofRatioOfMediansOf: [0, 1], to: [2, 2], seed: 1) == nil)
  }
}
