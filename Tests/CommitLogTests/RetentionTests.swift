import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

@Suite("Retention")
struct RetentionTests {
  private func fixture(
    _ disk: DiskUnderTest = .linux, _ adjust: @escaping (inout TopicSettings) -> Void
  ) throws -> LogFixture {
    try LogFixture(.buffered, disk.make()) {
      $0.segmentBytes = 5000
      adjust(&$0)
    }
  }

  private func fill(_ fixture: LogFixture, _ count: Int) throws {
    for number in 0..<count {
      try fixture.append(number, valueBytes: 900, timestamp: Int64(number) * 1000)
    }
  }

  @Test("keeps everything unless told otherwise")
  func keepsEverything() throws {
    let fixture = try fixture { _ in }
    try fill(fixture, 50)
    let future = LogTime(monotonicNanoseconds: 0, wallMilliseconds: Int64.max)
    #expect(try fixture.directory.applyRetention(future) == 0)
    #expect(try fixture.numbers().count == 50)
  }

  @Test("by size deletes whole old segments, and keeps at least the limit")
  func bySize() throws {
    let fixture = try fixture { $0.retentionBytes = 12_000 }
    try fill(fixture, 50)
    let deleted = try fixture.directory.applyRetention(fixture.now)
    let log = try fixture.log().published
    let total = log.segments.reduce(0) { $0 + $1.file.end.rawValue }
    #expect(deleted > 0 && total >= 12_000 && total < 12_000 + 5000)
    #expect(log.startOffset == log.segments.first?.baseOffset && log.startOffset > .zero)
    #expect(try fixture.numbers() == Array(Int(log.startOffset.rawValue)..<50))
    var reader = LogReader(log)
    #expect(throws: LogError.self) { try reader.read(from: .zero, bytesMax: 100) }
    try fixture.reopen()
    #expect(try fixture.log().published.startOffset == log.startOffset)
  }

  @Test("by age goes by the newest timestamp of a segment, and may empty the log")
  func byAge() throws {
    let fixture = try fixture { $0.retentionMilliseconds = 10_000 }
    try fill(fixture, 50)
    let now = LogTime(monotonicNanoseconds: 0, wallMilliseconds: 40_000)
    try fixture.directory.applyRetention(now)
    let start = try fixture.log().published.startOffset.rawValue
    #expect(start > 20 && start <= 30, "found \(start)")
    let later = LogTime(monotonicNanoseconds: 0, wallMilliseconds: 1_000_000)
    try fixture.directory.applyRetention(later)
    let log = try fixture.log().published
    #expect(log.startOffset == Offset(50) && log.endOffset == Offset(50))
    #expect(try fixture.append(50).baseOffset == Offset(50), "offsets go on")
    #expect(try fixture.numbers() == [50])
    try fixture.reopen()
    #expect(try fixture.numbers() == [50])
  }

  @Test(
    "by age goes by all of a segment that is larger than segments are by now",
    arguments: [true, false])
  func byAgeWhereSegmentsWereLarger(_ isClean: Bool) throws {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    var fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data") {
      $0.retentionMilliseconds = 10_000
      // An entry for each batch, and more of them than a small segment's index has room for.
      $0.indexIntervalBytes = 0
    }
    for number in 0..<1500 { try fixture.append(number, timestamp: Int64(number) * 1000) }
    var settings = try fixture.log().settings
    settings.segmentBytes = 1024
    try fixture.directory.alterTopic("t", settings)
    if isClean {
      try fixture.reopen()
    } else {
      let left = disk.powerCut(seed: 1, .everything)
      fixture = try LogFixture(.buffered, io: SimulatedFileIO(left), path: "/data")
    }
    // Rolls, and the old one's indexes are written.
    try fixture.append(1500, timestamp: 1_500_000)
    #expect(try fixture.log().published.segments.count == 2)
    let now = LogTime(monotonicNanoseconds: 0, wallMilliseconds: 1_505_000)
    #expect(try fixture.directory.applyRetention(now) == 0)
    try fixture.reopen()
    let old = try #require(try fixture.log().published.segments.first)
    #expect(try old.newestTimestamp() == 1_499_000)
    #expect(try old.locate(Offset(1450))?.header.baseOffset == Offset(1450))
    #expect(fixture.directory.notices.take().isEmpty, "the index was whole")
    let later = LogTime(monotonicNanoseconds: 0, wallMilliseconds: 1_509_001)
    #expect(try fixture.directory.applyRetention(later) == 1)
  }

  @Test(
    "by age keeps a batch that is on its way to an old segment",
    arguments: BackendUnderTest.allCases)
  func byAgeWithQueuedBatch(_ kind: BackendUnderTest) throws {
    let fixture = try LogFixture(kind, DiskUnderTest.simulated.make()) {
      $0.retentionMilliseconds = 10_000
      $0.durability = .group
    }
    try fixture.append(0, timestamp: 1000)
    try fixture.settle()
    try fixture.append(1, timestamp: 30_000)
    let now = LogTime(monotonicNanoseconds: 0, wallMilliseconds: 30_000)
    try fixture.directory.applyRetention(now)
    try fixture.settle()
    #expect(try fixture.numbers() == [0, 1], "one segment has both")
  }

  @Test("by age keeps records without a timestamp, which have none")
  func byAgeWithoutTimestamps() throws {
    let fixture = try fixture { $0.retentionMilliseconds = 10_000 }
    for number in 0..<50 { try fixture.append(number, valueBytes: 900, timestamp: -1) }
    let now = LogTime(monotonicNanoseconds: 0, wallMilliseconds: 1_700_000_000_000)
    #expect(try fixture.directory.applyRetention(now) == 0)
    #expect(try fixture.numbers().count == 50)
  }

  @Test(
    "leaves a reader in the middle of a deleted segment its bytes",
    arguments: DiskUnderTest.allCases)
  func readersAreSafe(_ disk: DiskUnderTest) throws {
    let fixture = try fixture(disk) { $0.retentionBytes = 1 }
    try fill(fixture, 50)
    var reader = LogReader(try fixture.log().published)
    let read = try #require(try reader.read(from: Offset(1), bytesMax: 3000))
    let before = try read.slice.allBytes()
    #expect(try fixture.directory.applyRetention(fixture.now) > 5)
    #expect(try read.slice.allBytes() == before)
    #expect(throws: LogError.self) { try reader.read(from: Offset(2), bytesMax: 3000) }
  }

  @Test(
    "a power cut among deletions leaves no hole",
    .enabled(if: TestBuild.isOptimized, "runs long: in release builds"),
    arguments: [Preallocation.none, Preallocation.recycle])
  func leavesNoHole(_ preallocation: Preallocation) throws {
    for seed in UInt64(0)..<100 {
      let disk = SimulatedDisk()
      disk.makeDirectory("/data")
      let fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data") {
        $0.segmentBytes = 5000
        $0.retentionBytes = 1
        $0.durability = .batch
        $0.preallocation = preallocation
      }
      try fill(fixture, 50)
      var plan = FaultPlan()
      plan.powerCutAtOperation = disk.operationCount + 1 + Int(seed) % 40
      disk.set(plan)
      _ = try? fixture.directory.applyRetention(fixture.now)
      let after = try LogFixture(
        .buffered, io: SimulatedFileIO(disk.powerCut(seed: seed)), path: "/data")
      let start = Int(try after.log().published.startOffset.rawValue)
      #expect(try after.numbers() == Array(start..<50), "seed \(seed)")
    }
  }
}
