import Broker
import KafkaProtocol
import TestSupport
import Testing

/// What a topic was given is its own; all else is what its broker was told for topics, at each start anew.
@Suite("A topic's configs") struct TopicConfigTests {
  private let directory = TemporaryDirectory()

  /// As DescribeConfigs numbers where a value comes from.
  private static let topic: Int8 = 1
  private static let broker: Int8 = 4
  private static let builtIn: Int8 = 5

  /// A broker with these settings, over the same files, for as long as the body runs.
  private func serving(
    _ values: [String: String] = [:], _ body: (TestClient) throws -> Void
  ) throws {
    let running = try RunningBroker(values, in: directory)
    try body(try running.client())
  }

  private struct Shown: Equatable {
    let value: String
    let source: Int8
    var synonyms: [String] = []
  }

  private func shown(_ name: String, of topic: String, _ client: TestClient) throws -> Shown? {
    let request = DescribeConfigsRequest(
      resources: [.init(resourceType: 2, resourceName: topic, configurationKeys: [name])],
      includeSynonyms: true)
    let result = try #require(try client.ask(request, version: 4).results.first)
    #expect(result.errorCode == 0)
    return result.configs.first.map { config in
      Shown(
        value: config.value ?? "", source: config.configSource,
        synonyms: config.synonyms.map { "\($0.source) \($0.name)=\($0.value ?? "")" })
    }
  }

  private func alter(
    _ topic: String, _ name: String, to value: String?, _ client: TestClient
  ) throws {
    let request = IncrementalAlterConfigsRequest(resources: [
      .init(
        resourceType: 2, resourceName: topic,
        configs: [.init(name: name, configOperation: value == nil ? 1 : 0, value: value)])
    ])
    #expect(try client.ask(request, version: 1).responses.map(\.errorCode) == [0])
  }

  private static let week = "604800000"

  @Test("follow the broker's at each start, but for those that the topic was given")
  func follows() throws {
    try serving { (client) throws in
      #expect(try client.create("given", partitions: 1, ["retention.ms": "5000"]) == 0)
      #expect(try client.create("plain", partitions: 1) == 0)
      #expect(
        try shown("retention.ms", of: "given", client)
          == Shown(
            value: "5000", source: Self.topic,
            synonyms: ["1 retention.ms=5000", "5 log.retention.ms=\(Self.week)"]))
      #expect(
        try shown("retention.ms", of: "plain", client)
          == Shown(
            value: Self.week, source: Self.builtIn, synonyms: ["5 log.retention.ms=\(Self.week)"]))
    }
    try serving(["log.retention.ms": "7000", "varve.durability": "group"]) { (client) throws in
      #expect(
        try shown("retention.ms", of: "given", client)
          == Shown(
            value: "5000", source: Self.topic,
            synonyms: [
              "1 retention.ms=5000", "4 log.retention.ms=7000", "5 log.retention.ms=\(Self.week)",
            ]))
      #expect(
        try shown("retention.ms", of: "plain", client)
          == Shown(
            value: "7000", source: Self.broker,
            synonyms: ["4 log.retention.ms=7000", "5 log.retention.ms=\(Self.week)"]))
      #expect(try shown("varve.durability", of: "given", client)?.value == "group")
      // Given what it has already, it keeps it from now on; and the other lets go of its own.
      try alter("plain", "retention.ms", to: "7000", client)
      try alter("given", "retention.ms", to: nil, client)
      #expect(try shown("retention.ms", of: "plain", client)?.source == Self.topic)
      #expect(try shown("retention.ms", of: "given", client)?.value == "7000")
    }
    try serving { (client) throws in
      #expect(try shown("retention.ms", of: "plain", client)?.value == "7000")
      #expect(
        try shown("retention.ms", of: "given", client)
          == Shown(
            value: Self.week, source: Self.builtIn, synonyms: ["5 log.retention.ms=\(Self.week)"]))
      #expect(try shown("varve.durability", of: "plain", client)?.value == "none")
    }
  }

  @Test("are the broker's where they were set for it, be it to what is built in")
  func sources() throws {
    try serving(["log.retention.ms": Self.week]) { (client) throws in
      #expect(try client.create("t", partitions: 1) == 0)
      #expect(try shown("retention.ms", of: "t", client)?.source == Self.broker)
      #expect(try shown("segment.bytes", of: "t", client)?.source == Self.builtIn)
    }
  }

  /// What tools set out of habit, and what would be another thing than is done here.
  @Test(
    "that Kafka has are accepted and shown where they say what is done here, and else refused",
    arguments: [
      ("min.insync.replicas", "1", "2"), ("unclean.leader.election.enable", "False", "true"),
      ("preallocate", "false", "true"), ("flush.messages", "9223372036854775807", "1"),
      ("segment.jitter.ms", "0", "5"), ("delete.retention.ms", "86400000", "1"),
      ("min.cleanable.dirty.ratio", "0.50", "0.1"), ("remote.storage.enable", "false", "true"),
      ("compression.zstd.level", "3", "9"), ("follower.replication.throttled.replicas", "", "0:1"),
    ])
  func fixed(name: String, accepted: String, refused: String) throws {
    try serving { (client) throws in
      #expect(try client.create("t", partitions: 1, [name: accepted]) == 0)
      #expect(try client.create("other", partitions: 1, [name: refused]) == 40)
      let value = try #require(try shown(name, of: "t", client))
      #expect(value.source == Self.builtIn)
      #expect(Double(value.value) == Double(accepted) && value.value == value.value.lowercased())
      try alter("t", name, to: accepted, client)
      try alter("t", name, to: nil, client)
      // What was given with it is as it was.
      #expect(try shown("retention.ms", of: "t", client)?.source == Self.builtIn)
    }
  }

  @Test("of space follow the broker where the topic's backend can, and are refused where it cannot")
  func space() throws {
    let name = "varve.preallocation"
    try serving { (client) throws in
      let unfit = ["varve.backend": "mmap", name: "none"]
      #expect(try client.create("unfit", partitions: 1, unfit) == 40)
      #expect(try client.create("mapped", partitions: 1, ["varve.backend": "mmap"]) == 0)
      #expect(try client.create("plain", partitions: 1) == 0)
    }
    try serving([name: "fallocate"]) { (client) throws in
      #expect(try shown(name, of: "plain", client)?.value == "fallocate")
      // Its backend takes other ways only.
      #expect(try shown(name, of: "mapped", client)?.value == "default")
      #expect(try client.produce(try batch("value"), to: "mapped", 0)?.errorCode == 0)
      #expect(try client.create("another", partitions: 1, ["varve.backend": "mmap"]) == 0)
      #expect(try client.produce(try batch("value"), to: "another", 0)?.errorCode == 0)
      try alter("another", "varve.backend", to: nil, client)
      #expect(try shown(name, of: "another", client)?.value == "fallocate")
      #expect(try client.create("own", partitions: 1, [name: "fallocate"]) == 0)
    }
    try serving([name: "zero"]) { (client) throws in
      #expect(try shown(name, of: "mapped", client)?.value == "zero")
    }
    try serving(["varve.backend": "mmap"]) { (client) throws in
      // What is its own does not fit what it follows: changed in anything else it may be all the same.
      #expect(try client.produce(try batch("value"), to: "own", 0)?.errorCode == 40)
      try alter("own", "retention.ms", to: "5000", client)
      try alter("own", name, to: nil, client)
      #expect(try client.produce(try batch("value"), to: "own", 0)?.errorCode == 0)
    }
    let error = #expect(throws: SettingsError.self) {
      try serving(["varve.backend": "mmap", name: "fallocate"]) { _ in }
    }
    #expect(error?.description.contains("'fallocate', and the backend 'mmap' takes") == true)
  }

  @Test("can be changed where the topic's name is as long as can be; a longer one is none")
  func longNames() throws {
    let longest = String(repeating: "n", count: 240)
    try serving { (client) throws in
      #expect(try client.create(longest + "n", partitions: 1) == 17)
      #expect(try client.create(longest, partitions: 1) == 0)
      try alter(longest, "retention.ms", to: "5000", client)
    }
    try serving { (client) throws in
      #expect(try shown("retention.ms", of: longest, client)?.value == "5000")
      let request = DeleteTopicsRequest(topicNames: [longest], timeoutMs: 1000)
      #expect(try client.ask(request, version: 4).responses.map(\.errorCode) == [0])
    }
  }

  @Test("that are replaced as a whole leave the topic those that were named")
  func replaces() throws {
    try serving { (client) throws in
      let own = ["retention.ms": "5000", "segment.bytes": "4096"]
      #expect(try client.create("t", partitions: 1, own) == 0)
      let request = AlterConfigsRequest(resources: [
        .init(
          resourceType: 2, resourceName: "t",
          configs: [.init(name: "segment.bytes", value: "8192")])
      ])
      #expect(try client.ask(request, version: 1).responses.map(\.errorCode) == [0])
    }
    try serving(["log.retention.ms": "9000", "log.segment.bytes": "5000"]) { (client) throws in
      #expect(try shown("retention.ms", of: "t", client)?.value == "9000")
      #expect(try shown("segment.bytes", of: "t", client)?.value == "8192")
    }
  }
}
