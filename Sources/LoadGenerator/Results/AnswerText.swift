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

  /// A sentence for the headline, and one for each further metric in which something is decided; empty
  /// where the suite compares nothing.
  package func sentences() -> [String] {
    guard let headline = sentence(suite.headline) else { return [] }
    return [headline]
      + suite.metrics.dropFirst().compactMap { metric in
        let isDecided = comparisons(of: metric).contains { $0.1.verdict != .undecided }
        return isDecided ? sentence(metric) : nil
      }
  }

  private func comparisons(of metric: Metric) -> [(FamilySummary, Comparison)] {
    let kind: FamilySummary.Kind = plan.comparesBuilds ? .build : .baseline
    return summary.families.filter { $0.metric == metric && $0.kind == kind }.flatMap { family in
      family.comparisons.map { (family, $0) }
    }
  }

  /// `Throughput: sendfile is better than copy in 2 of 3 comparisons (1.32x to 1.97x); undecided: splice.`
  private func sentence(_ metric: Metric) -> String? {
    let all = comparisons(of: metric)
    if all.isEmpty { return nil }
    var order: [String] = []
    var groups: [String: [(FamilySummary, Comparison)]] = [:]
    for (family, comparison) in all {
      let pair = verdicts.names(comparison, family)
      let name = "\(pair.subject)\n\(pair.other)"
      if groups[name] == nil { order.append(name) }
      groups[name, default: []].append((family, comparison))
    }
    var clauses: [String] = []
    var undecided: [String] = []
    for name in order {
      let group = (groups[name] ?? []).map(\.1)
      let parts = name.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      let told = clause(parts[0], parts[1], group)
      if told.isEmpty { undecided.append(parts[0]) } else { clauses.append(told) }
    }
    if !undecided.isEmpty { clauses.append("undecided: \(undecided.joined(separator: ", "))") }
    let noun = metric.noun
    return noun.prefix(1).uppercased() + noun.dropFirst() + ": " + clauses.joined(separator: "; ")
      + "."
  }

  /// What was decided of two that are compared in several places; empty where nothing was.
  private func clause(_ subject: String, _ other: String, _ group: [Comparison]) -> String {
    let parts = Verdict.allCases.compactMap { verdict -> String? in
      let found = group.filter { $0.verdict == verdict }
      let ratios = found.compactMap { $0.estimate?.ratio }.sorted()
      guard verdict != .undecided, let low = ratios.first, let high = ratios.last else {
        return nil
      }
      let range =
        ratios.count == 1
        ? "\(Digits.text(low))x" : "\(Digits.text(low))x to \(Digits.text(high))x"
      let place = group.count == 1 ? "" : " in \(found.count) of \(group.count) comparisons"
      return "\(Self.relation(verdict, other))\(place) (\(range))"
    }
    return parts.isEmpty ? "" : "\(subject) is " + parts.joined(separator: ", ")
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
