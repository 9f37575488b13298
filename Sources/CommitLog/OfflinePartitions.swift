import LinuxIO
import LogStorage
import Records

/// The partitions of a data directory that could not be opened: nothing of them was changed, and
/// the others are served.
struct OfflinePartitions {
  private struct Entry {
    let reason: LogError
    let points: OpeningPoints
  }

  private var entries: [TopicPartition: Entry] = [:]

  /// Why it could not be opened; nil of one that was.
  func reason(_ partition: TopicPartition) -> LogError? { entries[partition]?.reason }

  /// `points`: what the data directory's files say of it, which they go on saying: without them the
  /// next opening would take what was durable for an append that nobody was told of.
  mutating func add(_ partition: TopicPartition, _ points: OpeningPoints, because reason: LogError)
  {
    entries[partition] = Entry(reason: reason, points: points)
  }

  mutating func remove(_ partition: TopicPartition) { entries[partition] = nil }

  var recoveryPoints: [(TopicPartition, Offset)] {
    entries.map { ($0.key, $0.value.points.durable) }
  }

  /// Of those whose start is not where a segment begins.
  var logStarts: [(TopicPartition, Offset)] {
    entries.compactMap { partition, entry in entry.points.start.map { (partition, $0) } }
  }
}

/// What files of the data directory say about a partition.
struct OpeningPoints {
  var clean: LogFiles.CleanEnd?
  var durable = Offset.zero
  var start: Offset?
}

extension LogError {
  /// True where this one partition's files are to blame, and not what the process or the system
  /// lacks, which the others would lack, too.
  var isOfOnePartition: Bool {
    switch self {
    case .system(let error), .storage(.readFailed(let error)), .storage(.fileFailed(let error)):
      ![.noMemory, .tooManyOpenFiles, .tooManyOpenFilesInSystem].contains(error.number)
    case .interrupted: false
    default: true
    }
  }
}
