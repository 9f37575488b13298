import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

/// One test for each defect that `varve crash` found, so that it stays mended whatever the seeds come
/// to mean.
@Suite("What the crash laboratory found stays mended")
struct CrashRegressionTests {
  private func makeDisk() -> SimulatedDisk {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    return disk
  }

  private func open(
    _ kind: BackendUnderTest, _ disk: SimulatedDisk, _ durability: Durability,
    _ adjust: (inout TopicSettings) -> Void = { _ in }
  ) throws(LogError) -> LogFixture {
    try LogFixture(kind, io: SimulatedFileIO(disk), path: "/data") {
      $0.durability = durability
      adjust(&$0)
    }
  }

  /// The topic's settings once more, which settles everything by the rule that held before.
  private func alter(
    _ fixture: LogFixture, _ change: (inout TopicSettings) -> Void = { _ in }
  ) throws {
    var settings = try #require(fixture.directory.topics["t"]).settings
    change(&settings)
    try fixture.directory.alterTopic("t", settings)
  }

  // MARK: - Segments

  @Test(
    "an empty segment that is rolled after a recovery is opened again by the next append",
    arguments: BackendUnderTest.allCases)
  func rollsEmptySegments(_ kind: BackendUnderTest) throws {
    let disk = makeDisk()
    do {
      let fixture = try open(kind, disk, .none)
      try fixture.append(0)
    }
    // The first segment's name is durable, and nothing in it.
    let fixture = try open(kind, disk.powerCut(seed: 0, .guaranteed), .none)
    #expect(try fixture.log().published.segments.count == 1)
    #expect(try fixture.numbers().isEmpty)
    for _ in 0..<2 { try fixture.log().roll() }
    try fixture.append(0)
    try fixture.settle()
    #expect(try fixture.log().published.segments.count == 1)
    try fixture.reopen()
    #expect(try fixture.numbers() == [0])
  }

  @Test(
    "a segment that ends under none when all is durable ends at its last batch after a power cut",
    arguments: BackendUnderTest.allCases)
  func sealsDurably(_ kind: BackendUnderTest) throws {
    for preallocation in kind.preallocations {
      let disk = makeDisk()
      let fixture = try open(kind, disk, .none) { $0.preallocation = preallocation }
      try fixture.append(0)
      try fixture.settle()
      try expectDurableEnd(fixture, disk, "\(kind), \(preallocation)")
    }
  }

  @Test(
    "a recycled segment that ends under none when all is durable ends at its last batch after a power cut",
    arguments: BackendUnderTest.allCases.filter { $0.preallocations.contains(.recycle) })
  func sealsRecycledDurably(_ kind: BackendUnderTest) throws {
    let disk = makeDisk()
    let fixture = try open(kind, disk, .none) {
      $0.preallocation = .recycle
      $0.segmentBytes = 5000
      $0.retentionBytes = 1
    }
    for number in 0..<20 { try fixture.append(number, valueBytes: 900) }
    try fixture.settle()
    #expect(try fixture.directory.applyRetention(fixture.now) > 2)
    try fixture.log().roll()
    try fixture.append(20, valueBytes: 900)
    try fixture.settle()
    try expectDurableEnd(fixture, disk, "\(kind)")
  }

  /// Makes all durable, ends the segment, and moves the recovery point as far as what is durable allows.
  private func expectDurableEnd(
    _ fixture: LogFixture, _ disk: SimulatedDisk, _ context: String
  ) throws {
    try alter(fixture)
    #expect(try fixture.log().durableOffset == fixture.log().nextOffset, "\(context)")
    let numbers = try fixture.numbers()
    try fixture.log().roll()
    let file = try #require(try fixture.log().published.segments.last?.file)
    try fixture.directory.checkpoint()
    let left = try open(fixture.kind, disk.powerCut(seed: 0, .guaranteed), .none)
    #expect(try left.numbers() == numbers, "\(context)")
    let found = try #require(try left.log().published.segments.last?.file)
    #expect(found.end == file.end, "\(context)")
  }

  // MARK: - Groups

  @Test(
    "the group's commit leaves out who has another backend since it asked",
    arguments: [
      (BackendUnderTest.buffered, BackendUnderTest.direct), (.deferredBuffered, .buffered),
      (.direct, .deferredDirect),
    ])
  func changesBackendInGroup(_ first: BackendUnderTest, _ second: BackendUnderTest) throws {
    let fixture = try open(first, makeDisk(), .group)
    try fixture.append(0)
    try alter(fixture) { $0.backend = second.rawValue }
    try fixture.log().roll()
    try fixture.append(1)
    try fixture.settle()
    #expect(try fixture.numbers() == [0, 1])
  }

  @Test("a log that was fenced while it waited in a group is freed with its directory")
  func freesFencedLogs() throws {
    weak var log: PartitionLog?
    do {
      let disk = makeDisk()
      let fixture = try open(.buffered, disk, .group)
      try fixture.append(0)
      log = try fixture.log()
      disk.set(FaultPlan(.init(.synchronizeData, nth: 1, pathSuffix: ".log")))
      #expect(throws: LogError.self) { try fixture.log().roll() }
      #expect(log?.failure != nil)
    }
    // Not in the expectation itself: what fails there is reflected upon, and a log has parts that cannot
    // be copied.
    let isFreed = log == nil
    #expect(isFreed, "a driver's group still holds it")
  }

  @Test("backends flush their groups in the order in which they were made")
  func commitsInOrder() throws {
    let disk = makeDisk()
    let io = SimulatedFileIO(disk)
    let drivers = BackendDrivers { (_) throws(LogError) in
      do throws(StorageError) { return try BackendUnderTest.buffered.make(io) } catch {
        throw .storage(error)
      }
    }
    var settings = TopicSettings(backend: "")
    settings.durability = .group
    let directory = try LogDirectory(
      path: "/data/log", io: io, drivers: drivers, defaults: settings)
    var generator = SeededGenerator(seed: 1)
    // Neither the order of their names nor, but once in 40,320 runs, that of a hash table.
    let names = ["h", "c", "a", "g", "b", "f", "e", "d"]
    for name in names {
      settings.backend = name
      _ = try directory.createTopic(name, partitions: 1, settings: settings, using: &generator)
      var slot: AlignedBuffer? = TestBatch.make(first: 0)
      let log = try directory.log(TopicPartition(topic: name, partition: 0))
      _ = try log.append(&slot, now: LogTime(monotonicNanoseconds: 0, wallMilliseconds: 0))
    }
    disk.startTrace()
    try directory.commit()
    let flushed = disk.trace.filter { $0.operation == .synchronizeData }.map(\.path)
    #expect(flushed == names.map { "/data/log/\($0)-0/00000000000000000000.log" })
  }
}

@Suite("An append that failed")
struct FailedAppendTests {
  /// What an append can fail at, by way of one backend or another.
  private static let operations: [DiskOperation] = [.write, .allocate, .map, .populate]

  /// A log with one batch, and an append of three more that met `scripts`.
  private struct Failure {
    let disk: SimulatedDisk
    let fixture: LogFixture
    private(set) var thrown: LogError?
    private(set) var receipt: AppendReceipt?

    init(
      _ kind: BackendUnderTest, _ durability: Durability, _ scripts: [FaultPlan.Script],
      seed: UInt64
    ) throws {
      disk = SimulatedDisk(SimulatedDiskOptions(ringSeed: seed))
      disk.makeDirectory("/data")
      fixture = try LogFixture(kind, io: SimulatedFileIO(disk), path: "/data", seed: seed) {
        $0.durability = durability
        $0.segmentBytes = 1 << 20
      }
      try fixture.append(0)
      try fixture.settle()
      var plan = FaultPlan(seed: seed)
      plan.scripts = scripts
      // In many parts, so that some of its batches are written when it fails.
      plan.shortWriteProbability = 0.9
      disk.set(plan)
      try append()
    }

    private mutating func append() throws {
      let log = try fixture.log()
      var buffer = TestBatch.make(first: 1, valueBytes: 1700, shiftedBy: log.placement)
      for number in 2..<4 {
        let next = TestBatch.make(first: number, valueBytes: 1700)
        buffer.append(next.bytes)
      }
      var slot: AlignedBuffer? = buffer
      do throws(LogError) {
        receipt = try log.append(&slot, now: fixture.now)
        // A bounded number of times: nothing may stay pending.
        for _ in 0..<50 { try fixture.drivers.poll(waiting: true) }
      } catch { thrown = error }
    }

    /// What its caller was told; nil where it did not fail.
    func told() throws -> LogError? {
      guard let receipt else { return thrown }
      if case .failed(let error) = try fixture.log().status(of: receipt) { return error }
      return nil
    }
  }

  @Test(
    "does not come back after a power cut, if it was said to have failed",
    .enabled(if: TestBuild.isOptimized, "runs long: in release builds"),
    arguments: BackendUnderTest.allCases)
  func staysAway(_ kind: BackendUnderTest) throws {
    var failureCount = 0
    for operation in Self.operations {
      for nth in 1...3 {
        for seed in UInt64(0)..<10 {
          let failure = try Failure(kind, .batch, [.init(operation, nth: nth)], seed: seed)
          guard let error = try failure.told() else { continue }
          if case .fenced = error { continue }
          failureCount += 1
          for cut in UInt64(0)..<30 {
            let disk = failure.disk.powerCut(seed: cut)
            let left = try LogFixture(kind, io: SimulatedFileIO(disk), path: "/data")
            #expect(
              try left.numbers() == [0], "\(kind), \(operation) \(nth), seed \(seed), cut \(cut)")
          }
        }
      }
    }
    #expect(failureCount > 0)
  }

  @Test(
    "is in doubt, and not failed, where the log cannot be cut back either",
    arguments: BackendUnderTest.allCases)
  func isFenced(_ kind: BackendUnderTest) throws {
    var failureCount = 0
    for repair in [DiskOperation.synchronizeData, .truncate] {
      for operation in Self.operations {
        for nth in 1...6 {
          let context = "\(kind), \(operation) \(nth), \(repair)"
          // Under none no flush but the repair's is made, whose failure would fence too.
          let failure = try Failure(
            kind, .none,
            [.init(operation, nth: nth), .init(repair, nth: 1, goesOn: true)], seed: UInt64(nth))
          guard let error = try failure.told() else { continue }
          failureCount += 1
          guard case .fenced = error else {
            Issue.record("\(context): \(error)")
            continue
          }
          #expect(try failure.fixture.log().failure != nil, "\(context)")
        }
      }
    }
    #expect(failureCount > 0)
  }
}

@Suite("A failed flush, and then the end of the process")
struct FailedFlushAndKillTests {
  @Test(
    "what the recovery keeps survives a power cut",
    arguments: BackendUnderTest.allCases, [Durability.interval, .batch, .group])
  func recoversDurably(_ kind: BackendUnderTest, _ durability: Durability) throws {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let fixture = try LogFixture(kind, io: SimulatedFileIO(disk), path: "/data") {
      $0.durability = durability
      $0.flushBytes = 1
    }
    try fixture.append(0)
    try fixture.settle()
    disk.set(FaultPlan(.init(.synchronizeData, nth: 1, pathSuffix: ".log")))
    do throws(LogError) {
      try fixture.append(1)
      try fixture.directory.commit()
      for _ in 0..<50 { try fixture.drivers.poll(waiting: true) }
    } catch {
      guard case .fenced = error else { throw error }
    }
    #expect(try fixture.log().failure != nil)
    // Its bytes are in the page cache and count as clean: the recovery reads them, and no flush of its
    // own would write them.
    let killed = disk.processKill()
    let recovered = try LogFixture(kind, io: SimulatedFileIO(killed), path: "/data")
    #expect(try recovered.numbers() == [0, 1])
    let cut = killed.powerCut(seed: 0, .guaranteed)
    let left = try LogFixture(kind, io: SimulatedFileIO(cut), path: "/data")
    #expect(try left.numbers() == [0, 1])
  }
}
