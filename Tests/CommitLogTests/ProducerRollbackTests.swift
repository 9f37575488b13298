import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

@Suite("Producers after failed appends")
struct ProducerRollbackTests {
  @Test(
    "After any failed appends the ledger knows what a new one reads from the log",
    arguments: [BackendUnderTest.buffered, .mmap, .deferredBuffered, .deferredDirect])
  func knowsWhatTheLogHas(_ kind: BackendUnderTest) throws {
    for seed in UInt64(0)..<60 {
      var random = SeededGenerator(seed: seed)
      let disk = Ledgered.makeDisk()
      let log = try Ledgered(
        try LogFixture(kind, io: SimulatedFileIO(disk), path: "/data", seed: seed + 1) {
          $0.durability = .group
        })
      try appendAndFail(log, disk, &random)
      disk.set(FaultPlan())
      try log.fixture.settle()
      let fresh = ProducerLedger(try log.fixture.log())
      for id in Int64(0)..<4 {
        for epoch in Int16(0)..<3 {
          for sequence in Int32(0)..<16 {
            let header = try Ledgered.header(id, sequence, epoch: epoch)
            #expect(
              try log.ledger.verdict(on: header) == fresh.verdict(on: header),
              "seed \(seed), producer \(id), epoch \(epoch), sequence \(sequence)")
          }
        }
      }
    }
  }

  /// Batches of four producers, at most as many in flight as a backend takes, with errors in between.
  private func appendAndFail(
    _ log: Ledgered, _ disk: SimulatedDisk, _ random: inout SeededGenerator
  ) throws {
    var next: [Int64: (epoch: Int16, sequence: Int32)] = [:]
    for _ in 0..<60 {
      if random.chance(0.15) {
        disk.set(
          FaultPlan(
            FaultPlan.Script(
              .write, nth: 1 + random.below(4), error: .noSpace, pathSuffix: ".log"),
            FaultPlan.Script(
              .allocate, nth: 1 + random.below(4), error: .noSpace, pathSuffix: ".log")))
      }
      let id = Int64(random.below(4))
      var (epoch, sequence) = next[id] ?? (0, 0)
      if random.chance(0.05) { (epoch, sequence) = (min(epoch + 1, 2), 0) }
      do {
        // A failure meanwhile moves the producer back: it goes on with what is expected.
        switch try log.send(id, sequence, epoch: epoch) {
        case .accept: next[id] = (epoch, sequence + 1)
        case .refuse(.outOfOrderSequence(let expected, _)): next[id] = (epoch, max(0, expected))
        case .duplicate: next[id] = (epoch, sequence + 1)
        case .refuse: next[id] = nil
        }
      } catch { continue }
      if random.chance(0.1) { try? log.fixture.settle() }
    }
  }

  @Test(
    "An append that is refused for want of space costs no reading",
    arguments: [BackendUnderTest.buffered, .deferredBuffered])
  func readsNothing(_ kind: BackendUnderTest) throws {
    let disk = Ledgered.makeDisk()
    let log = try Ledgered(
      try LogFixture(kind, io: SimulatedFileIO(disk), path: "/data") { $0.durability = .group })
    for sequence in Int32(0)..<20 { try log.send(7, sequence) }
    try log.fixture.settle()
    let before = disk.counts[.read]
    for _ in 0..<10 {
      disk.set(
        FaultPlan(
          FaultPlan.Script(.write, nth: 1, error: .noSpace, pathSuffix: ".log"),
          FaultPlan.Script(.allocate, nth: 1, error: .noSpace, pathSuffix: ".log")))
      _ = try? log.send(7, 20)
      try? log.fixture.settle()
      disk.set(FaultPlan())
      #expect(try log.ask(7, 20) == .accept)
      #expect(try log.ask(7, 19) == Ledgered.duplicate(19))
    }
    #expect(disk.counts[.read] == before)
  }
}
