import Foundation
import LinuxIO
import Results
import Statistics
import Suites
import Testing

struct FamilyTests {
  private func estimate(_ ratio: Double, scatter: Double = 0.01) throws -> RatioEstimate {
    try #require(
      RatioEstimate(
        logRatios: [-1, 1, -0.5, 0.5, 1.2, -1.2, 0].map { log(ratio) + $0 * scatter }))
  }

  private func verdicts(
    _ ratios: [Double], _ question: RatioQuestion, moreIsBetter: Bool = true,
    scatter: Double = 0.01
  ) throws -> [Verdict] {
    try Family.decide(
      ratios.map { try estimate($0, scatter: scatter) }, question, moreIsBetter: moreIsBetter
    ).map(\.verdict)
  }

  @Test func `more throughput is better, more time is worse`() throws {
    let question = RatioQuestion.difference(margin: 0.05)
    #expect(try verdicts([1.5, 0.5], question) == [.better, .worse])
    #expect(try verdicts([1.5, 0.5], question, moreIsBetter: false) == [.worse, .better])
  }

  @Test func `a ratio inside the margin is equivalent, even where it surely is not 1`() throws {
    #expect(try verdicts([1.02], .difference(margin: 0.05)) == [.equivalent])
    #expect(try verdicts([1.02], .difference(margin: 0.01)) == [.better])
    #expect(try verdicts([1.0], .difference(margin: 0.05), scatter: 0.2) == [.undecided])
  }

  @Test func `a bound holds, fails, or is undecided`() throws {
    #expect(try verdicts([1.2, 1.8, 1.5], .atMost(1.5)) == [.holds, .fails, .undecided])
    #expect(try verdicts([1.2, 0.8, 0.9], .atLeast(0.9)) == [.holds, .fails, .undecided])
  }

  @Test func `a difference that decides alone does not among many`() throws {
    let some = try estimate(1.05, scatter: 0.05)
    let nothing = try estimate(1, scatter: 0.3)
    let question = RatioQuestion.difference(margin: 0.01)
    func verdict(among count: Int) -> Decision {
      Family.decide(
        [some] + Array(repeating: nothing, count: count - 1), question, moreIsBetter: true)[0]
    }
    let (alone, among) = (verdict(among: 1), verdict(among: 40))
    #expect(alone.verdict == .better && alone.level == 0.95 && alone.pAdjusted == alone.p)
    #expect(among.verdict == .undecided && among.pAdjusted > 0.05)
    #expect(abs(among.level - (1 - 0.05 / 40)) < 1e-12)
  }

  /// The level of each interval is the one at which its verdict was made.
  @Test func `an interval excludes 1 where a difference is decided, and only there`() {
    var random = SeededGenerator(seed: 61)
    var decided = 0
    for _ in 0..<200 {
      let estimates = (0..<6).compactMap { index in
        RatioEstimate(
          logRatios: (0..<8).map { _ in 0.02 * Double(index) + 0.05 * random.normal() })
      }
      for (estimate, decision) in zip(
        estimates,
        Family.decide(estimates, .difference(margin: 0.05), moreIsBetter: true))
      {
        let interval = decision.interval
        #expect(interval.low <= estimate.ratio && estimate.ratio <= interval.high)
        switch decision.verdict {
        case .better:
          #expect(interval.low > 1, "seed 61")
          decided += 1
        case .worse: #expect(interval.high < 1, "seed 61")
        case .equivalent:
          #expect(interval.low > 1 / 1.05 && interval.high < 1.05, "seed 61")
        case .undecided: #expect(interval.low <= 1 && interval.high >= 1, "seed 61")
        case .holds, .fails: Issue.record("no bound was asked for")
        }
      }
    }
    #expect(decided > 50)
  }

  private func gate(_ verdicts: [Verdict], isStrict: Bool = false, missing: Int = 0) -> Gate {
    Gate(verdicts, headline: verdicts, isStrict: isStrict, missing: missing)
  }

  @Test func `a gate fails on a worse verdict`() {
    #expect(gate([.equivalent, .better, .undecided]) == .passed)
    #expect(gate([.better, .worse]) == .regression)
    #expect(gate([.holds, .fails], isStrict: true, missing: 1) == .regression)
    #expect(
      Gate([.better, .worse], headline: [.better], isStrict: false, missing: 0) == .regression)
  }

  @Test func `a gate does not pass where something is missing or nothing is decided`() {
    #expect(gate([.equivalent, .undecided], isStrict: true) == .undecided)
    #expect(gate([.holds, .equivalent], isStrict: true) == .passed)
    #expect(gate([.undecided]) == .undecided && gate([]) == .undecided)
    #expect(gate([.better], missing: 1) == .undecided)
    #expect(
      Gate([.undecided, .equivalent], headline: [.undecided], isStrict: false, missing: 0)
        == .undecided)
  }
}

/// Families as suites ask for them.
struct FamilySummaryTests {
  private func results(
    _ suite: Suite, _ plan: SuitePlan, value: (SuitePlan.Cell, Int) -> Double
  ) -> [TrialResult] {
    plan.trials.filter { $0.block > 0 }.map { trial in
      let cell = plan.cells[trial.cell]
      var result = TrialResult(
        suite: suite.name, trial: trial, commit: "c", parameters: cell.parameters)
      result.seconds = 1
      result.bytes = Int64(1e9 * value(cell, trial.block))
      result.cpuUserSeconds = 0.5
      result.cpuSystemSeconds = 0
      return result
    }
  }

  private func noise(_ cell: SuitePlan.Cell, _ block: Int) -> Double {
    1 + 0.01 * Double((cell.number * 7 + block * 3) % 5)
  }

  @Test func `each cross is a family of its own for each metric and kind`() throws {
    let suite = try Fixtures.suite(
      """
      suite: families
      warmup: 0
      also: [cpu_s_per_gb]
      baseline: {backend: buffered}
      crosses:
        x: {axes: {target: [log, syscalls], backend: [buffered, direct]}}
        y: {with: {durability: batch}, axes: {backend: [buffered, direct]}}
      """)
    let plan = SuitePlan(suite)
    let families = FamilySummary.all(
      suite, plan, results(suite, plan) { $0.parameters.backend == "direct" ? 2 : noise($0, $1) })
    #expect(
      families.map { "\($0.metric.rawValue) \($0.kind.rawValue) \($0.name) \($0.size)" } == [
        "mb_per_s baseline x 2", "mb_per_s baseline y 1", "mb_per_s syscalls x 2",
        "cpu_s_per_gb baseline x 2", "cpu_s_per_gb baseline y 1", "cpu_s_per_gb syscalls x 2",
      ])
    #expect(families[0].comparisons.map(\.verdict) == [.better, .better])
    #expect(families[3].comparisons.map(\.verdict) == [.better, .better])
    #expect(families[0].comparisons[0].estimate.map { $0.ratio > 1.5 } == true)
    #expect(families[3].comparisons[0].estimate.map { $0.ratio < 0.7 } == true)
  }

  @Test func `a contrast is the ratio at one value against the ratio at the first`() throws {
    let suite = try Fixtures.suite(
      """
      suite: contrasts
      warmup: 0
      baseline: {backend: buffered}
      crosses:
        x: {axes: {backend: [buffered, direct], record_bytes: [100, 1000]}, contrast: record_bytes}
      """)
    let plan = SuitePlan(suite)
    let families = FamilySummary.all(
      suite, plan,
      results(suite, plan) { cell, block in
        let isDirect = cell.parameters.backend == "direct"
        let gain = isDirect ? (cell.parameters.recordBytes == 1000 ? 3.0 : 2.0) : 1.0
        return gain * noise(cell, block)
      })
    let contrast = try #require(families.first { $0.kind == .contrast })
    #expect(
      contrast.comparisons.map { "\($0.subject.name) \($0.against.name)" } == ["c04/c02 c03/c01"])
    let only = contrast.comparisons[0]
    #expect(only.verdict == .better && abs((only.estimate?.ratio ?? 0) - 1.5) < 0.05)
  }

  @Test func `a cell of two crosses is compared in both, and runs once`() throws {
    let suite = try Fixtures.suite(
      """
      suite: shared
      warmup: 0
      baseline: {backend: buffered}
      crosses:
        x: {axes: {backend: [buffered, direct]}}
        y:
          axes: {backend: [buffered, direct], record_bytes: [100, 1000]}
          contrast: record_bytes
          bound: {min: 0.5}
      """)
    let plan = SuitePlan(suite)
    #expect(plan.cells.count == 4 && plan.cells[1].families == [0, 1])
    let families = FamilySummary.all(suite, plan, results(suite, plan, value: noise))
    #expect(
      families.map { "\($0.kind.rawValue) \($0.name) \($0.size)" }
        == ["baseline x 1", "baseline y 2", "contrast y 1"])
  }

  @Test func `A cross with metrics of its own compares those, and its first one decides`() throws {
    let suite = try Fixtures.suite(
      """
      suite: own
      warmup: 0
      also: [cpu_s_per_gb]
      baseline: {backend: buffered}
      crosses:
        x: {axes: {backend: [buffered, direct]}}
        y: {with: {durability: batch}, axes: {backend: [buffered, direct]}, metrics: [seconds, mb_per_s]}
      """)
    let plan = SuitePlan(suite)
    let families = FamilySummary.all(suite, plan, results(suite, plan, value: noise))
    #expect(
      families.map { "\($0.name) \($0.metric.rawValue) \($0.isDeciding)" } == [
        "x mb_per_s true", "y mb_per_s false", "x cpu_s_per_gb false", "y seconds true",
      ])
    #expect(suite.metrics == [.megabytesPerSecond, .cpuSecondsPerGigabyte, .seconds])
  }

  @Test func `The answer says what is decided, by whom, in how many places, and by how much`()
    throws
  {
    let suite = try Fixtures.suite(
      """
      suite: answered
      warmup: 0
      baseline: {backend: buffered}
      crosses: {x: {axes: {backend: [buffered, direct], record_bytes: [100, 1000, 10000]}}}
      """)
    let plan = SuitePlan(suite)
    func answer(_ gain: @escaping (SuitePlan.Cell, Int) -> Double) -> [String] {
      let results = results(suite, plan, value: gain)
      let summary = SuiteSummary(suite, plan, results)
      return AnswerText(suite: suite, plan: plan, summary: summary).sentences()
    }
    #expect(
      answer { cell, block in
        let isDirect = cell.parameters.backend == "direct"
        let gain = isDirect ? (cell.parameters.recordBytes == 100 ? 2.0 : 3.0) : 1.0
        return gain * (1 + 0.001 * Double((cell.number + 2 * block) % 5))
      } == ["Throughput: direct is better than buffered in 3 of 3 comparisons (2.00x to 3.00x)."])
    #expect(
      answer { cell, block in
        let isWorse = cell.parameters.backend == "direct" && cell.parameters.recordBytes == 100
        return (isWorse ? 0.5 : 1.0) * (1 + 0.001 * Double((cell.number + 2 * block) % 5))
      } == [
        "Throughput: direct is worse than buffered in 1 of 3 comparisons (0.50x), equivalent to buffered "
          + "in 2 of 3 comparisons (1.00x)."
      ])
    #expect(
      try many { $0.parameters.callBytes > 4096 ? 2 : 1 } == [
        "Throughput: better in all their comparisons: call_bytes 8KiB, call_bytes 16KiB, call_bytes 32KiB, "
          + "call_bytes 64KiB, call_bytes 128KiB (2.00x)."
      ])
    let random = { (cell: SuitePlan.Cell, block: Int) in
      1 + 0.5 * Double((cell.number * 7 + block * 5) % 6)
    }
    #expect(answer(random) == ["Throughput: undecided: direct."])
  }

  /// The answer of a suite that compares five values with one.
  private func many(_ gain: (SuitePlan.Cell) -> Double) throws -> [String] {
    let suite = try Fixtures.suite(
      """
      suite: many
      warmup: 0
      baseline: {call_bytes: 4KiB}
      defaults: {target: transfer}
      crosses: {x: {axes: {call_bytes: [4KiB, 8KiB, 16KiB, 32KiB, 64KiB, 128KiB]}}}
      """)
    let plan = SuitePlan(suite)
    let results = results(suite, plan) { cell, block in
      gain(cell) * (1 + 0.001 * Double((cell.number + 2 * block) % 5))
    }
    return AnswerText(suite: suite, plan: plan, summary: SuiteSummary(suite, plan, results))
      .sentences()
  }

  @Test func `fewer than five pairs are never enough`() throws {
    let suite = try Fixtures.suite(
      "suite: one\nrepeats: 1\nwarmup: 0\nbaseline: {backend: buffered}\n"
        + "axes: {backend: [buffered, direct]}")
    for blocks in 1...5 {
      let plan = SuitePlan(suite, repeats: blocks)
      let family = FamilySummary.all(suite, plan, results(suite, plan) { _, _ in 1 })[0]
      #expect(family.hasEnough(toFind: 0.1) == (blocks == 5), "\(blocks)")
    }
  }

  @Test func `a bound of a cross replaces its question`() throws {
    let suite = try Fixtures.suite(
      """
      suite: bounds
      warmup: 0
      baseline: {backend: buffered}
      crosses: {x: {axes: {backend: [buffered, direct]}, bound: {min: 0.9}}}
      """)
    let plan = SuitePlan(suite)
    for (factor, verdict) in [(1.2, Verdict.holds), (0.7, .fails)] {
      let families = FamilySummary.all(
        suite, plan,
        results(suite, plan) { ($0.parameters.backend == "direct" ? factor : 1) * noise($0, $1) })
      #expect(families.map(\.question) == [.atLeast(0.9)])
      #expect(families[0].comparisons.map(\.verdict) == [verdict])
    }
  }

  @Test func `two builds are compared cell by cell, one right after the other`() throws {
    let suite = try Fixtures.suite(
      """
      suite: builds
      warmup: 0
      baseline: {backend: buffered}
      crosses: {x: {axes: {backend: [buffered, direct]}}}
      """)
    let plan = SuitePlan(suite, comparesBuilds: true)
    #expect(plan.cells.map(\.isBase) == [false, false, true, true])
    #expect(plan.cells.map(\.base) == [2, 3, nil, nil])
    for pair in stride(from: 0, to: plan.trials.count, by: 2) {
      #expect(plan.trials[pair].cell % 2 == plan.trials[pair + 1].cell % 2)
    }
    let slower = results(suite, plan) { ($0.isBase ? 1 : 0.9) * noise($0, $1) }
    let builds = try #require(
      FamilySummary.all(suite, plan, slower).first { $0.kind == .build })
    #expect(builds.comparisons.map(\.verdict) == [.worse, .worse])
    let gate = try #require(
      FamilySummary.all(suite, plan, slower, failAbove: 0.3).first { $0.kind == .build })
    #expect(gate.comparisons.map(\.verdict) == [.holds, .holds])
  }

  @Test func `only blocks in which both went well count, and four decide nothing`() throws {
    let suite = try Fixtures.suite(
      "suite: few\nwarmup: 0\nbaseline: {backend: buffered}\naxes: {backend: [buffered, direct]}")
    let plan = SuitePlan(suite)
    var all = results(suite, plan) { $0.number == 1 ? 2 : noise($0, $1) }
    let lost = try #require(all.firstIndex { $0.trial.cell == 1 && $0.trial.block == 2 })
    all[lost].status = .failed
    let family = FamilySummary.all(suite, plan, all)[0]
    #expect(family.comparisons[0].pairs == 4 && family.comparisons[0].decision == nil)
    #expect(family.size == 0 && family.comparisons[0].verdict == .undecided)
  }

  @Test func `a value of zero has no ratio, and decides nothing`() throws {
    let suite = try Fixtures.suite(
      """
      suite: zero
      warmup: 0
      headline: machine_cpu_s_per_gb
      baseline: {backend: buffered}
      axes: {backend: [buffered, direct]}
      """)
    let plan = SuitePlan(suite)
    var all = results(suite, plan, value: noise)
    for index in all.indices { all[index].machineCPUSeconds = index == 3 ? 0 : 0.05 }
    let comparison = FamilySummary.all(suite, plan, all)[0].comparisons[0]
    #expect(comparison.estimate == nil && comparison.verdict == .undecided)
  }

  @Test func `more scatter and more comparisons need more pairs`() throws {
    let suite = try Fixtures.suite(
      """
      suite: needs
      warmup: 0
      repeats: 8
      baseline: {partitions: 1}
      axes: {partitions: [1, 2, 3]}
      """)
    let plan = SuitePlan(suite)
    func needed(_ scatter: Double) -> [Int?] {
      var random = SeededGenerator(seed: 62)
      let all = results(suite, plan) { _, _ in exp(scatter * random.normal()) }
      let family = FamilySummary.all(suite, plan, all)[0]
      #expect(family.hasEnough(toFind: 0.1) == (scatter < 0.05))
      return family.comparisons.map { family.pairsNeeded(by: $0, toFind: 0.1) }
    }
    let (few, many) = (needed(0.01), needed(0.1))
    for (less, more) in zip(few, many) {
      #expect(try #require(less) >= Family.pairsMin && #require(less) < #require(more))
    }
  }
}
