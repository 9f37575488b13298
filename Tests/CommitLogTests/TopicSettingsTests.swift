import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

@Suite("A topic's settings")
struct TopicSettingsTests {
  @Test("are told by name, and read back from what they are told as")
  func readsBack() {
    var settings = TopicSettings(backend: "buffered")
    settings.messageBytesMax = 77
    settings.transfer = "splice"
    settings.timestampBeforeMaxMilliseconds = 5
    settings.timestampAfterMaxMilliseconds = 6
    settings.retentionBytes = 8
    var other = TopicSettings(backend: "mmap")
    for name in TopicSettings.names {
      let text = settings.value(of: name)
      #expect(text != nil, "\(name)")
      #expect(other.set(name, to: text ?? "") == nil, "\(name)")
    }
    #expect(other == settings)
    #expect(settings.value(of: "max.message.bytes") == "77")
    #expect(settings.value(of: "cleanup.policy") == "delete")
    #expect(settings.value(of: "compression.type") == "producer")
  }

  @Test("are Kafka's by default")
  func hasDefaults() {
    let settings = TopicSettings(backend: "buffered")
    #expect(settings.messageBytesMax == 1_048_588)
    #expect(settings.transfer == "sendfile")
    #expect(settings.timestampBeforeMaxMilliseconds == Int64.max)
    #expect(settings.timestampAfterMaxMilliseconds == 3_600_000)
  }

  @Test(
    "refuse what is not here, with the reason",
    arguments: [
      ("cleanup.policy", "compact", "compaction"),
      ("cleanup.policy", "compact,delete", "compaction"),
      ("cleanup.policy", "", "expected delete"), ("compression.type", "gzip", "producer"),
      ("varve.transfer", "", "expected"), ("max.message.bytes", "-1", "0 to 2147483647"),
      ("max.message.bytes", "2147483648", "0 to 2147483647"),
      ("message.timestamp.after.max.ms", "-1", "from 0"),
      ("message.timestamp.before.max.ms", "soon", "whole number"),
    ])
  func refuses(_ name: String, _ text: String, _ part: String) {
    var settings = TopicSettings(backend: "buffered")
    let before = settings
    let reason = settings.set(name, to: text)
    #expect(reason.map { $0.hasPrefix(name) && $0.contains(part) } == true, "\(reason ?? "")")
    #expect(settings == before)
  }

  @Test(
    "outlive a restart; a file without the later ones has what was built in, whatever the defaults")
  func survives() throws {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    var old: [UInt8] = []
    do {
      let fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data")
      old = try #require(disk.contents(of: "/data/log/topics/t.properties"))
      #expect(!String(decoding: old, as: UTF8.self).contains("max.message.bytes"))
      var settings = try #require(fixture.directory.topics["t"]).settings
      settings.messageBytesMax = 5
      settings.transfer = "copy"
      try fixture.directory.alterTopic("t", settings)
      try fixture.reopen()
      #expect(fixture.directory.topics["t"]?.settings == settings)
    }
    disk.setContents(of: "/data/log/topics/t.properties", old)
    let fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data") {
      $0.messageBytesMax = 9
      $0.transfer = "splice"
    }
    let settings = try #require(fixture.directory.topics["t"]).settings
    #expect(settings.messageBytesMax == 1_048_588 && settings.transfer == "sendfile")
  }

  @Test("are what whoever opens the directory makes of them, until it is opened again")
  func settled() throws {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let io = SimulatedFileIO(disk)
    func opened(
      settle: (Topic) -> TopicSettings = { $0.settings }, _ body: (LogDirectory) throws -> Void
    ) throws {
      let directory = try LogDirectory(
        path: "/data/log", io: io, drivers: LogFixture.makeDrivers(io, 1),
        defaults: TopicSettings(backend: "buffered"), settle: settle)
      try body(directory)
      try directory.close()
    }
    var given = TopicSettings(backend: "buffered")
    given.segmentBytes = 2048
    try opened { directory in
      var generator = SeededGenerator(seed: 1)
      _ = try directory.createTopic(
        "t", partitions: 2, settings: given, own: ["segment.bytes"], using: &generator)
    }
    /// Changes what is not the topic's own.
    func follow(_ topic: Topic) -> TopicSettings {
      var settings = topic.settings
      if topic.ownSettings?.contains("retention.bytes") == false { settings.retentionBytes = 9 }
      if topic.ownSettings?.contains("segment.bytes") == false { settings.segmentBytes = 9 }
      return settings
    }
    try opened(settle: follow) { directory in
      let log = try directory.log(TopicPartition(topic: "t", partition: 1))
      #expect(log.settings.retentionBytes == 9 && log.settings.segmentBytes == 2048)
      #expect(directory.topics["t"]?.settings == log.settings)
    }
    try opened { #expect($0.topics["t"]?.settings == given) }
    // Another change is none of what is whose.
    try opened { _ = try $0.addPartitions("t", to: 3) }
    try opened { #expect($0.topics["t"]?.ownSettings == ["segment.bytes"]) }
    try opened { try $0.alterTopic("t", given) }
    try opened(settle: follow) { #expect($0.topics["t"]?.settings == given, "all are its own") }
  }

  @Test("that let segments grow further are the next one's, and a lower limit ends the present one")
  func segmentBytes() throws {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data") {
      $0.segmentBytes = 1024
    }
    var settings = try fixture.log().settings
    func sizes() throws -> [Int64] {
      try fixture.log().published.segments.map { $0.file.end.rawValue }
    }
    try fixture.append(0)
    settings.segmentBytes = 100_000
    try fixture.directory.alterTopic("t", settings)
    for number in 1..<30 { try fixture.append(number) }
    #expect(try sizes().count == 2)
    #expect(try sizes().first.map { $0 <= 1024 } == true)
    #expect(try sizes().last.map { $0 > 2048 } == true)
    settings.segmentBytes = 1024
    try fixture.directory.alterTopic("t", settings)
    for number in 30..<33 { try fixture.append(number) }
    #expect(try sizes().count == 3)
    #expect(try fixture.numbers() == Array(0..<33))
  }

  @Test("of its own that there are not are an error with the file and the line")
  func unknownOwn() throws {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let path = "/data/log/topics/t.properties"
    do {
      let fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data")
      try fixture.directory.close()
    }
    let text = String(decoding: try #require(disk.contents(of: path)), as: UTF8.self)
    disk.setContents(of: path, Array("varve.own.settings=retention.ms,colour\n\(text)".utf8))
    let error = #expect(throws: LogError.self) {
      _ = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data")
    }
    #expect(error?.description.hasPrefix("\(path):1: ") == true)
    #expect(error?.description.contains("'colour'") == true)
  }

  @Test("that cannot be written change nothing: a log never promises less than its topic says")
  func failToChange() throws {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data") {
      $0.durability = .batch
    }
    try fixture.append(0)
    var settings = try #require(fixture.directory.topics["t"]).settings
    settings.durability = .none
    var plan = FaultPlan()
    plan.scripts = [FaultPlan.Script(.write, nth: 1, goesOn: true, error: .noSpace)]
    disk.set(plan)
    #expect(throws: LogError.self) { try fixture.directory.alterTopic("t", settings) }
    disk.set(FaultPlan())
    #expect(try fixture.log().settings.durability == .batch)
    #expect(fixture.directory.topics["t"]?.settings.durability == .batch)
    try fixture.directory.alterTopic("t", settings)
    #expect(try fixture.log().settings.durability == Durability.none)
  }
}
