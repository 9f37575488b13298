import LinuxIO
import LogStorage
import Records

/// A data directory: its topics, their partitions' logs, and the files that say how it was left.
///
/// ```
/// <data>/.lock                             held while a process has the directory open
/// <data>/.varve_cleanshutdown              there only after a clean stop
/// <data>/.varve_walltime                   the last time that retention went by
/// <data>/recovery-point-offset-checkpoint  what is known to be durable
/// <data>/log-start-offset-checkpoint       where logs begin from which records were deleted
/// <data>/topics/<topic>.properties         partition count, UUID, settings
/// <data>/topics/<topic>.deleted            the same, of a topic whose deletion has not ended
/// <data>/<topic>-<partition>/…             segments and indexes, as Kafka names them
/// ```
/// Belongs to one thread: who makes, changes and deletes topics. Its logs belong to their shards'
/// threads, where it does what touches one in short pieces (`LogThreads`); files that no log has
/// yet, or has any more, are made and removed on its own. No file of a partition is open until it
/// is appended to or read.
package final class LogDirectory {
  /// The file that says that the last stop was a clean one.
  package static let cleanShutdownName = LogFiles.cleanShutdownName
  /// The file that says what is durable.
  package static let recoveryPointName = LogFiles.recoveryPointName

  package let path: String
  package let notices: LogNotices
  package internal(set) var topics: [String: Topic] = [:]
  /// Bytes whose CRC opening checked; 0 after a clean shutdown.
  package internal(set) var recoveredBytes: Int64 = 0
  /// Partitions that opening had to check.
  package internal(set) var recoveredPartitionCount = 0

  let io: any FileIO
  package let shards: [LogShard]
  /// How far the recovery points are behind the logs.
  package let lag: CheckpointLag
  let threads: any LogThreads
  let files: LogFiles
  let topicFiles: TopicFiles
  private let lock: FileNumber
  private var isLocked = true
  var logs: [TopicPartition: PartitionLog] = [:]
  /// How many of them each shard has.
  private var shardCounts: [Int]
  /// Partitions that could not be opened.
  var offline = OfflinePartitions()
  /// Openings that are to be performed, in the order of topics and partitions.
  var openings: [PartitionOpening] = []
  /// A recovery keeps what it has come to after so many bytes.
  let progressBytes: Int64
  /// Bytes that were checked when it did so last.
  var progressKept: Int64 = 0
  /// Topics that are gone, and of which files may be left.
  var unfinishedDeletions: Set<String> = []
  /// When recovery points are written.
  package var checkpoints = CheckpointSchedule()
  /// Has flushes performed, on another thread, and gives them to `ended`. Nil: nothing is flushed that
  /// its durability does not ask for.
  package var flushInBackground: (([BackgroundFlush]) -> Void)?
  /// What had been appended when the flushes began that are under way; nil while none are.
  private var flushing: Int64?
  private var nextRetentionNanoseconds: Int64?
  /// How often retention is applied by `maintain`.
  package var retentionCheckMilliseconds: Int64 = 300_000
  /// How long the wall clock has to go on after a jump until retention believes it; 0 is at once.
  package var clockGraceMilliseconds = RetentionClock.defaultGraceMilliseconds
  /// Nil until the first look at the time.
  var clock: RetentionClock?
  var clockNotices = NoticeBudget()
  /// The last one that found no room in the budget.
  var untoldClockChange: RetentionClock.Change?
  var writtenNote: Int64?
  var isNoteFailureTold = false
  /// The last time of an earlier process is yet to be read: that has failed.
  var isNoteUnread = false
  private var futureRecords = FutureRecords()

  /// Opens the directory, makes it where it is missing, and recovers what needs it.
  ///
  /// Partitions are dealt out to the shards, one for each of `shards`; their backends are made when
  /// their threads first ask for them.
  ///
  /// `defaults` are the settings of topics that do not say otherwise. `settle` says what a topic
  /// goes by from its opening on, where that is not what its file says: a broker's topics follow
  /// the broker. Nothing of that is written. Throws `directoryInUse` where another process has it,
  /// and `damaged` where bytes that were durable do not hold: then nothing was changed in that
  /// partition. With `leavesDamagedOffline` it opens without that partition, for which `log` throws
  /// the reason; and without a topic whose own file does not hold (`offlineTopics`). Throws
  /// `interrupted` where `watch` says so.
  ///
  /// With `opensLater` no partition is open when it returns: the caller takes the openings
  /// (`takeOpenings`), performs them on any threads, and gives each to `opened`. A partition is
  /// served from then on.
  package init(
    path: String, io: any FileIO, shards drivers: [BackendDrivers], threads: any LogThreads,
    defaults: TopicSettings, settle: (Topic) -> TopicSettings = { $0.settings },
    leavesDamagedOffline: Bool = false, opensLater: Bool = false,
    watch: OpeningWatch = OpeningWatch(), progressBytes: Int64 = 64 << 20,
    notices: LogNotices = LogNotices()
  ) throws(LogError) {
    self.path = path
    self.progressBytes = progressBytes
    self.io = io
    (shards, lag) = LogShard.make(drivers)
    shardCounts = [Int](repeating: 0, count: drivers.count)
    self.threads = threads
    self.notices = notices
    files = LogFiles(io: io, directory: path)
    topicFiles = TopicFiles(io: io, directory: path)
    do throws(SystemCallError) {
      try Self.makeDirectory(io, "\(path)/\(TopicFiles.directoryName)")
    } catch {
      if error.number != .notADirectory { throw .system(error) }
      throw .noDirectory(
        path: path, reason: "is a file, or lies below one; expected a directory, or nothing there")
    }
    lock = try Self.takeLock(io, path)
    do throws(LogError) {
      try begin(defaults, settle, leavesDamagedOffline: leavesDamagedOffline, watch)
      if !opensLater { try performOpenings(leavesDamagedOffline: leavesDamagedOffline) }
    } catch {
      try? io.close(lock)
      isLocked = false
      throw error
    }
  }

  /// Opens a directory whose logs belong to the caller's thread, as the directory does.
  package convenience init(
    path: String, io: any FileIO, drivers: BackendDrivers, defaults: TopicSettings,
    settle: (Topic) -> TopicSettings = { $0.settings }, notices: LogNotices = LogNotices()
  ) throws(LogError) {
    try self.init(
      path: path, io: io, shards: [drivers], threads: CallersThread(), defaults: defaults,
      settle: settle, notices: notices)
  }

  /// The log of a partition.
  package func log(_ partition: TopicPartition) throws(LogError) -> PartitionLog {
    if let log = logs[partition] { return log }
    if let reason = offline.reason(partition) { throw reason }
    let topic = try topic(partition.topic)
    throw .unknownPartition(partition, partitionCount: topic.partitionCount)
  }

  /// Why a partition has no log: `opening`, or why it could not be opened; nil of one that has.
  package func reasonOffline(_ partition: TopicPartition) -> LogError? { offline.reason(partition) }

  /// Why topics are offline whose own files do not hold, by their names.
  package var offlineTopics: [String: LogError] { offline.topicReasons }

  /// How many partitions such a topic has, as far as their folders show.
  package func partitionCount(ofOfflineTopic name: String) -> Int {
    offline.partitionCount(of: name)
  }

  /// The topic of a name; throws `unknownTopic`, or `topicOffline`.
  func topic(_ name: String) throws(LogError) -> Topic {
    if let topic = topics[name] { return topic }
    try checkNotOffline(name)
    throw .unknownTopic(name)
  }

  private func checkNotOffline(_ name: String) throws(LogError) {
    if let reason = offline.topicReasons[name] { throw .topicOffline(name, reason: "\(reason)") }
  }

  /// Makes a topic. On return it is durable, as a whole. `own` are the names of the settings that
  /// are the topic's own; nil is all.
  package func createTopic(
    _ name: String, partitions: Int, settings: TopicSettings, own: Set<String>? = nil,
    using generator: inout some RandomNumberGenerator
  ) throws(LogError) -> Topic {
    guard Topic.isValid(name: name) else { throw .invalidTopicName(name) }
    if topics[name] != nil { throw .topicExists(name) }
    // Its partitions are there, and are not the new topic's.
    try checkNotOffline(name)
    guard (1...TopicSettings.partitionCountMax).contains(partitions) else {
      throw .invalidPartitionCount(partitions)
    }
    // What is left of one with this name must not be found in the new one.
    if unfinishedDeletions.contains(name) { try finishDeletions([name]) }
    let topic = Topic(
      name: name, id: .random(using: &generator), partitionCount: Int32(partitions),
      settings: settings, ownSettings: own)
    try make(topic.partitions, of: topic)
    return topic
  }

  /// Makes partitions, and then the topic's file, which says that they are there. On return all of
  /// it is durable, and the logs are open.
  func make(_ partitions: [TopicPartition], of topic: Topic) throws(LogError) {
    do throws(SystemCallError) {
      for partition in partitions {
        try makeFolder(of: partition)
        try writeMetadata(topic, partition)
      }
      try io.synchronizeDirectory(path)
      try topicFiles.write(topic)
    } catch { throw .system(error) }
    topics[topic.name] = topic
    var opened: [PartitionLog] = []
    // Also those that were made before one could not be.
    defer { adopt(opened) }
    for partition in partitions {
      opened.append(try openNew(partition, of: topic))
    }
  }

  /// A new partition's folder, durable with its parent. What an unfinished creation left serves;
  /// what else is there is not the new partition's.
  private func makeFolder(of partition: TopicPartition) throws(SystemCallError) {
    let folder = LeftOverFolder(io: io, path: "\(path)/\(partition.directoryName)")
    do { return try io.createDirectory(folder.path) } catch {
      if error.number != .fileExists { throw error }
    }
    if try !folder.isOccupied() { return }
    let kept = try folder.setAside()
    notices.post(
      LogNotice(
        path: folder.path, "was there before its topic was made; kept as \(kept), and not served"))
    try io.createDirectory(folder.path)
  }

  /// From here on the logs belong to their shards' threads.
  func adopt(_ opened: [PartitionLog]) {
    for log in opened { logs[log.partition] = log }
    for shard in shards {
      let own = opened.filter { $0.shard == shard.number }
      if !own.isEmpty { threads.run(on: shard.number) { shard.add(own) } }
    }
  }

  /// Changes a topic's settings, durably; the backend from each partition's next segment on. `own`
  /// are the names of those that are the topic's own from now on; nil is all. After a throw the
  /// logs go by the old ones.
  @discardableResult
  package func alterTopic(
    _ name: String, _ settings: TopicSettings, own: Set<String>? = nil
  ) throws(LogError) -> Topic {
    var topic = try topic(name)
    topic.settings = settings
    topic.ownSettings = own
    let changed = topic.partitions.compactMap { logs[$0] }
    for log in changed { try perform(on: log) { () throws(LogError) in try log.settleForChange() } }
    // Before any log goes by them: a log must not promise less than its topic says.
    do { try topicFiles.write(topic) } catch { throw .system(error) }
    topics[name] = topic
    for log in changed {
      threads.run(on: log.shard) {
        // What was appended since must not wait by the old ones.
        log.settleOrGiveUp()
        log.change(settings)
      }
    }
    return topic
  }

  /// Does something to a log where it may be touched.
  func perform<Value>(
    on log: PartitionLog, _ body: () throws(LogError) -> Value
  ) throws(LogError) -> Value {
    var result: Result<Value, LogError>?
    threads.run(on: log.shard) {
      do throws(LogError) { result = .success(try body()) } catch { result = .failure(error) }
    }
    guard let result else { preconditionFailure("a shard's thread ended before the directory") }
    return try result.get()
  }

  /// What `body` gives of every log.
  func gather<Value>(_ body: (PartitionLog) -> Value) -> [Value] {
    var all: [Value] = []
    // Only this thread has logs added to a shard, or taken out of it.
    for shard in shards {
      inSlices(of: shard.number, shard.logs.count) { all.append(body(shard.logs[$0])) }
    }
    return all
  }

  /// Does something for each of 0 up to `count` on a shard's thread, and lets others have their
  /// turn every millisecond.
  private func inSlices(of shard: Int, _ count: Int, _ body: (Int) -> Void) {
    var next = 0
    while next < count {
      threads.run(on: shard) {
        let slice = TimeSlice(nanoseconds: 1_000_000)
        repeat {
          body(next)
          next += 1
        } while next < count && !slice.isOver
      }
    }
  }

  /// Every log, in the order of topics and partitions.
  private func allLogs() -> [PartitionLog] {
    logs.values.sorted {
      ($0.partition.topic, $0.partition.partition) < ($1.partition.topic, $1.partition.partition)
    }
  }

  // MARK: - Maintenance

  /// What is due: retention (`retentionCheckMilliseconds`), recovery points (`checkpoints`). Call it
  /// every second.
  package func maintain(_ now: LogTime) throws(LogError) {
    _ = observe(now)
    // Whatever fails, the rest is due all the same: the first error is thrown when all of it was
    // tried.
    var failure = FirstError()
    if Self.isDue(&nextRetentionNanoseconds, now, everyMilliseconds: retentionCheckMilliseconds) {
      failure.note { () throws(LogError) in try applyRetention(now) }
    }
    failure.note { () throws(LogError) in try checkpointIfDue(now) }
    try failure.rethrow()
  }

  /// True where the time has come; the first call only sets it.
  private static func isDue(_ due: inout Int64?, _ now: LogTime, everyMilliseconds: Int64) -> Bool {
    let nanoseconds = now.monotonicNanoseconds
    if let due, nanoseconds < due { return false }
    defer { due = nanoseconds + everyMilliseconds * 1_000_000 }
    return due != nil
  }

  /// Applies every topic's retention now, or at what is to be believed of it (`RetentionClock`);
  /// how many segments went.
  @discardableResult
  package func applyRetention(_ time: LogTime) throws(LogError) -> Int {
    let now = observe(time)
    var deleted = 0
    var failure = FirstError()
    let (logs, futureHeads) = lookForExpired(now)
    for log in logs {
      failure.note { () throws(LogError) in
        try remove(from: log, &deleted) { () throws(LogError) in try log.leaveExpired(now) }
      }
    }
    // While the clock is in doubt nobody knows what the future is.
    if !doubtsWallClock {
      futureRecords.notices(of: futureHeads, in: path, now).forEach(notices.post)
    }
    try failure.rethrow()
    return deleted
  }

  /// Most logs have nothing that is old.
  private func lookForExpired(_ now: LogTime) -> ([PartitionLog], [FutureHead]) {
    var logs: [PartitionLog] = []
    var heads: [FutureHead] = []
    let found = gather { log -> (PartitionLog, RetentionOutlook) in
      // Where it cannot be told, looking again says why.
      (log, (try? log.outlook(now)) ?? .mayExpire)
    }
    for (log, outlook) in found {
      switch outlook {
      case .nothing: continue
      case .mayExpire: logs.append(log)
      case .futureHead(let head): heads.append(head)
      }
    }
    return (logs, heads)
  }

  /// Removes the files of segments that `leave` takes out of the log, until there are none; counts
  /// them.
  func remove(
    from log: PartitionLog, _ count: inout Int, _ leave: () throws(LogError) -> [LeavingSegment]
  ) throws(LogError) {
    while true {
      let leaving = try perform(on: log, leave)
      if leaving.isEmpty { return }
      for segment in leaving {
        do { try segment.removeFiles() } catch { throw .system(error) }
        threads.run(on: log.shard) { log.removed(segment) }
        count += 1
      }
    }
  }

  /// Writes down what is durable, so that a recovery need not check it, how to get there, and the time.
  package func checkpoint() throws(LogError) {
    noteTime()
    _ = gather { $0.saveIndexes() }
    do throws(SystemCallError) { try writeRecoveryPoints() } catch { throw .system(error) }
  }

  /// Begins a checkpoint where one is due, and none is under way.
  package func checkpointIfDue(_ now: LogTime) throws(LogError) {
    if flushing != nil { return }
    if checkpoints.isDue(now, lag.appendedBytes) || lag.isAtLimit { try beginCheckpoint() }
  }

  /// Writes the recovery points, or has flushed first what no flush covers.
  package func beginCheckpoint() throws(LogError) {
    let appendedBytes = lag.appendedBytes
    guard let flushInBackground else { return try checkpoint(covering: appendedBytes) }
    let flushes = gather { $0.backgroundFlush() }.compactMap(\.self)
    if flushes.isEmpty { return try checkpoint(covering: appendedBytes) }
    flushing = appendedBytes
    flushInBackground(flushes)
  }

  private func checkpoint(covering appendedBytes: Int64) throws(LogError) {
    try checkpoint()
    let wasAtLimit = lag.isAtLimit
    lag.cover(appendedBytes)
    if wasAtLimit { wakeShards() }
  }

  /// From so many bytes on that no checkpoint covers, appends that promise no durability wait;
  /// `Int64.max` is without a limit.
  package func limitLag(to bytes: Int64) {
    lag.setLimit(bytes)
    wakeShards()
  }

  private func wakeShards() { for shard in shards { threads.run(on: shard.number) {} } }

  /// The flushes of a checkpoint have ended, well or not. A log whose flush failed is fenced. Where one
  /// could not be tried, nothing more is covered (`lag`), and the next checkpoint tries again.
  package func ended(
    _ flushes: [(flush: BackgroundFlush, result: Result<Void, LogError>)]
  ) throws(LogError) {
    let appendedBytes = flushing
    flushing = nil
    var failure = FirstError()
    var isComplete = true
    for (flush, result) in flushes {
      guard let log = logs[flush.partition], log.published === flush.log else { continue }
      failure.note { () throws(LogError) in
        try perform(on: log) { () throws(LogError) in
          defer { if case .failure = result, log.fence == nil { isComplete = false } }
          try log.ended(flush, result)
        }
      }
    }
    failure.note { () throws(LogError) in
      guard isComplete, let appendedBytes else { return try checkpoint() }
      try checkpoint(covering: appendedBytes)
    }
    try failure.rethrow()
  }

  func writeRecoveryPoints() throws(SystemCallError) {
    try files.writeRecoveryPoints(
      gather { ($0.partition, $0.recoveryPoint) } + offline.recoveryPoints)
  }

  /// Stops cleanly: everything durable, the marker written, the lock given up. A partition that
  /// cannot be closed is left out of the marker, and recovered at the next opening; its error is
  /// thrown when the others are closed.
  package func close() throws(LogError) {
    for opening in offline.openings { opening.cancel() }
    var failure = FirstError()
    var ends: [(TopicPartition, LogFiles.CleanEnd)] = []
    for log in allLogs() {
      failure.note { () throws(LogError) in
        try perform(on: log) { () throws(LogError) in try log.close() }
        guard let last = log.published.segments.last else { return }
        let end = LogFiles.CleanEnd(
          activeBase: last.baseOffset, activeBytes: last.file.end.rawValue,
          end: log.published.endOffset)
        ends.append((log.partition, end))
      }
    }
    failure.note { () throws(LogError) in
      try checkpoint()
      do throws(SystemCallError) { try files.writeCleanShutdown(ends) } catch {
        throw .system(error)
      }
    }
    if isLocked { try? io.close(lock) }
    isLocked = false
    try failure.rethrow()
  }

  deinit {
    if isLocked { try? io.close(lock) }
    // A directory that is dropped unclosed, as after a failure, must not keep its backends: a log
    // and its driver hold each other.
    for log in logs.values { threads.run(on: log.shard) { log.letGo() } }
  }

  /// The one with the fewest partitions gets the next.
  func nextShard() -> LogShard {
    let number = shardCounts.indices.min { shardCounts[$0] < shardCounts[$1] } ?? 0
    shardCounts[number] += 1
    return shards[number]
  }

  /// Takes a topic's logs out of their shards, and lets go of all that they hold.
  func discardLogs(of topic: Topic) {
    for partition in topic.partitions {
      // Its files are about to go, or to be another topic's.
      offline.opening(partition)?.cancel()
      offline.remove(partition)
      guard let log = logs[partition] else { continue }
      threads.run(on: log.shard) { log.discard() }
      release(log)
    }
  }

  /// The log is nobody's any more.
  func release(_ log: PartitionLog) {
    logs[log.partition] = nil
    shardCounts[log.shard] -= 1
    let shard = shards[log.shard]
    threads.run(on: log.shard) { shard.remove(log) }
  }

  /// Where logs start inside their first segments, with `moved` in the place of what is so now.
  /// Where a segment begins that says it all, as in Kafka's file.
  func startsInsideSegments(
    _ moved: [TopicPartition: Offset]
  ) -> [(TopicPartition, Offset)] {
    gather { log -> (TopicPartition, Offset)? in
      let begins = moved[log.partition] ?? log.published.startOffset
      guard let first = log.published.segments.first else { return nil }
      // Files that could not be removed yet lie below the first, and would be found again.
      if begins <= first.baseOffset && log.leaving.isEmpty { return nil }
      return (log.partition, begins)
    }.compactMap(\.self) + offline.logStarts
  }

  func postNoCheckpoint(_ name: String, _ consequence: String) {
    notices.post(LogNotice(path: "\(path)/\(name)", "is no checkpoint; \(consequence)"))
  }

  private func writeMetadata(
    _ topic: Topic, _ partition: TopicPartition
  ) throws(SystemCallError) {
    let metadata = "\(path)/\(partition.directoryName)/\(LogFiles.partitionMetadataName)"
    if try io.size(ofFileAt: metadata) != nil { try io.remove(metadata) }
    let number = try io.open(metadata, FileOpening(.readWrite, creation: .mustBeNew))
    defer { try? io.close(number) }
    try io.writeFully(
      number, Array(LogFiles.partitionMetadata(topic.id).utf8).span.bytes, at: 0, path: metadata)
  }

  static func takeLock(_ io: any FileIO, _ path: String) throws(LogError) -> FileNumber {
    do throws(SystemCallError) {
      let lockPath = "\(path)/\(LogFiles.lockName)"
      let number = try io.open(lockPath, FileOpening(.readWrite, creation: .ifMissing))
      do throws(SystemCallError) {
        try io.lockExclusively(number)
        return number
      } catch {
        try? io.close(number)
        throw error.naming(lockPath)
      }
    } catch {
      if error.call == .flock && error.number == .wouldBlock { throw .directoryInUse(path: path) }
      throw .system(error)
    }
  }

  /// `mkdir -p`, each name made durable in its parent.
  private static func makeDirectory(_ io: any FileIO, _ path: String) throws(SystemCallError) {
    do { try io.createDirectory(path) } catch {
      if error.number == .fileExists { return }
      guard error.number == .noSuchFile, parentDirectory(of: path) != path else { throw error }
      try makeDirectory(io, parentDirectory(of: path))
      try io.createDirectory(path)
    }
    try io.synchronizeDirectory(parentDirectory(of: path))
  }
}
