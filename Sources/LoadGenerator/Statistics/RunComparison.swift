import LogStorage

/// Two runs of a suite, cell by cell: whether the second is faster or slower than the first.
///
/// The runs share no blocks, so trials are not paired: Welch's test of the logarithms of the headline,
/// corrected by Holm for all cells, and a bootstrap interval of the ratio of medians. As within a run a
/// verdict needs both, and five trials on either side.
package struct RunComparison {
  package struct Cell {
    package let label: String
    /// How many times better the second run is (above 1), or worse.
    package let ratio: Double?
    package let interval: Interval?
    package let pAdjusted: Double?
    package let verdict: Verdict
  }

  package let headline: HeadlineMetric
  package let cells: [Cell]
  /// Labels of cells that only one of them has.
  package let onlyFirst: [String]
  package let onlySecond: [String]
  /// What of machine, storage, limits and program is different, in words.
  package let differences: [String]

  /// Throws where the runs decide by different metrics, or share no cell.
  package init(_ first: StoredRun, _ second: StoredRun) throws(StoredRunError) {
    guard first.suite.headline == second.suite.headline else {
      throw StoredRunError(
        second.directory,
        "decides by \(second.suite.headline.rawValue), and \(first.directory) by "
          + first.suite.headline.rawValue)
    }
    let metric = first.suite.headline
    let others = Dictionary(
      second.plan.cells.map { ($0.parameters, $0) }, uniquingKeysWith: { first, _ in first })
    let pairs = first.plan.cells.compactMap { cell in
      others[cell.parameters].map { (cell, $0) }
    }
    guard !pairs.isEmpty else {
      throw StoredRunError(
        second.directory, "has no cell with the parameters of one in \(first.directory)")
    }
    let values = pairs.map { one, two in
      (metric.values(of: first, one.number), metric.values(of: second, two.number))
    }
    let tests = values.map { Welch.test($0.0, $0.1) }
    let adjusted = Holm.adjusted(tests.map { $0?.p ?? .nan })
    headline = metric
    cells = pairs.indices.map { index in
      Self.cell(
        pairs[index].0.label, values[index], metric,
        p: tests[index] == nil ? nil : adjusted[index], seed: first.suite.seed)
    }
    let shared = Set(pairs.map(\.0.parameters))
    onlyFirst = first.plan.cells.filter { !shared.contains($0.parameters) }.map(\.label)
    onlySecond = second.plan.cells.filter { !shared.contains($0.parameters) }.map(\.label)
    differences = first.environment.differences(from: second.environment)
  }

  package var regressions: Int { cells.count { $0.verdict == .worse } }

  private static func cell(
    _ label: String, _ values: ([Double], [Double]), _ metric: HeadlineMetric, p: Double?,
    seed: UInt64
  ) -> Cell {
    let (old, new) = values
    let (upper, lower) = metric.moreIsBetter ? (new, old) : (old, new)
    var ratio: Double?
    if let above = Bootstrap.median(upper), let below = Bootstrap.median(lower), below > 0 {
      ratio = above / below
    }
    let interval = Bootstrap.interval(ofRatioOfMediansOf: upper, to: lower, seed: seed)
    var verdict = Verdict.tooFewTrials
    if min(old.count, new.count) >= PairedComparison.pairsMin, let interval, let p {
      let isFound = p < PairedComparison.falseAlarms
      verdict =
        isFound && interval.low > 1
        ? .better : isFound && interval.high < 1 ? .worse : .noDifference
    }
    return Cell(
      label: label, ratio: ratio, interval: interval, pAdjusted: p, verdict: verdict)
  }
}

extension HeadlineMetric {
  /// Of a cell's trials that were measured.
  fileprivate func values(of run: StoredRun, _ cell: Int) -> [Double] {
    run.results.filter { $0.trial.cell == cell && $0.status.isMeasured }.compactMap(value)
  }
}
