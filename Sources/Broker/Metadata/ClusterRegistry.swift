import CommitLog
import HashTreeCollections
import KafkaProtocol
import LinuxIO
import LogRuntime
import Records
import Synchronization

/// How a partition is served.
enum PartitionSlot: Sendable {
  case served(LogPartition)
  /// Its log is being opened.
  case opening
  /// Its log could not be opened.
  case offline

  var partition: LogPartition? {
    if case .served(let partition) = self { return partition }
    return nil
  }

  /// What who asks for it is told.
  var fault: KafkaError {
    switch self {
    case .served: .none
    // Clients ask for the metadata again, and wait.
    case .opening: .notLeaderOrFollower
    case .offline: .kafkaStorageError
    }
  }
}

/// A topic and its partitions, as they were when it was last made or changed.
final class TopicEntry: Sendable {
  let topic: Topic
  /// By number.
  let slots: [PartitionSlot]
  /// Those that are served, in the order of their numbers.
  let partitions: [LogPartition]

  init(_ topic: Topic, _ slots: [PartitionSlot]) {
    self.topic = topic
    self.slots = slots
    partitions = slots.compactMap(\.partition)
  }

  var name: String { topic.name }

  /// Nil where it is not served; see `fault`.
  func partition(_ number: Int32) -> LogPartition? {
    let index = Int(number)
    return slots.indices.contains(index) ? slots[index].partition : nil
  }

  /// Why a partition is not served.
  func fault(of number: Int32) -> KafkaError {
    slots.indices.contains(Int(number)) ? slots[Int(number)].fault : .unknownTopicOrPartition
  }

  /// Partitions that are offline.
  var offline: [TopicPartition] {
    slots.indices.filter { if case .offline = slots[$0] { true } else { false } }.map {
      TopicPartition(topic: name, partition: Int32($0))
    }
  }

  /// How many are being opened.
  var openingCount: Int {
    slots.reduce(0) { if case .opening = $1 { $0 + 1 } else { $0 } }
  }
}

/// What this broker has taken over of the cluster's metadata at one moment. Snapshots share what is
/// alike in them: a change costs no copy of them all.
struct ClusterSnapshot: Sendable {
  private var topics: TreeDictionary<String, TopicEntry> = [:]
  /// Topics whose own files do not hold, and how many partitions each seems to have.
  fileprivate(set) var offlineTopics: [String: Int] = [:]
  private(set) var partitionCount = 0
  /// The last change of the metadata that it shows.
  fileprivate(set) var revision: MetadataRevision = 0
  fileprivate(set) var info = ClusterInfo()

  subscript(_ name: String) -> TopicEntry? { topics[name] }

  /// Why a partition is not served.
  func fault(of topic: String, _ partition: Int32) -> KafkaError {
    topics[topic]?.fault(of: partition) ?? fault(ofUnserved: topic)
  }

  /// Why a topic is not served. One that is offline is there: a client that was told otherwise would
  /// make it anew.
  func fault(ofUnserved topic: String) -> KafkaError {
    offlineTopics[topic] != nil ? .kafkaStorageError : .unknownTopicOrPartition
  }

  /// In no order.
  var all: some Sequence<TopicEntry> { topics.values }

  /// In the order of their names.
  var sorted: [TopicEntry] { topics.values.sorted { $0.name < $1.name } }

  /// Nil takes the topic out.
  fileprivate mutating func set(_ name: String, _ entry: TopicEntry?) {
    let old = topics.removeValue(forKey: name)
    topics[name] = entry
    partitionCount += (entry?.slots.count ?? 0) - (old?.slots.count ?? 0)
  }
}

/// The cluster as this broker serves it now: changed by the administration's thread, read by all.
///
/// A reader keeps the snapshot that it has and asks for another when the version has moved, so
/// looking a topic up takes no lock.
final class ClusterRegistry: Sendable {
  private let current = Lock(ClusterSnapshot())
  private let changes = Atomic<UInt64>(0)

  var version: UInt64 { changes.load(ordering: .acquiring) }

  var snapshot: ClusterSnapshot { current.withLock { $0 } }

  func set(_ info: ClusterInfo) { change { $0.info = info } }

  func set(offlineTopics: [String: Int]) { change { $0.offlineTopics = offlineTopics } }

  func set(_ entry: TopicEntry, at revision: MetadataRevision) {
    change {
      $0.set(entry.name, entry)
      $0.revision = revision
    }
  }

  func remove(_ name: String, at revision: MetadataRevision) {
    change {
      $0.set(name, nil)
      $0.offlineTopics[name] = nil
      $0.revision = revision
    }
  }

  private func change(_ body: (inout ClusterSnapshot) -> Void) {
    current.withLock { body(&$0) }
    changes.add(1, ordering: .acquiringAndReleasing)
  }
}

/// One thread's view of the cluster.
struct ClusterView {
  private let registry: ClusterRegistry
  private var version: UInt64
  private var snapshot: ClusterSnapshot

  init(_ registry: ClusterRegistry) {
    self.registry = registry
    version = registry.version
    snapshot = registry.snapshot
  }

  /// The cluster now.
  mutating func current() -> ClusterSnapshot {
    let newest = registry.version
    if newest != version {
      version = newest
      snapshot = registry.snapshot
    }
    return snapshot
  }
}
