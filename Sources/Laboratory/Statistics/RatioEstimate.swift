import Glibc

/// A ratio, estimated from logarithms, and Student's t tests about it. Any statistics package
/// reproduces it: scipy's `ttest_1samp` of the pairs' log-ratios, or `ttest_ind(equal_var=False)`
/// of two samples' logarithms.
///
/// Where nothing scatters, clocks or counters were too coarse, and a t test would be certain of
/// anything. The p-values are then those of the sign test for pairs and of the rank test for two
/// samples: 2⁻ⁿ one-sided for n pairs.
package struct RatioEstimate: Hashable, Sendable {
  /// Pairs, or the values of the smaller sample.
  package let count: Int
  /// The mean of the log-ratios, or the difference of the samples' mean logarithms.
  package let logRatio: Double
  /// Of `logRatio`; 0 where nothing scatters.
  package let standardError: Double
  package let degreesOfFreedom: Double
  /// In how many equally likely ways the values could have fallen.
  private let arrangements: Double

  /// One log-ratio for each pair. Nil of fewer than two, and where one is not finite.
  package init?(logRatios: [Double]) {
    guard let sample = Moments(logRatios) else { return nil }
    count = sample.count
    logRatio = sample.mean
    standardError = sample.varianceOfMean.squareRoot()
    degreesOfFreedom = Double(sample.count - 1)
    arrangements = exp2(Double(sample.count))
  }

  /// Two samples that share no blocks, by Welch. Nil where a sample has fewer than two values, or
  /// one that is not finite and above 0.
  package init?(_ values: [Double], against others: [Double]) {
    guard (values + others).allSatisfy({ $0.isFinite && $0 > 0 }) else { return nil }
    self.init(logarithms: values.map { log($0) }, against: others.map { log($0) })
  }

  /// The same of values that are logarithms already.
  package init?(logarithms values: [Double], against others: [Double]) {
    guard let first = Moments(values), let second = Moments(others) else { return nil }
    count = min(first.count, second.count)
    logRatio = first.mean - second.mean
    let variance = first.varianceOfMean + second.varianceOfMean
    standardError = variance.squareRoot()
    arrangements = Self.waysToDeal(first.count, second.count)
    guard variance > 0 else {
      degreesOfFreedom = Double(first.count + second.count - 2)
      return
    }
    // Welch and Satterthwaite's, from shares of the whole, whose squares do not underflow.
    let x = first.varianceOfMean / variance
    let y = second.varianceOfMean / variance
    degreesOfFreedom = 1 / (x * x / Double(first.count - 1) + y * y / Double(second.count - 1))
  }

  package var ratio: Double { exp(logRatio) }

  /// Of single pairs, not of their mean.
  package var standardDeviation: Double { standardError * Double(count).squareRoot() }

  /// The t interval at this level, from 0 to 1.
  package func interval(level: Double) -> Interval {
    guard standardError > 0 else { return Interval(low: ratio, high: ratio) }
    let reach =
      StudentT(degreesOfFreedom: degreesOfFreedom).critical(1 - level) * standardError
    return Interval(low: exp(logRatio - reach), high: exp(logRatio + reach))
  }

  /// Two-sided: whether the ratio is 1.
  package var pDifference: Double {
    guard standardError > 0 else { return abs(logRatio) <= rounding ? 1 : min(1, 2 / arrangements) }
    return StudentT(degreesOfFreedom: degreesOfFreedom).twoSidedP(logRatio / standardError)
  }

  /// One-sided: small where the ratio is above `limit`.
  package func pAbove(_ limit: Double) -> Double { pAbove(distance: logRatio - log(limit)) }

  /// One-sided: small where the ratio is below `limit`.
  package func pBelow(_ limit: Double) -> Double { pAbove(distance: log(limit) - logRatio) }

  /// Two one-sided tests: small where the ratio lies between 1/(1 + margin) and 1 + margin.
  package func pEquivalence(margin: Double) -> Double {
    max(pAbove(1 / (1 + margin)), pBelow(1 + margin))
  }

  private func pAbove(distance: Double) -> Double {
    guard standardError > 0 else { return distance > rounding ? 1 / arrangements : 1 }
    let beyond =
      StudentT(degreesOfFreedom: degreesOfFreedom).twoSidedP(distance / standardError) / 2
    return distance > 0 ? beyond : 1 - beyond
  }

  /// What rounding may leave of a distance of 0.
  private var rounding: Double { 8 * max(1, abs(logRatio)).ulp }

  /// In how many ways `a + b` values fall into `a` and `b`; infinite where that is beyond Double.
  private static func waysToDeal(_ a: Int, _ b: Int) -> Double {
    var ways = 1.0
    for step in 0..<min(a, b) { ways *= Double(a + b - step) / Double(step + 1) }
    return ways
  }
}
