import Foundation
import LinuxIO
import Results
import Statistics
import Suites
import TestSupport
import Testing

/// Suites of simulated trials, judged and sized as real ones are: blocks that drift, noise with
/// heavy tails, and more blocks until the scatter would show a difference of 10 %.
@Suite(.enabled(if: TestBuild.isOptimized, "runs long: in release builds"))
struct VerdictSimulationTests {
  private static let runs = 2_000

  private static let text = """
    suite: simulated
    repeats: 7
    repeats_max: 20
    detect: 10
    warmup: 0
    baseline: {partitions: 1}
    defaults: {target: log, bytes: 16KiB}
    axes: {partitions: [1, 2, 3, 4, 5]}
    """

  /// The headline's family of one run. `ratios` are the true ratios of the cells to the baseline;
  /// `scatter` is the standard deviation of a pair's log-ratio.
  private func family(
    _ suite: Suite, _ plan: SuitePlan, ratios: [Double], scatter: Double,
    _ random: inout SeededGenerator
  ) -> FamilySummary {
    // Student's t with three degrees of freedom has a standard deviation of the root of 3.
    let noise = scatter / 6.0.squareRoot()
    var drift = 0.0
    var results: [TrialResult] = []
    let trials = Dictionary(grouping: plan.trials, by: \.block)
    for block in 1...20 {
      // A random walk, and jumps.
      drift += 0.05 * random.normal() + (random.below(10) == 0 ? 0.3 * random.normal() : 0)
      for trial in trials[block] ?? [] {
        var result = TrialResult(
          suite: "s", trial: trial, commit: "c", parameters: plan.cells[trial.cell].parameters)
        result.seconds = 1
        result.bytes = Int64(
          1e9 * ratios[trial.cell] * exp(drift + noise * random.heavyTailed()))
        results.append(result)
      }
      guard block >= suite.repeats else { continue }
      let family = FamilySummary.all(suite, plan, results)[0]
      if block == 20 || family.hasEnough(toFind: 0.1) { return family }
    }
    preconditionFailure("the last block returns")
  }

  private func share(
    seed: UInt64, ratios: [Double], scatter: Double, of isCounted: (FamilySummary) -> Bool
  ) throws -> Double {
    let suite = try Fixtures.suite(Self.text)
    let plan = SuitePlan(suite)
    var random = SeededGenerator(seed: seed)
    var count = 0
    for _ in 0..<Self.runs
    where isCounted(family(suite, plan, ratios: ratios, scatter: scatter, &random)) {
      count += 1
    }
    let share = Double(count) / Double(Self.runs)
    print("simulated verdicts, seed \(seed), scatter \(scatter): \(count) of \(Self.runs)")
    return share
  }

  @Test(arguments: [(UInt64(81), 0.05), (UInt64(82), 0.15)])
  func `where nothing differs, at most 6.5 % of families find a difference`(
    seed: UInt64, scatter: Double
  ) throws {
    let wrong = try share(seed: seed, ratios: [1, 1, 1, 1, 1], scatter: scatter) { family in
      family.comparisons.contains { $0.verdict == .better || $0.verdict == .worse }
    }
    #expect(wrong <= 0.065, "seed \(seed)")
  }

  @Test(arguments: [(UInt64(83), 1.05), (UInt64(84), 1 / 1.05)])
  func `at a ratio on the margin, at most 6.5 % of families are called equivalent`(
    seed: UInt64, margin: Double
  ) throws {
    let wrong = try share(
      seed: seed, ratios: [1, margin, margin, margin, margin], scatter: 0.05
    ) { family in
      family.comparisons.contains { $0.verdict == .equivalent }
    }
    #expect(wrong <= 0.065, "seed \(seed)")
  }

  /// 0.08 is the median scatter of the median service time in the runs of Results/ (self-check,
  /// quick, bare-calls).
  @Test(arguments: [(UInt64(85), 1.1, Verdict.better), (UInt64(86), 1 / 1.1, Verdict.worse)])
  func `a true difference of 10 % is decided in at least 80 % of runs`(
    seed: UInt64, ratio: Double, verdict: Verdict
  ) throws {
    let found = try share(seed: seed, ratios: [1, 1, ratio, 1, 1], scatter: 0.08) { family in
      family.comparisons[1].verdict == verdict
    }
    #expect(found >= 0.8, "seed \(seed)")
  }
}
