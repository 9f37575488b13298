import Foundation

/// A comparison of two runs in words.
package struct ComparisonText {
  private let comparison: RunComparison
  private let first: String
  private let second: String

  package init(_ comparison: RunComparison, first: String, second: String) {
    self.comparison = comparison
    self.first = first
    self.second = second
  }

  /// The environments' differences, a line for each cell, and the result in one line.
  package func lines() -> [String] {
    var lines: [String] = []
    if !comparison.differences.isEmpty {
      lines.append(
        "the environments differ: what follows may be the machine's or the program's doing")
      lines += comparison.differences.map { "  \($0)" }
    }
    let flag = comparison.differences.isEmpty ? "" : " (environments differ)"
    lines += comparison.cells.map { sentence($0) + flag }
    lines += comparison.onlyFirst.map { "\($0): only in \(first)" }
    lines += comparison.onlySecond.map { "\($0): only in \(second)" }
    return lines + [lastLine]
  }

  private var lastLine: String {
    let words = comparison.headline.words
    let counts: [(Verdict, String)] = [
      (.better, words.better), (.worse, words.worse), (.noDifference, "no difference"),
      (.tooFewTrials, "too few trials"),
    ]
    let parts = counts.compactMap { verdict, name -> String? in
      let count = comparison.cells.count { $0.verdict == verdict }
      return count > 0 ? "\(count) \(name)" : nil
    }
    return
      "compare: \(parts.joined(separator: ", ")) by \(comparison.headline.rawValue); \(second) "
      + "against \(first)"
  }

  private func sentence(_ cell: RunComparison.Cell) -> String {
    let words = comparison.headline.words
    guard let ratio = cell.ratio else { return "\(cell.label): no trials to compare" }
    let range = bounds(cell.interval)
    switch cell.verdict {
    case .better: return "\(cell.label): \(number(ratio))x \(words.better)\(range)"
    case .worse:
      let inverse = cell.interval.map { Interval(low: 1 / $0.high, high: 1 / $0.low) }
      return "\(cell.label): \(number(1 / ratio))x \(words.worse)\(bounds(inverse))"
    case .noDifference: return "\(cell.label): no difference, \(number(ratio))x\(range)"
    case .tooFewTrials:
      return "\(cell.label): \(number(ratio))x\(range), but fewer than "
        + "\(PairedComparison.pairsMin) trials are too few for a verdict"
    }
  }

  private func bounds(_ interval: Interval?) -> String {
    interval.map { " [\(number($0.low)), \(number($0.high))]" } ?? ""
  }

  private func number(_ value: Double) -> String {
    String(format: value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f", value)
  }
}
