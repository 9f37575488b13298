import CommitLog

/// What the brokers of a cluster agree on: which topics there are and their settings, which brokers serve
/// them, which producer ids have been given out. It says what is to be; a broker's own logs follow it.
///
/// Whoever changes it is told by `watch` like everybody else, and by nothing else: a change that another
/// broker made comes the same way. Belongs to the administration's thread.
protocol ClusterMetadata: AnyObject {
  /// What is known now.
  var image: MetadataImage { get }

  /// From now on `watcher` is told of every change, in the order of the revisions, on the administration's
  /// thread. There is one watcher.
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
typealias MetadataRevision = Int64

/// The metadata at one revision.
struct MetadataImage: Sendable {
  var revision: MetadataRevision = 0
  let cluster: ClusterInfo
  var topics: [String: Topic] = [:]
}

/// The cluster as clients are told of it.
struct ClusterInfo: Sendable {
  var id = ""
  /// The broker that changes the metadata.
  var controllerID: Int32 = 0
  /// In the order of their ids.
  var brokers: [BrokerRegistration] = []

  func broker(_ id: Int32) -> BrokerRegistration? { brokers.first { $0.id == id } }
}

/// A broker, and where clients reach it.
struct BrokerRegistration: Hashable, Sendable {
  let id: Int32
  let address: NetworkAddress
}

/// One change of the metadata.
struct MetadataChange: Sendable {
  enum Kind: Sendable {
    /// The topic is there, or is another one now: more partitions, other settings.
    case topic(Topic)
    case topicRemoved(name: String)
  }

  let revision: MetadataRevision
  let kind: Kind
}
