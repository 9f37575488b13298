import CommitLog
import LinuxIO
import Records
import Synchronization

/// A topic and its partitions, as they were when it was last made or changed.
final class TopicEntry: Sendable {
  let topic: Topic
  /// By number.
  let partitions: [PartitionEntry]

  init(_ topic: Topic, _ partitions: [PartitionEntry]) {
    self.topic = topic
    self.partitions = partitions
  }

  var name: String { topic.name }

  func partition(_ number: Int32) -> PartitionEntry? {
    let index = Int(number)
    return partitions.indices.contains(index) ? partitions[index] : nil
  }
}

/// All topics at one moment.
struct TopicSnapshot: Sendable {
  var topics: [String: TopicEntry] = [:]

  /// In the order of their names.
  var sorted: [TopicEntry] { topics.values.sorted { $0.name < $1.name } }

  var partitionCount: Int { topics.values.reduce(0) { $0 + $1.partitions.count } }
}

/// The topics that there are now: changed by the log's thread, read by all.
///
/// A reader keeps the snapshot that it has and asks for another when the version has moved, so looking
/// a topic up takes no lock.
final class TopicRegistry: Sendable {
  private let current = Lock(TopicSnapshot())
  private let changes = Atomic<UInt64>(0)

  var version: UInt64 { changes.load(ordering: .acquiring) }

  var snapshot: TopicSnapshot { current.withLock { $0 } }

  /// The log thread's.
  func set(_ entry: TopicEntry) { change { $0.topics[entry.name] = entry } }

  /// The log thread's.
  func remove(_ name: String) { change { $0.topics[name] = nil } }

  private func change(_ body: (inout TopicSnapshot) -> Void) {
    current.withLock { body(&$0) }
    changes.add(1, ordering: .acquiringAndReleasing)
  }
}

/// One thread's view of the topics.
struct TopicView {
  private let registry: TopicRegistry
  private var version: UInt64
  private var snapshot: TopicSnapshot

  init(_ registry: TopicRegistry) {
    self.registry = registry
    version = registry.version
    snapshot = registry.snapshot
  }

  /// The topics now.
  mutating func current() -> TopicSnapshot {
    let newest = registry.version
    if newest != version {
      version = newest
      snapshot = registry.snapshot
    }
    return snapshot
  }
}
