import Foundation
import Statistics
import Suites

/// Families and their verdicts in words: the same on the terminal, in README.md and in JSON.
struct VerdictText {
  let suite: Suite
  let plan: SuitePlan
  let summary: SuiteSummary

  /// One family: a heading that names it and how it was judged, and a sentence for each comparison.
  struct Section: Encodable {
    let heading: String
    let isDeciding: Bool
    let sentences: [Sentence]
  }

  struct Sentence: Encodable {
    /// Nil where the sentence is not about one comparison.
    let verdict: String?
    let text: String
  }

  /// All families. Lists every comparison of the headline, and of further metrics the decided ones;
  /// counts the rest, which `verdicts.csv` has.
  func sections() -> [Section] {
    summary.families.map { family in
      let isHeadline = family.isDeciding
      let told = family.comparisons.filter { isHeadline || $0.verdict != .undecided }
      var sentences = told.map {
        Sentence(verdict: $0.verdict.rawValue, text: sentence($0, family))
      }
      let left = family.comparisons.count - told.count
      if left > 0 {
        sentences.append(
          Sentence(verdict: nil, text: "\(left) of \(family.comparisons.count) undecided"))
      }
      return Section(
        heading: heading(family), isDeciding: family.isDeciding, sentences: sentences)
    }
  }

  func terminalLines() -> [String] {
    sections().flatMap { section in
      [section.heading] + section.sentences.map { "  \($0.text)" } + [""]
    }
  }

  func markdownLines() -> [String] {
    sections().flatMap { section in
      ["**\(section.heading)**", ""] + section.sentences.map { "- \($0.text)" } + [""]
    }
  }

  /// `unsynced: throughput until durable against backend=buffered; 3 comparisons at 5 % together,
  /// …`
  private func heading(_ family: FamilySummary) -> String {
    let count = family.size == 1 ? "1 comparison" : "\(family.size) comparisons"
    let asked =
      switch family.question {
      case .difference(let margin):
        "equivalent within \(Digits.percent(margin))"
      case .atMost(let limit): "asked: at most \(Digits.limit(limit))x"
      case .atLeast(let limit): "asked: at least \(Digits.limit(limit))x"
      }
    return "\(family.name): \(family.metric.noun) \(against(family.kind)); \(count) at "
      + "\(Digits.percent(Family.falseAlarms)) together, \(asked)"
  }

  private func against(_ kind: ComparisonKind) -> String {
    switch kind {
    case .baseline: "against \(baselineName)"
    case .syscalls: "against system calls"
    case .contrast: "against \(baselineName), at each value against the first"
    case .build: "against the base build"
    }
  }

  private var baselineName: String {
    suite.baseline.map { "\($0.key.rawValue)=\($0.text)" }.joined(separator: " ")
  }

  /// `direct has 0.54x the CPU per GB of buffered [0.50, 0.59]: better (log durability=none; 98.75
  /// % interval, p = 0.0003, adjusted 0.0012, 7 pairs)`
  func sentence(_ comparison: Comparison, _ family: FamilySummary) -> String {
    let names = names(comparison, family)
    let place = names.place.isEmpty ? "" : "\(names.place); "
    guard let estimate = comparison.estimate else {
      let why =
        switch comparison.pairs {
        case 0: "no block has the \(family.metric.noun) of both"
        case 1: "one pair is too few, \(Family.pairsMin) or more decide"
        default: "a trial's \(family.metric.noun) is zero, which has no ratio"
        }
      return "\(names.subject) and \(names.other): undecided (\(place)\(why))"
    }
    let ratio = Digits.text(estimate.ratio) + "x"
    let claim =
      family.kind == .contrast
      ? "the ratio of \(family.metric.noun) of \(names.subject) is \(ratio) that of \(names.other)"
      : "\(names.subject) has \(ratio) the \(family.metric.noun) of \(names.other)"
    guard let decision = comparison.decision else {
      return "\(claim): undecided (\(place)\(comparison.pairs) pairs are too few, "
        + "\(Family.pairsMin) or more decide)"
    }
    return "\(claim)\(Digits.text(decision.interval)): \(decision.verdict.rawValue) "
      + "(\(place)\(facts(decision, comparison, family)))"
  }

  /// `98.75 % interval, p 0.0003, adjusted 0.0012, 7 pairs`
  private func facts(
    _ decision: Decision, _ comparison: Comparison, _ family: FamilySummary
  ) -> String {
    var facts = ["\(Digits.percent(decision.level)) interval"]
    if decision.verdict == .equivalent, let p = decision.pEquivalence,
      let adjusted = decision.pEquivalenceAdjusted
    {
      facts.append("p of equivalence \(Digits.p(p)), adjusted \(Digits.p(adjusted))")
    } else {
      facts.append("p \(Digits.p(decision.p)), adjusted \(Digits.p(decision.pAdjusted))")
    }
    facts.append("\(comparison.pairs) pairs")
    if decision.verdict == .undecided, case .difference = family.question {
      facts.append(needed(comparison, family))
    }
    return facts.joined(separator: ", ")
  }

  private func needed(_ comparison: Comparison, _ family: FamilySummary) -> String {
    let percent = suite.detectPercent
    let pairs = family.pairsNeeded(by: comparison, toFind: Double(percent) / 100)
    return (pairs.map { "\($0)" } ?? "over 1,000") + " would find \(percent) %"
  }

  // MARK: - Names

  typealias Names = (subject: String, other: String, place: String)

  /// The two that a comparison is of, such as `sendfile` and `copy`, and the rest.
  func names(_ comparison: Comparison, _ family: FamilySummary) -> Names {
    switch (comparison.subject, comparison.against) {
    case (.cell(let cell), .cell(let other)):
      let (mine, theirs) = (plan.cells[cell].parameters, plan.cells[other].parameters)
      switch family.kind {
      case .baseline, .contrast: return names(mine, theirs, suite.baseline.map(\.key))
      case .syscalls: return names(mine, theirs, [.target])
      case .build: return ("this build", "the base build", plan.cells[cell].label)
      }
    case (.ratio(let cell, let against), .ratio(let other, _)):
      let mine = plan.cells[cell].parameters
      let pair = names(mine, plan.cells[against].parameters, suite.baseline.map(\.key))
      let key = plan.families.first { $0.name == family.name }?.contrast?.key
      let values = [mine, plan.cells[other].parameters].map { parameters in
        key.map { named(parameters, [$0]) } ?? ""
      }
      let ratio = "\(pair.subject) to \(pair.other)"
      return ("\(ratio) at \(values[0])", "\(ratio) at \(values[1])", "")
    case (.cell, .ratio), (.ratio, .cell):
      return (comparison.subject.name, comparison.against.name, "")
    }
  }

  /// What distinguishes the two by `keys`, and the rest in brackets.
  private func names(
    _ mine: TrialParameters, _ theirs: TrialParameters, _ keys: [ParameterKey]
  ) -> Names {
    let changed = keys.filter { mine.text(of: $0) != theirs.text(of: $0) }
    let rest = plan.tellingKeys.filter { !changed.contains($0) }
    let place = rest.isEmpty ? "" : mine.label(rest)
    return (named(mine, changed), named(theirs, changed), place)
  }

  /// `direct`, or `batch_bytes 64KiB` where the value says not by itself what it is of.
  private func named(_ parameters: TrialParameters, _ keys: [ParameterKey]) -> String {
    keys.compactMap { key in
      parameters.text(of: key).map { text in
        text.first?.isNumber == true ? "\(key.rawValue) \(text)" : text
      }
    }.filter { !$0.isEmpty }.joined(separator: " ")
  }

  // MARK: - In one line

  /// `2 better, 1 undecided against backend=buffered`, of the headline; nil without comparisons.
  func headlineCounts() -> String? {
    let kind: ComparisonKind = plan.comparesBuilds ? .build : .baseline
    let families = summary.families.filter { $0.isDeciding && $0.kind == kind }
    let comparisons = families.flatMap(\.comparisons)
    if comparisons.isEmpty { return nil }
    if comparisons.count == 1 { return sentence(comparisons[0], families[0]) }
    return Self.counts(comparisons.map(\.verdict)) + " \(against(kind))"
  }

  /// `2 better, 1 undecided`
  static func counts(_ verdicts: [Verdict]) -> String {
    Verdict.allCases.compactMap { verdict in
      let count = verdicts.count { $0 == verdict }
      return count > 0 ? "\(count) \(verdict.rawValue)" : nil
    }.joined(separator: ", ")
  }
}
