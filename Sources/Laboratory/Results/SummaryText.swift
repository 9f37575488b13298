import Foundation
import Measurements
import Statistics
import Suites

/// A summary in a table and in words: the same on the terminal and in README.md.
struct SummaryText {
  let suite: Suite
  let plan: SuitePlan
  let summary: SuiteSummary
  let survival: Survival

  private var verdicts: VerdictText { VerdictText(suite: suite, plan: plan, summary: summary) }

  private var titles: [String] {
    ["cell", headlineTitle, throughputTitle, "p50 µs", "p99 µs", "e2e p99 µs", "CPU s/GB"]
      + ["to baseline", "to system calls", "to base build"]
      + suite.metrics.dropFirst().flatMap {
        ["\($0.rawValue)", "\($0.rawValue) to baseline", "\($0.rawValue) to system calls"]
      } + ["a power cut takes", "trials"]
  }

  /// The throughput has a column anyway.
  private var isHeadlineApart: Bool { suite.headline != .megabytesPerSecond }

  private var headlineTitle: String {
    let title = suite.headline.rawValue
    return suite.headline.percentile == nil ? "\(title) [95 %]" : "\(title) of trials [95 %]"
  }

  /// What the kernel took, where the suite asks what the disk took.
  private var throughputTitle: String {
    suite.headline == .durableMegabytesPerSecond ? "MB/s before the sync [95 %]" : "MB/s [95 %]"
  }

  /// Columns padded to their widest cell; those that are empty are left out.
  func terminalTable() -> [String] {
    let rows = table()
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let cells = row.enumerated().map { column, text in
        let padding = String(repeating: " ", count: widths[column] - text.count)
        return column == 0 ? text + padding : padding + text
      }
      return cells.joined(separator: "  ")
    }
  }

  func markdownTable() -> [String] {
    var rows = table()
    rows.insert(rows[0].indices.map { $0 == 0 ? "---" : "---:" }, at: 1)
    return rows.map { row in
      let cells = row.map { $0.isEmpty ? " " : $0.replacingOccurrences(of: "|", with: "\\|") }
      return "| " + cells.joined(separator: " | ") + " |"
    }
  }

  /// The reasons why cells have trials that did not end well.
  func complaints() -> [String] {
    summary.cells.compactMap { each in
      each.reason.map { "\(each.cell.label): \(statuses(each.statuses)): \($0)" }
    }
      + (plan.emptyQuestion.map {
        [
          "\($0): its bound or contrast compares nothing, since --set leaves no cell to compare with"
        ]
      } ?? [])
  }

  /// The result in one line.
  func lastLine(directory: String, wasStopped: Bool) -> String {
    let parts = [
      verdicts.headlineCounts(), "trials: \(statuses(summary.statuses))", directory,
    ]
    return "\(suite.name)\(wasStopped ? " (stopped)" : ""): "
      + parts.compactMap { $0 }.joined(separator: "; ")
  }

  /// The titles and the rows, without columns that hold nothing.
  private func table() -> [[String]] {
    let rows = summary.cells.map(row)
    let used = titles.indices.filter { column in
      column == 0 || rows.contains { !$0[column].isEmpty }
    }
    return ([titles] + rows).map { row in used.map { row[$0] } }
  }

  private func row(_ each: SuiteSummary.CellSummary) -> [String] {
    let isBaseline = summary.cells.contains { $0.cell.baseline == each.cell.number }
    let latency = each.latency[.response] ?? each.latency[.service]
    func ratio(_ kind: ComparisonKind, _ metric: Metric) -> String {
      summary.comparison(of: each.cell.number, kind, metric).map(self.ratio) ?? ""
    }
    func toBaseline(_ metric: Metric) -> String {
      isBaseline ? "baseline" : ratio(.baseline, metric)
    }
    var row = [
      each.cell.label, isHeadlineApart ? value(each.headline) : "",
      value(each.megabytesPerSecond),
      Digits.text(latency?.p50), Digits.text(latency?.p99),
      Digits.text(each.latency[.endToEnd]?.p99), Digits.text(each.cpuSecondsPerGigabyte),
      toBaseline(suite.headline), ratio(.syscalls, suite.headline), ratio(.build, suite.headline),
    ]
    for (metric, median) in zip(suite.metrics.dropFirst(), each.also) {
      row += [
        // The table has the sender's anyway.
        metric == .cpuSecondsPerGigabyte ? "" : Digits.text(median),
        toBaseline(metric), ratio(.syscalls, metric),
      ]
    }
    row.append(survival.statement(of: each.cell.parameters)?.powerCutTakes ?? "")
    return row + [statuses(each.statuses)]
  }

  private func value(_ value: SuiteSummary.CellValue?) -> String {
    Digits.text(value?.median) + Digits.text(value?.interval)
  }

  /// `0.54x [0.50, 0.59] better`
  private func ratio(_ comparison: Comparison) -> String {
    guard let estimate = comparison.estimate else { return "" }
    return "\(Digits.text(estimate.ratio))x\(Digits.text(comparison.decision?.interval)) "
      + comparison.verdict.rawValue
  }

  /// What the generator itself did, where there was one: how late it was, and its ceiling.
  func generatorLines(_ results: [TrialResult]) -> [String] {
    let late = summary.cells.compactMap { $0.latency[.scheduleDelay] }
    let ceilings = results.compactMap(\.generatorCeiling)
    var parts: [String] = []
    if let middle = late.map(\.p50).max(), let high = late.map(\.p99).max() {
      parts.append(
        "its schedule delay at most \(Digits.text(middle)) µs (median) and \(Digits.text(high)) µs (p99) in "
          + "any cell")
    }
    if let least = ceilings.min() {
      parts.append(
        String(format: "its ceiling %.2f million records/s or more", least / 1e6))
    }
    return parts.isEmpty ? [] : ["the generator: " + parts.joined(separator: "; ")]
  }

  private func statuses(_ counts: [TrialStatus: Int]) -> String {
    let parts = TrialStatus.allCases.compactMap { status in
      counts[status].map { "\($0) \(status.rawValue)" }
    }
    return parts.isEmpty ? "none" : parts.joined(separator: ", ")
  }
}
