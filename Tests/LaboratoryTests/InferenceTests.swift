import Foundation
import LinuxIO
import Statistics
import Suites
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
      RatioEstimate(logRatios: [0.02, 0.05, -0.01, 0.03, 0.06, 0.01, 0.04]))
    #expect(test.count == 7 && abs(test.logRatio - 0.028571428571428574) < 1e-15)
    #expect(abs(test.standardDeviation - 0.02410295378065479) < 1e-15)
    #expect(abs(test.pDifference - 0.02016374568624988) < 1e-11)
    // ttest_1samp(x, log(1.05), alternative='less'), (x, -log(1.05), 'greater'), (x, log(1.01),
    // 'greater'); .confidence_interval(0.99).
    #expect(abs(test.pBelow(1.05) - 0.03412781784352357) < 1e-11)
    #expect(abs(test.pAbove(1 / 1.05) - 7.29529838227786e-05) < 1e-13)
    #expect(abs(test.pAbove(1.01) - 0.04347982153246071) < 1e-11)
    #expect(test.pEquivalence(margin: 0.05) == test.pBelow(1.05))
    let interval = test.interval(level: 0.99)
    #expect(abs(log(interval.low) - -0.005203463977765638) < 1e-11)
    #expect(abs(log(interval.high) - 0.062346321120622786) < 1e-11)
  }

  @Test func `pairs without noise give the sign test's p-value, and one pair none`() throws {
    #expect(RatioEstimate(logRatios: [0, 0, 0])?.pDifference == 1)
    #expect(RatioEstimate(logRatios: [0.1, 0.1, 0.1])?.pDifference == 0.25)
    // A tenth, and what is left of it after rounding.
    let tenth = try #require(RatioEstimate(logRatios: [0.1, 0.3 - 0.2, 0.1, 0.1, 0.1]))
    #expect(tenth.pDifference == 0.0625 && tenth.pAbove(1) == 0.03125 && tenth.pBelow(1) == 1)
    #expect(tenth.pEquivalence(margin: 0.2) == 0.03125 && tenth.pEquivalence(margin: 0.05) == 1)
    #expect(tenth.interval(level: 0.99) == Interval(low: exp(0.1), high: exp(0.1)))
    #expect(RatioEstimate(logRatios: [0.1]) == nil && RatioEstimate(logRatios: []) == nil)
    #expect(RatioEstimate(logRatios: [0.1, .nan]) == nil)
    #expect(RatioEstimate(logRatios: [0.1, -.infinity]) == nil)
  }

  @Test func `Welch's test of six and five is what scipy finds`() throws {
    let test = try #require(
      RatioEstimate([102, 98, 110, 105, 99, 120], against: [90, 95, 88, 100, 91]))
    #expect(abs(test.logRatio / test.standardError - 3.339190811339816) < 1e-11)
    #expect(abs(test.degreesOfFreedom - 8.667889953269487) < 1e-10)
    #expect(abs(test.pDifference - 0.009140593847707957) < 1e-11)
  }

  @Test func `samples that do not vary are compared by the number of their values`() throws {
    let apart = try #require(RatioEstimate([2, 2, 2], against: [1, 1, 1]))
    #expect(abs(apart.pDifference - 0.1) < 1e-12 && apart.ratio == 2)
    #expect(RatioEstimate([2, 2], against: [2, 2, 2])?.pDifference == 1)
    let one = try #require(RatioEstimate([2, 2, 2], against: [1, 1.1, 0.9]))
    #expect(abs(one.degreesOfFreedom - 2) < 1e-9 && one.pDifference < 0.05)
    #expect(RatioEstimate([1], against: [1, 2]) == nil)
    #expect(RatioEstimate([0, 1], against: [1, 2]) == nil)
    #expect(RatioEstimate([1, .infinity], against: [1, 2]) == nil)
  }

  @Test func `Holm's correction multiplies step by step and never turns the order round`() {
    // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") is 0.03 0.06 0.06 0.02.
    let holm = Holm([0.01, 0.04, 0.03, 0.005], alpha: 0.05)
    for (found, expected) in zip(holm.adjusted, [0.03, 0.06, 0.06, 0.02]) {
      #expect(abs(found - expected) < 1e-15)
    }
    // The two that are not rejected are held against what the first of them was.
    #expect(holm.levels == [0.05 / 3, 0.025, 0.025, 0.0125])
    #expect((0..<4).map(holm.isRejected) == [true, false, false, true])
    #expect(Holm([], alpha: 0.05).adjusted == [] && Holm([0.2], alpha: 0.05).adjusted == [0.2])
    #expect(Holm([0.6, 0.5], alpha: 0.05).adjusted == [1, 1])
    #expect(Holm([.nan, 0, 2], alpha: 0.05).adjusted == [1, 0, 1])
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

  @Test func `power is nil for invalid arguments, and where pairsMax would not do`() {
    #expect(Power.pairs(toFind: 0.001, standardDeviation: 0.1) == nil)
    #expect(Power.pairs(toFind: 0.05, standardDeviation: 0.05, pairsMax: 10) == nil)
    #expect(Power.pairs(toFind: 0.05, standardDeviation: 0.05, pairsMax: 11) == 11)
    for effect in [0, -1, .nan, .infinity] as [Double] {
      #expect(Power.pairs(toFind: effect, standardDeviation: 0.1) == nil)
    }
    for deviation in [0, -1, .nan, .infinity] as [Double] {
      #expect(Power.pairs(toFind: 0.1, standardDeviation: deviation) == nil)
    }
    #expect(Power.pairs(toFind: 0.1, standardDeviation: 0.1, alpha: 0) == nil)
    #expect(Power.pairs(toFind: 0.1, standardDeviation: 0.1, power: 1) == nil)
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
        if let test = RatioEstimate(logRatios: ratios), test.pDifference <= 0.05 { found += 1 }
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
      if let test = RatioEstimate(logRatios: ratios), test.pDifference <= 0.05 { alarms += 1 }
    }
    // 5 %, and three standard errors.
    #expect(alarms <= 129, "seed 22: \(alarms) of 2,000")
  }

  @Test func `Holm keeps false alarms among ten comparisons at 5 %`() {
    var random = SeededGenerator(seed: 23)
    var alarms = 0
    for _ in 0..<1_000 {
      let p = (0..<10).compactMap { _ in
        RatioEstimate(logRatios: (0..<9).map { _ in 0.03 * random.heavyTailed() })?.pDifference
      }
      if Holm(p, alpha: 0.05).adjusted.contains(where: { $0 <= 0.05 }) { alarms += 1 }
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
      if let test = RatioEstimate(a, against: b), test.pDifference <= 0.05 { alarms += 1 }
    }
    #expect(alarms <= 129, "seed 24: \(alarms) of 2,000")
  }
}
