import LinuxIO
import LogStorage
import Records

/// The ways out for a partition that is damaged or missing, in a data directory that no process has
/// open: this one has its lock until it ends.
///
/// Both are one step for a power cut and for SIGKILL: before it the partition is as it was, and after
/// it the next start, or the same repair once more, does what is left.
/// - `cut`: a copy of what lies behind the damage is made durable; then the recovery point moves
///   down to the damage, which is that step; then a recovery cuts, and sets the later segments aside,
///   as the next start would.
/// - `forget`: a new, empty folder is made durable under another name; then the old one moves aside,
///   and the new one gets its name.
package final class LogRepair {
  package struct BrokenTopic {
    package let name: String
    package let reason: LogError
  }

  package struct Forgotten {
    /// Where the old folder is; nil where there was none.
    package let keptPath: String?
    /// Where the log goes on.
    package let next: Offset
  }

  package let path: String
  package let notices: LogNotices
  /// In the order of their names.
  package let topics: [Topic]
  /// Topics whose own files do not hold: of their partitions nothing is known.
  package let brokenTopics: [BrokenTopic]
  private let io: any FileIO
  private let files: LogFiles
  private let lock: FileNumber
  /// What the directory's files say; nil after a change of one.
  private var known: (state: DirectoryState?, starts: [TopicPartition: Offset])?

  /// Throws `directoryInUse` where another process has the directory.
  package init(
    path: String, io: any FileIO, notices: LogNotices = LogNotices()
  ) throws(LogError) {
    self.path = path
    self.io = io
    self.notices = notices
    files = LogFiles(io: io, directory: path)
    let topicFiles = TopicFiles(io: io, directory: path)
    let entries: [DirectoryEntry]
    do { entries = try io.list(path) } catch { throw .system(error) }
    guard entries.contains(where: { $0.name == TopicFiles.directoryName && $0.isDirectory }) else {
      throw .noDirectory(
        path: path, reason: "holds no folder 'topics', so it is no data directory of varve's")
    }
    let held = try LogDirectory.takeLock(io, path)
    var topics: [Topic] = []
    var broken: [BrokenTopic] = []
    do throws(LogError) {
      for name in try topicFiles.names().topics {
        do throws(LogError) {
          topics += try topicFiles.read([name], defaults: TopicSettings(backend: "buffered"))
        } catch {
          guard error.isOfOnePartition else { throw error }
          broken.append(BrokenTopic(name: name, reason: error))
        }
      }
    } catch {
      try? io.close(held)
      throw error
    }
    lock = held
    self.topics = topics
    brokenTopics = broken
  }

  deinit { try? io.close(lock) }

  package var partitions: [TopicPartition] { topics.flatMap(\.partitions) }

  // MARK: - Looking

  /// Reads the whole partition.
  package func diagnose(_ partition: TopicPartition) throws(LogError) -> PartitionDiagnosis {
    _ = try topic(of: partition)
    let (directory, starts) = try readFiles()
    var state = directory?.of(partition) ?? PartitionState()
    if state.cleanEnd == nil { state.isSettled = false }
    var examination = PartitionExamination(
      io: io, directory: folder(of: partition), partition: partition, state: state)
    try examination.run()
    var found = examination.found
    // What was deleted up to there had been given to records.
    if let start = starts[partition] { found.unused = max(found.unused, start) }
    do throws(SystemCallError) {
      // A `forget` that was cut short while the partition had no folder.
      if case .noFolder? = found.fault, let begun = try freshBase(of: partition) {
        found.unused = max(found.unused, begun)
      }
    } catch { throw .system(error) }
    return found
  }

  private func readFiles() throws(LogError) -> (
    state: DirectoryState?, starts: [TopicPartition: Offset]
  ) {
    if let known { return known }
    let state = try DirectoryState(io: io, directory: path, isOwned: true)
    do {
      let read = (state, try files.readLogStarts() ?? [:])
      known = read
      return read
    } catch { throw .system(error) }
  }

  private func topic(of partition: TopicPartition) throws(LogError) -> Topic {
    if let broken = brokenTopics.first(where: { $0.name == partition.topic }) {
      throw .notRepairable(
        "\(partition)",
        reason: "the topic's own file is damaged (\(broken.reason)); restore it first")
    }
    guard let topic = topics.first(where: { $0.name == partition.topic }) else {
      throw .unknownTopic(partition.topic)
    }
    guard (0..<topic.partitionCount).contains(partition.partition) else {
      throw .unknownPartition(partition, partitionCount: topic.partitionCount)
    }
    return topic
  }

  private func folder(of partition: TopicPartition) -> String {
    "\(path)/\(partition.directoryName)"
  }

  // MARK: - Cutting

  /// Cuts the log at its damage, and keeps what lay behind in `.cut` files. On return it is durable,
  /// and the next start opens the partition. Returns what was found before.
  package func cut(_ partition: TopicPartition) throws(LogError) -> PartitionDiagnosis {
    let topic = try topic(of: partition)
    let found = try diagnose(partition)
    let damage: LogDamage
    switch found.fault {
    case nil: throw .notRepairable("\(partition)", reason: "nothing is damaged")
    case .noFolder(let path, _):
      throw .notRepairable(path, reason: "there is nothing to cut; --forget makes it anew, empty")
    case .unreadable(let error):
      throw .notRepairable(
        "\(partition)",
        reason: "what cannot be read cannot be kept, so nothing was cut (\(error)); --forget moves "
          + "the folder aside as it is")
    case .damaged(let place): damage = place
    }
    guard let last = damage.last else {
      throw .notRepairable(
        damage.path, reason: "there is no segment to cut; --forget makes it anew, empty")
    }
    try keep(last, in: folder(of: partition))
    let point = min(damage.offset, last.successor ?? damage.offset)
    try leaveCleanStop(partition)
    try moveLogStart(of: partition) { min($0, damage.offset) }
    try moveRecoveryPoint(of: partition) { $0.map { min($0, point) } }
    let recovery = LogRecovery(
      partition: partition, directory: folder(of: partition), io: io, settings: topic.settings,
      notices: notices, watch: OpeningWatch())
    _ = try recovery.run(recoveryPoint: point)
    if case .damaged(let rest)? = try diagnose(partition).fault {
      throw .damaged(
        path: rest.path, position: rest.position, expected: rest.offset, reason: rest.reason)
    }
    return found
  }

  /// Copies what lies behind the place, if that is more than padding.
  private func keep(_ place: CutPlace, in directory: String) throws(LogError) {
    let path = "\(directory)/\(SegmentNames.log(place.segment))"
    let isPadding: Bool
    let file: SegmentFile
    do {
      let size = try io.size(ofFileAt: path) ?? 0
      file = SegmentFile(
        baseOffset: place.segment, path: path, io: io, end: FilePosition(size))
    } catch { throw .system(error) }
    do throws(StorageError) {
      var scanner = try BatchScanner(file, from: place.position)
      isPadding = try scanner.isZeroToEnd()
    } catch { throw .storage(error) }
    if isPadding { return }
    let kept = try CutFiles(io: io, directory: directory).keep(file, from: place.position)
    notices.post(
      LogNotice(path: path, "what lies behind byte \(place.position) is kept in \(kept)"))
  }

  // MARK: - Forgetting

  /// Moves the partition's folder aside, and puts an empty one in its place, whose log goes on behind
  /// every offset that was given to a record: a consumer that committed one finds either the next
  /// record or the log's start, and never another record under an offset that it has read.
  package func forget(_ partition: TopicPartition) throws(LogError) -> Forgotten {
    let topic = try topic(of: partition)
    let found = try diagnose(partition)
    if found.fault == nil { throw .notRepairable("\(partition)", reason: "nothing is damaged") }
    let folder = folder(of: partition)
    var keptPath: String?
    do throws(SystemCallError) {
      try makeFresh(partition, topic, at: found.unused)
      if try exists(folder) {
        keptPath = try LeftOverFolder(io: io, path: folder).setAside()
        try io.synchronizeDirectory(path)
      }
      try io.rename(fresh(partition), to: folder)
      try io.synchronizeDirectory(path)
    } catch { throw .system(error) }
    try leaveCleanStop(partition)
    try moveLogStart(of: partition) { _ in nil }
    try moveRecoveryPoint(of: partition) { _ in found.unused }
    return Forgotten(keptPath: keptPath, next: found.unused)
  }

  /// The new folder, until it gets its name.
  private func fresh(_ partition: TopicPartition) -> String { folder(of: partition) + ".new" }

  private func freshBase(of partition: TopicPartition) throws(SystemCallError) -> Offset? {
    guard try exists(fresh(partition)) else { return nil }
    return try io.list(fresh(partition)).compactMap {
      SegmentNames.baseOffset(of: $0.name, suffix: ".log")
    }.first
  }

  private func makeFresh(
    _ partition: TopicPartition, _ topic: Topic, at offset: Offset
  ) throws(SystemCallError) {
    let folder = fresh(partition)
    let metadata = "\(folder)/\(LogFiles.partitionMetadataName)"
    let segment = "\(folder)/\(SegmentNames.log(offset))"
    // One that was begun, and of which the offset is right, serves: nothing else may know the offset.
    if try freshBase(of: partition) != offset {
      if try exists(folder) {
        for entry in try io.list(folder) { try io.remove("\(folder)/\(entry.name)") }
        try io.removeDirectory(folder)
      }
      try io.createDirectory(folder)
    }
    try io.replaceFile(
      at: metadata, with: Array(LogFiles.partitionMetadata(topic.id).utf8).span.bytes)
    let number = try io.open(segment, FileOpening(.readWrite, creation: .ifMissing))
    defer { try? io.close(number) }
    do { try io.synchronizeData(number) } catch { throw error.naming(segment) }
    try io.synchronizeDirectory(folder)
    try io.synchronizeDirectory(path)
  }

  private func exists(_ folder: String) throws(SystemCallError) -> Bool {
    do {
      _ = try io.list(folder)
      return true
    } catch {
      if error.number == .noSuchFile { return false }
      if error.number == .notADirectory { return true }
      throw error
    }
  }

  // MARK: - The data directory's files

  /// The marker of a clean stop says nothing of the partition any more.
  private func leaveCleanStop(_ partition: TopicPartition) throws(LogError) {
    known = nil
    do throws(SystemCallError) {
      guard let ends = try files.readCleanShutdown(), ends[partition] != nil else { return }
      try files.writeCleanShutdown(
        sorted(ends.filter { $0.key != partition }).map { ($0.key, $0.value) })
    } catch { throw .system(error) }
  }

  private func moveLogStart(
    of partition: TopicPartition, _ move: (Offset) -> Offset?
  ) throws(LogError) {
    known = nil
    do throws(SystemCallError) {
      guard var starts = try files.readLogStarts(), let start = starts[partition] else { return }
      starts[partition] = move(start)
      if starts[partition] == start { return }
      try files.writeLogStarts(sorted(starts).map { ($0.key, $0.value) })
    } catch { throw .system(error) }
  }

  /// `move` gives where the recovery point is to be; of none it gets nil, and nil leaves it so.
  private func moveRecoveryPoint(
    of partition: TopicPartition, _ move: (Offset?) -> Offset?
  ) throws(LogError) {
    known = nil
    do throws(SystemCallError) {
      // A file that does not hold says as little as one that only speaks of this partition.
      var points = try files.readRecoveryPoints() ?? [:]
      let point = points[partition]
      points[partition] = move(point)
      if points[partition] == point { return }
      try files.writeRecoveryPoints(sorted(points).map { ($0.key, $0.value) })
    } catch { throw .system(error) }
  }

  private func sorted<Value>(
    _ entries: [TopicPartition: Value]
  ) -> [(key: TopicPartition, value: Value)] {
    entries.sorted { ($0.key.topic, $0.key.partition) < ($1.key.topic, $1.key.partition) }
  }
}
