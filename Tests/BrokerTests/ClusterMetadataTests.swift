import Broker
import CommitLog
import LinuxIO
import TestSupport
import Testing

@Suite("The metadata in a data directory's files")
struct ClusterMetadataTests {
  private let place = TemporaryDirectory()
  private let broker = BrokerRegistration(
    id: 7, address: NetworkAddress(host: "broker.example", port: 9092))

  private func open() throws -> (LogDirectory, FileMetadata) {
    let io = LinuxFileIO()
    let directory = try LogDirectory(
      path: "\(place.path)/data", io: io, drivers: LogFixture.makeDrivers(io, 0),
      defaults: TopicSettings(backend: "buffered"))
    return (
      directory,
      try FileMetadata(
        directory, io: io, clusterID: "", broker: broker,
        randomness: { SystemRandomNumberGenerator() })
    )
  }

  /// What a watcher was told, in a line each.
  private final class Told {
    var lines: [String] = []

    func note(_ change: MetadataChange) {
      switch change.kind {
      case .topic(let topic):
        lines.append("\(change.revision) \(topic.name) \(topic.partitionCount)")
      case .topicRemoved(let name): lines.append("\(change.revision) \(name) removed")
      }
    }
  }

  @Test func `tell each change once, by a revision that grows by one, and none that failed`() throws
  {
    let (directory, metadata) = try open()
    defer { try? directory.close() }
    let told = Told()
    metadata.watch(told.note)
    var settings = TopicSettings(backend: "buffered")
    try metadata.createTopic("a", partitions: 1, settings: settings, own: [])
    #expect(throws: LogError.topicExists("a")) {
      try metadata.createTopic("a", partitions: 1, settings: settings, own: [])
    }
    try metadata.createTopic("b", partitions: 2, settings: settings, own: [])
    try metadata.addPartitions("a", to: 3)
    settings.segmentBytes = 1 << 20
    try metadata.alterTopic("b", settings, own: ["segment.bytes"])
    let errors = metadata.deleteTopics(["none", "b"])
    #expect(errors == [.unknownTopic("none"), nil])
    #expect(told.lines == ["1 a 1", "2 b 2", "3 a 3", "4 b 2", "5 b removed"])
    #expect(metadata.image.revision == 5)
    #expect(metadata.image.topics.keys.sorted() == ["a"])
  }

  @Test func `are there again after a stop, with the cluster's id, and no producer id twice`()
    throws
  {
    var given: Set<Int64> = []
    var clusters: Set<String> = []
    for round in 0..<3 {
      let (directory, metadata) = try open()
      defer { try? directory.close() }
      clusters.insert(metadata.image.cluster.id)
      #expect(metadata.image.cluster.brokers == [broker])
      #expect(metadata.image.topics.count == round)
      try metadata.createTopic(
        "t\(round)", partitions: 1, settings: TopicSettings(backend: "buffered"), own: nil)
      var ids = ProducerIDs(metadata)
      // More than a block.
      for _ in 0..<1_500 { #expect(given.insert(try ids.take()).inserted) }
    }
    #expect(clusters.count == 1)
  }
}
