/// Mean and spread of a sample.
package struct Moments {
  let count: Int
  package let mean: Double
  /// With one less than the count in the denominator.
  package let standardDeviation: Double
  /// The values differ by no more than rounding; the standard deviation is then 0.
  let isConstant: Bool

  /// Nil of fewer than two values, where one is not finite, and where their squares do not fit.
  package init?(_ values: [Double]) {
    guard values.count >= 2, let least = values.min(), let greatest = values.max(),
      values.allSatisfy(\.isFinite)
    else { return nil }
    count = values.count
    let mean = values.reduce(0, +) / Double(count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    guard squares.isFinite else { return nil }
    // Squares of tiny differences underflow. Logarithms of equal ratios differ by a few ulps of 1.
    let rounding = 4 * max(abs(least), abs(greatest), 1).ulp
    isConstant = squares == 0 || greatest - least <= rounding
    // Equal values have themselves as their mean, whatever their sum is rounded to.
    self.mean = isConstant ? values[0] : mean
    standardDeviation = isConstant ? 0 : (squares / Double(count - 1)).squareRoot()
  }

  var varianceOfMean: Double { standardDeviation * standardDeviation / Double(count) }
}
