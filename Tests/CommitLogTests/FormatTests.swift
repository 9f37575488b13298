import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

@Suite("On disk")
struct FormatTests {
  @Test("all backends leave byte-identical segments and indexes")
  func isIdentical() throws {
    var reference: [String: [UInt8]] = [:]
    for kind in BackendUnderTest.allCases {
      for disk in DiskUnderTest.allCases {
        let place = disk.make()
        let fixture = try LogFixture(kind, place) { $0.segmentBytes = 50_000 }
        var random = SeededGenerator(seed: 5)
        for number in 0..<200 {
          try fixture.append(number, valueBytes: random.below(3000), timestamp: Int64(number))
        }
        try fixture.directory.close()
        var files: [String: [UInt8]] = [:]
        for entry in try place.io.list(place.path + "/log/t-0") {
          files[entry.name] = try place.io.readFile(at: place.path + "/log/t-0/" + entry.name)
        }
        files["partition.metadata"] = nil
        #expect(files.count >= 15)
        if reference.isEmpty { reference = files }
        #expect(files == reference, "\(kind) on \(disk)")
      }
    }
  }

  @Test("indexes have Kafka's entries: relative offset and position, timestamp and offset")
  func hasKafkaIndexes() throws {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data") {
      $0.indexIntervalBytes = 1000
    }
    var positions: [Int64] = []
    var position: Int64 = 0
    for number in 0..<20 {
      positions.append(position)
      try fixture.append(number, valueBytes: 400, timestamp: 5000 + Int64(number))
      position = try fixture.log().published.segments[0].file.end.rawValue
    }
    try fixture.directory.close()
    let index = try #require(disk.contents(of: fixture.file("00000000000000000000.index")))
    let times = try #require(disk.contents(of: fixture.file("00000000000000000000.timeindex")))
    #expect(index.count % 8 == 0 && times.count % 12 == 0 && index.count >= 40)
    for entry in 0..<(index.count / 8) {
      let offset = number(index, entry * 8, 4)
      #expect(number(index, entry * 8 + 4, 4) == positions[Int(offset)])
      #expect(number(times, entry * 12, 8) == 5000 + offset)
      #expect(number(times, entry * 12 + 8, 4) == offset)
    }
    #expect(number(times, times.count - 12, 8) == 5019, "the last entry is the newest timestamp")
  }

  private func number(_ bytes: [UInt8], _ at: Int, _ count: Int) -> Int64 {
    bytes[at..<(at + count)].reduce(0) { $0 << 8 | Int64($1) }
  }

  @Test("a log written by one backend opens and goes on with any other")
  func opensWithAny() throws {
    for disk in DiskUnderTest.allCases {
      let place = disk.make()
      var expected: [Int] = []
      for kind in BackendUnderTest.allCases + [.buffered, .direct] {
        let fixture = try LogFixture(kind, place)
        var topic = try #require(fixture.directory.topics["t"])
        topic.settings.backend = kind.rawValue
        try fixture.directory.alterTopic("t", topic.settings)
        for _ in 0..<5 {
          try fixture.append(expected.count, valueBytes: 777)
          expected.append(expected.count)
        }
        try fixture.settle()
        #expect(try fixture.numbers() == expected)
        try fixture.directory.close()
      }
    }
  }

  @Test("a topic changes its backend at a roll and keeps every record")
  func changesBackend() throws {
    let fixture = try LogFixture(.buffered, DiskUnderTest.linux.make()) {
      $0.segmentBytes = 5000
    }
    var expected: [Int] = []
    for kind in [BackendUnderTest.direct, .buffered, .deferredDirect, .direct] {
      for _ in 0..<20 {
        try fixture.append(expected.count, valueBytes: 500)
        expected.append(expected.count)
      }
      var topic = try #require(fixture.directory.topics["t"])
      topic.settings.backend = kind.rawValue
      try fixture.directory.alterTopic("t", topic.settings)
    }
    try fixture.settle()
    #expect(try fixture.numbers() == expected)
    try fixture.reopen()
    #expect(try fixture.numbers() == expected)
  }

  @Test("a topic has a partition count and a UUID that survive a restart")
  func keepsTopics() throws {
    let fixture = try LogFixture(.buffered, DiskUnderTest.linux.make(), partitions: 5) {
      $0.retentionBytes = 12345
      $0.durability = .group
    }
    let before = try #require(fixture.directory.topics["t"])
    try fixture.reopen()
    #expect(fixture.directory.topics["t"] == before)
    #expect(before.partitionCount == 5 && before.settings.retentionBytes == 12345)
    #expect(TopicID(before.id.description) == before.id)
    #expect(throws: LogError.self) {
      try fixture.directory.log(TopicPartition(topic: "t", partition: 5))
    }
    let metadata = try fixture.io.readFile(at: fixture.file("partition.metadata")) ?? []
    #expect(
      String(decoding: metadata, as: UTF8.self) == "version: 0\ntopic_id: \(before.id)\n")
  }

  @Test("topic identities read back what they write")
  func roundTripsIdentities() {
    var random = SeededGenerator(seed: 8)
    for _ in 0..<1000 {
      let id = TopicID.random(using: &random)
      #expect(TopicID(id.description) == id)
      #expect(id.description.utf8.count == 22)
    }
    for bad in ["", "short", String(repeating: "!", count: 22), String(repeating: "_", count: 22)] {
      #expect(TopicID(bad) == nil)
    }
  }
}
