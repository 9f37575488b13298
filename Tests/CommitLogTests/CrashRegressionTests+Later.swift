import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

// Found by later seeds: after 50,272, 216,136 and 2,700 histories.
extension CrashRegressionTests {
  private func fixture(
    _ kind: BackendUnderTest, _ disk: SimulatedDisk, _ adjust: (inout TopicSettings) -> Void
  ) throws(LogError) -> LogFixture {
    try LogFixture(kind, io: SimulatedFileIO(disk), path: "/data", adjust)
  }

  @Test(
    "a segment whose file cannot be removed is removed before any later one",
    arguments: BackendUnderTest.shipping, [nil, Preallocation.recycle])
  func deletesInOrder(_ kind: BackendUnderTest, _ preallocation: Preallocation?) throws {
    for operation in [DiskOperation.remove, .rename, .synchronizeDirectory] {
      let disk = SimulatedDisk()
      disk.makeDirectory("/data")
      let adjust: (inout TopicSettings) -> Void = {
        $0.segmentBytes = 3000
        $0.retentionBytes = 6000
        $0.durability = .batch
        $0.preallocation = preallocation
      }
      let fixture = try fixture(kind, disk, adjust)
      for number in 0..<30 { try fixture.append(number, valueBytes: 700) }
      try fixture.settle()
      disk.set(FaultPlan(.init(operation, nth: 1)))
      _ = try? fixture.directory.applyRetention(fixture.now)
      disk.set(FaultPlan())
      for number in 30..<45 {
        try fixture.append(number, valueBytes: 700)
        if number % 5 == 0 { try fixture.directory.applyRetention(fixture.now) }
      }
      try fixture.settle()
      for survival in [Survival.guaranteed, .everything] {
        let left = try self.fixture(kind, disk.powerCut(seed: 1, survival), adjust)
        let start = try Int(left.log().published.startOffset.rawValue)
        #expect(start > 0, "\(kind), \(operation)")
        #expect(try left.numbers() == Array(start..<45), "\(kind), \(operation), \(survival)")
      }
    }
  }

  @Test(
    "of two flushes under way at once neither acknowledges what the other has lost",
    arguments: [BackendUnderTest.uring, .uringBuffered])
  func distrustsFlushesBesideFailedOnes(_ kind: BackendUnderTest) throws {
    var fenced = 0
    for seed in UInt64(0)..<400 {
      let disk = SimulatedDisk(SimulatedDiskOptions(ringSeed: seed))
      disk.makeDirectory("/data")
      let fixture = try fixture(kind, disk) { $0.durability = .group }
      let log = try fixture.log()
      disk.set(FaultPlan(.init(.synchronizeData, nth: 1 + Int(seed % 4), pathSuffix: ".log")))
      do throws(LogError) {
        for number in 0..<6 {
          try fixture.append(number, valueBytes: 300)
          // A flush for each, without waiting for the one before.
          try fixture.directory.commit()
        }
        for _ in 0..<30 { try fixture.drivers.poll(waiting: true) }
      } catch {
        guard case .fenced = error else { throw error }
      }
      if log.failure != nil { fenced += 1 }
      let promised = Int(log.published.endOffset.rawValue)
      let left = try self.fixture(kind, disk.powerCut(seed: seed, .guaranteed)) { _ in }
      #expect(try left.numbers().count >= promised, "seed \(seed), \(kind)")
    }
    #expect(fenced > 100)
  }

  @Test("a time index that shrinks under a running process is found out, also after it was checked")
  func checksShrunkIndexesAgain() throws {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let adjust: (inout TopicSettings) -> Void = {
      $0.segmentBytes = 4000
      $0.indexIntervalBytes = 300
    }
    do {
      let fixture = try fixture(.buffered, disk, adjust)
      for number in 0..<40 {
        try fixture.append(number, valueBytes: 150, timestamp: 1000 + Int64(number) * 10)
      }
      try fixture.directory.close()
    }
    let fixture = try fixture(.buffered, disk, adjust)
    let log = try fixture.log().published
    func look() throws {
      for number in 0..<40 {
        let found = try LogReader(log).offset(at: 1000 + Int64(number) * 10)?.offset
        #expect(found == Offset(Int64(number)))
      }
    }
    try look()
    for path in disk.allPaths where path.hasSuffix(".timeindex") {
      let bytes = try #require(disk.contents(of: path))
      disk.setContents(of: path, Array(bytes.prefix(12)))
    }
    try look()
  }
}
