import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

/// A directory that is opened as a broker opens it, on a simulated disk.
private struct Place {
  let disk: SimulatedDisk
  var io: SimulatedFileIO { SimulatedFileIO(disk) }

  /// Topics `bad` and `good` of two partitions, three records in each, stopped cleanly.
  static func make() throws -> Place {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let place = Place(disk: disk)
    let directory = try place.open()
    var random = SeededGenerator(seed: 1)
    for topic in ["bad", "good"] {
      _ = try directory.createTopic(
        topic, partitions: 2, settings: TopicSettings(backend: "buffered"), using: &random)
      for partition in 0..<2 {
        for number in 0..<3 { try place.append(number, to: directory, topic, Int32(partition)) }
      }
    }
    try directory.close()
    return place
  }

  func open(_ watch: OpeningWatch = OpeningWatch()) throws(LogError) -> LogDirectory {
    try LogDirectory(
      path: "/data", io: io, shards: [LogFixture.makeDrivers(io, 1)], threads: CallersThread(),
      defaults: TopicSettings(backend: "buffered"), leavesDamagedOffline: true, watch: watch)
  }

  func append(
    _ number: Int, to directory: LogDirectory, _ topic: String, _ partition: Int32,
    valueBytes: Int = 100
  ) throws {
    let log = try directory.log(TopicPartition(topic: topic, partition: partition))
    var slot: AlignedBuffer? = TestBatch.make(
      first: number, valueBytes: valueBytes, shiftedBy: log.placement)
    let now = LogTime(monotonicNanoseconds: 0, wallMilliseconds: 1_000_000)
    _ = try log.append(&slot, now: now)
  }

  func numbers(
    _ directory: LogDirectory, _ topic: String, _ partition: Int32
  ) throws -> [Int] {
    let partition = TopicPartition(topic: topic, partition: partition)
    return try LogFixture.numbers(try directory.log(partition).published)
  }

  /// What lies below a path.
  func files(below path: String) -> [String: [UInt8]] {
    let paths = disk.allPaths.filter { $0.hasPrefix(path + "/") }
    return Dictionary(uniqueKeysWithValues: paths.map { ($0, disk.contents(of: $0) ?? []) })
  }
}

@Suite("A partition that cannot be opened")
struct OfflinePartitionTests {
  private static let segment = "/data/bad-0/00000000000000000000.log"
  private static let bad = TopicPartition(topic: "bad", partition: 0)

  /// Rot, and a byte lost: not as the clean stop left it.
  private func damage(_ place: Place) -> [UInt8] {
    let whole = place.disk.contents(of: Self.segment) ?? []
    var bytes = whole
    bytes[150] ^= 1
    place.disk.setContents(of: Self.segment, Array(bytes.dropLast()))
    return whole
  }

  private func expectOthersServed(_ directory: LogDirectory, _ place: Place) throws {
    for (topic, partition) in [("bad", 1), ("good", 0), ("good", 1)] as [(String, Int32)] {
      #expect(try place.numbers(directory, topic, partition).starts(with: [0, 1, 2]))
      try place.append(3, to: directory, topic, partition)
    }
  }

  @Test func `is offline alone, unchanged, and stays so over stops, until it is restored`() throws {
    let place = try Place.make()
    let whole = damage(place)
    let before = place.files(below: "/data/bad-0")
    for _ in 0..<3 {
      let directory = try place.open()
      guard case .damaged(let path, _, _, _)? = directory.reasonOffline(Self.bad) else {
        Issue.record("\(String(describing: directory.reasonOffline(Self.bad)))")
        return
      }
      #expect(path == Self.segment)
      #expect(throws: LogError.self) { _ = try directory.log(Self.bad) }
      #expect(directory.reasonOffline(TopicPartition(topic: "bad", partition: 1)) == nil)
      try expectOthersServed(directory, place)
      try directory.checkpoint()
      try directory.close()
      #expect(place.files(below: "/data/bad-0") == before, "nothing of it was changed")
    }
    place.disk.setContents(of: Self.segment, whole)
    let directory = try place.open()
    #expect(directory.reasonOffline(Self.bad) == nil)
    #expect(try place.numbers(directory, "bad", 0) == [0, 1, 2])
    try directory.close()
  }

  @Test func `is offline where its folder is missing, and its topic can be deleted`() throws {
    let place = try Place.make()
    for path in place.files(below: "/data/bad-0").keys { try place.io.remove(path) }
    try place.io.removeDirectory("/data/bad-0")
    var directory = try place.open()
    guard case .noDirectory? = directory.reasonOffline(Self.bad) else {
      Issue.record("\(String(describing: directory.reasonOffline(Self.bad)))")
      return
    }
    try expectOthersServed(directory, place)
    try directory.deleteTopic("bad")
    var random = SeededGenerator(seed: 2)
    _ = try directory.createTopic(
      "bad", partitions: 2, settings: TopicSettings(backend: "buffered"), using: &random)
    try place.append(7, to: directory, "bad", 0)
    try directory.close()
    directory = try place.open()
    #expect(try place.numbers(directory, "bad", 0) == [7])
    try directory.close()
  }

  @Test func `keeps the directory closed where nobody asked for it to be left out`() throws {
    let place = try Place.make()
    _ = damage(place)
    #expect(throws: LogError.self) {
      _ = try LogDirectory(
        path: "/data", io: place.io, drivers: LogFixture.makeDrivers(place.io, 1),
        defaults: TopicSettings(backend: "buffered"))
    }
  }

  @Test func `is no partition's fault where the process has no descriptors`() throws {
    let place = try Place.make()
    _ = damage(place)
    place.disk.set(
      FaultPlan(
        .init(.open, nth: 1, error: .tooManyOpenFiles, pathSuffix: "bad-0/00000000000000000000.log")
      ))
    #expect(throws: LogError.self) { _ = try place.open() }
    place.disk.set(FaultPlan())
    let directory = try place.open()
    try expectOthersServed(directory, place)
    try directory.close()
  }

  // MARK: - A topic whose own file is damaged

  private static let topicFile = "/data/topics/bad.properties"

  @Test(
    "a topic whose own file does not hold is offline alone, unchanged, until it is restored",
    arguments: ["", "partitions=2\n", "topic.id=x\npartitions=2\n", "noise"])
  func topicFile(_ text: String) throws {
    let place = try Place.make()
    let whole = try #require(place.disk.contents(of: Self.topicFile))
    place.disk.setContents(of: Self.topicFile, Array(text.utf8))
    let before = place.files(below: "/data/bad-0")
    for _ in 0..<2 {
      let directory = try place.open()
      #expect(Array(directory.offlineTopics.keys) == ["bad"])
      #expect(directory.partitionCount(ofOfflineTopic: "bad") == 2)
      #expect(throws: LogError.self) { _ = try directory.log(Self.bad) }
      var random = SeededGenerator(seed: 2)
      do throws(LogError) {
        _ = try directory.createTopic(
          "bad", partitions: 2, settings: TopicSettings(backend: "buffered"), using: &random)
        Issue.record("another topic took the name")
      } catch {
        guard case .topicOffline("bad", let reason) = error else {
          Issue.record("\(error)")
          return
        }
        #expect(reason.contains("bad.properties"))
      }
      try place.append(9, to: directory, "good", 0)
      try directory.checkpoint()
      try directory.close()
      #expect(place.files(below: "/data/bad-0") == before)
      #expect(place.disk.contents(of: Self.topicFile) == Array(text.utf8))
    }
    // What was durable below the recovery point is still held against it.
    let segment = try #require(place.disk.contents(of: Self.segment))
    place.disk.setContents(of: Self.topicFile, whole)
    place.disk.setContents(of: Self.segment, segment.dropLast(9))
    var directory = try place.open()
    #expect(directory.reasonOffline(Self.bad) != nil)
    try directory.close()
    place.disk.setContents(of: Self.segment, segment)
    directory = try place.open()
    #expect(directory.offlineTopics.isEmpty)
    for partition in Int32(0)..<2 {
      #expect(try place.numbers(directory, "bad", partition) == [0, 1, 2])
    }
    try directory.close()
  }

  @Test func `a topic whose own file does not hold can be deleted, and its name used again`() throws
  {
    let place = try Place.make()
    place.disk.setContents(of: Self.topicFile, [])
    var directory = try place.open()
    try directory.deleteTopic("bad")
    #expect(directory.offlineTopics.isEmpty && place.files(below: "/data/bad-0").isEmpty)
    var random = SeededGenerator(seed: 2)
    _ = try directory.createTopic(
      "bad", partitions: 1, settings: TopicSettings(backend: "buffered"), using: &random)
    try place.append(7, to: directory, "bad", 0)
    try directory.close()
    directory = try place.open()
    #expect(try place.numbers(directory, "bad", 0) == [7])
    try directory.close()
  }

  @Test
  func `a topic's damaged file keeps the directory closed where nobody asked to leave it out`()
    throws
  {
    let place = try Place.make()
    place.disk.setContents(of: Self.topicFile, [])
    #expect(throws: LogError.self) {
      _ = try LogDirectory(
        path: "/data", io: place.io, drivers: LogFixture.makeDrivers(place.io, 1),
        defaults: TopicSettings(backend: "buffered"))
    }
  }

  @Test func `the start of a log goes on being known while its topic's file is damaged`() throws {
    let place = try Place.make()
    var directory = try place.open()
    #expect(try directory.deleteRecords(Self.bad, before: Offset(2)) == Offset(2))
    try directory.close()
    let whole = try #require(place.disk.contents(of: Self.topicFile))
    place.disk.setContents(of: Self.topicFile, [])
    directory = try place.open()
    // Writes the file of log starts anew.
    let good = TopicPartition(topic: "good", partition: 0)
    #expect(try directory.deleteRecords(good, before: Offset(1)) == Offset(1))
    try directory.close()
    place.disk.setContents(of: Self.topicFile, whole)
    directory = try place.open()
    #expect(try place.numbers(directory, "bad", 0) == [2])
    try directory.close()
  }

  // MARK: - An opening that is interrupted

  @Test func `an opening that is interrupted is gone on with by the next one`() throws {
    let place = try Place.make()
    do {
      // Some MiB, so that it can be interrupted within one partition, too.
      let directory = try place.open()
      for number in 3..<300 {
        try place.append(number, to: directory, "good", 0, valueBytes: 10_000)
      }
      try directory.close()
    }
    for name in [".varve_cleanshutdown", "recovery-point-offset-checkpoint"] {
      try place.io.remove("/data/\(name)")
    }
    let whole = place.disk.allPaths.filter { $0.hasSuffix(".log") }
      .map { place.disk.contents(of: $0) }
    var interruptions = 0
    while true {
      place.disk.resetCounts()
      let looks = Lock(0)
      // One look further than the opening before.
      let watch = OpeningWatch { [interruptions] in
        looks.withLock { count in
          count += 1
          return count > 1 + interruptions / 2
        }
      }
      let directory: LogDirectory
      do throws(LogError) { directory = try place.open(watch) } catch {
        #expect(error == .interrupted)
        interruptions += 1
        continue
      }
      #expect(watch.openedCount == 4 && watch.partitionCount == 4)
      let written = place.disk.counts(of: "/data/good-0/00000000000000000000.log").bytesWritten
      #expect(written == 0, "what was recovered before is not written again")
      #expect(try place.numbers(directory, "good", 0) == Array(0..<300))
      try directory.close()
      break
    }
    #expect(interruptions > 3)
    let now = place.disk.allPaths.filter { $0.hasSuffix(".log") }
      .map { place.disk.contents(of: $0) }
    #expect(now == whole)
  }

  // MARK: - What is left of an earlier topic

  @Test func `a folder in a deleted partition is kept beside it, and the rest goes`() throws {
    let place = try Place.make()
    var directory = try place.open()
    place.disk.makeDirectory("/data/bad-0/backup")
    place.disk.setContents(of: "/data/bad-0/backup/mine", [1, 2, 3])
    try directory.deleteTopic("bad")
    try directory.close()
    directory = try place.open()
    #expect(directory.topics.keys.sorted() == ["good"])
    #expect(place.disk.contents(of: "/data/bad-0.leftover/backup/mine") == [1, 2, 3])
    #expect(place.files(below: "/data/bad-1").isEmpty)
    try directory.close()
  }

  @Test func `a new topic does not begin with the records of one before it`() throws {
    let place = try Place.make()
    // As somebody does who wants to be rid of a topic.
    try place.io.remove("/data/topics/bad.properties")
    let kept = place.disk.contents(of: Self.segment)
    for count in 1...2 {
      let directory = try place.open()
      var random = SeededGenerator(seed: UInt64(count))
      _ = try directory.createTopic(
        "bad", partitions: 2, settings: TopicSettings(backend: "buffered"), using: &random)
      #expect(try place.numbers(directory, "bad", 0).isEmpty)
      #expect(directory.notices.take().contains { $0.text.contains(".leftover") })
      try place.append(9, to: directory, "bad", 0)
      try directory.close()
      try place.io.remove("/data/topics/bad.properties")
    }
    #expect(
      place.disk.contents(of: "/data/bad-0.leftover/00000000000000000000.log") == kept)
    #expect(
      place.disk.contents(of: "/data/bad-0.1.leftover/00000000000000000000.log") != nil)
  }
}
