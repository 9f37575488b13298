/// A summary for programs: `verdicts.csv` and `cells.csv`.
struct SummaryTables {
  static let verdictsName = "verdicts.csv"
  static let cellsName = "cells.csv"

  let suite: Suite
  let plan: SuitePlan
  let summary: SuiteSummary
  let results: [TrialResult]

  /// A row for each comparison. `ratio` is `cell` to `against`; `low` and `high` are its interval at
  /// `level`. A bound's `p` is one-sided.
  var verdicts: ResultTable {
    let text = VerdictText(suite: suite, plan: plan, summary: summary)
    let rows = summary.families.flatMap { family in
      family.comparisons.map { comparison -> ResultTable.Row in
        let decision = comparison.decision
        return [
          "family": .text(family.name), "kind": .text(family.kind.rawValue),
          "cell": .text(comparison.subject.name), "against": .text(comparison.against.name),
          "metric": .text(family.metric.rawValue),
          "ratio": comparison.estimate.map { .number($0.ratio) },
          "low": decision.map { .number($0.interval.low) },
          "high": decision.map { .number($0.interval.high) },
          "level": decision.map { .number($0.level) }, "p": decision.map { .number($0.p) },
          "p_adjusted": decision.map { .number($0.pAdjusted) },
          "pairs": .count(comparison.pairs), "verdict": .text(comparison.verdict.rawValue),
          "family_size": .count(family.size), "asked": .text(family.question.text),
          "p_equivalence": decision?.pEquivalence.map { .number($0) },
          "p_equivalence_adjusted": decision?.pEquivalenceAdjusted.map { .number($0) },
          "sentence": .text(text.sentence(comparison, family)),
        ]
      }
    }
    return ResultTable(
      columns: [
        "family", "kind", "cell", "against", "metric", "ratio", "low", "high", "level", "p",
        "p_adjusted", "pairs", "verdict", "family_size", "asked", "p_equivalence",
        "p_equivalence_adjusted", "sentence",
      ], rows)
  }

  /// A row for each cell and metric. `of` says what `value` is: the median of the trials' values,
  /// or the percentile of all their records together.
  var cells: ResultTable {
    let byCell = Dictionary(grouping: results.filter(\.status.isMeasured), by: \.trial.cell)
    let rows = summary.cells.flatMap { each -> [ResultTable.Row] in
      let good = byCell[each.cell.number] ?? []
      return HeadlineMetric.allCases.flatMap { metric in
        [
          merged(metric, each, trials: good.count),
          SuiteSummary.CellValue(good.compactMap { metric.value(of: $0) }, seed: suite.seed)
            .map { median(metric, each, $0) },
        ].compactMap { $0 }
      }
    }
    return ResultTable(
      columns: ["cell", "label", "metric", "of", "value", "low", "high", "level", "trials"], rows)
  }

  private func merged(
    _ metric: HeadlineMetric, _ each: SuiteSummary.CellSummary, trials: Int
  ) -> ResultTable.Row? {
    guard let (kind, percentile) = metric.percentile, let latency = each.latency[kind] else {
      return nil
    }
    return [
      "cell": .text(each.cell.name), "label": .text(each.cell.label),
      "metric": .text(metric.rawValue), "of": .text("all records"),
      "value": .number(latency[keyPath: percentile]), "low": nil, "high": nil, "level": nil,
      "trials": .count(trials),
    ]
  }

  private func median(
    _ metric: HeadlineMetric, _ each: SuiteSummary.CellSummary, _ value: SuiteSummary.CellValue
  ) -> ResultTable.Row {
    [
      "cell": .text(each.cell.name), "label": .text(each.cell.label),
      "metric": .text(metric.rawValue), "of": .text("median of trials"),
      "value": .number(value.median), "low": value.interval.map { .number($0.low) },
      "high": value.interval.map { .number($0.high) },
      "level": value.interval == nil ? nil : .number(Bootstrap.level(trials: value.trials)),
      "trials": .count(value.trials),
    ]
  }
}

extension SuitePlan.Cell {
  var name: String { SuitePlan.name(ofCell: number) }
}

extension RatioQuestion {
  /// In `verdicts.csv`: `difference 0.05`, `at most 1.5`.
  var text: String {
    switch self {
    case .difference(let margin): "difference \(margin)"
    case .atMost(let limit): "at most \(limit)"
    case .atLeast(let limit): "at least \(limit)"
    }
  }
}
