import Statistics
import Suites

/// What a run answers to its suite's question, in a few sentences of decided verdicts.
package struct AnswerText {
  private let suite: Suite
  private let plan: SuitePlan
  private let summary: SuiteSummary
  private let verdicts: VerdictText

  package init(suite: Suite, plan: SuitePlan, summary: SuiteSummary) {
    self.suite = suite
    self.plan = plan
    self.summary = summary
    verdicts = VerdictText(suite: suite, plan: plan, summary: summary)
  }

  /// A sentence for the headline, and one for each further metric in which something is decided;
  /// empty where the suite compares nothing.
  package func sentences() -> [String] {
    suite.metrics.compactMap { metric in
      let isDecided = comparisons(of: metric).contains { $0.1.verdict != .undecided }
      return isDecided || metric == suite.headline ? sentence(metric) : nil
    }
  }

  private func comparisons(of metric: Metric) -> [(FamilySummary, Comparison)] {
    let kind: ComparisonKind = plan.comparesBuilds ? .build : .baseline
    return summary.families.filter { $0.metric == metric && $0.kind == kind }.flatMap { family in
      family.comparisons.map { (family, $0) }
    }
  }

  /// So many pairs can be told one by one.
  private static let pairsMost = 4

  /// What is compared with what, by their names, in all places where it is.
  private struct Group {
    let subject: String
    let other: String
    var comparisons: [Comparison] = []
  }

  /// `Throughput: sendfile is better than copy in 2 of 3 comparisons (1.32x to 1.97x); undecided:
  /// splice.`
  private func sentence(_ metric: Metric) -> String? {
    var groups: [Group] = []
    for (family, comparison) in comparisons(of: metric) {
      let pair = verdicts.names(comparison, family)
      let place = groups.firstIndex { $0.subject == pair.subject && $0.other == pair.other }
      if place == nil { groups.append(Group(subject: pair.subject, other: pair.other)) }
      groups[place ?? groups.count - 1].comparisons.append(comparison)
    }
    if groups.isEmpty { return nil }
    let isUndecided = { (group: Group) in
      group.comparisons.allSatisfy { $0.verdict == .undecided }
    }
    let decided = groups.filter { !isUndecided($0) }
    var clauses =
      groups.count <= Self.pairsMost
      ? decided.map { clause($0.subject, $0.other, $0.comparisons) } : together(decided)
    let undecided = groups.filter(isUndecided).map(\.subject)
    if !undecided.isEmpty { clauses.append("undecided: \(undecided.joined(separator: ", "))") }
    let noun = metric.noun
    return noun.prefix(1).uppercased() + noun.dropFirst() + ": " + clauses.joined(separator: "; ")
      + "."
  }

  /// `worse in all their comparisons: direct, uring (0.34x to 0.55x)`, against what the suite
  /// compares with.
  private func together(_ groups: [Group]) -> [String] {
    Verdict.allCases.filter { $0 != .undecided }.flatMap { verdict in
      [true, false].compactMap { inAll -> String? in
        let found = groups.filter { group in
          let count = group.comparisons.count { $0.verdict == verdict }
          return count > 0 && (count == group.comparisons.count) == inAll
        }
        let ratios = found.flatMap { group in
          group.comparisons.filter { $0.verdict == verdict }.compactMap { $0.estimate?.ratio }
        }.sorted()
        guard let low = ratios.first, let high = ratios.last else { return nil }
        return "\(verdict.rawValue) in \(inAll ? "all" : "some of") their comparisons: "
          + found.map(\.subject).joined(separator: ", ")
          + " (\(Self.range(low, high)))"
      }
    }
  }

  /// What was decided of two that are compared in several places; empty where nothing was.
  private func clause(_ subject: String, _ other: String, _ group: [Comparison]) -> String {
    let parts = Verdict.allCases.compactMap { verdict -> String? in
      let found = group.filter { $0.verdict == verdict }
      let ratios = found.compactMap { $0.estimate?.ratio }.sorted()
      guard verdict != .undecided, let low = ratios.first, let high = ratios.last else {
        return nil
      }
      let place = group.count == 1 ? "" : " in \(found.count) of \(group.count) comparisons"
      return "\(Self.relation(verdict, other))\(place) (\(Self.range(low, high)))"
    }
    return parts.isEmpty ? "" : "\(subject) is " + parts.joined(separator: ", ")
  }

  /// `1.32x to 1.97x`, or one number where both are the same.
  private static func range(_ low: Double, _ high: Double) -> String {
    let (least, most) = (Digits.text(low), Digits.text(high))
    return least == most ? "\(least)x" : "\(least)x to \(most)x"
  }

  private static func relation(_ verdict: Verdict, _ other: String) -> String {
    switch verdict {
    case .better: "better than \(other)"
    case .worse: "worse than \(other)"
    case .equivalent: "equivalent to \(other)"
    case .holds: "within the bound to \(other)"
    case .fails: "beyond the bound to \(other)"
    case .undecided: "undecided"
    }
  }
}
