import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

/// What was asked of a log, and what it acknowledged.
private struct Acknowledgements {
  private var open: [(receipt: AppendReceipt, number: Int, partition: Int32)] = []
  /// Offset to number, by partition.
  private(set) var kept: [Int32: [Int64: Int]] = [:]
  private(set) var failed: [LogError] = []
  private var nextNumber = 0

  /// One append; the error where it was refused.
  mutating func append(
    _ fixture: LogFixture, partition: Int32 = 0, valueBytes: Int = 240
  ) -> LogError? {
    defer { nextNumber += 1 }
    do throws(LogError) {
      let receipt = try fixture.append(nextNumber, valueBytes: valueBytes, partition: partition)
      open.append((receipt, nextNumber, partition))
      return nil
    } catch {
      failed.append(error)
      return error
    }
  }

  mutating func note(_ fixture: LogFixture) throws {
    var pending: [(receipt: AppendReceipt, number: Int, partition: Int32)] = []
    for entry in open {
      switch try fixture.log(entry.partition).status(of: entry.receipt) {
      case .pending: pending.append(entry)
      case .failed(let error): failed.append(error)
      case .acknowledged:
        kept[entry.partition, default: [:]][entry.receipt.baseOffset.rawValue] = entry.number
      }
    }
    open = pending
  }

  /// Polls a bounded number of times; then nothing may be pending any more.
  mutating func settle(_ fixture: LogFixture, _ context: String) throws {
    for _ in 0..<100 {
      do throws(LogError) {
        try fixture.directory.commit()
        try fixture.drivers.poll(waiting: true)
      } catch { failed.append(error) }
      try note(fixture)
      if open.isEmpty { return }
    }
    Issue.record("\(context): \(open.count) appends wait for ever")
  }

  /// Everything acknowledged is read back where it was.
  func check(_ fixture: LogFixture, _ context: String) throws {
    for (partition, kept) in kept {
      let numbers = try fixture.numbers(partition: partition)
      for (offset, number) in kept {
        let found = offset < numbers.count ? numbers[Int(offset)] : nil
        #expect(found == number, "\(context): partition \(partition), offset \(offset)")
      }
    }
  }
}

@Suite("A disk that fails")
struct FailingDiskTests {
  static let kinds: [BackendUnderTest] = BackendUnderTest.allCases

  private func open(
    _ kind: BackendUnderTest, _ disk: SimulatedDisk, _ durability: Durability, seed: UInt64 = 1,
    partitions: Int = 1
  ) throws(LogError) -> LogFixture {
    try LogFixture(
      kind, io: SimulatedFileIO(disk), path: "/data", seed: seed, partitions: partitions
    ) {
      $0.segmentBytes = 1024
      $0.indexIntervalBytes = 300
      $0.durability = durability
      $0.flushBytes = 700
    }
  }

  private func makeDisk() -> SimulatedDisk {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    return disk
  }

  /// A history of appends, rolls and a close under `plan`; what was acknowledged is there after a
  /// restart, and, where that was promised, after a power cut.
  private func run(
    _ kind: BackendUnderTest, _ durability: Durability, _ plan: FaultPlan, _ context: String
  ) throws -> [LogError] {
    let disk = makeDisk()
    var acknowledged = Acknowledgements()
    let fixture = try open(kind, disk, durability, seed: plan.seed)
    disk.set(plan)
    for step in 0..<10 {
      _ = acknowledged.append(fixture)
      if step % 3 == 2 { try? fixture.directory.commit() }
      try acknowledged.note(fixture)
    }
    try acknowledged.settle(fixture, context)
    if durability.acknowledgesDurable {
      let after = try open(kind, disk.powerCut(seed: 1, .guaranteed), durability)
      try acknowledged.check(after, "\(context), after a power cut")
    }
    try? fixture.directory.close()
    #expect(disk.fatalStoreCount == 0, "\(context): no store may be SIGBUS")
    let after = try open(kind, disk.powerCut(seed: 1, .everything), durability)
    try acknowledged.check(after, "\(context), opened again")
    let count = try after.numbers().count
    #expect(acknowledged.append(after) == nil)
    try acknowledged.settle(after, context)
    #expect(try after.numbers().count == count + 1, "\(context): appends go on")
    return acknowledged.failed
  }

  @Test(
    "no space at any call: nothing acknowledged is lost, and nobody waits for ever",
    .enabled(if: TestBuild.isOptimized, "runs long: in release builds"), arguments: kinds)
  func survivesFullDisks(_ kind: BackendUnderTest) throws {
    var refusals = 0
    for durability in Durability.allCases {
      for operation in [
        DiskOperation.open, .write, .allocate, .populate, .truncate, .rename, .synchronizeDirectory,
      ] {
        for nth in 1...16 {
          for goesOn in [false, true] {
            var plan = FaultPlan(
              .init(operation, nth: nth, goesOn: goesOn, error: .noSpace))
            plan.seed = UInt64(nth)
            let context = "\(kind), \(durability), \(operation) \(nth)\(goesOn ? " on" : "")"
            let failed = try run(kind, durability, plan, context)
            refusals += failed.count
            if operation == .write, let first = failed.first {
              #expect("\(first)".contains("No space left"), "\(context): \(first)")
            }
          }
        }
      }
    }
    #expect(refusals > 300)
  }

  @Test(
    "an I/O error at any call of the append path is the same",
    .enabled(if: TestBuild.isOptimized, "runs long: in release builds"), arguments: kinds)
  func survivesErrors(_ kind: BackendUnderTest) throws {
    for durability in Durability.allCases {
      for operation in DiskOperation.allCases {
        for nth in 1...10 {
          var plan = FaultPlan(.init(operation, nth: nth, goesOn: nth % 4 == 0))
          plan.seed = UInt64(nth)
          _ = try run(kind, durability, plan, "\(kind), \(durability), EIO, \(operation) \(nth)")
        }
      }
    }
  }

  @Test(
    "a limit on the size of files is no room, said clearly, and lifted it is gone", arguments: kinds
  )
  func obeysFileSizeLimits(_ kind: BackendUnderTest) throws {
    for durability in Durability.allCases {
      let disk = makeDisk()
      var acknowledged = Acknowledgements()
      let fixture = try LogFixture(kind, io: SimulatedFileIO(disk), path: "/data") {
        $0.durability = durability
      }
      var plan = FaultPlan()
      // Two blocks: room for one of these, and for a part of the next.
      plan.fileSizeMax = 8192
      disk.set(plan)
      for _ in 0..<5 { _ = acknowledged.append(fixture, valueBytes: 5000) }
      try acknowledged.settle(fixture, "\(kind), \(durability)")
      // One that was queued before the one that failed may be given up with it.
      let kept = acknowledged.kept[0]?.count ?? 0
      #expect(kept == 1 || kept == 0 && !BackendUnderTest.synchronous.contains(kind))
      #expect(kept + acknowledged.failed.count >= 5)
      for error in acknowledged.failed {
        let text = "\(error)"
        #expect(
          text.contains("no room") && text.contains(".log"), "\(kind), \(durability): \(text)")
      }
      disk.set(FaultPlan())
      for _ in 0..<5 { #expect(acknowledged.append(fixture) == nil) }
      try acknowledged.settle(fixture, "\(kind), \(durability)")
      #expect(acknowledged.kept[0]?.count == kept + 5, "\(kind), \(durability)")
      try fixture.reopen()
      try acknowledged.check(fixture, "\(kind), \(durability)")
    }
  }

  @Test(
    "a full tmpfs refuses appends clearly, keeps what it acknowledged, and goes on with room",
    .enabled(if: Tmpfs.isAvailable, "mounting a tmpfs needs root"),
    arguments: [Durability.none, .batch, .group],
    BackendUnderTest.allCases.filter { [.buffered, .mmap, .uringBuffered].contains($0) })
  func fillsTmpfs(_ durability: Durability, _ kind: BackendUnderTest) throws {
    let tmpfs = try #require(Tmpfs(mebibytes: 4))
    let io = LinuxFileIO()
    let filler = tmpfs.path + "/filler"
    let number = try io.open(filler, FileOpening(.readWrite, creation: .mustBeNew))
    try io.writeFully(
      number, [UInt8](repeating: 1, count: 2 << 20).span.bytes, at: 0, path: filler)
    try io.close(number)
    var acknowledged = Acknowledgements()
    let fixture = try LogFixture(kind, io: io, path: tmpfs.path) {
      $0.segmentBytes = 300_000
      $0.durability = durability
    }
    for _ in 0..<60 {
      _ = acknowledged.append(fixture, valueBytes: 50_000)
      try fixture.directory.commit()
      try acknowledged.note(fixture)
    }
    try acknowledged.settle(fixture, "full")
    let kept = acknowledged.kept[0]?.count ?? 0
    #expect(kept > 25 && kept < 45)
    #expect(!acknowledged.failed.isEmpty)
    for error in acknowledged.failed {
      #expect("\(error)".contains("no room") || "\(error)".contains("No space"), "\(error)")
    }
    try acknowledged.check(fixture, "full")
    try io.remove(filler)
    for _ in 0..<5 { #expect(acknowledged.append(fixture, valueBytes: 50_000) == nil) }
    try acknowledged.settle(fixture, "room again")
    #expect(acknowledged.kept[0]?.count == kept + 5)
    try fixture.reopen()
    try acknowledged.check(fixture, "opened again")
  }

  @Test(
    "a log opens on a full tmpfs, to be read and emptied",
    .enabled(if: Tmpfs.isAvailable, "mounting a tmpfs needs root"))
  func opensWhenFull() throws {
    let tmpfs = try #require(Tmpfs(mebibytes: 2))
    var acknowledged = Acknowledgements()
    do {
      let fixture = try LogFixture(.buffered, io: LinuxFileIO(), path: tmpfs.path) {
        $0.segmentBytes = 300_000
        $0.durability = .batch
      }
      for size in [50_000, 5000, 500, 50] {
        while acknowledged.append(fixture, valueBytes: size) == nil {}
      }
      try acknowledged.note(fixture)
    }
    // Not closed: as after a crash.
    let fixture = try LogFixture(.buffered, io: LinuxFileIO(), path: tmpfs.path)
    try acknowledged.check(fixture, "full")
    var topic = try #require(fixture.directory.topics["t"])
    topic.settings.retentionBytes = 1
    try fixture.log().change(topic.settings)
    #expect(try fixture.directory.applyRetention(fixture.now) > 1)
    #expect(acknowledged.append(fixture) == nil)
  }

  @Test(
    "the direct backend on a tmpfs works, or says that O_DIRECT is missing",
    .enabled(if: Tmpfs.isAvailable, "mounting a tmpfs needs root"))
  func isDirectOnTmpfs() throws {
    let tmpfs = try #require(Tmpfs(mebibytes: 4))
    let fixture = try LogFixture(.direct, io: LinuxFileIO(), path: tmpfs.path)
    for _ in 0..<2 {
      do throws(LogError) { try fixture.append(0) } catch {
        guard case .storage(.directUnsupported(let path)) = error else { throw error }
        #expect(path.hasPrefix(tmpfs.path) && "\(error)".contains("'buffered'"))
        #expect(try fixture.numbers().isEmpty)
      }
    }
  }
}

@Suite("Failing flushes and reads")
struct FailingFlushTests {
  private func makeDisk() -> SimulatedDisk {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    return disk
  }

  @Test(
    "a failed fsync fences its partition only; reopened, all that was durable is there",
    arguments: BackendUnderTest.allCases)
  func fencesOne(_ kind: BackendUnderTest) throws {
    for durability in [Durability.batch, .group, .interval] {
      for nth in 1...6 {
        let context = "\(kind), \(durability), fsync \(nth)"
        let disk = makeDisk()
        let fixture = try LogFixture(
          kind, io: SimulatedFileIO(disk), path: "/data", seed: UInt64(nth), partitions: 2
        ) {
          $0.durability = durability
          $0.flushBytes = 700
        }
        var acknowledged = Acknowledgements()
        for partition in Int32(0)..<2 { _ = acknowledged.append(fixture, partition: partition) }
        try acknowledged.settle(fixture, context)
        disk.set(
          FaultPlan(.init(.synchronizeData, nth: nth, pathSuffix: "t-0/00000000000000000000.log")))
        var durable: Int64 = 0
        for _ in 0..<40 {
          for partition in Int32(0)..<2 {
            let error = acknowledged.append(fixture, partition: partition)
            if partition == 1 { #expect(error == nil, "\(context): \(String(describing: error))") }
          }
          try? fixture.directory.commit()
          try? fixture.drivers.poll(waiting: true)
          try acknowledged.note(fixture)
          durable = try max(durable, fixture.log(0).durableOffset.rawValue)
        }
        let failure = try #require(try fixture.log(0).failure, "\(context)")
        #expect("\(failure)".contains("t-0/") && "\(failure)".contains("in doubt"), "\(failure)")
        guard case .fenced(_, failure) = acknowledged.append(fixture) else {
          Issue.record("\(context): an append behind the fence")
          continue
        }
        #expect(try fixture.log(1).failure == nil)
        try acknowledged.settle(fixture, context)
        #expect(acknowledged.kept[1]?.count == 41, "\(context): the other goes on")
        let left = disk.powerCut(seed: UInt64(nth))
        do {
          let after = try LogFixture(kind, io: SimulatedFileIO(left), path: "/data")
          if durability.acknowledgesDurable { try acknowledged.check(after, context) }
          #expect(try after.numbers().count >= durable, "\(context)")
          #expect(acknowledged.append(after) == nil)
        }
        #expect(throws: LogError.self) { try fixture.directory.close() }
        let again = try LogFixture(
          kind, io: SimulatedFileIO(disk.powerCut(seed: 1, .everything)), path: "/data")
        try acknowledged.check(again, "\(context), closed")
      }
    }
  }

  @Test("an I/O error while reading is told, with the file, and passes")
  func tellsOfReadErrors() throws {
    let log = try DamagedLog.make(12, valueBytes: 240, segmentBytes: 1024)
    for nth in 1...20 {
      let copy = try log.copy(.clean)
      let fixture = try copy.open()
      copy.disk.set(FaultPlan(.init(.read, nth: nth, pathSuffix: ".log")))
      var text = "pread .log"
      do { #expect(try fixture.numbers() == Array(0..<12)) } catch { text = "\(error)" }
      #expect(text.contains("pread") && text.contains(".log"), "\(text)")
      // The script's one error is behind us, or never came.
      copy.disk.set(FaultPlan())
      #expect(try fixture.numbers() == Array(0..<12), "once the disk reads again")
    }
  }

  @Test(
    "an error at any call of an opening leaves everything as durable as it was",
    .enabled(if: TestBuild.isOptimized, "runs long: in release builds"), arguments: Stop.allCases)
  func opensOverErrors(_ stop: Stop) throws {
    let log = try DamagedLog.make(8, valueBytes: 240, segmentBytes: 1024).copy(stop)
    for path in log.logPaths.suffix(1) {
      // Something to repair, so that every step of recovery runs.
      log.change(path) { $0 += [1, 2, 3] + $0.prefix(200) + [UInt8](repeating: 0, count: 500) }
    }
    var refusals = 0
    for operation in DiskOperation.allCases {
      for error in [ErrorNumber.inputOutput, .noSpace, .tooManyOpenFiles] {
        for nth in 1...30 {
          let disk = log.disk.powerCut(seed: 0, .everything)
          disk.set(FaultPlan(.init(operation, nth: nth, error: error)))
          let context = "\(stop), \(operation) \(nth), \(error)"
          let damaged = DamagedLog(disk: disk)
          switch try damaged.outcome() {
          case .read(let numbers, _): #expect(numbers == Array(0..<8), "\(context)")
          case .refused(let found), .unreadable(let found, _):
            refusals += 1
            #expect("\(found)".contains("/data"), "\(context): \(found)")
          }
          for survival in [Survival.everything, .guaranteed] {
            let left = DamagedLog(disk: disk.powerCut(seed: UInt64(nth), survival))
            guard case .read(let numbers, _) = try left.outcome() else {
              Issue.record("\(context): does not open afterwards")
              continue
            }
            #expect(numbers == Array(0..<8), "\(context)")
          }
        }
      }
    }
    #expect(refusals > 20)
  }
}
