import Measurements
import Statistics
import Suites

/// What a suite's trials say together.
package struct SuiteSummary: Hashable, Sendable {
  /// One cell over its trials.
  package struct CellSummary: Hashable, Sendable {
    package let cell: SuitePlan.Cell
    /// Trials by how they ended.
    package let statuses: [TrialStatus: Int]
    /// The first reason among those that did not end well.
    package let reason: String?
    package let headline: CellValue?
    package let megabytesPerSecond: CellValue?
    package let cpuSecondsPerGigabyte: Double?
    /// Of all trials' records or appends together: percentiles are never averaged.
    package let latency: [LatencyKind: LatencySummary]
    /// Of the suite's further metrics, in its order: medians over trials.
    package let also: [Double?]
  }

  /// A cell's median over trials, with its 95 % interval.
  package struct CellValue: Hashable, Sendable {
    package let median: Double
    package let interval: Interval?
    package let trials: Int

    /// Nil of no values.
    package init?(_ values: [Double], seed: UInt64) {
      guard let median = Bootstrap.median(values) else { return nil }
      self.median = median
      interval = Bootstrap.interval(ofMedianOf: values, seed: seed)
      trials = values.count
    }
  }

  package let headline: Metric
  package let cells: [CellSummary]
  package let statuses: [TrialStatus: Int]
  package let families: [FamilySummary]
  package let warnings: [DataWarning]

  package init(
    _ suite: Suite, _ plan: SuitePlan, _ results: [TrialResult],
    times: [Int: [LatencyKind: TrialRecorder.Times]] = [:], failAbove: Double? = nil
  ) {
    let byCell = Dictionary(grouping: results, by: \.trial.cell)
    let metric = suite.headline
    headline = metric
    statuses = Self.count(results)
    cells = plan.cells.map { cell in
      let trials = byCell[cell.number] ?? []
      let good = trials.filter { $0.status.isMeasured }
      return CellSummary(
        cell: cell, statuses: Self.count(trials),
        reason: trials.first { $0.reason != nil }?.reason,
        headline: CellValue(good.compactMap { metric.value(of: $0) }, seed: suite.seed),
        megabytesPerSecond: CellValue(good.compactMap(\.megabytesPerSecond), seed: suite.seed),
        cpuSecondsPerGigabyte: Bootstrap.median(good.compactMap(\.cpuSecondsPerGigabyte)),
        latency: (times[cell.number] ?? [:]).compactMapValues { LatencySummary($0) },
        also: suite.metrics.dropFirst().map { also in
          Bootstrap.median(good.compactMap { also.value(of: $0) })
        })
    }
    families = FamilySummary.all(suite, plan, results, failAbove: failAbove)
    warnings = DataWarning.all(suite, plan, results, times: times)
  }

  /// The comparison of a cell of this kind and metric; nil where there is none.
  package func comparison(
    of cell: Int, _ kind: ComparisonKind, _ metric: Metric
  ) -> Comparison? {
    families.lazy.filter { $0.kind == kind && $0.metric == metric }.flatMap(\.comparisons).first {
      $0.subject == .cell(cell)
    }
  }

  private static func count(_ trials: [TrialResult]) -> [TrialStatus: Int] {
    trials.reduce(into: [:]) { $0[$1.status, default: 0] += 1 }
  }
}
