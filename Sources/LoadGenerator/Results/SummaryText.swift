import Foundation

/// A summary in a table and in words: the same on the terminal and in README.md.
struct SummaryText {
  let suite: Suite
  let plan: SuitePlan
  let summary: SuiteSummary
  let survival: Survival

  private var titles: [String] {
    ["cell", headlineTitle, "MB/s [95 %]", "p50 µs", "p99 µs", "e2e p99 µs", "CPU s/GB"]
      + ["to baseline", "to bare calls"]
      + suite.also.flatMap {
        ["\($0.rawValue)", "\($0.rawValue) to baseline", "\($0.rawValue) to bare calls"]
      } + ["a power cut takes", "trials"]
  }

  /// The throughput has a column anyway.
  private var isHeadlineApart: Bool { suite.headline != .megabytesPerSecond }

  private var headlineTitle: String { "\(suite.headline.rawValue) [95 %]" }

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

  /// One sentence for each cell that has a baseline, then one for each with bare calls beside it.
  func verdicts() -> [String] {
    summary.cells.compactMap(verdict) + summary.cells.compactMap(referenceVerdict)
  }

  /// The reasons why cells have trials that did not end well.
  func complaints() -> [String] {
    summary.cells.compactMap { each in
      each.reason.map { "\(each.cell.label): \(statuses(each.statuses)): \($0)" }
    }
  }

  /// The result in one line.
  func lastLine(directory: String, wasStopped: Bool) -> String {
    let compared = summary.cells.filter { $0.comparison != nil }
    let decided = Dictionary(grouping: compared) { $0.comparison?.verdict ?? .tooFewTrials }
    var parts: [String] = []
    if compared.count == 1, let only = compared.first, let sentence = verdict(only) {
      parts.append(sentence)
    } else if !compared.isEmpty {
      let words = summary.headline.words
      let names: [(Verdict, String)] = [
        (.better, words.better), (.worse, words.worse), (.noDifference, "no difference"),
        (.tooFewTrials, "too few trials"),
      ]
      let counts = names.compactMap { verdict, name in
        decided[verdict].map { "\($0.count) \(name)" }
      }
      parts.append(counts.joined(separator: ", ") + " against \(baselineName)")
    }
    parts.append("trials: \(statuses(summary.statuses))")
    parts.append(directory)
    return "\(suite.name)\(wasStopped ? " (stopped)" : ""): " + parts.joined(separator: "; ")
  }

  private var baselineName: String {
    suite.baseline.map { "\($0.key.rawValue)=\($0.text)" }.joined(separator: " ")
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
    let headline = number(each.headline) + bounds(each.headlineInterval)
    var row = [
      each.cell.label, isHeadlineApart ? headline : "",
      number(each.megabytesPerSecond) + bounds(each.megabytesPerSecondInterval),
      number(latency?.p50), number(latency?.p99), number(each.latency[.endToEnd]?.p99),
      number(each.cpuSecondsPerGigabyte),
      each.comparison.map(ratio) ?? (isBaseline ? "baseline" : ""),
      each.reference.map(ratio) ?? "",
    ]
    for (index, metric) in each.also.enumerated() {
      row += [
        // The table has the sender's anyway.
        suite.also[index] == .cpuSecondsPerGigabyte ? "" : number(metric.median),
        metric.comparison.map(ratio) ?? (isBaseline ? "baseline" : ""),
        // The bare calls' cost is the sender's; the rest of the machine is like it for both.
        suite.also[index] == .cpuSecondsPerGigabyte ? metric.reference.map(ratio) ?? "" : "",
      ]
    }
    row.append(survival.statement(of: each.cell.parameters)?.powerCutTakes ?? "")
    return row + [statuses(each.statuses)]
  }

  private func ratio(_ comparison: PairedComparison) -> String {
    guard let ratio = comparison.ratio else { return "" }
    return "\(number(ratio))x" + bounds(comparison.interval)
  }

  /// `direct is 1.80x faster than buffered [1.60, 2.00]: more than noise (log durability=none)`
  func verdict(_ each: SuiteSummary.CellSummary) -> String? {
    guard let comparison = each.comparison, let other = each.cell.baseline else { return nil }
    let baseline = plan.cells[other].parameters
    let changed = suite.baseline.map(\.key).filter {
      each.cell.parameters.text(of: $0) != baseline.text(of: $0)
    }
    let name = named(each.cell.parameters, changed)
    let otherName = named(baseline, changed)
    let rest = plan.tellingKeys.filter { !changed.contains($0) }
    let place = rest.isEmpty ? "" : " (\(each.cell.parameters.label(rest)))"
    return sentence(comparison, name, otherName) + place
  }

  /// `direct`, or `batch_bytes 64KiB` where the value says not by itself what it is of.
  private func named(_ parameters: TrialParameters, _ keys: [ParameterKey]) -> String {
    keys.compactMap { key in
      parameters.text(of: key).map { text in
        text.first?.isNumber == true ? "\(key.rawValue) \(text)" : text
      }
    }.joined(separator: " ")
  }

  private func sentence(_ comparison: PairedComparison, _ name: String, _ other: String) -> String {
    let words = summary.headline.words
    guard let ratio = comparison.ratio else {
      return "\(name) and \(other): no pair of trials went well, no verdict"
    }
    let range = bounds(comparison.interval)
    switch comparison.verdict {
    case .better:
      return "\(name) is \(number(ratio))x \(words.better) than \(other)\(range): more than noise"
    case .worse:
      let inverse = comparison.interval.map { Interval(low: 1 / $0.high, high: 1 / $0.low) }
      return "\(name) is \(number(1 / ratio))x \(words.worse) than \(other)\(bounds(inverse)): "
        + "more than noise"
    case .noDifference where comparison.isOnlyNotCorrected:
      return "\(name) and \(other): \(number(ratio))x\(range), but among "
        + "\(summary.comparisonCount) comparisons noise may do that: no verdict"
    case .noDifference:
      return "\(name) and \(other): no difference, \(number(ratio))x\(range) is within noise"
        + (comparison.smallestRatio.map { " (\(number($0))x would have been found)" } ?? "")
    case .tooFewTrials:
      return "\(name) and \(other): \(number(ratio))x\(range), but \(comparison.pairs) pairs are "
        + "too few for a verdict (\(PairedComparison.pairsMin) or more)"
    }
  }

  func referenceVerdict(_ each: SuiteSummary.CellSummary) -> String? {
    guard let reference = each.reference, let ratio = reference.ratio else { return nil }
    return "\(each.cell.label): \(number(ratio))x\(bounds(reference.interval)) of bare calls' "
      + "throughput over \(reference.pairs) pairs"
  }

  /// What the generator itself did, where there was one: how late it was, and its ceiling.
  func generatorLines(_ results: [TrialResult]) -> [String] {
    let late = summary.cells.compactMap { $0.latency[.lateness] }
    let ceilings = results.compactMap(\.generatorCeiling)
    var parts: [String] = []
    if let middle = late.map(\.p50).max(), let high = late.map(\.p99).max() {
      parts.append(
        "its own lateness at most \(number(middle)) µs (median) and \(number(high)) µs (p99) in any "
          + "cell")
    }
    if let least = ceilings.min() {
      parts.append(
        String(format: "its ceiling into null %.2f million records/s or more", least / 1e6))
      let nearest = results.compactMap { result -> Double? in
        guard let ceiling = result.generatorCeiling, let rate = result.achievedRecordsPerSecond,
          ceiling > 0, result.parameters.target != "null"
        else { return nil }
        return rate / ceiling
      }.max()
      if let nearest, nearest > 0.5 {
        parts.append(
          "of which a trial used \(Int(min(nearest, 100) * 100)) %: there the generator may be what was measured"
        )
      }
    }
    return parts.isEmpty ? [] : ["the generator: " + parts.joined(separator: "; ")]
  }

  private func statuses(_ counts: [TrialStatus: Int]) -> String {
    let parts = TrialStatus.allCases.compactMap { status in
      counts[status].map { "\($0) \(status.rawValue)" }
    }
    return parts.isEmpty ? "none" : parts.joined(separator: ", ")
  }

  private func bounds(_ interval: Interval?) -> String {
    interval.map { " [\(number($0.low)), \(number($0.high))]" } ?? ""
  }

  /// Three significant digits, without an exponent.
  private func number(_ value: Double?) -> String {
    guard let value else { return "" }
    let digits = abs(value) >= 100 ? 0 : abs(value) >= 10 ? 1 : abs(value) >= 0.1 ? 2 : 4
    return String(format: "%.\(digits)f", value)
  }
}
