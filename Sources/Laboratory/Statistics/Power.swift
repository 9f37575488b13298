import Glibc

/// How many pairs a paired t test of log-ratios needs to find a ratio.
///
/// The logarithms of ratios are taken to be normal, with a standard deviation that a pilot run
/// gives. The chance to find a ratio is then the noncentral t distribution's beyond the critical
/// value; it is summed up over the values that the sample's own standard deviation may take, not
/// approximated by the normal distribution, which promises five pairs what eight can do. Within
/// 0.002 of the exact chance.
package enum Power {
  /// The chance that so many pairs find that ratio, in either direction; from 0 to 1. Nil of fewer
  /// than two pairs, and of arguments that mean nothing: a ratio, standard deviation or level that
  /// is not above 0, a level of 1 or more.
  package static func chance(
    pairs: Int, ratio: Double, standardDeviation: Double, alpha: Double = 0.05
  ) -> Double? {
    guard pairs >= 2, isDeviation(standardDeviation), isShare(alpha), ratio > 0, ratio.isFinite
    else { return nil }
    let shift = abs(log(ratio)) / standardDeviation * Double(pairs).squareRoot()
    return Test(pairs: pairs, alpha: alpha).chance(shift: shift)
  }

  /// The fewest pairs that find a ratio of `1 + effect` with that chance, at the two-sided level
  /// `alpha`. Nil where more than `pairsMax` would be needed, where the effect is 0 (or -1 and
  /// below), and where another argument means nothing. At least 2.
  package static func pairs(
    toFind effect: Double, standardDeviation: Double, alpha: Double = 0.05, power: Double = 0.8,
    pairsMax: Int = 1000
  ) -> Int? {
    guard effect > -1, effect.isFinite, effect != 0, pairsMax >= 2, isShare(power),
      isDeviation(standardDeviation), isShare(alpha)
    else { return nil }
    let distance = abs(log1p(effect)) / standardDeviation
    func suffice(_ pairs: Int) -> Bool {
      let shift = distance * Double(pairs).squareRoot()
      return Test(pairs: pairs, alpha: alpha).chance(shift: shift) >= power
    }
    // The chance grows with the pairs.
    guard suffice(pairsMax) else { return nil }
    var tooFew = 1
    var enough = pairsMax
    while enough - tooFew > 1 {
      let middle = (tooFew + enough) / 2
      if suffice(middle) { enough = middle } else { tooFew = middle }
    }
    return enough
  }

  private static func isShare(_ value: Double) -> Bool { value > 0 && value < 1 }
  private static func isDeviation(_ value: Double) -> Bool { value > 0 && value.isFinite }

  /// The test with so many pairs, whose critical value is found once.
  private struct Test {
    private static let steps = 500
    private let degrees: Double
    private let critical: Double
    /// The logarithm of the factor of the density of `s`, below.
    private let logFactor: Double

    init(pairs: Int, alpha: Double) {
      degrees = Double(pairs - 1)
      critical = StudentT(degreesOfFreedom: degrees).critical(alpha)
      logFactor =
        log(2) + degrees / 2 * log(degrees / 2) - IncompleteBeta.logGamma(degrees / 2)
    }

    /// The chance that |(z + shift) / s| is beyond the critical value, where z is normal and s the
    /// sample's standard deviation as a share of the true one: the chance for each s, by its
    /// density (chi's), in the middle of 500 strips of all that is within nine deviations.
    func chance(shift: Double) -> Double {
      let reach = 9 / (2 * degrees).squareRoot()
      let from = max(0, 1 - reach)
      let width = (1 + reach - from) / Double(Self.steps)
      var chance = 0.0
      for step in 0..<Self.steps {
        let s = from + (Double(step) + 0.5) * width
        let density = exp(logFactor + (degrees - 1) * log(s) - degrees * s * s / 2)
        let beyond = normal(shift - critical * s) + normal(-shift - critical * s)
        chance += density * beyond * width
      }
      return min(chance, 1)
    }

    /// The chance of a normal value up to `z`.
    private func normal(_ z: Double) -> Double { erfc(-z / 2.0.squareRoot()) / 2 }
  }
}
