import Foundation
import LinuxIO
import LoadGenerator
import TestSupport
import Testing

@Suite struct VerdictPowerTests {
  /// Ratios of pairs whose logarithms are normal about `mean`.
  private func pairs(
    _ count: Int, mean: Double, deviation: Double, _ random: inout SeededGenerator
  ) -> (values: [Int: Double], baseline: [Int: Double]) {
    var values: [Int: Double] = [:]
    var baseline: [Int: Double] = [:]
    for block in 1...count {
      let radius = (-2 * log(1 - random.fraction())).squareRoot()
      let normal = radius * cos(2 * .pi * random.fraction())
      values[block] = exp(mean + deviation * normal)
      baseline[block] = 1
    }
    return (values, baseline)
  }

  @Test(
    .enabled(if: TestBuild.isOptimized, "runs long: in release builds"), arguments: [7, 8, 10, 15])
  func `what is said to be findable is found nine times out of ten`(count: Int) throws {
    let seed: UInt64 = 77
    var random = SeededGenerator(seed: seed)
    let deviation = 0.1
    // The ratio that pairs of just this scatter would find, by the comparison's own account.
    var claims: [Double] = []
    for _ in 0..<20 {
      let (values, baseline) = pairs(count, mean: 0, deviation: deviation, &random)
      let comparison = PairedComparison(values, against: baseline, moreIsBetter: true, seed: 1)
      claims.append(try #require(comparison.smallestRatio))
    }
    let ratio = claims.sorted()[claims.count / 2]
    let rounds = 150
    var found = 0
    for round in 0..<rounds {
      let (values, baseline) = pairs(count, mean: log(ratio), deviation: deviation, &random)
      let comparison = PairedComparison(
        values, against: baseline, moreIsBetter: true, seed: UInt64(round))
      if comparison.verdict == .better { found += 1 }
    }
    // The claim comes from a scatter that is itself an estimate.
    #expect(
      Double(found) / Double(rounds) > 0.78, "seed \(seed): \(found) of \(rounds) at \(ratio)")
  }

  @Test func `more pairs find less, and the pairs needed are enough`() throws {
    let values = [1: 1.1, 2: 0.93, 3: 1.05, 4: 0.97, 5: 1.02, 6: 0.95, 7: 1.01]
    let baseline = values.mapValues { _ in 1.0 }
    let alone = PairedComparison(values, against: baseline, moreIsBetter: true, seed: 1)
    let among = PairedComparison(
      values, against: baseline, moreIsBetter: true, seed: 1, detect: 0.1, among: 40)
    let (one, many) = (try #require(alone.smallestRatio), try #require(among.smallestRatio))
    #expect(one > 1 && many >= one)
    let (few, more) = (try #require(alone.pairsNeeded), try #require(among.pairsNeeded))
    #expect(few >= PairedComparison.pairsMin && more >= few)
  }

  @Test func `pairs that never differ need no more, and find nothing by themselves`() {
    let values = [1: 2.0, 2: 2, 3: 2, 4: 2, 5: 2]
    let comparison = PairedComparison(
      values, against: values.mapValues { _ in 1.0 }, moreIsBetter: true, seed: 1)
    #expect(comparison.pairsNeeded == 5 && comparison.smallestRatio == nil)
  }
}
