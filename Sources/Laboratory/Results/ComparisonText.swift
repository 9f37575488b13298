import Statistics
import Suites

/// A comparison of runs in words, and for programs.
package struct ComparisonText {
  private let comparison: RunComparison
  private let before: [String]
  private let after: [String]

  /// The folders are those of the runs.
  package init(_ comparison: RunComparison, before: [String], after: [String]) {
    self.comparison = comparison
    self.before = before
    self.after = after
  }

  /// What differs in the environments, the families and the result in one line.
  package func lines() -> [String] {
    var lines: [String] = []
    if !comparison.differences.isEmpty {
      lines.append("the environments differ, which may be what was measured:")
      lines += comparison.differences.map { "  \($0)" }
    }
    for family in comparison.families {
      let tested = family.cells.count { $0.decision != nil }
      lines.append(
        "\(family.name): \(family.metric.noun) by \(comparison.unit.rawValue), after against before; "
          + "\(tested) comparisons at \(Digits.percent(Family.falseAlarms)) together")
      lines += family.cells.map { "  " + sentence($0, family.metric) }
    }
    lines += comparison.missing.map { "missing: \($0)" }
    if comparison.families.isEmpty { lines.append(whyNothing) }
    return lines + [lastLine]
  }

  /// For `--json`.
  package func document() -> JSONValue {
    let rows = comparison.families.flatMap { family in
      family.cells.map { cell -> ResultTable.Row in
        let decision = cell.decision
        return [
          "family": .text(family.name), "cell": .text(cell.label),
          "metric": .text(family.metric.rawValue),
          "ratio": cell.estimate.map { .number($0.ratio) },
          "low": decision.map { .number($0.interval.low) },
          "high": decision.map { .number($0.interval.high) },
          "level": decision.map { .number($0.level) }, "p": decision.map { .number($0.p) },
          "p_adjusted": decision.map { .number($0.pAdjusted) },
          "before": .count(cell.before), "after": .count(cell.after),
          "verdict": .text(cell.verdict.rawValue), "sentence": .text(sentence(cell, family.metric)),
        ]
      }
    }
    let table = ResultTable(columns: rows.first?.map(\.key) ?? [], rows)
    return .object([
      "before": .list(before.map { .text($0) }), "after": .list(after.map { .text($0) }),
      "unit": .text(comparison.unit.rawValue), "verdicts": .table(table),
      "missing": .list(comparison.missing.map { .text($0) }),
      "environment_differences": .list(comparison.differences.map { .text($0) }),
      "result": .text(lastLine),
    ])
  }

  private var lastLine: String {
    let counts = VerdictText.counts(comparison.verdicts)
    let flag = comparison.differences.isEmpty ? "" : " (environments differ)"
    return "compare: \(counts.isEmpty ? "nothing decided" : counts), "
      + "\(after.joined(separator: " ")) against \(before.joined(separator: " "))\(flag)"
  }

  private var whyNothing: String {
    "undecided: runs differ by more than their trials do, so one run a side says nothing without "
      + "cells of bare calls (targets syscalls, syscalls-transfer) in both; give two runs a side or more by "
      + "--before and --after, or compare builds in one run by bench --against"
  }

  private func sentence(_ cell: RunComparison.Cell, _ metric: Metric) -> String {
    guard let estimate = cell.estimate else {
      return "\(cell.label): undecided, \(cell.before) values before and \(cell.after) after"
    }
    let ratio = "\(cell.label): \(Digits.text(estimate.ratio))x the \(metric.noun)"
    guard let decision = cell.decision else {
      return "\(ratio), undecided: \(cell.before) values before and \(cell.after) after are too few"
    }
    return ratio + Digits.text(decision.interval) + ": \(decision.verdict.rawValue) "
      + "(\(Digits.percent(decision.level)) interval, p \(Digits.p(decision.p)), adjusted "
      + "\(Digits.p(decision.pAdjusted)), \(cell.before) and \(cell.after) values)"
  }
}
