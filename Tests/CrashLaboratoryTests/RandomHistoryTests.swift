import CrashLaboratory
import Glibc
import LogStorage
import TestSupport
import Testing

/// Random histories on a simulated disk. `VARVE_CUTS` is how many seeds run in all (2,000 unless told),
/// `VARVE_CUT_SEED` the first.
@Suite("A random history")
struct RandomHistoryTests {
  /// A part of the seeds, over one list of backends.
  struct Share: Sendable, CustomTestStringConvertible {
    let backends: LaboratoryBackends
    let seeds: Range<UInt64>
    var testDescription: String {
      "\(backends), seeds \(seeds.lowerBound) to \(seeds.upperBound - 1)"
    }
  }

  private static func environment(_ name: String) -> UInt64? {
    getenv(name).flatMap { UInt64(String(cString: $0)) }
  }

  /// Twenty of them, for as many threads as the tests have.
  static let shares: [Share] = {
    let first = environment("VARVE_CUT_SEED") ?? 0
    let count = max(1, (environment("VARVE_CUTS") ?? 2000) / 20)
    let parts: [(LaboratoryBackends, UInt64)] = [
      (.shipping, 14), (.deferredBuffered, 3), (.deferredDirect, 3),
    ]
    return parts.flatMap { backends, parts in
      (0..<parts).map { part in
        let start = first + part * count
        return Share(backends: backends, seeds: start..<(start + count))
      }
    }
  }()

  @Test(
    "keeps every promise: what was acknowledged is there, and what is there was appended",
    arguments: shares)
  func holds(_ share: Share) throws {
    let backends = share.backends.list
    let campaign = Campaign(HistoryGenerator(backends), seeds: share.seeds)
    let outcome = try campaign.run()
    guard let failure = outcome.failure else {
      #expect(outcome.historyCount == share.seeds.count)
      return
    }
    let account = HistoryAccount(backends)
    let reduction = Reduction(failure.history, failure.violation, backends)
    let lines =
      [
        account.heading(failure.history),
        "here: VARVE_CUT_SEED=\(failure.history.seed) VARVE_CUTS=20 swift test --filter RandomHistory",
        "\(failure.violation)",
      ] + account.describe(reduction, of: failure.history)
    Issue.record("\(share.backends), \(lines.joined(separator: "\n"))")
  }

  @Test(
    "is the same each time that its seed is run, and comes to the same verdict and digest",
    .enabled(if: TestBuild.isOptimized, "runs long: in release builds"),
    arguments: LaboratoryBackends.allCases)
  func isDeterministic(_ kind: LaboratoryBackends) {
    let backends = kind.list
    let generator = HistoryGenerator(backends)
    var digests: Set<UInt64> = []
    for seed in UInt64(0)..<20 {
      let history = generator.history(seed: seed)
      #expect(history.seed == seed)
      #expect(generator.history(seed: seed) == history, "seed \(seed)")
      let verdict = HistoryRun(history, backends).verdict()
      #expect(HistoryRun(history, backends).verdict() == verdict, "seed \(seed)")
      digests.insert(verdict.digest)
    }
    #expect(digests.count == 20, "another seed is another history")
  }

  @Test("is the same where its backend and durability are given instead of drawn")
  func isTheSameWhenGiven() {
    let backends = LaboratoryBackends.shipping.list
    for seed in UInt64(0)..<100 {
      let drawn = HistoryGenerator(backends).history(seed: seed)
      let given = HistoryGenerator(
        backends, chosen: [drawn.setup.backend], durabilities: [drawn.setup.durability])
      #expect(given.history(seed: seed) == drawn, "seed \(seed)")
    }
    // Where they are others, the rest stays as far as they allow.
    let one = HistoryGenerator(backends, chosen: [0], durabilities: [.batch]).history(seed: 3)
    let other = HistoryGenerator(backends, chosen: [0], durabilities: [.group]).history(seed: 3)
    #expect(one.steps == other.steps)
  }

  @Test("is told in words, the same each time, without a word about this machine's time")
  func isTold() {
    let backends = LaboratoryBackends.shipping.list
    let account = HistoryAccount(backends)
    for seed in UInt64(0)..<20 {
      let history = HistoryGenerator(backends).history(seed: seed)
      let (once, twice) = (Account(), Account())
      let verdict = account.run(history) { once.add($0) }
      _ = account.run(history) { twice.add($0) }
      #expect(once.lines == twice.lines, "seed \(seed)")
      #expect(verdict == HistoryRun(history, backends).verdict(), "telling it changes nothing")
      #expect(once.lines.last?.hasPrefix("holds; digest of ") == true)
      for (index, step) in history.steps.enumerated() {
        // After a bit has flipped the run can end before the last step.
        let isThere = once.lines.contains("\(index + 1). \(step)")
        #expect(isThere || history.steps.contains { $0.isBitRot }, "seed \(seed), \(step)")
      }
      #expect(account.heading(history).contains("varve crash --backend "))
      #expect(account.heading(history).contains(" --seed \(seed)"))
    }
  }
}

extension HistoryStep {
  var isBitRot: Bool { if case .bitRot = self { true } else { false } }
}
