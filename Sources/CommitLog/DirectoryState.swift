import LinuxIO
import LogStorage
import Records

/// What a data directory's own files say of how its partitions were left, for who looks without
/// opening it. Takes no lock and changes nothing.
struct DirectoryState {
  /// True where a process has the directory open.
  let isInUse: Bool
  /// Nil where the last stop was no clean one.
  private let clean: [TopicPartition: LogFiles.CleanEnd]?
  /// Kafka's own marker says so, of a directory that only Kafka had.
  private let isKafkaClean: Bool
  /// Nil where the file is no checkpoint.
  private let points: [TopicPartition: Offset]?

  /// Nil where `directory` is no data directory: it has neither topics' files nor recovery points.
  /// With `isOwned` the caller has its lock.
  init?(io: any FileIO, directory: String, isOwned: Bool = false) throws(LogError) {
    let files = LogFiles(io: io, directory: directory)
    do throws(SystemCallError) {
      let names: Set<String>
      do { names = Set(try io.list(directory).map(\.name)) } catch {
        if error.number == .noSuchFile || error.number == .notADirectory { return nil }
        throw error
      }
      let isOurs = names.contains(TopicFiles.directoryName)
      guard isOurs || names.contains(LogFiles.recoveryPointName) else { return nil }
      // First: whoever opens the directory later is noticed when something looks bad.
      isInUse = isOwned ? false : try Self.isLocked(io, "\(directory)/\(LogFiles.lockName)")
      clean = isInUse ? nil : try files.readCleanShutdown()
      isKafkaClean = !isInUse && !isOurs && names.contains(".kafka_cleanshutdown")
      points = try files.readRecoveryPoints()
    } catch { throw .system(error) }
  }

  /// A file of recovery points that does not hold: the next start checks everything.
  var hasNoCheckpoint: Bool { points == nil }

  func of(_ partition: TopicPartition) -> PartitionState {
    let end = clean?[partition]
    return PartitionState(
      isInUse: isInUse, isSettled: end != nil || isKafkaClean, cleanEnd: end,
      durable: max(points?[partition] ?? .zero, end?.end ?? .zero))
  }

  private static func isLocked(_ io: any FileIO, _ path: String) throws(SystemCallError) -> Bool {
    if try io.size(ofFileAt: path) == nil { return false }
    let number = try io.open(path, FileOpening(.read))
    defer { try? io.close(number) }
    do { return try io.isLocked(number) } catch { throw error.naming(path) }
  }
}

/// How a partition was left.
struct PartitionState {
  var isInUse = false
  /// True where nothing can be unfinished: the stop was a clean one, or nothing is known.
  var isSettled = true
  var cleanEnd: LogFiles.CleanEnd?
  /// Below this offset everything was durable.
  var durable = Offset.zero

  /// What is bad at `next`, in a segment before the one that begins at `successor`, means.
  func fault(at next: Offset, before successor: Offset?) -> FaultKind {
    if isSettled || next < durable { return .damage }
    // Recovery believes what lies below, unread.
    if let successor, successor < durable { return .damage }
    if !isInUse { return .unrecovered }
    return successor == nil ? .beingWritten : .damage
  }
}

enum FaultKind {
  /// It was durable, or cleanly stopped.
  case damage
  /// A stop that was not clean left it: the next start cuts it off.
  case unrecovered
  /// A process has the directory open, and this is the last segment's end.
  case beingWritten
}

extension TopicPartition {
  /// The partition whose folder has this name; nil where it is no such name.
  package init?(directoryName: String) {
    guard let dash = directoryName.lastIndex(of: "-"),
      let number = Int32(directoryName[directoryName.index(after: dash)...]), number >= 0
    else { return nil }
    self.init(topic: String(directoryName[..<dash]), partition: number)
    // As we write it, without a sign or a zero before it.
    if self.directoryName != directoryName { return nil }
  }
}
