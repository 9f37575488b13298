import CrashLaboratory
import LinuxIO
import LogStorage
import SimulatedStorage
import TestSupport
import Testing

@Suite("Over some hundred seeds the generator draws")
struct HistoryGeneratorTests {
  private static let backends = LaboratoryBackends.shipping.list
  private static let histories: [History] = (0..<600).map {
    HistoryGenerator(backends).history(seed: $0)
  }
  private static let steps = histories.flatMap(\.steps)

  @Test("every kind of step")
  func drawsSteps() {
    let kinds = Set(Self.steps.map(\.kind))
    #expect(kinds == Set(0..<HistoryStep.kindCount))
    let losses = Set(
      Self.steps.compactMap { step in
        if case .loseIndexes(_, let loss) = step { loss.kind } else { nil }
      })
    #expect(losses == [0, 1, 2])
    #expect(Self.histories.contains { $0.steps.count < 12 })
    #expect(Self.histories.contains { $0.steps.count > 90 })
  }

  @Test("every backend, durability and way of coming by space")
  func drawsSetups() {
    let setups = Self.histories.map(\.setup)
    for backend in Self.backends.indices {
      for durability in Durability.allCases {
        let found = setups.filter { $0.backend == backend && $0.durability == durability }
        #expect(found.count > 5, "\(Self.backends[backend].name), \(durability)")
      }
      let ways = Set(setups.filter { $0.backend == backend }.map(\.preallocation))
      let expected = Self.backends[backend].capabilities.preallocations.map(Optional.some) + [nil]
      #expect(ways == Set(expected), "\(Self.backends[backend].name)")
    }
    #expect(Set(setups.map(\.partitionCount)) == [1, 2, 3])
    #expect(Set(setups.map(\.granule)) == [.sector, .page])
    #expect(Set(setups.map(\.directOffsetAlignment)) == [512, 4096])
    #expect(Set(setups.map(\.queueDepth)).count > 3)
    #expect(setups.contains { $0.retentionBytes != nil })
    #expect(setups.contains { $0.retentionMilliseconds != nil })
    #expect(setups.contains { $0.retentionBytes == nil && $0.retentionMilliseconds == nil })
    #expect(Set(Self.histories.map(\.changesBackend)) == [true, false])
  }

  @Test("every kind of fault, once and for good")
  func drawsFaults() {
    let faults = Self.steps.compactMap { step in
      if case .faults(let faults) = step { faults } else { nil }
    }
    let scripts = faults.compactMap(\.script)
    let operations: Set<DiskOperation> = [
      .write, .synchronizeData, .synchronizeDirectory, .allocate, .truncate, .rename, .open, .read,
      .map, .populate, .close, .remove,
    ]
    #expect(Set(scripts.map(\.operation)) == operations)
    #expect(Set(scripts.map(\.error)) == [.inputOutput, .noSpace])
    #expect(Set(scripts.map(\.goesOn)) == [true, false])
    #expect(faults.contains { $0.bytesLeft != nil && $0.canFail })
    #expect(faults.contains { $0.shortProbability > 0 && !$0.canFail })
    #expect(faults.contains { $0.slowProbability > 0 && !$0.canFail })
  }

  @Test("cuts now, cuts ahead, and cuts while a log recovers from a cut or a kill")
  func drawsRecoveryCuts() throws {
    var planned = 0
    for step in Self.steps {
      switch step {
      case .powerCut(_, let recovery), .kill(let recovery):
        if recovery.powerCutAtCall != nil { planned += 1 }
      default: continue
      }
    }
    #expect(planned > 50)
    let outcome = try Campaign(HistoryGenerator(Self.backends), seeds: 0..<150).run()
    #expect(outcome.failure == nil)
    var total = HistoryTally()
    for tally in outcome.tallies.values { total.add(tally) }
    #expect(total.histories == 150)
    // Not only planned: most of those that are planned happen.
    #expect(total.recoveryCuts > 5)
    #expect(total.mends > 5)
    #expect(total.powerCuts > 250 && total.kills > 150 && total.cleanStops > 100)
    #expect(total.acknowledgedRecords > 2000)
    #expect(total.lossyCuts > 0 && total.lostRecordsMax > 0 && total.lostNanosecondsMax > 0)
  }

  @Test("appends that fill blocks exactly or nearly, and ones larger than several")
  func drawsSizes() {
    let shapes = Self.steps.flatMap { step -> [HistoryStep.BatchShape] in
      if case .append(_, let batches) = step { batches } else { [] }
    }
    #expect(shapes.contains { $0.valueBytes == 512 - 70 })
    #expect(shapes.contains { $0.valueBytes > 4096 })
    #expect(shapes.contains { $0.valueBytes < 20 })
    #expect(shapes.contains { $0.ageMilliseconds > 0 })
    #expect(Set(shapes.map(\.recordCount)) == [1, 2, 3, 4])
    let counts = Set(
      Self.steps.compactMap { step in
        if case .append(_, let batches) = step { batches.count } else { nil }
      })
    #expect(counts == [1, 2, 3])
  }
}

extension HistoryStep {
  static let kindCount = 18

  /// A number for each case: whoever adds one is asked for it here.
  fileprivate var kind: Int {
    switch self {
    case .append: 0
    case .round: 1
    case .tick: 2
    case .checkpoint: 3
    case .roll: 4
    case .retention: 5
    case .changeBackend: 6
    case .loseIndexes: 7
    case .faults: 8
    case .powerCutAhead: 9
    case .powerCut: 10
    case .kill: 11
    case .reopen: 12
    case .bitRot: 13
    case .read: 14
    case .backgroundFlush: 15
    case .mend: 16
    case .setClock: 17
    }
  }
}

extension HistoryStep.IndexLoss {
  fileprivate var kind: Int {
    switch self {
    case .removed: 0
    case .resized: 1
    case .overwritten: 2
    }
  }
}
