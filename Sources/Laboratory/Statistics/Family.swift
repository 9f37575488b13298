/// What was decided about a ratio.
package enum Verdict: String, CaseIterable, Hashable, Sendable {
  /// The ratio differs from 1, in the direction that is better, or worse.
  case better, worse
  /// The ratio lies inside the margin.
  case equivalent
  /// The ratio keeps to its bound, or is beyond it.
  case holds, fails
  /// The trials do not say.
  case undecided
}

/// What is asked about the ratios of a family.
package enum RatioQuestion: Hashable, Sendable {
  /// Do they differ, or are they the same to within this share of 1?
  case difference(margin: Double)
  case atMost(Double)
  case atLeast(Double)
}

/// The verdict about one ratio, with the numbers that it follows from.
package struct Decision: Hashable, Sendable {
  package let verdict: Verdict
  /// Of the difference from 1, two-sided; of a bound, one-sided in the direction of the estimate.
  package let p: Double
  package let pAdjusted: Double
  /// Of the two one-sided tests; nil of a bound.
  package let pEquivalence: Double?
  package let pEquivalenceAdjusted: Double?
  package let interval: Interval
  /// The level of `interval`. It is the one that Holm's correction asks for here, so that the
  /// interval and the verdict agree.
  package let level: Double
}

/// Comparisons that answer one question together. Holm's correction is made for differences and for
/// equivalences, each at 5 %: in at most one of twenty families is a difference found where there
/// is none, and in at most one is a ratio outside the margin called equivalent.
package enum Family {
  package static let falseAlarms = 0.05
  /// Fewer pairs than this decide nothing.
  package static let pairsMin = 5

  /// A decision for each estimate, in order.
  package static func decide(
    _ estimates: [RatioEstimate], _ question: RatioQuestion, moreIsBetter: Bool
  ) -> [Decision] {
    switch question {
    case .difference(let margin):
      differences(estimates, margin: margin, moreIsBetter: moreIsBetter)
    case .atMost(let limit):
      bounds(estimates, holds: { $0.pBelow(limit) }, fails: { $0.pAbove(limit) })
    case .atLeast(let limit):
      bounds(estimates, holds: { $0.pAbove(limit) }, fails: { $0.pBelow(limit) })
    }
  }

  private static func differences(
    _ estimates: [RatioEstimate], margin: Double, moreIsBetter: Bool
  ) -> [Decision] {
    let different = Holm(estimates.map(\.pDifference), alpha: falseAlarms)
    let equivalent = Holm(
      estimates.map { $0.pEquivalence(margin: margin) }, alpha: falseAlarms)
    return estimates.enumerated().map { index, estimate in
      let verdict: Verdict
      var level = 1 - different.levels[index]
      if equivalent.isRejected(index) {
        verdict = .equivalent
        level = 1 - 2 * equivalent.levels[index]
      } else if different.isRejected(index) {
        verdict = (estimate.logRatio > 0) == moreIsBetter ? .better : .worse
      } else {
        verdict = .undecided
      }
      return Decision(
        verdict: verdict, p: different.p[index], pAdjusted: different.adjusted[index],
        pEquivalence: equivalent.p[index], pEquivalenceAdjusted: equivalent.adjusted[index],
        interval: estimate.interval(level: level), level: level)
    }
  }

  private static func bounds(
    _ estimates: [RatioEstimate], holds: (RatioEstimate) -> Double,
    fails: (RatioEstimate) -> Double
  ) -> [Decision] {
    let kept = Holm(estimates.map(holds), alpha: falseAlarms)
    let broken = Holm(estimates.map(fails), alpha: falseAlarms)
    return estimates.enumerated().map { index, estimate in
      let verdict: Verdict
      var level = 1 - 2 * min(kept.levels[index], broken.levels[index])
      if kept.isRejected(index) {
        verdict = .holds
        level = 1 - 2 * kept.levels[index]
      } else if broken.isRejected(index) {
        verdict = .fails
        level = 1 - 2 * broken.levels[index]
      } else {
        verdict = .undecided
      }
      let told = kept.p[index] <= broken.p[index] ? kept : broken
      return Decision(
        verdict: verdict, p: told.p[index], pAdjusted: told.adjusted[index], pEquivalence: nil,
        pEquivalenceAdjusted: nil, interval: estimate.interval(level: level), level: level)
    }
  }
}
