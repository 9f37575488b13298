import CommitLog

/// What the brokers of a cluster agree on: which topics there are and their settings, which brokers
/// serve them, which producer ids have been given out. It says what is to be; a broker's own logs
/// follow it.
///
/// Whoever changes it is told by `watch` like everybody else, and by nothing else: a change that
/// another broker made comes the same way. Belongs to the administration's thread.
package protocol ClusterMetadata: AnyObject {
  /// What is known now.
  var image: MetadataImage { get }

  /// From now on `watcher` is told of every change, in the order of the revisions, on the
  /// administration's thread. There is one watcher.
  func watch(_ watcher: @escaping (MetadataChange) -> Void)

  // Each of these is durable on return, and the watcher has been told by then.

  /// Throws `topicExists`. `own` are the names of the settings that are the topic's own.
  func createTopic(
    _ name: String, partitions: Int, settings: TopicSettings, own: Set<String>?
  ) throws(LogError)
  /// An error for each topic that could not be deleted, each named once.
  func deleteTopics(_ names: [String]) -> [LogError?]
  /// `count` in all. Throws `partitionCountNotRaised`.
  func addPartitions(_ name: String, to count: Int) throws(LogError)
  func alterTopic(_ name: String, _ settings: TopicSettings, own: Set<String>?) throws(LogError)
  /// Producer ids that nobody else has been given or will be.
  func reserveProducerIDs(_ count: Int64) throws(LogError) -> Range<Int64>
}

/// Grows by one with each change, within one run of a broker.
package typealias MetadataRevision = Int64

/// The metadata at one revision.
package struct MetadataImage: Sendable {
  package internal(set) var revision: MetadataRevision = 0
  package let cluster: ClusterInfo
  package internal(set) var topics: [String: Topic] = [:]
}

/// The cluster as clients are told of it.
package struct ClusterInfo: Sendable {
  package internal(set) var id = ""
  /// The broker that changes the metadata.
  package internal(set) var controllerID: Int32 = 0
  /// In the order of their ids.
  package internal(set) var brokers: [BrokerRegistration] = []

  func broker(_ id: Int32) -> BrokerRegistration? { brokers.first { $0.id == id } }
}

/// A broker, and where clients reach it.
package struct BrokerRegistration: Hashable, Sendable {
  package let id: Int32
  package let address: NetworkAddress

  package init(id: Int32, address: NetworkAddress) {
    self.id = id
    self.address = address
  }
}

/// One change of the metadata.
package struct MetadataChange: Sendable {
  package enum Kind: Sendable {
    /// The topic is there, or is another one now: more partitions, other settings.
    case topic(Topic)
    case topicRemoved(name: String)
  }

  package let revision: MetadataRevision
  package let kind: Kind
}
