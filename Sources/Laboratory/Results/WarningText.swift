import Foundation
import Suites

/// Warnings in sentences, one a cell and kind of warning.
struct WarningText {
  let plan: SuitePlan
  let environment: Environment

  /// All of them.
  func all(_ warnings: [DataWarning]) -> [String] {
    (environment.flushWarning.map { [$0] } ?? []) + warnings.map(sentence)
  }

  /// For people: of many that are alike, two and how many more there are.
  func lines(_ warnings: [DataWarning]) -> [String] {
    var seen: [String: Int] = [:]
    for warning in warnings { seen[warning.kind, default: 0] += 1 }
    var told: [String: Int] = [:]
    let few = warnings.compactMap { warning -> String? in
      let (kind, count) = (warning.kind, seen[warning.kind] ?? 0)
      told[kind, default: 0] += 1
      if count <= 3 || told[kind, default: 0] <= 2 { return sentence(warning) }
      return told[kind] == count ? "and \(count - 2) more like it: --json has all" : nil
    }
    return (environment.flushWarning.map { [$0] } ?? []) + few
  }

  private func sentence(_ warning: DataWarning) -> String {
    switch warning {
    case .outlier(let cell, let metric, let trial, let ratio):
      "\(label(cell)): trial \(trial) is an outlier, with \(times(ratio)) the \(metric.noun) of the others' "
        + "median"
    case .twoModes(let cell, let metric, let low, let high):
      "\(label(cell)): trials fall into two groups, of \(Digits.text(low)) and \(Digits.text(high)) "
        + "\(metric.title.unit) (\(metric.noun)); a mean of both describes neither"
    case .drift(let cell, let metric, let ratio):
      "\(cell.map(label) ?? "all cells"): the \(metric.noun) drifts, to \(times(ratio)) from the first block "
        + "to the last"
    case .nearCeiling(let cell, let share):
      "\(label(cell)): the load generator used \(Int(min(share, 100) * 100)) % of its own ceiling, so it may be "
        + "what was measured; add producers, or larger batches"
    case .fewRecords(let cell, let metric, let records):
      "\(label(cell)): a trial has \(records) values, too few for the \(metric.noun); "
        + "make trials longer"
    case .short(let cell, let milliseconds):
      "\(label(cell)): a trial took \(Digits.text(milliseconds)) ms, too short to measure throughput or CPU; "
        + "make trials longer"
    }
  }

  private func label(_ cell: Int) -> String { plan.cells[cell].label }

  private func times(_ ratio: Double) -> String { Digits.text(ratio) + "x" }
}

extension DataWarning {
  /// Warnings of one kind are alike.
  fileprivate var kind: String {
    switch self {
    case .outlier(_, let metric, _, _): "outlier \(metric)"
    case .twoModes(_, let metric, _, _): "modes \(metric)"
    case .drift(_, let metric, _): "drift \(metric)"
    case .nearCeiling: "ceiling"
    case .fewRecords(_, let metric, _): "records \(metric)"
    case .short: "short"
    }
  }
}
