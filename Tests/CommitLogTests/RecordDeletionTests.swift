import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

@Suite("Records deleted on request")
struct RecordDeletionTests {
  private static let partition = TopicPartition(topic: "t", partition: 0)

  /// Batches of three records, timestamps rising by one.
  private func fill(_ fixture: LogFixture, _ batches: Int) throws {
    for number in 0..<batches {
      try fixture.append(
        number * 3, count: 3, valueBytes: 300, timestamp: 1000 + Int64(number) * 3)
    }
    try fixture.settle()
  }

  private func delete(_ fixture: LogFixture, before offset: Int64) throws(LogError) -> Int64 {
    try fixture.directory.deleteRecords(Self.partition, before: Offset(offset)).rawValue
  }

  @Test(
    "move the start into a batch, take whole segments along, and stay deleted",
    arguments: AppendAndReadTests.everywhere)
  func movesStart(_ kind: BackendUnderTest, _ disk: DiskUnderTest) throws {
    let place = disk.make()
    let fixture = try LogFixture(kind, place) { $0.segmentBytes = 5000 }
    try fill(fixture, 20)
    let log = try fixture.log().published
    let count = log.segments.count
    #expect(count > 3)
    #expect(try delete(fixture, before: 31) == 31)
    #expect(log.startOffset == Offset(31))
    #expect(log.segments.count < count && log.segments[0].baseOffset <= Offset(31))
    let files = try place.io.list(fixture.path + "/t-0").filter { $0.name.hasSuffix(".log") }
    #expect(files.count == log.segments.count)
    #expect(try fixture.numbers() == Array(31..<60))
    var reader = LogReader(log)
    #expect(throws: LogError.self) { try reader.read(from: Offset(30), bytesMax: 10) }
    let read = try #require(try reader.read(from: Offset(31), bytesMax: 10))
    #expect(read.firstBatch.baseOffset == Offset(30) && read.startOffset == Offset(31))
    try fixture.reopen()
    #expect(try fixture.log().published.startOffset == Offset(31))
    #expect(try fixture.numbers() == Array(31..<60))
  }

  @Test("of many partitions in one request are written down once")
  func writesOnce() throws {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let fixture = try LogFixture(
      .buffered, io: SimulatedFileIO(disk), path: "/data", partitions: 20)
    for partition in 0..<20 as Range<Int32> {
      for number in 0..<4 { try fixture.append(number, partition: partition) }
    }
    disk.startTrace()
    let wanted = (0..<20).map {
      LogDirectory.RecordDeletion(
        TopicPartition(topic: "t", partition: Int32($0)), before: $0 == 7 ? Offset(9) : Offset(3))
    }
    let results = fixture.directory.deleteRecords(
      wanted + [.init(TopicPartition(topic: "t", partition: 99), before: nil)])
    for (partition, result) in results.enumerated() {
      switch (partition, result) {
      case (7, .failure(.offsetOutOfRange)), (20, .failure(.unknownPartition)): break
      case (_, .success(let start)): #expect(start == Offset(3))
      case (_, .failure(let error)): Issue.record("\(partition): \(error)")
      }
    }
    let renamed = disk.trace.filter { $0.operation == .rename }.map(\.path)
    #expect(renamed.count { $0.contains("log-start-offset-checkpoint") } == 1, "\(renamed)")
    try fixture.reopen()
    for partition in 0..<20 as Range<Int32> {
      let start = try fixture.log(partition).published.startOffset
      #expect(start == Offset(partition == 7 ? 0 : 3))
    }
  }

  @Test(
    "never come back where their files could not be removed, whatever is deleted elsewhere since")
  func staysDeletedWithFilesLeft() throws {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let fixture = try LogFixture(
      .buffered, io: SimulatedFileIO(disk), path: "/data", partitions: 2
    ) { $0.segmentBytes = 2000 }
    try fill(fixture, 20)
    try fixture.append(0, partition: 1)
    try fixture.append(1, partition: 1)
    let boundary = try fixture.log().published.segments[2].baseOffset
    disk.set(FaultPlan(FaultPlan.Script(.remove, nth: 1, goesOn: true)))
    #expect(throws: LogError.self) { try delete(fixture, before: boundary.rawValue) }
    disk.set(FaultPlan())
    let other = TopicPartition(topic: "t", partition: 1)
    #expect(try fixture.directory.deleteRecords(other, before: Offset(1)) == Offset(1))
    try fixture.reopen()
    #expect(try fixture.log().published.startOffset == boundary)
  }

  @Test("never come back: the start moves up only, and not past the end")
  func neverMovesDown() throws {
    let fixture = try LogFixture(.buffered, DiskUnderTest.simulated.make()) {
      $0.segmentBytes = 5000
    }
    try fill(fixture, 10)
    #expect(try delete(fixture, before: 0) == 0)
    #expect(try delete(fixture, before: 7) == 7)
    #expect(try delete(fixture, before: 3) == 7)
    #expect(throws: LogError.self) { try delete(fixture, before: 31) }
    #expect(try delete(fixture, before: 30) == 30)
    #expect(try fixture.numbers().isEmpty)
    try fixture.append(30)
    #expect(try fixture.numbers() == [30])
    try fixture.reopen()
    #expect(try fixture.numbers() == [30])
  }

  @Test("are not found by their timestamps")
  func isNotFoundByTime() throws {
    for segmentBytes in [5000, 1 << 20] {
      let fixture = try LogFixture(.buffered, DiskUnderTest.simulated.make()) {
        $0.segmentBytes = segmentBytes
        $0.indexIntervalBytes = 2000
      }
      try fill(fixture, 30)
      for start in [1, 2, 3, 31, 44, 45, 89] as [Int64] {
        #expect(try delete(fixture, before: start) == start)
        for closed in [false, true] {
          if closed { try fixture.reopen() }
          let reader = LogReader(try fixture.log().published)
          for offset in Int64(0)..<90 {
            let found = try reader.offset(at: 1000 + offset)
            #expect(found?.offset.rawValue == max(start, offset), "\(start), \(offset)")
          }
          #expect(try reader.offset(at: 1090) == nil)
        }
      }
    }
  }

  @Test("whose times are out of order are passed over, batch by batch")
  func passesOver() throws {
    let fixture = try LogFixture(.buffered, DiskUnderTest.simulated.make())
    // The newest record is deleted; the next as new one lies in another batch.
    try fixture.append(0, count: 2, timestamp: 9000)
    try fixture.append(2, count: 2, timestamp: 100)
    try fixture.append(4, count: 2, timestamp: 8000)
    #expect(try delete(fixture, before: 2) == 2)
    let reader = LogReader(try fixture.log().published)
    #expect(try reader.offset(at: 7000)?.offset == Offset(4))
    #expect(try reader.offset(at: 9000) == nil)
    #expect(try delete(fixture, before: 5) == 5)
    #expect(try reader.offset(at: 8000)?.offset == Offset(5))
  }

  @Test("keep their start while retention takes segments below it, and move with those above it")
  func agreesWithRetention() throws {
    let fixture = try LogFixture(.buffered, DiskUnderTest.simulated.make()) {
      $0.segmentBytes = 5000
      $0.retentionBytes = 12_000
    }
    try fill(fixture, 8)
    #expect(try delete(fixture, before: 7) == 7)
    let log = try fixture.log().published
    #expect(try fixture.directory.applyRetention(fixture.now) == 0)
    #expect(log.startOffset == Offset(7))
    for number in 24..<60 { try fixture.append(number, valueBytes: 900) }
    #expect(try fixture.directory.applyRetention(fixture.now) > 2)
    #expect(log.startOffset == log.segments[0].baseOffset && log.startOffset > Offset(7))
    let start = log.startOffset
    try fixture.reopen()
    #expect(try fixture.log().published.startOffset == start)
  }

  @Test("of an earlier topic of the name do not concern the next one")
  func isForgottenWithTopic() throws {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let fixture = try LogFixture(
      .buffered, io: SimulatedFileIO(disk), path: "/data", partitions: 2)
    try fixture.append(0, count: 9)
    try fixture.append(0, count: 9, partition: 1)
    #expect(try delete(fixture, before: 5) == 5)
    try fixture.directory.deleteTopic("t")
    var generator = SeededGenerator(seed: 2)
    _ = try fixture.directory.createTopic(
      "t", partitions: 2, settings: TopicSettings(backend: "buffered"), using: &generator)
    for partition in Int32(0)..<2 { try fixture.append(0, count: 9, partition: partition) }
    try fixture.reopen()
    #expect(try fixture.log(0).published.startOffset == .zero)
    let second = TopicPartition(topic: "t", partition: 1)
    #expect(try fixture.directory.deleteRecords(second, before: Offset(2)) == Offset(2))
    try fixture.reopen()
    #expect(try fixture.log(0).published.startOffset == .zero)
    #expect(try fixture.log(1).published.startOffset == Offset(2))
  }

  @Test(
    "are deleted for good when the call returns, whatever the durability; cut short, all or none")
  func survivesCuts() throws {
    for durability in Durability.allCases {
      var starts: Set<Int64> = []
      for seed in UInt64(0)..<60 {
        let disk = SimulatedDisk()
        disk.makeDirectory("/data")
        let fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data") {
          $0.segmentBytes = 3000
          $0.durability = durability
        }
        try fill(fixture, 12)
        #expect(try delete(fixture, before: 4) == 4)
        var plan = FaultPlan()
        plan.powerCutAtOperation = disk.operationCount + 1 + Int(seed) % 45
        disk.set(plan)
        let isDone = (try? delete(fixture, before: 26)) != nil
        for survival in [Survival.seeded, .guaranteed, .everything] {
          let context = "\(durability), seed \(seed), \(survival)"
          let after = try LogFixture(
            .buffered, io: SimulatedFileIO(disk.powerCut(seed: seed, survival)), path: "/data")
          let log = try after.log().published
          let (start, end) = (log.startOffset.rawValue, log.endOffset.rawValue)
          starts.insert(start)
          #expect(start == 26 || start == 4 && !isDone, "\(context): \(start)")
          #expect(end >= start, "\(context)")
          #expect(try after.numbers() == Array(Int(start)..<Int(end)), "\(context)")
          // What the cut left undone is done again.
          #expect(try delete(after, before: start) == start)
          #expect(log.segments.count == 1 || log.segments[1].baseOffset.rawValue > start)
        }
      }
      #expect(starts == [4, 26], "\(durability)")
    }
  }

  @Test("a file of starts that does not hold is said so, and costs nothing but the start")
  func survivesDamage() throws {
    let path = "/data/log/log-start-offset-checkpoint"
    let texts = [
      "", "1\n1\nt 0 5\n", "0\n2\nt 0 5\n", "0\n1\nt 0 -5\n", "0\n1\nt 0 900\n", "\u{0}",
    ]
    for text in texts {
      let disk = SimulatedDisk()
      disk.makeDirectory("/data")
      do {
        let fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data")
        try fixture.append(0, count: 9)
        #expect(try delete(fixture, before: 5) == 5)
        try fixture.directory.close()
      }
      disk.setContents(of: path, Array(text.utf8))
      let fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data")
      let start = try fixture.log().published.startOffset
      #expect(start == (text.contains("900") ? Offset(9) : .zero), "\(text)")
      let notices = fixture.directory.notices.take()
      #expect(text.contains("900") || notices.contains { $0.path == path }, "\(notices)")
      try fixture.append(9)
    }
  }
}
