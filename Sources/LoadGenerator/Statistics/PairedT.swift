import Glibc

/// Student's test of pairs: whether the mean of the logarithms of ratios differs from 0.
package struct PairedT: Hashable, Sendable {
  package let pairs: Int
  package let mean: Double
  /// Of single pairs, not of their mean.
  package let standardDeviation: Double
  /// Two-sided.
  package let p: Double

  /// `logRatios` holds a value for each pair. Nil of fewer than two, and where one is not finite.
  ///
  /// Pairs that are all the same give the test no noise to compare with, and its formula a p-value
  /// of 0, however few they are: then clocks or counters were too coarse, and the p-value is the
  /// sign test's, 2^(1 - pairs): 0.06 for five. It is 1 where all are 0.
  package static func test(logRatios: [Double]) -> PairedT? {
    guard let sample = Moments(logRatios) else { return nil }
    let p: Double
    if sample.isConstant {
      p = sample.mean == 0 ? 1 : exp2(1 - Double(sample.count))
    } else {
      let error = sample.standardDeviation / Double(sample.count).squareRoot()
      p = StudentT(degreesOfFreedom: Double(sample.count - 1)).twoSidedP(sample.mean / error)
    }
    return PairedT(
      pairs: sample.count, mean: sample.mean,
      standardDeviation: sample.standardDeviation, p: p)
  }
}

/// Mean and spread of a sample.
struct Moments {
  let count: Int
  let mean: Double
  /// With one less than the count in the denominator.
  let standardDeviation: Double
  /// The values differ by no more than what rounding leaves of equal ones; the standard deviation is
  /// then 0.
  let isConstant: Bool

  /// Nil of fewer than two values, where one is not finite, and where their squares do not fit.
  init?(_ values: [Double]) {
    guard values.count >= 2, let least = values.min(), let greatest = values.max(),
      values.allSatisfy(\.isFinite)
    else { return nil }
    count = values.count
    let mean = values.reduce(0, +) / Double(count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    guard squares.isFinite else { return nil }
    // Squares of tiny differences underflow.
    isConstant = squares == 0 || greatest - least <= 4 * max(abs(least), abs(greatest)).ulp
    // Equal values have themselves as their mean, whatever their sum is rounded to.
    self.mean = isConstant ? values[0] : mean
    standardDeviation = isConstant ? 0 : (squares / Double(count - 1)).squareRoot()
  }
}
