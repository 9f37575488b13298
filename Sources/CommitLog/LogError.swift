import LinuxIO
import LogStorage
import Records

/// What the log can answer instead of doing what it was asked.
package enum LogError: Error, Hashable, Sendable {
  case storage(StorageError)
  case system(SystemCallError)
  /// The bytes given to append, or found at a place in a file, are not a batch.
  case batch(BatchError, place: String)
  /// A batch larger than a segment can hold.
  case batchTooLarge(byteCount: Int, segmentBytes: Int)
  /// The offset lies outside the log.
  case offsetOutOfRange(Offset, start: Offset, end: Offset, TopicPartition)
  /// Bytes that were durable no longer hold; nothing was changed.
  case damaged(path: String, position: FilePosition, expected: Offset, reason: String)
  /// An earlier failure left the partition's end in doubt.
  case fenced(TopicPartition, StorageError)
  /// The append was accepted, and lost when one before it failed.
  case lostBehindFailure(TopicPartition, StorageError)
  /// The partition is being opened, and is not served yet.
  case opening(TopicPartition)
  /// Opening was told to stop. What was recovered by then is written down.
  case interrupted
  case directoryInUse(path: String)
  /// A directory is missing, or is something else.
  case noDirectory(path: String, reason: String)
  case unknownBackend(String, reason: String)
  case topicExists(String)
  case unknownTopic(String)
  /// The topic's own file does not hold: of its partitions nothing is known.
  case topicOffline(String, reason: String)
  case unknownPartition(TopicPartition, partitionCount: Int32)
  case invalidTopicName(String)
  case invalidPartitionCount(Int)
  /// A topic's partitions can only become more.
  case partitionCountNotRaised(topic: String, from: Int32, to: Int)
  case invalidSetting(file: String, line: Int, reason: String)
  /// A repair that was asked for cannot be done; nothing was changed.
  case notRepairable(String, reason: String)
}

extension LogError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .storage(let error): "\(error)"
    case .system(let error): "\(error)"
    case .batch(let error, let place): "\(place): \(error)"
    case .batchTooLarge(let byteCount, let segmentBytes):
      "a batch of \(byteCount) bytes does not fit a segment of \(segmentBytes) bytes "
        + "(segment.bytes); send smaller batches or raise segment.bytes"
    case .offsetOutOfRange(let offset, let start, let end, let partition):
      "\(partition): offset \(offset) is out of range: the log holds \(start) up to \(end)"
    case .damaged(let path, let position, let expected, let reason):
      "\(path): damaged at byte \(position), where offset \(expected) should be: \(reason). These "
        + "bytes were durable before, so this is not an unfinished append; nothing was changed. "
        + "Restore the file from a copy, or see 'varve log repair'"
    case .fenced(let partition, let error):
      "\(partition): takes no appends since an earlier failure (\(error)); reopen the log to "
        + "recover what is durable"
    case .lostBehindFailure(let partition, let error):
      "\(partition): the append was given up with the one before it, which failed: \(error)"
    case .opening(let partition): "\(partition): is being opened; try again"
    case .interrupted: "the opening of the log was interrupted; the next one goes on"
    case .directoryInUse(let path):
      "\(path): another process has this data directory open; stop it first, or choose another "
        + "directory"
    case .noDirectory(let path, let reason): "\(path): \(reason)"
    case .unknownBackend(let name, let reason): "backend '\(name)': \(reason)"
    case .topicExists(let name): "topic '\(name)' exists already"
    case .unknownTopic(let name): "there is no topic '\(name)'"
    case .topicOffline(let name, let reason):
      "topic '\(name)' is offline, since its own file is damaged: \(reason). Restore that file from a "
        + "copy and start again, or delete the topic with all its records"
    case .unknownPartition(let partition, let count):
      "\(partition): the topic has partitions 0 to \(count - 1)"
    case .invalidTopicName(let name):
      "'\(name)' is no topic name: 1 to \(Topic.nameBytesMax) of the characters a-z, A-Z, 0-9, "
        + "'.', '_' and '-', and neither '.' nor '..'"
    case .invalidPartitionCount(let count):
      "\(count) is no partition count: 1 to \(TopicSettings.partitionCountMax)"
    case .partitionCountNotRaised(let topic, let now, let asked):
      "topic '\(topic)' has \(now) partitions, and can only be given more; found \(asked)"
    case .invalidSetting(let file, let line, let reason): "\(file):\(line): \(reason)"
    case .notRepairable(let what, let reason): "\(what): \(reason)"
    }
  }
}

extension LogError {
  /// True where a file that was to be read is not there.
  package var isOfMissingFile: Bool {
    switch self {
    case .system(let error): error.number == .noSuchFile
    case .storage(.readFailed(let error)), .storage(.fileFailed(let error)):
      error.number == .noSuchFile
    default: false
    }
  }
}
