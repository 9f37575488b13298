import Statistics
import Suites

/// A summary for programs: `verdicts.csv` and `cells.csv`.
struct SummaryTables {
  static let verdictsName = "verdicts.csv"
  static let cellsName = "cells.csv"

  let suite: Suite
  let plan: SuitePlan
  let summary: SuiteSummary
  let results: [TrialResult]

  /// A row for each comparison.
  var verdicts: ResultTable {
    let text = VerdictText(suite: suite, plan: plan, summary: summary)
    let rows = summary.families.flatMap { family in
      family.comparisons.map { VerdictRow(family: family, comparison: $0, text: text) }
    }
    return ResultTable(VerdictRow.columns, rows)
  }

  /// A row for each cell, metric and way to come by a value.
  var cells: ResultTable {
    let byCell = Dictionary(grouping: results.filter(\.status.isMeasured), by: \.trial.cell)
    let rows = summary.cells.flatMap { each -> [CellRow] in
      let good = byCell[each.cell.number] ?? []
      return Metric.comparable.flatMap { metric in
        [
          merged(metric, each, trials: good.count),
          SuiteSummary.CellValue(good.compactMap { metric.value(of: $0) }, seed: suite.seed)
            .map { CellRow(cell: each.cell, metric: metric, value: .median($0)) },
        ].compactMap { $0 }
      }
    }
    return ResultTable(CellRow.columns, rows)
  }

  private func merged(
    _ metric: Metric, _ each: SuiteSummary.CellSummary, trials: Int
  ) -> CellRow? {
    guard let (kind, percentile) = metric.percentile, let value = each.latency[kind]?[percentile]
    else { return nil }
    return CellRow(cell: each.cell, metric: metric, value: .merged(value, trials: trials))
  }
}

/// A row of `verdicts.csv`.
struct VerdictRow {
  let family: FamilySummary
  let comparison: Comparison
  let text: VerdictText

  private var decision: Decision? { comparison.decision }

  static let columns: [ResultColumn<VerdictRow>] = [
    ResultColumn("family", "The suite's cross or axis that asks.") { .text($0.family.name) },
    ResultColumn(
      "kind",
      "What the cell is compared with: the suite's `baseline`, the bare `syscalls`, the same ratio at another "
        + "axis's first value (`contrast`), or another `build`."
    ) { .text($0.family.kind.rawValue) },
    ResultColumn("cell", "What the ratio is of: a cell, or of a contrast a ratio of two.") {
      .text($0.comparison.subject.name)
    },
    ResultColumn("against", "What the ratio is to.") { .text($0.comparison.against.name) },
    ResultColumn("metric", "A column of trials.csv.") { .text($0.family.metric.rawValue) },
    ResultColumn("ratio", "Geometric mean of `cell` to `against` over blocks.") {
      $0.comparison.estimate.map { .number($0.ratio) }
    },
    ResultColumn("low", "Lower end of the ratio's t interval at `level`.") {
      $0.decision.map { .number($0.interval.low) }
    },
    ResultColumn("high", "Upper end of the same interval.") {
      $0.decision.map { .number($0.interval.high) }
    },
    ResultColumn("level", "The interval's level, as Holm's correction sets it.") {
      $0.decision.map { .number($0.level) }
    },
    ResultColumn("p", "p-value of the difference, two-sided; of a bound, one-sided.") {
      $0.decision.map { .number($0.p) }
    },
    ResultColumn("p_adjusted", "The same, corrected by Holm within the family.") {
      $0.decision.map { .number($0.pAdjusted) }
    },
    ResultColumn("pairs", "Blocks in which all trials of the comparison went well.") {
      .count($0.comparison.pairs)
    },
    ResultColumn(
      "verdict", "`better`, `worse`, `equivalent`, `holds`, `fails` or `undecided`."
    ) { .text($0.comparison.verdict.rawValue) },
    ResultColumn("family_size", "How many comparisons were corrected together.") {
      .count($0.family.size)
    },
    ResultColumn("asked", "The question: `difference` and the margin of equivalence, or a bound.") {
      .text($0.family.question.text)
    },
    ResultColumn("p_equivalence", "The larger p-value of the two one-sided tests of equivalence.") {
      $0.decision?.pEquivalence.map { .number($0) }
    },
    ResultColumn("p_equivalence_adjusted", "The same, corrected by Holm within the family.") {
      $0.decision?.pEquivalenceAdjusted.map { .number($0) }
    },
    ResultColumn("sentence", "The verdict in words.") {
      .text($0.text.sentence($0.comparison, $0.family))
    },
  ]
}

/// A row of `cells.csv`.
struct CellRow {
  enum Value {
    /// Of the histogram of all the cell's trials together.
    case merged(Double, trials: Int)
    case median(SuiteSummary.CellValue)
  }

  let cell: SuitePlan.Cell
  let metric: Metric
  let value: Value

  private var median: SuiteSummary.CellValue? {
    if case .median(let value) = value { value } else { nil }
  }

  private var number: Double {
    switch value {
    case .merged(let value, _): value
    case .median(let value): value.median
    }
  }

  private var trials: Int {
    switch value {
    case .merged(_, let trials): trials
    case .median(let value): value.trials
    }
  }

  static let columns: [ResultColumn<CellRow>] = [
    ResultColumn("cell", "The cell, as in `trial_id`.") { .text($0.cell.name) },
    ResultColumn("label", "What distinguishes it from the suite's other cells.") {
      .text($0.cell.label)
    },
    ResultColumn("metric", "A column of trials.csv.") { .text($0.metric.rawValue) },
    ResultColumn(
      "of",
      "`median of trials`, or `all records`: the percentile of the histogram of all trials together."
    ) { .text($0.median == nil ? "all records" : "median of trials") },
    ResultColumn("value", "The value, in the metric's unit.") { .number($0.number) },
    ResultColumn("low", "Lower end of the median's bootstrap interval at `level`.") {
      $0.median?.interval.map { .number($0.low) }
    },
    ResultColumn("high", "Upper end of the same interval.") {
      $0.median?.interval.map { .number($0.high) }
    },
    ResultColumn("level", "The interval's level: with few trials less than 95 %.") {
      $0.median?.interval == nil ? nil : .number(Bootstrap.level(trials: $0.trials))
    },
    ResultColumn("trials", "How many trials it is of.") { .count($0.trials) },
  ]
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
