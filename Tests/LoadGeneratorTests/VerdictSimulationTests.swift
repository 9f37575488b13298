import Foundation
import LinuxIO
import LoadGenerator
import TestSupport
import Testing

/// Suites of simulated trials, through the verdicts that a run prints.
@Suite(.enabled(if: TestBuild.isOptimized, "runs long: in release builds"))
struct VerdictSimulationTests {
  /// The verdicts of one suite's comparisons, corrected for being many. The bootstrap is drawn only for
  /// those that the corrected p-value leaves: a verdict needs both.
  private func verdicts(_ comparisons: [(values: [Double], baseline: [Double])]) -> [Verdict] {
    let p = comparisons.map { pair in
      PairedT.test(logRatios: zip(pair.values, pair.baseline).map { log($0 / $1) })?.p ?? 1
    }
    return zip(comparisons, Holm.adjusted(p)).map { pair, adjusted in
      if adjusted >= PairedComparison.falseAlarms { return .noDifference }
      return compare(pair.values, pair.baseline).adjusted(adjusted).verdict
    }
  }

  private func compare(_ values: [Double], _ baseline: [Double]) -> PairedComparison {
    func byBlock(_ values: [Double]) -> [Int: Double] {
      Dictionary(uniqueKeysWithValues: values.enumerated().map { ($0 + 1, $1) })
    }
    return PairedComparison(
      byBlock(values), against: byBlock(baseline), moreIsBetter: true, seed: 1)
  }

  @Test(
    .enabled(if: TestBuild.isOptimized, "runs long: in release builds"),
    arguments: [(5, 20), (7, 20), (10, 20), (20, 5)])
  func `of suites in which nothing differs, one in twenty finds something, or fewer`(
    pairs: Int, count: Int
  ) {
    var random = SeededGenerator(seed: 81)
    let suites = 400
    var wrong = 0
    for _ in 0..<suites {
      // Whatever a block does to one cell it does to the other; what is left has a heavy tail.
      let comparisons = (0..<count).map { _ in
        let blocks = (0..<pairs).map { _ in 100 * exp(0.2 * random.heavyTailed()) }
        return (
          values: blocks.map { $0 * exp(0.03 * random.heavyTailed()) },
          baseline: blocks.map { $0 * exp(0.03 * random.heavyTailed()) }
        )
      }
      if verdicts(comparisons).contains(where: { $0 != .noDifference }) { wrong += 1 }
    }
    // 5 % of 400, and three standard errors.
    #expect(wrong <= 20 + 13, "seed 81: \(wrong) of \(suites)")
  }

  /// All against one baseline, as in a star: its bad luck is everybody's.
  @Test func `cells that share their baseline find nothing more often`() {
    var random = SeededGenerator(seed: 82)
    var wrong = 0
    for _ in 0..<400 {
      let baseline = (0..<7).map { _ in exp(0.03 * random.heavyTailed()) }
      let comparisons = (0..<20).map { _ in
        (values: (0..<7).map { _ in exp(0.03 * random.heavyTailed()) }, baseline: baseline)
      }
      if verdicts(comparisons).contains(where: { $0 != .noDifference }) { wrong += 1 }
    }
    #expect(wrong <= 33, "seed 82: \(wrong) of 400")
  }

  @Test func `a tenth that is lost is found in nine suites of ten, and its direction`() {
    var random = SeededGenerator(seed: 83)
    var found = 0
    let suites = 200
    for _ in 0..<suites {
      let blocks = (0..<10).map { _ in 100 * exp(0.2 * random.normal()) }
      // Beside four in which nothing differs.
      var comparisons = (0..<4).map { _ in
        (
          values: blocks.map { $0 * exp(0.03 * random.normal()) },
          baseline: blocks.map { $0 * exp(0.03 * random.normal()) }
        )
      }
      comparisons.append(
        (
          values: blocks.map { 0.9 * $0 * exp(0.03 * random.normal()) },
          baseline: blocks.map { $0 * exp(0.03 * random.normal()) }
        ))
      let last = verdicts(comparisons).last
      #expect(last != .better, "seed 83")
      if last == .worse { found += 1 }
    }
    #expect(found >= suites * 9 / 10, "seed 83: \(found) of \(suites)")
  }

  /// The same by way of a suite's rows, which is slower: every bootstrap is drawn.
  @Test func `a summary's verdicts are those of its comparisons, corrected`() throws {
    var random = SeededGenerator(seed: 84)
    let suite = try Fixtures.suite(
      """
      suite: simulated
      repeats: 10
      warmup: 0
      baseline: {partitions: 1}
      defaults: {target: log, bytes: 16KiB}
      axes: {partitions: [1, 2, 3, 4, 5, 6]}
      """)
    let plan = SuitePlan(suite)
    for _ in 0..<5 {
      var results: [TrialResult] = []
      for trial in plan.trials {
        let cell = plan.cells[trial.cell]
        var result = TrialResult(
          suite: "s", trial: trial, commit: "c", parameters: cell.parameters)
        result.seconds = 1
        let factor = cell.parameters.partitions == 4 ? 0.9 : 1
        result.bytes = Int64(1e9 * factor * exp(0.03 * random.normal()))
        results.append(result)
      }
      let summary = SuiteSummary(suite, plan, results)
      #expect(summary.comparisonCount == 5)
      let values = Dictionary(grouping: results, by: \.trial.cell).mapValues { trials in
        trials.sorted { $0.trial.block < $1.trial.block }.compactMap(\.megabytesPerSecond)
      }
      let compared = summary.cells.filter { $0.comparison != nil }
      let expected = verdicts(
        compared.map { (values[$0.cell.number] ?? [], values[$0.cell.baseline ?? 0] ?? []) })
      #expect(compared.map { $0.comparison?.verdict } == expected, "seed 84")
    }
  }
}
