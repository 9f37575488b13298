import CommitLog
import LinuxIO

/// The metadata of a cluster of one broker, in the files of its data directory.
///
/// ```
/// meta.properties             the cluster's id
/// topics/<topic>.properties   a topic and its settings
/// varve-producer-ids          where the next block of producer ids begins
/// ```
/// A topic's file says that its partitions are there, and is written when they are: the directory
/// makes both, so that a crash leaves all of a topic or nothing.
package final class FileMetadata: ClusterMetadata {
  package private(set) var image: MetadataImage
  private let directory: LogDirectory
  private var producerIDs: ProducerIDFile
  private let randomness: @Sendable () -> any RandomNumberGenerator
  private var watcher: (MetadataChange) -> Void = { _ in }

  /// Reads the files, and writes `meta.properties` where it is missing. `clusterID`: what it must
  /// say, or empty. Throws where the directory is another cluster's or broker's.
  package init(
    _ directory: LogDirectory, io: any FileIO, clusterID: String, broker: BrokerRegistration,
    randomness: @escaping @Sendable () -> any RandomNumberGenerator
  ) throws(LogError) {
    self.directory = directory
    self.randomness = randomness
    producerIDs = try ProducerIDFile(io: io, directory: directory.path)
    let id = try ClusterIdentity.settle(
      io: io, directory: directory.path, wanted: clusterID, nodeID: broker.id,
      randomness)
    image = MetadataImage(
      cluster: ClusterInfo(id: id, controllerID: broker.id, brokers: [broker]),
      topics: directory.topics)
  }

  package func watch(_ watcher: @escaping (MetadataChange) -> Void) { self.watcher = watcher }

  package func createTopic(
    _ name: String, partitions: Int, settings: TopicSettings, own: Set<String>?
  ) throws(LogError) {
    var random = randomness()
    changed(
      .topic(
        try directory.createTopic(
          name, partitions: partitions, settings: settings, own: own, using: &random)))
  }

  package func deleteTopics(_ names: [String]) -> [LogError?] {
    directory.deleteTopics(names) { changed(.topicRemoved(name: $0)) }
  }

  package func addPartitions(_ name: String, to count: Int) throws(LogError) {
    changed(.topic(try directory.addPartitions(name, to: count)))
  }

  package func alterTopic(
    _ name: String, _ settings: TopicSettings, own: Set<String>?
  ) throws(LogError) {
    changed(.topic(try directory.alterTopic(name, settings, own: own)))
  }

  package func reserveProducerIDs(_ count: Int64) throws(LogError) -> Range<Int64> {
    try producerIDs.reserve(count)
  }

  private func changed(_ kind: MetadataChange.Kind) {
    image.revision += 1
    switch kind {
    case .topic(let topic): image.topics[topic.name] = topic
    case .topicRemoved(let name): image.topics[name] = nil
    }
    watcher(MetadataChange(revision: image.revision, kind: kind))
  }
}
