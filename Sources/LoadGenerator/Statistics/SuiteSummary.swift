/// What a suite's trials say together.
package struct SuiteSummary: Hashable, Sendable {
  /// One cell over its trials.
  package struct CellSummary: Hashable, Sendable {
    package let cell: SuitePlan.Cell
    /// Trials by how they ended.
    package let statuses: [TrialStatus: Int]
    /// The first reason among those that did not end well.
    package let reason: String?
    package let headline: Double?
    package let headlineInterval: Interval?
    package let megabytesPerSecond: Double?
    package let megabytesPerSecondInterval: Interval?
    package let cpuSecondsPerGigabyte: Double?
    package let finalSyncSeconds: Double?
    /// Of all trials' records or appends together: percentiles are never averaged.
    package let latency: [LatencyKind: LatencySummary]
    /// By the headline, against the cell's baseline; nil where it has none.
    package fileprivate(set) var comparison: PairedComparison?
    /// Throughput as a share of the bare calls'; nil where the suite has none for this cell.
    package let reference: PairedComparison?
    /// The suite's further metrics, in its order.
    package let also: [MetricSummary]
  }

  /// One metric of one cell, compared as the headline is.
  package struct MetricSummary: Hashable, Sendable {
    package let median: Double?
    package let comparison: PairedComparison?
    package let reference: PairedComparison?
  }

  package let headline: HeadlineMetric
  package private(set) var cells: [CellSummary]
  package let statuses: [TrialStatus: Int]

  package init(
    _ suite: Suite, _ plan: SuitePlan, _ results: [TrialResult],
    times: [Int: [LatencyKind: TrialRecorder.Times]] = [:]
  ) {
    let byCell = Dictionary(grouping: results, by: \.trial.cell)
    let metric = suite.headline
    headline = metric
    statuses = Self.count(results)
    let measured = Set(results.filter(\.status.isMeasured).map(\.trial.cell))
    let comparisons = plan.cells.count { cell in
      measured.contains(cell.number) && cell.baseline.map(measured.contains) == true
    }
    cells = plan.cells.map { cell in
      let trials = byCell[cell.number] ?? []
      let good = trials.filter { $0.status.isMeasured }
      let values = good.compactMap { metric.value(of: $0) }
      let rates = good.compactMap(\.megabytesPerSecond)
      let seed = suite.seed
      return CellSummary(
        cell: cell, statuses: Self.count(trials),
        reason: trials.first { $0.reason != nil }?.reason,
        headline: Bootstrap.median(values),
        headlineInterval: Bootstrap.interval(ofMedianOf: values, seed: seed),
        megabytesPerSecond: Bootstrap.median(rates),
        megabytesPerSecondInterval: Bootstrap.interval(ofMedianOf: rates, seed: seed),
        cpuSecondsPerGigabyte: Bootstrap.median(good.compactMap(\.cpuSecondsPerGigabyte)),
        finalSyncSeconds: Bootstrap.median(good.compactMap(\.finalSyncSeconds)),
        latency: (times[cell.number] ?? [:]).compactMapValues { LatencySummary($0) },
        comparison: cell.baseline.map {
          Self.compare(
            metric, trials, byCell[$0] ?? [], seed: seed,
            detect: Double(suite.detectPercent) / 100, among: comparisons)
        },
        reference: cell.reference.map {
          Self.compare(.megabytesPerSecond, trials, byCell[$0] ?? [], seed: seed)
        },
        also: suite.also.map { metric in
          MetricSummary(
            median: Bootstrap.median(good.compactMap { metric.value(of: $0) }),
            comparison: cell.baseline.map {
              Self.compare(metric, trials, byCell[$0] ?? [], seed: seed)
            },
            reference: cell.reference.map {
              Self.compare(metric, trials, byCell[$0] ?? [], seed: seed)
            })
        })
    }
    correct()
  }

  /// Corrects the headline's comparisons for being many.
  private mutating func correct() {
    let compared = cells.indices.filter { cells[$0].comparison?.p != nil }
    let adjusted = Holm.adjusted(compared.compactMap { cells[$0].comparison?.p })
    for (index, p) in zip(compared, adjusted) {
      cells[index].comparison = cells[index].comparison?.adjusted(p)
    }
  }

  /// How many comparisons were made of the headline.
  package var comparisonCount: Int { cells.count { $0.comparison?.p != nil } }

  private static func compare(
    _ metric: HeadlineMetric, _ trials: [TrialResult], _ others: [TrialResult], seed: UInt64,
    detect: Double = 0.1, among comparisons: Int = 1
  ) -> PairedComparison {
    PairedComparison(
      byBlock(metric, trials), against: byBlock(metric, others),
      moreIsBetter: metric.moreIsBetter, seed: seed, detect: detect, among: comparisons)
  }

  private static func byBlock(_ metric: HeadlineMetric, _ trials: [TrialResult]) -> [Int: Double] {
    var values: [Int: Double] = [:]
    for trial in trials where trial.status.isMeasured {
      values[trial.trial.block] = metric.value(of: trial)
    }
    return values
  }

  private static func count(_ trials: [TrialResult]) -> [TrialStatus: Int] {
    trials.reduce(into: [:]) { $0[$1.status, default: 0] += 1 }
  }
}
