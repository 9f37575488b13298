import Glibc
import Statistics
import Suites

/// Runs of a suite before a change and after it, cell by cell.
///
/// Runs differ by more than their trials do: a machine that is shared, or warmer, is so for a whole
/// run. So the unit is the run: Welch's test of one value a run, the mean logarithm of its trials,
/// where each side has two runs or more. With fewer, only the ratio to bare calls can be compared,
/// measured beside the log in each block: what slows the machine slows both.
package struct RunComparison {
  package enum Unit: String, Sendable {
    /// One value a run.
    case run
    /// The ratio to bare calls, one a block.
    case ratioToBareCalls = "ratio to bare calls"
  }

  package struct Cell {
    package let label: String
    /// How many values each side has: runs, or blocks.
    package let before: Int
    package let after: Int
    /// Of after to before.
    package let estimate: RatioEstimate?
    package fileprivate(set) var decision: Decision?
    package var verdict: Verdict { decision?.verdict ?? .undecided }
  }

  package struct Family {
    package let name: String
    package let metric: Metric
    package let isDeciding: Bool
    package let cells: [Cell]
  }

  package let unit: Unit
  package let families: [Family]
  /// Cells that a run lacks or has too few trials of, and comparisons without a decision, in words.
  package let missing: [String]
  /// What of machine, storage, limits and network is different, in words.
  package let differences: [String]

  /// Throws where the runs are not of one suite's question: another headline, or no cell in common.
  package init(before: [StoredRun], after: [StoredRun]) throws(StoredRunError) {
    let all = before + after
    let first = all[0]
    for run in all where run.suite.headline != first.suite.headline {
      throw StoredRunError(
        run.directory,
        "decides by \(run.suite.headline.rawValue), and \(first.directory) by "
          + first.suite.headline.rawValue)
    }
    let cells = first.plan.cells.filter { !$0.isBase }
    let found = all.map { run in
      Dictionary(
        run.plan.cells.filter { !$0.isBase }.map { ($0.parameters, $0.number) },
        uniquingKeysWith: { first, _ in first })
    }
    let shared = cells.filter { cell in found.allSatisfy { $0[cell.parameters] != nil } }
    if shared.isEmpty {
      throw StoredRunError(
        all[all.count - 1].directory, "has no cell with the parameters of one in \(first.directory)"
      )
    }
    if min(before.count, after.count) == 1 && max(before.count, after.count) > 1 {
      throw StoredRunError(
        "",
        "found \(before.count) runs before and \(after.count) after; expected two or more on both "
          + "sides, or one on both")
    }
    let byRun = before.count >= 2
    unit = byRun ? .run : .ratioToBareCalls
    let sides = [before, after]
    families = first.suite.metrics.flatMap { metric in
      first.plan.families.indices.compactMap { number -> Family? in
        guard first.plan.families[number].metrics.contains(metric) else { return nil }
        let cells = shared.filter { $0.families.contains(number) && (byRun || $0.reference != nil) }
        if cells.isEmpty { return nil }
        let values = cells.map { cell in
          sides.map { side in
            side.flatMap { run in
              byRun ? run.meanLogarithm(metric, cell.parameters) : run.logRatios(metric, cell)
            }
          }
        }
        return Family(
          name: first.plan.families[number].name, metric: metric,
          isDeciding: metric == first.plan.families[number].metrics.first,
          cells: Self.decide(
            zip(cells, values).map { ($0.label, $1[0], $1[1]) }, metric,
            margin: first.suite.margin(of: metric), byRun: byRun))
      }
    }
    let uncomparable =
      byRun ? [] : shared.filter { $0.reference == nil && !$0.parameters.isReference }
    missing =
      Self.missing(all) + uncomparable.map { "\($0.label): no bare calls beside it in a run" }
      + families.flatMap { family in
        family.cells.filter { $0.decision == nil }.map {
          "\($0.label): \(family.metric.rawValue) has \($0.before) values before and \($0.after) after"
        }
      }
    differences = all.dropFirst().flatMap { first.environment.differences(from: $0.environment) }
      .reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  package var verdicts: [Verdict] { families.flatMap(\.cells).map(\.verdict) }

  package var gate: Gate {
    return Gate(
      verdicts,
      headline: families.filter(\.isDeciding).flatMap(\.cells).map(\.verdict),
      isStrict: false, missing: missing.count)
  }

  private static func decide(
    _ values: [(label: String, before: [Double], after: [Double])], _ metric: Metric,
    margin: Double, byRun: Bool
  ) -> [Cell] {
    var cells = values.map { each in
      Cell(
        label: each.label, before: each.before.count, after: each.after.count,
        estimate: RatioEstimate(logarithms: each.after, against: each.before))
    }
    let least = byRun ? 2 : Statistics.Family.pairsMin
    let tested = cells.indices.filter {
      cells[$0].estimate != nil && min(cells[$0].before, cells[$0].after) >= least
    }
    let decisions = Statistics.Family.decide(
      tested.compactMap { cells[$0].estimate }, .difference(margin: margin),
      moreIsBetter: metric.moreIsBetter)
    for (index, decision) in zip(tested, decisions) { cells[index].decision = decision }
    return cells
  }

  private static func missing(
    _ all: [StoredRun]
  ) -> [String] {
    var known: [TrialParameters: String] = [:]
    for run in all {
      for cell in run.plan.cells where !cell.isBase && known[cell.parameters] == nil {
        known[cell.parameters] = cell.label
      }
    }
    return known.sorted { $0.value < $1.value }.flatMap { parameters, label in
      all.compactMap { run -> String? in
        guard let cell = run.cell(parameters) else {
          return "\(label): \(run.directory) has no such cell"
        }
        let trials = run.results.filter { $0.trial.cell == cell.number }
        let planned = min(run.suite.repeats, run.environment.suite.repeats)
        if let bad = trials.first(where: { !$0.status.isMeasured }) {
          return "\(label): \(bad.status.rawValue) in \(run.directory)"
            + (bad.reason.map { " (\($0))" } ?? "")
        }
        return trials.count < planned
          ? "\(label): \(trials.count) of \(planned) trials in \(run.directory)" : nil
      }
    }
  }
}

extension StoredRun {
  fileprivate func cell(_ parameters: TrialParameters) -> SuitePlan.Cell? {
    plan.cells.first { !$0.isBase && $0.parameters == parameters }
  }

  /// By block.
  private func logarithms(_ metric: Metric, _ cell: Int) -> [Int: Double] {
    results.reduce(into: [:]) { values, result in
      guard result.trial.cell == cell, result.status.isMeasured,
        let value = metric.value(of: result)
      else { return }
      values[result.trial.block] = log(value)
    }
  }

  /// One value of the run, or none.
  fileprivate func meanLogarithm(
    _ metric: Metric, _ parameters: TrialParameters
  ) -> [Double] {
    guard let cell = cell(parameters) else { return [] }
    let values = logarithms(metric, cell.number).values
    return values.isEmpty ? [] : [values.reduce(0, +) / Double(values.count)]
  }

  /// To the bare calls of the same block.
  fileprivate func logRatios(_ metric: Metric, _ other: SuitePlan.Cell) -> [Double] {
    guard let cell = cell(other.parameters), let reference = cell.reference else { return [] }
    let bare = logarithms(metric, reference)
    return logarithms(metric, cell.number).sorted { $0.key < $1.key }.compactMap { block, value in
      bare[block].map { value - $0 }
    }
  }
}
