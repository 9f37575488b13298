import Glibc
import Histogram
import Measurements
import Statistics
import Suites

/// Something in the trials that a verdict does not show, and that its reader should know.
///
/// Each kind needs two things: that chance alone would hardly do it (once in 1,000 cells without
/// it), and that it is large enough to matter.
package enum DataWarning: Hashable, Sendable {
  /// One trial of a cell is `ratio` times the median of the cell's others (Grubbs' test).
  case outlier(cell: Int, metric: Metric, trial: String, ratio: Double)
  /// The cell's trials fall into two groups with nothing between them.
  case twoModes(cell: Int, metric: Metric, low: Double, high: Double)
  /// From the first block to the last the cell changed by this factor; nil is all cells together.
  case drift(cell: Int?, metric: Metric, ratio: Double)
  /// The generator by itself is hardly faster than the target: it may be what was measured.
  case nearCeiling(cell: Int, share: Double)
  /// A trial has so few records that its percentile is one of its few slowest.
  case fewRecords(cell: Int, metric: Metric, records: Int)
  /// A trial took so little time that its start and end are a part of what was measured.
  case short(cell: Int, milliseconds: Double)

  private static let alpha = 0.0005
  /// As a ratio: smaller deviations do not matter.
  private static let deviationLeast = 1.1
  private static let modesLeast = 1.3
  private static let modesTrialsLeast = 8
  /// Trials of a group.
  private static let modeLeast = 3
  private static let ceilingShare = 0.5
  private static let secondsLeast = 0.1
  /// So many records lie beyond a percentile, or it is an accident.
  private static let beyondLeast = 10.0

  /// Of all cells and asked metrics.
  package static func all(
    _ suite: Suite, _ plan: SuitePlan, _ results: [TrialResult],
    times: [Int: [LatencyKind: TrialRecorder.Times]]
  ) -> [DataWarning] {
    let good = results.filter(\.status.isMeasured)
    let byCell = Dictionary(grouping: good, by: \.trial.cell)
    var all: [DataWarning] = []
    for metric in suite.metrics {
      let series = byCell.filter { plan.asks(metric, of: $0.key) }.mapValues { trials in
        trials.compactMap { Value($0, metric) }.sorted { $0.block < $1.block }
      }
      for cell in series.keys.sorted() {
        all += warnings(of: series[cell] ?? [], cell, metric)
      }
      if let ratio = commonDrift(series) {
        all.append(.drift(cell: nil, metric: metric, ratio: ratio))
      }
    }
    for cell in byCell.keys.sorted() {
      let metrics = suite.metrics.filter { plan.asks($0, of: cell) }
      all += limits(of: byCell[cell] ?? [], cell, metrics, times[cell] ?? [:])
    }
    return all
  }

  /// One trial's metric.
  private struct Value {
    let trial: String
    let block: Int
    let logarithm: Double

    init?(_ result: TrialResult, _ metric: Metric) {
      guard let value = metric.value(of: result), value > 0, value.isFinite else { return nil }
      trial = result.trial.id
      block = result.trial.block
      logarithm = log(value)
    }
  }

  private static func warnings(
    of series: [Value], _ cell: Int, _ metric: Metric
  ) -> [DataWarning] {
    guard series.count >= Family.pairsMin else { return [] }
    if let (low, high) = modes(series) {
      return [.twoModes(cell: cell, metric: metric, low: exp(low), high: exp(high))]
    }
    if let (trial, ratio) = outlier(series) {
      return [.outlier(cell: cell, metric: metric, trial: trial, ratio: ratio)]
    }
    let points = series.map { (Double($0.block), $0.logarithm) }
    return drift(points).map { [.drift(cell: cell, metric: metric, ratio: $0)] } ?? []
  }

  /// Grubbs' test of the value that lies farthest from the mean.
  private static func outlier(_ series: [Value]) -> (trial: String, ratio: Double)? {
    guard let moments = Moments(series.map(\.logarithm)), moments.standardDeviation > 0,
      let farthest = series.max(by: {
        abs($0.logarithm - moments.mean) < abs($1.logarithm - moments.mean)
      })
    else { return nil }
    let count = Double(series.count)
    let t = StudentT(degreesOfFreedom: count - 2).quantile(1 - alpha / (2 * count))
    let limit = (count - 1) / count.squareRoot() * (t * t / (count - 2 + t * t)).squareRoot()
    let distance = abs(farthest.logarithm - moments.mean) / moments.standardDeviation
    let others = series.filter { $0.trial != farthest.trial }.map(\.logarithm)
    guard distance > limit, let middle = Bootstrap.median(others) else { return nil }
    let ratio = exp(farthest.logarithm - middle)
    return isLarge(ratio) ? (farthest.trial, ratio) : nil
  }

  /// The medians of two groups, of three trials or more each, whose gap is more than three times as
  /// wide as either group. Of eight unimodal trials fewer than one set in a thousand falls apart
  /// so.
  private static func modes(_ series: [Value]) -> (low: Double, high: Double)? {
    let sorted = series.map(\.logarithm).sorted()
    guard sorted.count >= modesTrialsLeast else { return nil }
    for place in modeLeast...(sorted.count - modeLeast) {
      let (low, high) = (sorted[..<place], sorted[place...])
      let gap = high[place] - low[place - 1]
      let widest = max(low[place - 1] - low[0], high[sorted.count - 1] - high[place])
      guard gap > log(modesLeast), gap > 3 * widest, let lower = Bootstrap.median(Array(low)),
        let upper = Bootstrap.median(Array(high))
      else { continue }
      return (lower, upper)
    }
    return nil
  }

  /// What all cells did together: the mean over cells, block by block, of values without their
  /// cell's own mean. Blocks in which only some cells ran are left out.
  private static func commonDrift(_ series: [Int: [Value]]) -> Double? {
    var sums: [Int: [Double]] = [:]
    for values in series.values where values.count >= Family.pairsMin {
      let mean = values.map(\.logarithm).reduce(0, +) / Double(values.count)
      for value in values { sums[value.block, default: []].append(value.logarithm - mean) }
    }
    let most = sums.values.map(\.count).max() ?? 0
    let points = sums.filter { $0.value.count == most }.map { block, values in
      (Double(block), values.reduce(0, +) / Double(values.count))
    }
    return most > 1 ? drift(points) : nil
  }

  /// Least squares through (block, logarithm): the ratio of the line's end to its start, where the
  /// slope is surely not 0.
  private static func drift(_ points: [(Double, Double)]) -> Double? {
    guard points.count >= Family.pairsMin else { return nil }
    let count = Double(points.count)
    let (x, y) = (points.map(\.0), points.map(\.1))
    let (meanX, meanY) = (x.reduce(0, +) / count, y.reduce(0, +) / count)
    let spread = x.reduce(0) { $0 + ($1 - meanX) * ($1 - meanX) }
    guard spread > 0 else { return nil }
    let slope = zip(x, y).reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) } / spread
    let rest = zip(x, y).reduce(0) { sum, point in
      let error = point.1 - meanY - slope * (point.0 - meanX)
      return sum + error * error
    }
    let deviation = (rest / (count - 2) / spread).squareRoot()
    guard deviation > 0 else { return nil }
    let p = StudentT(degreesOfFreedom: count - 2).twoSidedP(slope / deviation)
    let ratio = exp(slope * ((x.max() ?? 0) - (x.min() ?? 0)))
    return p < alpha && isLarge(ratio) ? ratio : nil
  }

  private static func isLarge(_ ratio: Double) -> Bool {
    max(ratio, 1 / ratio) >= deviationLeast
  }

  /// What the trials themselves say about their limits.
  private static func limits(
    of trials: [TrialResult], _ cell: Int, _ metrics: [Metric],
    _ times: [LatencyKind: TrialRecorder.Times]
  ) -> [DataWarning] {
    var all: [DataWarning] = []
    let shares = trials.compactMap { trial -> Double? in
      guard let ceiling = trial.generatorCeiling, ceiling > 0,
        let rate = trial.achievedRecordsPerSecond,
        trial.parameters.target != TargetName.generator
      else { return nil }
      return rate / ceiling
    }
    if let share = shares.max(), share > ceilingShare {
      all.append(.nearCeiling(cell: cell, share: share))
    }
    for metric in metrics {
      guard let (kind, percentile) = metric.percentile, let count = times[kind]?.totalCount,
        let share = percentile.shareBeyond, !trials.isEmpty
      else { continue }
      let records = Int(count) / trials.count
      if Double(records) * share < beyondLeast {
        all.append(.fewRecords(cell: cell, metric: metric, records: records))
      }
    }
    let isOfTime = metrics.contains { $0.percentile == nil && $0 != .seconds }
    if isOfTime, let least = trials.compactMap(\.seconds).min(), least < secondsLeast {
      all.append(.short(cell: cell, milliseconds: least * 1000))
    }
    return all
  }
}

extension SuitePlan {
  /// True where a cross that has the cell compares the metric.
  fileprivate func asks(_ metric: Metric, of cell: Int) -> Bool {
    cells[cell].families.contains { families[$0].metrics.contains(metric) }
  }
}

extension Percentile {
  /// The share of values beyond it; nil of the maximum.
  fileprivate var shareBeyond: Double? {
    switch self {
    case .p50: 0.5
    case .p99: 0.01
    case .p999: 0.001
    case .max: nil
    }
  }
}
