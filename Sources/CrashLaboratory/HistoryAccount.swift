import LogStorage

/// A history in words: everything but times, so that two runs of a seed can be compared as text.
package struct HistoryAccount {
  private let backends: [CrashBackend]

  package init(_ backends: [CrashBackend]) { self.backends = backends }

  /// What the history is of, and how to run it again.
  package func heading(_ history: History) -> String {
    let backend = backends[history.setup.backend].name
    return """
      seed \(history.seed): \(backend), \(history.setup)
      again: \(command(history))
      """
  }

  package func command(_ history: History) -> String {
    "varve crash --backend \(backends[history.setup.backend].name) "
      + "--durability \(history.setup.durability.rawValue) --seed \(history.seed)"
  }

  /// The steps with what came of each, and the verdict.
  package func run(_ history: History, tell: @escaping @Sendable (String) -> Void) -> Verdict {
    let verdict = HistoryRun(history, backends, account: tell).verdict()
    let outcome = verdict.violation.map { "VIOLATED at step \($0.step): \($0)" } ?? "holds"
    tell("\(outcome); digest of \(digits(verdict.digest))")
    return verdict
  }

  private func digits(_ value: UInt64) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, 16 - text.count)) + text
  }

  /// What a history that fails is reduced to: its steps, and where it shows.
  package func describe(_ reduction: Reduction, of original: History) -> [String] {
    var lines = [
      "\(reduction.history.steps.count) of its \(original.steps.count) steps are enough "
        + "(\(reduction.runCount) histories tried):",
      "   \(backends[reduction.history.setup.backend].name), \(reduction.history.setup)",
    ]
    for (index, step) in reduction.history.steps.enumerated() {
      lines.append("\(index + 1). \(step.text(backends))")
    }
    lines.append("VIOLATED at step \(reduction.violation.step): \(reduction.violation)")
    return lines
  }
}
