import LinuxIO
import LogStorage
import Records

/// The partitions of a data directory that have no log: those that are being opened, and those that
/// could not be. Of the latter nothing was changed. And the topics whose own files do not hold.
struct OfflinePartitions {
  private struct Entry {
    var points: OpeningPoints
    var state: State
  }

  private enum State {
    case opening(PartitionOpening)
    case failed(LogError)
  }

  private struct TopicEntry {
    let reason: LogError
    let partitionCount: Int
    let durable: [TopicPartition: Offset]
    let starts: [TopicPartition: Offset]
  }

  private var entries: [TopicPartition: Entry] = [:]
  private var topics: [String: TopicEntry] = [:]

  /// Why it has no log; nil of one that has, or does not exist.
  func reason(_ partition: TopicPartition) -> LogError? {
    switch entries[partition]?.state {
    case .opening: .opening(partition)
    case .failed(let reason): reason
    case nil: nil
    }
  }

  /// The opening that is under way, or waits for its turn.
  func opening(_ partition: TopicPartition) -> PartitionOpening? {
    guard case .opening(let opening) = entries[partition]?.state else { return nil }
    return opening
  }

  /// Those that are under way, or wait for their turn.
  var openings: [PartitionOpening] {
    entries.values.compactMap {
      guard case .opening(let opening) = $0.state else { return nil }
      return opening
    }
  }

  /// In no order.
  var failed: [(partition: TopicPartition, reason: LogError)] {
    entries.compactMap { partition, entry in
      guard case .failed(let reason) = entry.state else { return nil }
      return (partition, reason)
    }
  }

  /// What the data directory's files say of the partition, which they go on saying: without that the
  /// next opening would take what was durable for an append that nobody was told of.
  func points(_ partition: TopicPartition) -> OpeningPoints? { entries[partition]?.points }

  mutating func begin(_ opening: PartitionOpening) {
    entries[opening.partition] = Entry(points: opening.points, state: .opening(opening))
  }

  /// It could not be opened. What was recovered of it by then stays known.
  mutating func fail(_ opening: PartitionOpening, because reason: LogError) {
    entries[opening.partition] = Entry(points: opening.pointsNow, state: .failed(reason))
  }

  mutating func remove(_ partition: TopicPartition) { entries[partition] = nil }

  // MARK: - Topics

  /// Why a topic's own file could not be read, by the topic's name.
  var topicReasons: [String: LogError] { topics.mapValues(\.reason) }

  /// How many partitions such a topic has, as far as it can be seen; one at least.
  func partitionCount(of topic: String) -> Int { topics[topic]?.partitionCount ?? 0 }

  /// `folders`: the data directory's. `points` and `starts`: what the data directory's files say of its partitions, as far as they do,
  /// and go on saying.
  mutating func add(
    topic: String, folders: [String], _ points: [TopicPartition: Offset],
    _ starts: [TopicPartition: Offset],
    because reason: LogError
  ) {
    topics[topic] = TopicEntry(
      reason: reason,
      partitionCount: max(
        1, folders.count { TopicPartition(directoryName: $0)?.topic == topic }),
      durable: points.filter { $0.key.topic == topic },
      starts: starts.filter { $0.key.topic == topic })
  }

  mutating func remove(topic: String) { topics[topic] = nil }

  // MARK: - What the data directory's files go on saying

  var recoveryPoints: [(TopicPartition, Offset)] {
    entries.map { partition, entry in
      guard case .opening(let opening) = entry.state else {
        return (partition, entry.points.durable)
      }
      return (partition, opening.pointsNow.durable)
    } + topics.values.flatMap { $0.durable.map { ($0.key, $0.value) } }
  }

  /// Of those whose start is not where a segment begins.
  var logStarts: [(TopicPartition, Offset)] {
    entries.compactMap { partition, entry in entry.points.start.map { (partition, $0) } }
      + topics.values.flatMap { $0.starts.map { ($0.key, $0.value) } }
  }
}

/// What files of the data directory say about a partition.
struct OpeningPoints: Sendable {
  var clean: LogFiles.CleanEnd?
  var durable = Offset.zero
  var start: Offset?
}

extension LogError {
  /// True where this one partition's files are to blame, and not what the process or the system
  /// lacks, which the others would lack, too.
  var isOfOnePartition: Bool {
    if self == .interrupted { return false }
    guard let number = systemCall?.number else { return true }
    return ![.noMemory, .tooManyOpenFiles, .tooManyOpenFilesInSystem].contains(number)
  }

  /// True where a call failed, which may succeed when the system is mended.
  package var mayPass: Bool { systemCall != nil }

  private var systemCall: SystemCallError? {
    switch self {
    case .system(let error), .storage(.readFailed(let error)), .storage(.fileFailed(let error)),
      .storage(.noRoom(let error)), .storage(.writeFailed(let error)),
      .storage(.flushFailed(let error)):
      error
    default: nil
    }
  }
}
