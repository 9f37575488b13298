import Foundation
import LinuxIO
import Measurements
import Suites
import Testing
import Trials

/// The search by itself, over a target whose limit the test knows.
struct RateSearchTests {
  private static let trial = SuitePlan.Trial(cell: 0, block: 1, position: 1)

  private func made(
    _ parameters: TrialParameters, _ status: TrialStatus, microseconds: Double? = nil
  ) -> TrialReport {
    var result = TrialResult(suite: "s", trial: Self.trial, commit: "c", parameters: parameters)
    result.status = status
    result.response = microseconds.map {
      LatencySummary(p50: $0 / 2, p99: $0, p999: $0 * 3, max: $0 * 10)
    }
    return TrialReport(result)
  }

  private func parameters() -> TrialParameters {
    var parameters = TrialParameters()
    parameters.target = "generator"
    parameters.arrival = .uniform
    return parameters
  }

  /// Searches a target that keeps to 10 ms up to `limit` records a second; the rates that were tried.
  private func search(
    _ search: RateSearch, limit: Int64, failing status: TrialStatus = .ok
  ) -> (report: TrialReport?, tried: [Int64]) {
    var tried: [Int64] = []
    let report = search.run(parameters()) { parameters in
      tried.append(parameters.rate)
      return parameters.rate <= limit
        ? made(parameters, .ok, microseconds: 900)
        : made(parameters, status, microseconds: status == .ok ? 10_001 : 50)
    }
    return (report, tried)
  }

  @Test func `a known limit is found within a tenth, in few probes`() throws {
    var random = SeededGenerator(seed: 31)
    for round in 0..<300 {
      // From a thousand to ten million, evenly by its logarithm.
      let limit = Int64(1000 * pow(10_000, random.fraction()))
      for status in [TrialStatus.ok, .saturated] {
        let (report, tried) = search(RateSearch(), limit: limit, failing: status)
        let result = try #require(report?.result)
        let found = try #require(result.sustainableRecordsPerSecond)
        let context = Comment("seed 31, round \(round): \(limit), found \(found)")
        #expect(result.status == .ok, context)
        #expect(found <= Double(limit) + 1 && found * 1.1 >= Double(limit), context)
        #expect(tried.count <= 13 && Set(tried).count == tried.count, context)
        #expect(result.parameters.rate == Int64(found), context)
        // The row's numbers are the best probe's.
        #expect(result.response?.p99 == 900, context)
        #expect(result.searchProbes?.split(separator: " ").count == tried.count, context)
      }
    }
  }

  @Test func `where all holds, the upper bound is the answer`() throws {
    var search = RateSearch()
    search.from = 1000
    search.to = 50_000
    let (report, tried) = self.search(search, limit: .max)
    #expect(report?.result.sustainableRecordsPerSecond == 50_000)
    #expect(tried == [1000, 4000, 16_000, 50_000])
    #expect(
      report?.result.searchProbes
        == "1000:held:900us 4000:held:900us 16000:held:900us 50000:held:900us")
  }

  @Test func `where the lowest does not hold, the row says so`() {
    for status in [TrialStatus.ok, .saturated] {
      let (report, tried) = search(RateSearch(), limit: 1, failing: status)
      #expect(tried == [1000])
      #expect(report?.result.status == .saturated)
      #expect(report?.result.reason == "even the lowest rate of the search was not sustained")
      #expect(report?.result.sustainableRecordsPerSecond == nil)
      #expect(report?.result.searchProbes?.hasPrefix("1000:failed:") == true)
    }
  }

  @Test func `the percentile and the limit are those that were asked for`() {
    func found(_ percentile: RateSearch.Percentile, _ limit: Double) -> Double? {
      var search = RateSearch()
      search.percentile = percentile
      search.limitMicroseconds = limit
      search.to = 4000
      let report = search.run(parameters()) { made($0, .ok, microseconds: 1000) }
      return report?.result.sustainableRecordsPerSecond
    }
    // The median is 500, the 99.9th percentile 3000.
    #expect(found(.p50, 500) == 4000 && found(.p50, 499) == nil)
    #expect(found(.p99, 1000) == 4000 && found(.p99, 999) == nil)
    #expect(found(.p999, 3000) == 4000 && found(.p999, 2999) == nil)
  }

  @Test func `a probe without response times does not hold`() {
    let report = RateSearch().run(parameters()) { made($0, .ok) }
    #expect(report?.result.status == .saturated)
  }

  @Test func `a stopped probe stops the search`() {
    var count = 0
    let report = RateSearch().run(parameters()) { parameters in
      count += 1
      return count < 3 ? made(parameters, .ok, microseconds: 1) : nil
    }
    #expect(report == nil && count == 3)
  }

  @Test func `what is skipped at the lowest rate is skipped`() {
    let result = RateSearch().run(parameters()) { parameters in
      var skipped = made(parameters, .skipped)
      skipped.result.reason = "no ring"
      return skipped
    }?.result
    #expect(result?.status == .skipped && result?.reason == "no ring")
  }

  /// A disk that has no room for a higher rate's bytes says nothing against the rates below it.
  @Test func `what is skipped at a higher rate ends the search with the best`() throws {
    let result = try #require(
      RateSearch().run(parameters()) { parameters in
        parameters.rate > 20_000
          ? made(parameters, .skipped) : made(parameters, .ok, microseconds: 1)
      }?.result)
    #expect(result.status == .ok && result.sustainableRecordsPerSecond == 16_000)
    #expect(result.searchProbes == "1000:held:1us 4000:held:1us 16000:held:1us 64000:skipped")
  }

  /// A crash is not a rate that was too high.
  @Test func `a probe that fails makes the row failed, with the rate`() throws {
    let result = try #require(
      RateSearch().run(parameters()) { parameters in
        if parameters.rate <= 20_000 { return made(parameters, .ok, microseconds: 1) }
        var failed = made(parameters, .failed)
        failed.result.reason = "it broke"
        return failed
      }?.result)
    #expect(result.status == .failed && result.reason == "it broke")
    #expect(result.parameters.rate == 64_000 && result.sustainableRecordsPerSecond == nil)
  }
}
