import Glibc
import Statistics
import Suites

/// One comparison of a suite: a ratio, and what was decided about it.
package struct Comparison: Hashable, Sendable {
  package let subject: ComparisonSubject
  package let against: ComparisonSubject
  /// Blocks in which all the trials went well.
  package let pairs: Int
  /// Of `subject` to `against`; nil of fewer than two pairs, and where a value is zero, which has
  /// no ratio.
  package let estimate: RatioEstimate?
  /// Nil where there are too few pairs for one.
  package fileprivate(set) var decision: Decision?

  package var verdict: Verdict { decision?.verdict ?? .undecided }

  fileprivate init(
    _ subject: ComparisonSubject, _ against: ComparisonSubject, _ values: TrialValues
  ) {
    self.subject = subject
    self.against = against
    let pairs = values.logRatios(subject, against)
    self.pairs = pairs.count
    estimate = RatioEstimate(logRatios: pairs)
  }
}

/// The values of one metric, by cell and block.
private struct TrialValues {
  private var values: [Int: [Int: Double]] = [:]

  init(_ metric: Metric, _ results: [TrialResult]) {
    for result in results where result.status.isMeasured {
      values[result.trial.cell, default: [:]][result.trial.block] = metric.value(of: result)
    }
  }

  /// Of each block that has all the values, in order. The logarithm of zero is infinite.
  func logRatios(_ subject: ComparisonSubject, _ against: ComparisonSubject) -> [Double] {
    let (upper, lower) = (logarithms(subject), logarithms(against))
    return upper.keys.sorted().compactMap { block in
      guard let above = upper[block], let below = lower[block] else { return nil }
      return above - below
    }
  }

  private func logarithms(_ subject: ComparisonSubject) -> [Int: Double] {
    switch subject {
    case .cell(let number): return (values[number] ?? [:]).mapValues { log($0) }
    case .ratio(let cell, let against):
      let below = logarithms(.cell(against))
      return logarithms(.cell(cell)).reduce(into: [:]) { ratios, entry in
        if let other = below[entry.key] { ratios[entry.key] = entry.value - other }
      }
    }
  }
}

/// The comparisons of one metric that answer one question of the suite together.
package struct FamilySummary: Hashable, Sendable {
  /// Of the suite's cross or axis.
  package let name: String
  package let kind: ComparisonKind
  package let metric: Metric
  /// The metric decides for its cross; the others are told beside it.
  package let isDeciding: Bool
  package let question: RatioQuestion
  package let comparisons: [Comparison]

  fileprivate init(
    _ family: SuitePlan.Family, _ kind: ComparisonKind, _ metric: Metric, _ question: RatioQuestion,
    _ pairs: [(ComparisonSubject, ComparisonSubject)], _ values: TrialValues
  ) {
    name = family.name
    isDeciding = metric == family.metrics.first
    self.kind = kind
    self.metric = metric
    self.question = question
    var all = pairs.map { Comparison($0.0, $0.1, values) }
    let tested = all.indices.filter { all[$0].pairs >= Family.pairsMin && all[$0].estimate != nil }
    let decisions = Family.decide(
      tested.compactMap { all[$0].estimate }, question, moreIsBetter: metric.moreIsBetter)
    for (index, decision) in zip(tested, decisions) { all[index].decision = decision }
    comparisons = all
  }

  /// How many comparisons were tested together.
  package var size: Int { comparisons.count { $0.decision != nil } }

  /// The chance to find a difference that is said to be findable.
  private static let power = 0.9

  /// Pairs that find a difference of this share in nine of ten suites, at the level that Holm's
  /// correction asks of the least p-value; nil where a thousand would not.
  package func pairsNeeded(by comparison: Comparison, toFind effect: Double) -> Int? {
    guard let estimate = comparison.estimate, estimate.standardDeviation > 0 else {
      return Family.pairsMin
    }
    let least = Power.pairs(
      toFind: effect, standardDeviation: estimate.standardDeviation, alpha: alphaOfFirst,
      power: Self.power)
    return least.map { max($0, Family.pairsMin) }
  }

  /// The level that Holm's correction asks of the least p-value.
  private var alphaOfFirst: Double { Family.falseAlarms / Double(max(1, size)) }

  /// True where the blocks that ran would find the difference. Looks at how much trials scatter,
  /// and not at who is ahead.
  package func hasEnough(toFind effect: Double) -> Bool {
    comparisons.allSatisfy { comparison in
      // A cell that cannot run here has nothing to find.
      if comparison.pairs == 0 { return true }
      if comparison.pairs < Family.pairsMin { return false }
      // Neither have zeros, nor pairs that do not scatter.
      guard let estimate = comparison.estimate, estimate.standardDeviation > 0 else { return true }
      let chance = Power.chance(
        pairs: comparison.pairs, ratio: 1 + effect,
        standardDeviation: estimate.standardDeviation, alpha: alphaOfFirst)
      return (chance ?? 0) >= Self.power
    }
  }

  /// The cells whose trials its comparisons need.
  package var cells: Set<Int> {
    comparisons.reduce(into: []) { cells, comparison in
      for subject in [comparison.subject, comparison.against] {
        switch subject {
        case .cell(let number): cells.insert(number)
        case .ratio(let cell, let against): cells.formUnion([cell, against])
        }
      }
    }
  }
}

extension FamilySummary {
  /// Every family of a suite that has comparisons: those of the headline, then those of each
  /// further metric. `failAbove` is the share by which a build may be worse; nil asks for any
  /// difference.
  package static func all(
    _ suite: Suite, _ plan: SuitePlan, _ results: [TrialResult], failAbove: Double? = nil
  ) -> [FamilySummary] {
    suite.metrics.flatMap { metric in
      let values = TrialValues(metric, results)
      let difference = RatioQuestion.difference(margin: suite.margin(of: metric))
      return ComparisonKind.allCases.flatMap { kind in
        plan.families.indices.compactMap { number -> FamilySummary? in
          let family = plan.families[number]
          guard family.metrics.contains(metric) else { return nil }
          let cells = plan.cells.filter { $0.families.contains(number) && !$0.isBase }
          let pairs = plan.pairs(of: cells, kind, family)
          if pairs.isEmpty { return nil }
          let question =
            switch kind {
            case .baseline: family.bound?.question ?? difference
            case .syscalls, .contrast: difference
            case .build: failAbove.map { metric.question(failAbove: $0) } ?? difference
            }
          return FamilySummary(family, kind, metric, question, pairs, values)
        }
      }
    }
  }
}

extension Metric {
  /// Whether a ratio to another build is not worse by more than this share.
  fileprivate func question(failAbove share: Double) -> RatioQuestion {
    moreIsBetter ? .atLeast(1 / (1 + share)) : .atMost(1 + share)
  }
}
