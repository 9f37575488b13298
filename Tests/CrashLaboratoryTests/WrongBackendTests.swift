import CrashLaboratory
import LogStorage
import SimulatedStorage
import TestSupport
import Testing

@Suite("A wrong backend")
struct WrongBackendTests {
  /// A history written by hand that shows one mistake by one broken promise.
  struct Case: Sendable, CustomTestStringConvertible {
    let promise: Violation.Promise
    let mistake: WrongBackend.Mistake
    let durability: Durability
    let steps: [HistoryStep]
    var history: History { History(seed: 0, setup: handMadeSetup(durability), steps: steps) }
    var testDescription: String { "\(promise.rawValue), \(mistake)" }
  }

  static let cases: [Case] = [
    Case(
      promise: .durableKept, mistake: .flushesNothing, durability: .batch,
      steps: .beforeCuts(.append(), .round(isIdle: false))),
    Case(
      promise: .durableKept, mistake: .flushesNothing, durability: .group,
      steps: .beforeCuts(.append(), .round(isIdle: false))),
    // Past the recovery point nothing may be missing: the log refuses to open.
    Case(
      promise: .opens, mistake: .flushesNothing, durability: .batch,
      steps: .beforeCuts(.append(), .round(isIdle: false), .checkpoint)),
    Case(
      promise: .intervalBound, mistake: .answersNoFlush, durability: .interval,
      steps: .beforeCuts(.append(), .tick(afterMilliseconds: 20), .tick(afterMilliseconds: 20))),
    Case(
      promise: .acknowledgedKept, mistake: .writesNothing, durability: .none,
      steps: [.append(), .kill(.init())]),
    Case(
      promise: .goesOn, mistake: .refusesAppends, durability: .none, steps: [.append()]),
  ]

  @Test("breaks a promise that a right one keeps, and the history says which", arguments: cases)
  func isFound(_ wrong: Case) {
    let right = [BackendUnderTest.buffered.crashBackend]
    #expect(HistoryRun(wrong.history, right).verdict().violation == nil)
    let verdict = HistoryRun(wrong.history, [WrongBackend.crashBackend(wrong.mistake)]).verdict()
    #expect(verdict.violation?.promise == wrong.promise, "\(String(describing: verdict.violation))")
    #expect(verdict.tally.violations == 1)
  }

  // Not the one that never ends a flush: where a flush is waited for, it is waited for for ever.
  @Test(
    "is found by a campaign",
    arguments: [WrongBackend.Mistake.flushesNothing, .writesNothing, .refusesAppends])
  func isFoundByCampaign(_ mistake: WrongBackend.Mistake) throws {
    // None promises nothing that a flush of the backend's would keep.
    let durabilities = Durability.allCases.filter { mistake != .flushesNothing || $0 != .none }
    for durability in durabilities {
      let generator = HistoryGenerator(
        [WrongBackend.crashBackend(mistake)], durabilities: [durability])
      let outcome = try Campaign(generator, seeds: 0..<500).run()
      #expect(outcome.failure != nil, "\(mistake), \(durability)")
    }
  }

  @Test("that flushes nothing loses what was promised, and few steps are enough to see it")
  func isReduced() throws {
    let backends = [WrongBackend.crashBackend(.flushesNothing)]
    let generator = HistoryGenerator(backends, durabilities: [.batch, .group])
    let found = try #require(Self.firstLoss(generator, backends))
    let reduction = Reduction(found.history, found.violation, backends)
    #expect(reduction.violation.promise == .durableKept)
    #expect(reduction.history.steps.count <= 4, "\(reduction.history.steps)")
    #expect(reduction.history.steps.count < found.history.steps.count)
    #expect(reduction.runCount > 0)

    let again = Reduction(found.history, found.violation, backends)
    #expect(again.history == reduction.history)
    #expect(again.violation == reduction.violation)
    #expect(again.runCount == reduction.runCount)

    let verdict = HistoryRun(reduction.history, backends).verdict()
    #expect(verdict.violation == reduction.violation)
    let right = [BackendUnderTest.buffered.crashBackend]
    #expect(HistoryRun(reduction.history, right).verdict().violation == nil)
    // No step of it can be left out.
    for index in reduction.history.steps.indices {
      var shorter = reduction.history
      shorter.steps.remove(at: index)
      let left = HistoryRun(shorter, backends).verdict().violation
      #expect(left?.promise != .durableKept, "without step \(index + 1)")
    }
  }

  /// The first seed whose history breaks just this promise.
  private static func firstLoss(
    _ generator: HistoryGenerator, _ backends: [CrashBackend]
  ) -> Campaign.Failure? {
    for seed in UInt64(0)..<200 {
      let history = generator.history(seed: seed)
      if let violation = HistoryRun(history, backends).verdict().violation,
        violation.promise == .durableKept
      {
        return Campaign.Failure(history: history, violation: violation)
      }
    }
    return nil
  }

  @Test("is reduced within the number of histories that is allowed for it")
  func reductionIsBounded() throws {
    let backends = [WrongBackend.crashBackend(.flushesNothing)]
    let generator = HistoryGenerator(backends, durabilities: [.batch])
    let found = try #require(Self.firstLoss(generator, backends))
    for runsMax in [0, 1, 10] {
      let reduction = Reduction(found.history, found.violation, backends, runsMax: runsMax)
      #expect(reduction.runCount <= runsMax)
      #expect(reduction.violation.promise == .durableKept)
    }
    #expect(
      Reduction(found.history, found.violation, backends, runsMax: 0).history == found.history)
  }

  @Test("is told with its setup, its steps, and where it shows")
  func isDescribed() throws {
    let backends = [WrongBackend.crashBackend(.flushesNothing)]
    let history = Self.cases[0].history
    let violation = try #require(HistoryRun(history, backends).verdict().violation)
    let account = HistoryAccount(backends)
    let reduction = Reduction(history, violation, backends)
    let lines = account.describe(reduction, of: history)
    #expect(lines.count == reduction.history.steps.count + 3)
    #expect(lines[0].contains("of its \(history.steps.count) steps are enough"))
    #expect(lines[2] == "1. \(reduction.history.steps[0])")
    #expect(lines.last?.hasPrefix("VIOLATED at step ") == true)
    #expect(lines.last?.contains("durable-kept: t-0 ends at offset 0") == true)
    let told = Account()
    _ = account.run(history) { told.add($0) }
    #expect(told.lines.last?.hasPrefix("VIOLATED at step ") == true)
  }
}

@Suite("A bit that flips in what is stored")
struct BitRotTests {
  private static let right = [BackendUnderTest.buffered.crashBackend]

  /// Sealed segments and an active one, all durable, and then rot and a start.
  private func history(_ seed: UInt64, then stop: HistoryStep, isKnown: Bool) -> History {
    let setup = handMadeSetup(.batch) { $0.segmentBytes = 2000 }
    let steps =
      [HistoryStep](repeating: .append(2, valueBytes: 300), count: 8) + [.round(isIdle: false)]
      + (isKnown ? [.checkpoint] : []) + [.bitRot(seed: seed), stop]
    return History(seed: seed, setup: setup, steps: steps)
  }

  @Test("is told: the log refuses, a read fails, or a notice says what was cut off")
  func isTold() {
    var refused = 0
    var unreadable = 0
    var cut = 0
    for seed in UInt64(0)..<60 {
      for isKnown in [false, true] {
        for stop in [HistoryStep.powerCut(seed: seed, .init()), .kill(.init()), .reopen] {
          let history = history(seed, then: stop, isKnown: isKnown)
          let told = Account()
          let run = HistoryRun(history, Self.right) { told.add($0) }
          #expect(run.verdict().violation == nil, "seed \(seed), \(stop)")
          #expect(told.lines.contains { $0.contains("bit ") && $0.contains(" of byte ") })
          if told.lines.contains(where: { $0.contains("does not open: ") }) { refused += 1 }
          if told.lines.contains(where: { $0.contains("reads up to a fault") }) { unreadable += 1 }
          if told.lines.contains(where: { $0.contains(".log: cut at byte") }) { cut += 1 }
        }
      }
    }
    #expect(refused > 0 && unreadable > 0 && cut > 0, "\(refused), \(unreadable), \(cut)")
  }

  @Test("must be told: a log that ends early and says nothing breaks a promise")
  func mustBeTold() {
    // What was never flushed is gone after the cut, and no notice has a reason to say so.
    let wrong = [WrongBackend.crashBackend(.flushesNothing)]
    let promises = (UInt64(0)..<40).map { seed in
      let setup = handMadeSetup(.batch)
      let history = History(
        seed: seed, setup: setup,
        steps: [
          .append(), .reopen, .append(2), .round(isIdle: false), .bitRot(seed: seed),
          .powerCut(seed: seed, .init()),
        ])
      return HistoryRun(history, wrong).verdict().violation?.promise
    }
    #expect(promises.contains(.damageTold), "\(promises)")
  }
}
