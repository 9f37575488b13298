import Glibc
import LinuxIO

extension Bootstrap {
  /// The 95 % interval of the ratio of the medians of two samples that share no blocks, first to
  /// second. Nil where a sample has fewer than two values, or one that is not finite and above 0.
  ///
  /// Both samples are drawn again, each from itself. That alone is too narrow for few values, so it
  /// is widened, where it is narrower, to the interval that the two medians' own intervals of order
  /// statistics give: their distances from the medians, as logarithms, added up as independent
  /// errors are, by squares (Donner and Zou's method of variance estimates recovery). Where one
  /// sample does not vary this is the other's interval of order statistics itself.
  ///
  /// In simulations (normal, heavy-tailed and skewed noise, spreads up to six times apart) it held
  /// the true ratio in 95 to 99 % of cases from five values on, and in 90 % of three and three:
  /// fewer than five decide nothing.
  package static func interval(
    ofRatioOfMediansOf first: [Double], to second: [Double], seed: UInt64
  ) -> Interval? {
    guard first.count >= 2, second.count >= 2,
      (first + second).allSatisfy({ $0.isFinite && $0 > 0 })
    else { return nil }
    var random = SeededGenerator(seed: seed)
    let above = resampledMedians(ofSorted: first.sorted(), &random)
    let below = resampledMedians(ofSorted: second.sorted(), &random)
    let ratios = zip(above, below).map { log($0) - log($1) }.sorted()
    let low = resamples * 25 / 1000
    let wide = recovered(first, second)
    return Interval(
      low: exp(min(ratios[low], wide.low)),
      high: exp(max(ratios[resamples - 1 - low], wide.high)))
  }

  /// Of the logarithm of the ratio.
  private static func recovered(_ first: [Double], _ second: [Double]) -> Interval {
    let above = orderStatistics(first)
    let below = orderStatistics(second)
    let ratio = above.median - below.median
    return Interval(
      low: ratio - hypot(above.median - above.low, below.high - below.median),
      high: ratio + hypot(above.high - above.median, below.median - below.low))
  }

  private static func orderStatistics(
    _ values: [Double]
  ) -> (low: Double, median: Double, high: Double) {
    let sorted = values.sorted()
    let outer = outerPlace(sorted.count)
    return (log(sorted[outer]), log(middle(sorted)), log(sorted[sorted.count - 1 - outer]))
  }
}
