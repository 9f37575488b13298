import Glibc

/// The chance that a comparison gets a verdict: that the t-test finds it and that the median's interval
/// excludes 1, whichever is less likely. Of few pairs the interval runs from the least to the greatest,
/// so that all of them must be on one side; among many comparisons the t-test asks for more.
struct VerdictPower {
  let standardDeviation: Double
  let alpha: Double

  private static let pairsMax = 1000

  /// Nil where pairs do not scatter.
  init?(standardDeviation: Double, alpha: Double) {
    guard standardDeviation > 0, standardDeviation.isFinite else { return nil }
    self.standardDeviation = standardDeviation
    self.alpha = alpha
  }

  /// For so many pairs and a true ratio.
  func chance(pairs: Int, ratio: Double) -> Double {
    guard
      let test = Power.chance(
        pairs: pairs, ratio: ratio, standardDeviation: standardDeviation, alpha: alpha)
    else { return 0 }
    // A pair is on the wrong side of 1 by noise alone.
    let wrong = 0.5 * erfc(abs(log(ratio)) / standardDeviation / 2.0.squareRoot())
    return min(test, Self.atMost(Bootstrap.outerPlace(pairs), of: pairs, each: wrong))
  }

  /// The smallest ratio above 1 that is found with this chance; nil of fewer than five pairs, which
  /// decide nothing, and where it is beyond a hundredfold.
  func smallestRatio(pairs: Int, power: Double) -> Double? {
    guard pairs >= PairedComparison.pairsMin, chance(pairs: pairs, ratio: 100) >= power else {
      return nil
    }
    var low = 0.0
    var high: Double = log(100.0)
    for _ in 0..<30 {
      let middle = (low + high) / 2
      if chance(pairs: pairs, ratio: exp(middle)) >= power { high = middle } else { low = middle }
    }
    return exp(high)
  }

  /// The fewest pairs that find `ratio`; nil where even many do not.
  func pairs(toFind ratio: Double, power: Double) -> Int? {
    guard chance(pairs: Self.pairsMax, ratio: ratio) >= power else { return nil }
    var (tooFew, enough) = (PairedComparison.pairsMin - 1, Self.pairsMax)
    while enough - tooFew > 1 {
      let middle = (tooFew + enough) / 2
      if chance(pairs: middle, ratio: ratio) >= power { enough = middle } else { tooFew = middle }
    }
    return enough
  }

  /// The chance of `count` heads or fewer among `total` coins that fall so with `each`.
  private static func atMost(_ count: Int, of total: Int, each: Double) -> Double {
    if each <= 0 { return 1 }
    var sum = 0.0
    for heads in 0...max(0, count) {
      let ways =
        lgamma(Double(total) + 1) - lgamma(Double(heads) + 1)
        - lgamma(Double(total - heads) + 1)
      sum += exp(ways + Double(heads) * log(each) + Double(total - heads) * log1p(-each))
    }
    return min(sum, 1)
  }
}
