import Foundation
import Histogram
import LinuxIO
import Measurements
import Results
import Suites
import Testing

struct DataWarningTests {
  private static let text = """
    suite: warned
    repeats: 10
    headline: mb_per_s
    also: [cpu_s_per_gb]
    baseline: {backend: buffered}
    crosses: {x: {axes: {backend: [buffered, direct], batch_bytes: [4KiB, 64KiB, 1MiB]}}}
    """

  /// Trials of a second whose throughput and CPU scatter by 5 %, and with each block by 3 % more.
  private func results(
    seed: UInt64, _ change: (_ cell: Int, _ block: Int) -> Double = { _, _ in 1 }
  ) throws -> (Suite, SuitePlan, [TrialResult]) {
    let suite = try Fixtures.suite(Self.text)
    let plan = SuitePlan(suite)
    var random = SeededGenerator(seed: seed)
    var blocks: [Int: Double] = [:]
    for block in 1...10 { blocks[block] = 1 + 0.03 * random.normal() }
    let results = plan.trials.filter { $0.block > 0 }.map { trial in
      var result = TrialResult(
        suite: suite.name, trial: trial, commit: "c",
        parameters: plan.cells[trial.cell].parameters)
      let scatter = exp(0.05 * random.normal()) * (blocks[trial.block] ?? 1)
      result.bytes = Int64(1e9 * scatter * change(trial.cell, trial.block))
      result.seconds = 1
      result.cpuUserSeconds = exp(0.05 * random.normal())
      result.cpuSystemSeconds = 0.1
      return result
    }
    return (suite, plan, results)
  }

  private func warnings(
    seed: UInt64 = 1, _ change: (_ cell: Int, _ block: Int) -> Double = { _, _ in 1 }
  ) throws -> [DataWarning] {
    let (suite, plan, results) = try results(seed: seed, change)
    return DataWarning.all(suite, plan, results, times: [:])
  }

  @Test func `Ten clean runs give no warning`() throws {
    for seed in 1...10 { #expect(try warnings(seed: UInt64(seed)) == [], "seed \(seed)") }
  }

  @Test func `One trial that is twice as slow as the others of its cell is an outlier`() throws {
    for seed in 1...10 {
      let found = try warnings(seed: UInt64(seed)) { cell, block in
        cell == 2 && block == 4 ? 0.5 : 1
      }
      let outliers = found.filter {
        if case .outlier(2, .megabytesPerSecond, "c03-b4", let ratio) = $0 {
          return (0.4...0.6).contains(ratio)
        }
        return false
      }
      #expect(outliers.count == 1, "seed \(seed): \(found)")
    }
  }

  @Test func `A cell whose trials fall into two groups has two modes`() throws {
    for seed in 1...10 {
      let found = try warnings(seed: UInt64(seed)) { cell, block in
        cell == 1 && block % 3 == 0 ? 6 : 1
      }
      let modes = found.filter {
        if case .twoModes(1, .megabytesPerSecond, let low, let high) = $0 {
          return (4...8).contains(high / low)
        }
        return false
      }
      #expect(modes.count == 1, "seed \(seed): \(found)")
    }
  }

  @Test func `A cell that slows down from block to block drifts`() throws {
    for seed in 1...10 {
      let found = try warnings(seed: UInt64(seed)) { cell, block in
        cell == 3 ? pow(0.9, Double(block)) : 1
      }
      let drifts = found.contains {
        if case .drift(3, .megabytesPerSecond, let ratio) = $0 { return ratio < 0.6 }
        return false
      }
      #expect(drifts, "seed \(seed): \(found)")
    }
  }

  @Test func `A machine that slows down is a drift of all cells together`() throws {
    for seed in 1...10 {
      let found = try warnings(seed: UInt64(seed)) { _, block in pow(0.95, Double(block)) }
      let drifts = found.contains {
        if case .drift(nil, .megabytesPerSecond, let ratio) = $0 { return ratio < 0.8 }
        return false
      }
      #expect(drifts, "seed \(seed): \(found)")
    }
  }

  @Test func `A trial that uses over half of the generator's ceiling is told`() throws {
    var (suite, plan, results) = try results(seed: 1)
    results[0].records = 600
    results[0].generatorCeiling = 1000
    #expect(
      DataWarning.all(suite, plan, results, times: [:])
        == [.nearCeiling(cell: results[0].trial.cell, share: 0.6)])
    results[0].records = 400
    #expect(DataWarning.all(suite, plan, results, times: [:]) == [])
  }

  @Test func `A trial of a few milliseconds is too short for throughput`() throws {
    var (suite, plan, results) = try results(seed: 1)
    let shortened = results.indices.filter { results[$0].trial.cell == 0 }
    for index in shortened {
      results[index].seconds = 0.004
      results[index].bytes = (results[index].bytes ?? 0) / 250
      results[index].cpuUserSeconds = (results[index].cpuUserSeconds ?? 0) / 250
      results[index].cpuSystemSeconds = (results[index].cpuSystemSeconds ?? 0) / 250
    }
    #expect(
      DataWarning.all(suite, plan, results, times: [:])
        == [.short(cell: 0, milliseconds: 4)])
  }

  @Test func `A 99th percentile of 500 records is one of its five slowest`() throws {
    let suite = try Fixtures.suite("suite: a\nrepeats: 5\nheadline: service_p99_us")
    let plan = SuitePlan(suite)
    func warnings(records: Int) throws -> [DataWarning] {
      var times = TrialRecorder.emptyTimes()
      for value in 0..<(records * 5) { _ = times.record(UInt64(1000 + value)) }
      let results = plan.trials.filter { $0.block > 0 }.map { trial in
        var result = TrialResult(
          suite: "a", trial: trial, commit: "c", parameters: plan.cells[0].parameters)
        result.seconds = 1
        result.service = LatencySummary(times)
        return result
      }
      return DataWarning.all(suite, plan, results, times: [0: [.service: times]])
    }
    #expect(try warnings(records: 500) == [.fewRecords(cell: 0, metric: .serviceP99, records: 500)])
    #expect(try warnings(records: 1000) == [])
  }
}
