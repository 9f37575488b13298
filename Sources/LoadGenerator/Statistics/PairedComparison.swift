import Glibc

/// Whether one cell differs from another by more than noise.
package enum Verdict: String, Hashable, Sendable {
  case better, worse
  case noDifference = "no difference"
  case tooFewTrials = "too few trials"
}

/// One cell against its baseline, paired within blocks: what disturbs a whole block disturbs both.
///
/// A verdict needs both: the 95 % interval of the median ratio excludes 1, and the paired t-test of the
/// logarithms of the ratios, corrected by Holm for all the comparisons of the suite, says so at 5 %. Where
/// nothing differs, blocks are dealt out at random and log-ratios are symmetric about 0; of such samples,
/// however heavy their tails, the t-test finds a difference no more often than it states.
package struct PairedComparison: Hashable, Sendable {
  /// Fewer pairs than this decide nothing.
  package static let pairsMin = 5
  /// The share of suites without any difference in which one is found all the same.
  package static let falseAlarms = 0.05
  /// The chance to find a difference that is said to be findable.
  package static let power = 0.9

  package let pairs: Int
  /// The median over blocks of how many times better the cell is (above 1) or worse (below); nil
  /// without a pair.
  package let ratio: Double?
  package let interval: Interval?
  /// Of this comparison by itself; nil of fewer than two pairs.
  package let p: Double?
  /// Corrected for the comparisons that were made beside it.
  package private(set) var pAdjusted: Double?
  /// The smallest ratio that so many pairs, scattered as these are, would find in nine of ten suites,
  /// the correction for the others included.
  package let smallestRatio: Double?
  /// Pairs that it would take to find what the suite wants found; nil where even many would not.
  package let pairsNeeded: Int?
  package private(set) var verdict: Verdict

  /// `values` and `baseline` hold one value for each block in which the trial went well. The verdict is
  /// that of a single comparison, until `adjusted`; what could be found is what could be among so many.
  package init(
    _ values: [Int: Double], against baseline: [Int: Double], moreIsBetter: Bool, seed: UInt64,
    detect effect: Double = 0.1, among comparisons: Int = 1
  ) {
    var ratios: [Double] = []
    for (block, value) in values.sorted(by: { $0.key < $1.key }) {
      guard let other = baseline[block], value > 0, other > 0 else { continue }
      ratios.append(moreIsBetter ? value / other : other / value)
    }
    pairs = ratios.count
    ratio = Bootstrap.median(ratios)
    interval = Bootstrap.interval(ofMedianOf: ratios, seed: seed)
    let test = PairedT.test(logRatios: ratios.map { log($0) })
    p = test?.p
    // Holm's correction asks of the least p-value what Bonferroni's does, and of the others less.
    let power = test.flatMap {
      VerdictPower(
        standardDeviation: $0.standardDeviation,
        alpha: Self.falseAlarms / Double(max(1, comparisons)))
    }
    smallestRatio = power?.smallestRatio(pairs: ratios.count, power: Self.power)
    // Pairs without any spread have nothing more to tell.
    pairsNeeded =
      test?.standardDeviation == 0
      ? ratios.count : power?.pairs(toFind: 1 + effect, power: Self.power)
    verdict = .tooFewTrials
    pAdjusted = p
    decide()
  }

  /// The same with the p-value that is left of it beside others.
  package func adjusted(_ p: Double) -> PairedComparison {
    var same = self
    same.pAdjusted = p
    same.decide()
    return same
  }

  /// True where the interval alone would have decided.
  package var isOnlyNotCorrected: Bool {
    guard verdict == .noDifference, let interval else { return false }
    return interval.low > 1 || interval.high < 1
  }

  private mutating func decide() {
    guard pairs >= Self.pairsMin, let interval, let pAdjusted else {
      verdict = .tooFewTrials
      return
    }
    guard pAdjusted < Self.falseAlarms else {
      verdict = .noDifference
      return
    }
    verdict = interval.low > 1 ? .better : interval.high < 1 ? .worse : .noDifference
  }
}
