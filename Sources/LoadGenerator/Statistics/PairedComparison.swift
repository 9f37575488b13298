/// Whether one cell differs from another by more than noise.
package enum Verdict: String, Hashable, Sendable {
  case better, worse
  case noDifference = "no difference"
  case tooFewTrials = "too few trials"
}

/// One cell against its baseline, paired within blocks: what disturbs a whole block disturbs both.
package struct PairedComparison: Hashable, Sendable {
  /// Fewer pairs than this decide nothing.
  package static let pairsMin = 5

  package let pairs: Int
  /// The median over blocks of how many times better the cell is (above 1) or worse (below); nil
  /// without a pair.
  package let ratio: Double?
  package let interval: Interval?
  package let verdict: Verdict

  /// `values` and `baseline` hold one value for each block in which the trial went well.
  package init(
    _ values: [Int: Double], against baseline: [Int: Double], moreIsBetter: Bool, seed: UInt64
  ) {
    var ratios: [Double] = []
    for (block, value) in values.sorted(by: { $0.key < $1.key }) {
      guard let other = baseline[block], value > 0, other > 0 else { continue }
      ratios.append(moreIsBetter ? value / other : other / value)
    }
    pairs = ratios.count
    ratio = Bootstrap.median(ratios)
    interval = Bootstrap.interval(ofMedianOf: ratios, seed: seed)
    guard pairs >= Self.pairsMin, let interval else {
      verdict = .tooFewTrials
      return
    }
    verdict = interval.low > 1 ? .better : interval.high < 1 ? .worse : .noDifference
  }
}
