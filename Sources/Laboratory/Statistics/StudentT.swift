import Glibc

/// Student's t distribution.
package struct StudentT: Hashable, Sendable {
  /// Above 0, need not be whole; of infinity it is the normal distribution.
  package let degreesOfFreedom: Double

  /// From here on the normal distribution differs by less than the sums' rounding.
  private static let degreesMax = 1e7

  package init(degreesOfFreedom: Double) {
    precondition(degreesOfFreedom > 0, "degrees of freedom are above 0")
    self.degreesOfFreedom = degreesOfFreedom
  }

  /// The chance of a value at least as far from 0 as `t`, to about nine digits; 1 where `t` is not
  /// a number.
  package func twoSidedP(_ t: Double) -> Double {
    if t.isNaN { return 1 }
    if t.isInfinite { return 0 }
    if degreesOfFreedom >= Self.degreesMax { return erfc(abs(t) / 2.0.squareRoot()) }
    // t² may overflow, and the shares are then 0 and 1, as they should be.
    let square = t * t
    let share = degreesOfFreedom / (degreesOfFreedom + square)
    let rest = square.isInfinite ? 1 : square / (degreesOfFreedom + square)
    return IncompleteBeta.regularized(share, oneMinusX: rest, degreesOfFreedom / 2, 0.5)
  }

  /// The chance of a value up to `t`.
  package func cumulative(_ t: Double) -> Double {
    let tail = twoSidedP(t) / 2
    return t > 0 ? 1 - tail : tail
  }

  /// The value that a share `p` of all lie below, by bisection of the two-sided p-value; infinite
  /// at 0 and 1, not a number outside.
  package func quantile(_ p: Double) -> Double {
    guard p >= 0 && p <= 1 else { return .nan }
    if p == 0.5 { return 0 }
    return p < 0.5 ? -critical(2 * p) : critical(2 * (1 - p))
  }

  /// The value that `twoSidedP` gives `p` for, from 0 on.
  package func critical(_ p: Double) -> Double {
    if p <= 0 { return .infinity }
    var low = 0.0
    var high = 1.0
    while twoSidedP(high) > p {
      low = high
      high *= 2
      if high.isInfinite { return .infinity }
    }
    for _ in 0..<200 {
      let middle = low + (high - low) / 2
      if middle <= low || middle >= high { break }
      if twoSidedP(middle) > p { low = middle } else { high = middle }
    }
    return high
  }
}

/// The regularized incomplete beta function, I_x(a, b).
enum IncompleteBeta {
  /// `x` and `1 - x` are given apart, since near 1 the difference would lose its digits.
  static func regularized(_ x: Double, oneMinusX rest: Double, _ a: Double, _ b: Double) -> Double {
    if x <= 0 { return 0 }
    if rest <= 0 { return 1 }
    let logBeta = logGamma(a) + logGamma(b) - logGamma(a + b)
    let front = exp(a * log(x) + b * log(rest) - logBeta)
    // The fraction converges fast below the mean, and the function is symmetric about it.
    if x < (a + 1) / (a + b + 2) { return min(front * fraction(x, a, b) / a, 1) }
    return max(1 - front * fraction(rest, b, a) / b, 0)
  }

  /// The continued fraction by Lentz's method (Numerical Recipes, 6.4). Takes a number of steps
  /// that grows with the square root of the greater of a and b.
  private static func fraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
    let tiny = 1e-300
    func away(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
    var c = 1.0
    var d = 1 / away(1 - (a + b) * x / (a + 1))
    var result = d
    for step in 1...20_000 {
      let m = Double(step)
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      d = 1 / away(1 + even * d)
      c = away(1 + even / c)
      result *= d * c
      let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      d = 1 / away(1 + odd * d)
      c = away(1 + odd / c)
      result *= d * c
      if abs(d * c - 1) < 1e-15 { break }
    }
    return result
  }

  static func logGamma(_ x: Double) -> Double {
    var sign: Int32 = 0
    return lgamma_r(x, &sign)
  }
}
