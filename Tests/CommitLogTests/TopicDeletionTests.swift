import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

extension LogFixture {
  /// The topic's logs are there again, empty.
  fileprivate func createAgain(partitions: Int = 1) throws(LogError) {
    var generator = SeededGenerator(seed: 2)
    _ = try directory.createTopic(
      "t", partitions: partitions, settings: TopicSettings(backend: kind.rawValue),
      using: &generator)
  }
}

@Suite("A topic that is deleted")
struct TopicDeletionTests {
  private func makeDisk() -> SimulatedDisk {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    return disk
  }

  @Test("of many topics lists the directory and writes the recovery points once")
  func writesOnce() throws {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data")
    var random = SeededGenerator(seed: 3)
    let names = (0..<12).map { "many-\($0)" }
    for name in names {
      _ = try fixture.directory.createTopic(
        name, partitions: 2, settings: TopicSettings(backend: "buffered"), using: &random)
    }
    disk.startTrace()
    let errors = fixture.directory.deleteTopics(names + ["nobody"])
    #expect(errors.dropLast().allSatisfy { $0 == nil })
    #expect(errors.last == .some(.unknownTopic("nobody")))
    let renamed = disk.trace.filter { $0.operation == .rename }.map(\.path)
    #expect(renamed.count { $0.contains(LogDirectory.recoveryPointName) } == 1, "\(renamed)")
    let listed = disk.trace.count { $0.operation == .list && $0.path == "/data/log" }
    #expect(listed == 1)
    #expect(fixture.directory.topics.keys.sorted() == ["t"])
    try fixture.reopen()
    #expect(fixture.directory.topics.keys.sorted() == ["t"])
  }

  @Test(
    "is gone with all its files, also with appends under way, and can be made again",
    arguments: AppendAndReadTests.everywhere)
  func isGone(_ kind: BackendUnderTest, _ disk: DiskUnderTest) throws {
    for durability in Durability.allCases {
      let place = disk.make()
      let fixture = try LogFixture(kind, place, partitions: 2) {
        $0.segmentBytes = 5000
        $0.durability = durability
      }
      let openBefore = place.disk?.openCount
      for number in 0..<30 {
        try fixture.append(number, valueBytes: 900, partition: Int32(number % 2))
      }
      let log = try fixture.log()
      let receipt = try fixture.append(30)
      try fixture.directory.deleteTopic("t")
      #expect(fixture.directory.topics.isEmpty)
      #expect(throws: LogError.unknownTopic("t")) { _ = try fixture.log() }
      #expect(throws: LogError.unknownTopic("t")) { try fixture.directory.deleteTopic("t") }
      #expect(try place.io.list(fixture.path).allSatisfy { !$0.name.hasPrefix("t-") })
      #expect(try place.io.list("\(fixture.path)/topics").isEmpty)
      #expect(place.disk?.openCount == openBefore, "\(durability): a descriptor is left")
      #expect(place.disk.map { $0.mappedCount == 0 } ?? true)
      let isPending = log.status(of: receipt) == .pending
      #expect(!isPending, "\(durability): nobody waits for ever")
      var slot: AlignedBuffer? = TestBatch.make(first: 31)
      var failure: LogError?
      do throws(LogError) { _ = try log.append(&slot, now: fixture.now) } catch { failure = error }
      #expect(failure == .unknownTopic("t"))
      var returnedBytes = 0
      if let buffer = slot.take() { returnedBytes = buffer.count }
      #expect(returnedBytes > 100, "the buffer is back")
      try fixture.createAgain(partitions: 2)
      #expect(try fixture.numbers().isEmpty)
      try fixture.append(7)
      try fixture.settle()
      try fixture.reopen()
      #expect(try fixture.numbers() == [7])
      #expect(try fixture.numbers(partition: 1).isEmpty)
    }
  }

  @Test(
    "leaves a reader what it has open, and nobody its files' names",
    arguments: DiskUnderTest.allCases)
  func leavesReaders(_ disk: DiskUnderTest) throws {
    let fixture = try LogFixture(.buffered, disk.make()) { $0.segmentBytes = 5000 }
    for number in 0..<20 { try fixture.append(number, valueBytes: 900) }
    let published = try fixture.log().published
    var reader = LogReader(published)
    let read = try #require(try reader.read(from: Offset(1), bytesMax: 2000))
    let before = try read.slice.allBytes()
    try fixture.directory.deleteTopic("t")
    try fixture.createAgain()
    for number in 0..<20 { try fixture.append(100 + number, valueBytes: 900) }
    #expect(try read.slice.allBytes() == before)
    let next = try #require(try reader.read(from: Offset(2), bytesMax: 10))
    #expect(next.firstBatch.baseOffset == Offset(2), "the segment that it has open")
    // The new topic's files have the old one's names, and are not opened for it.
    for offset in [6, 11, 17] {
      var other = LogReader(published)
      #expect(throws: LogError.self) { try other.read(from: Offset(Int64(offset)), bytesMax: 10) }
    }
    #expect(try fixture.numbers() == Array(100..<120))
  }

  @Test("may have a log that takes no more appends", arguments: BackendUnderTest.allCases)
  func mayBeFenced(_ kind: BackendUnderTest) throws {
    let disk = makeDisk()
    let fixture = try LogFixture(kind, io: SimulatedFileIO(disk), path: "/data") {
      $0.durability = .batch
    }
    let openBefore = disk.openCount
    try fixture.append(0)
    try fixture.settle()
    disk.set(FaultPlan(.init(.synchronizeData, nth: 1, pathSuffix: ".log")))
    _ = try? fixture.append(1)
    for _ in 0..<20 where try fixture.log().failure == nil {
      try? fixture.drivers.poll(waiting: true)
    }
    #expect(try fixture.log().failure != nil)
    disk.set(FaultPlan())
    try fixture.directory.deleteTopic("t")
    #expect(disk.openCount == openBefore)
    try fixture.createAgain()
    try fixture.append(5)
    try fixture.settle()
    #expect(try fixture.numbers() == [5])
  }

  @Test("leaves topics alone whose names begin like its own")
  func leavesOthers() throws {
    let fixture = try LogFixture(.buffered, DiskUnderTest.simulated.make())
    var generator = SeededGenerator(seed: 3)
    for name in ["t-0", "t-1", "t.deleted", "t-x", "tt"] {
      _ = try fixture.directory.createTopic(
        name, partitions: 1, settings: TopicSettings(backend: "buffered"), using: &generator)
    }
    try fixture.directory.deleteTopic("t")
    try fixture.directory.deleteTopic("t.deleted")
    try fixture.reopen()
    #expect(fixture.directory.topics.keys.sorted() == ["t-0", "t-1", "t-x", "tt"])
    for name in ["t-0", "t-1", "t-x", "tt"] {
      _ = try fixture.directory.log(TopicPartition(topic: name, partition: 0))
      #expect(try fixture.io.size(ofFileAt: "\(fixture.path)/\(name)-0/partition.metadata") != nil)
    }
  }

  /// Two topics with records, and a checkpoint that speaks of both.
  private func makeTwo(
    _ disk: SimulatedDisk, _ durability: Durability
  ) throws -> LogFixture {
    let fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data", partitions: 2)
    {
      $0.segmentBytes = 3000
      $0.durability = durability
    }
    var generator = SeededGenerator(seed: 3)
    var settings = TopicSettings(backend: "buffered")
    settings.durability = .batch
    _ = try fixture.directory.createTopic(
      "kept", partitions: 1, settings: settings, using: &generator)
    var slot: AlignedBuffer? = TestBatch.make(first: 0, count: 4)
    _ = try fixture.directory.log(TopicPartition(topic: "kept", partition: 0))
      .append(&slot, now: fixture.now)
    for number in 0..<12 { try fixture.append(number, valueBytes: 700) }
    try fixture.settle()
    try fixture.directory.checkpoint()
    return fixture
  }

  private func open(_ disk: SimulatedDisk) throws(LogError) -> LogDirectory {
    let io = SimulatedFileIO(disk)
    return try LogDirectory(
      path: "/data/log", io: io, drivers: LogFixture.makeDrivers(io, 1),
      defaults: TopicSettings(backend: "buffered"))
  }

  private func check(_ left: SimulatedDisk, mustBeGone: Bool, _ context: String) throws {
    let directory = try open(left)
    if mustBeGone { #expect(directory.topics["t"] == nil, "\(context)") }
    let kept = try directory.log(TopicPartition(topic: "kept", partition: 0)).published
    #expect(try LogFixture.numbers(kept) == [0, 1, 2, 3], "\(context)")
    let files = left.allPaths.filter { $0.contains("/t-") || $0.hasSuffix(".deleted") }
    if directory.topics["t"] == nil { #expect(files.isEmpty, "\(context): \(files)") }
    try directory.close()
    let fixture = try LogFixture(.buffered, io: SimulatedFileIO(left), path: "/data")
    let numbers = try fixture.numbers()
    #expect(numbers.isEmpty || numbers == Array(0..<12), "\(context): \(numbers)")
    try fixture.append(numbers.count)
    try fixture.reopen()
    #expect(try fixture.numbers() == Array(0...numbers.count), "\(context)")
  }

  @Test("is there as it was, or gone, after a power cut at any call of its deletion")
  func survivesCuts() throws {
    var gone = 0
    for seed in UInt64(0)..<150 {
      let disk = makeDisk()
      let fixture = try makeTwo(disk, .batch)
      var plan = FaultPlan()
      plan.powerCutAtOperation = disk.operationCount + 1 + Int(seed) % 50
      disk.set(plan)
      let isDone = (try? fixture.directory.deleteTopic("t")) != nil
      gone += isDone ? 1 : 0
      let left = disk.powerCut(seed: seed)
      // The opening that finishes the deletion is cut, too.
      var second = FaultPlan()
      second.powerCutAtOperation = 5 + Int(seed) % 37
      left.set(second)
      _ = try? open(left)
      try check(left.powerCut(seed: seed + 1), mustBeGone: isDone, "seed \(seed)")
      try check(disk.powerCut(seed: seed, .guaranteed), mustBeGone: isDone, "seed \(seed) again")
    }
    #expect(gone > 10 && gone < 140)
  }

  @Test("is deleted by the second call where an error came in between, and made again only then")
  func survivesErrors() throws {
    for operation in DiskOperation.allCases {
      for nth in 1...12 {
        let context = "\(operation) \(nth)"
        let disk = makeDisk()
        let fixture = try makeTwo(disk, .none)
        disk.set(FaultPlan(.init(operation, nth: nth)))
        var failure: LogError?
        do throws(LogError) { try fixture.directory.deleteTopic("t") } catch { failure = error }
        disk.set(FaultPlan())
        if fixture.directory.topics["t"] == nil {
          if nth % 2 == 0, failure != nil { try fixture.directory.deleteTopic("t") }
          try fixture.createAgain()
          #expect(try fixture.numbers().isEmpty, "\(context)")
        } else {
          #expect(try fixture.numbers() == Array(0..<12), "\(context)")
        }
        try fixture.append(50)
        let numbers = try fixture.numbers()
        try fixture.reopen()
        #expect(try fixture.numbers() == numbers, "\(context)")
      }
    }
  }
}

@Suite("A topic that grows")
struct TopicGrowthTests {
  @Test("has more partitions at once and after a restart, and keeps what it had")
  func grows() throws {
    let fixture = try LogFixture(.buffered, DiskUnderTest.linux.make(), partitions: 2)
    try fixture.append(0, partition: 1)
    let id = fixture.directory.topics["t"]?.id
    let topic = try fixture.directory.addPartitions("t", to: 5)
    #expect(topic.partitionCount == 5 && topic.id == id)
    #expect(fixture.directory.topics["t"] == topic)
    try fixture.append(9, partition: 4)
    try fixture.reopen()
    #expect(fixture.directory.topics["t"]?.partitionCount == 5)
    #expect(try fixture.numbers(partition: 1) == [0])
    #expect(try fixture.numbers(partition: 3).isEmpty)
    #expect(try fixture.numbers(partition: 4) == [9])
  }

  @Test("never shrinks, and says so")
  func neverShrinks() throws {
    let fixture = try LogFixture(.buffered, DiskUnderTest.simulated.make(), partitions: 2)
    for count in [-1, 0, 1, 2] {
      do throws(LogError) {
        _ = try fixture.directory.addPartitions("t", to: count)
        Issue.record("\(count) was accepted")
      } catch {
        #expect("\(error)".contains("2 partitions") && "\(error)".contains("more"))
      }
    }
    #expect(throws: LogError.invalidPartitionCount(100_001)) {
      try fixture.directory.addPartitions("t", to: 100_001)
    }
    #expect(throws: LogError.unknownTopic("u")) { try fixture.directory.addPartitions("u", to: 3) }
  }

  @Test("has all of the new partitions or none after a power cut at any call")
  func survivesCuts() throws {
    var counts: Set<Int32> = []
    for seed in UInt64(0)..<120 {
      let disk = SimulatedDisk()
      disk.makeDirectory("/data")
      let fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data") {
        $0.durability = .batch
      }
      try fixture.append(0)
      var plan = FaultPlan()
      plan.powerCutAtOperation = disk.operationCount + 1 + Int(seed) % 40
      disk.set(plan)
      let isDone = (try? fixture.directory.addPartitions("t", to: 4)) != nil
      let after = try LogFixture(
        .buffered, io: SimulatedFileIO(disk.powerCut(seed: seed)), path: "/data")
      let count = try #require(after.directory.topics["t"]).partitionCount
      counts.insert(count)
      #expect(count == 4 || count == 1 && !isDone, "seed \(seed): \(count)")
      #expect(try after.numbers() == [0], "seed \(seed)")
      // What an unfinished growth left is no hindrance.
      _ = try after.directory.addPartitions("t", to: 6)
      try after.append(1, partition: 5)
      try after.reopen()
      #expect(try after.numbers(partition: 5) == [1], "seed \(seed)")
    }
    #expect(counts == [1, 4])
  }
}
