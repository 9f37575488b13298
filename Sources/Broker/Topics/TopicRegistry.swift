import CommitLog
import HashTreeCollections
import LinuxIO
import LogRuntime
import Records
import Synchronization

/// A topic and its partitions, as they were when it was last made or changed.
final class TopicEntry: Sendable {
  let topic: Topic
  /// By number.
  let partitions: [LogPartition]

  init(_ topic: Topic, _ partitions: [LogPartition]) {
    self.topic = topic
    self.partitions = partitions
  }

  var name: String { topic.name }

  func partition(_ number: Int32) -> LogPartition? {
    let index = Int(number)
    return partitions.indices.contains(index) ? partitions[index] : nil
  }
}

/// All topics at one moment. Snapshots share what is alike in them: a change costs no copy of them all.
struct TopicSnapshot: Sendable {
  private var topics: TreeDictionary<String, TopicEntry> = [:]
  private(set) var partitionCount = 0

  subscript(_ name: String) -> TopicEntry? { topics[name] }

  /// In no order.
  var all: some Sequence<TopicEntry> { topics.values }

  /// In the order of their names.
  var sorted: [TopicEntry] { topics.values.sorted { $0.name < $1.name } }

  /// Nil takes the topic out.
  fileprivate mutating func set(_ name: String, _ entry: TopicEntry?) {
    let old = topics.removeValue(forKey: name)
    topics[name] = entry
    partitionCount += (entry?.partitions.count ?? 0) - (old?.partitions.count ?? 0)
  }
}

/// The topics that there are now: changed by the administration's thread, read by all.
///
/// A reader keeps the snapshot that it has and asks for another when the version has moved, so looking
/// a topic up takes no lock.
final class TopicRegistry: Sendable {
  private let current = Lock(TopicSnapshot())
  private let changes = Atomic<UInt64>(0)

  var version: UInt64 { changes.load(ordering: .acquiring) }

  var snapshot: TopicSnapshot { current.withLock { $0 } }

  func set(_ entry: TopicEntry) { change { $0.set(entry.name, entry) } }

  func remove(_ name: String) { change { $0.set(name, nil) } }

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
