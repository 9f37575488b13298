import LinuxIO
import LogStorage
import Records

// What a directory does before it is used: it ends deletions that were interrupted, and opens its logs.
extension LogDirectory {
  func openLogs(
    _ defaults: TopicSettings, _ settle: (Topic) -> TopicSettings, leavesDamagedOffline: Bool,
    _ watch: OpeningWatch
  ) throws(LogError) {
    let clean: [TopicPartition: LogFiles.CleanEnd]?
    let found: [TopicPartition: Offset]?
    do throws(SystemCallError) {
      clean = try files.readCleanShutdown()
      found = try files.readRecoveryPoints()
      if found == nil {
        postNoCheckpoint(LogFiles.recoveryPointName, "everything is checked instead")
      }
      try files.removeCleanShutdown()
    } catch { throw .system(error) }
    let names = try topicFiles.names()
    let points = try finishDeletions(
      names.deleted, found, leavesDamagedOffline: leavesDamagedOffline)
    let read = try topicFiles.read(names.topics, defaults: defaults).map { topic in
      var topic = topic
      topic.settings = settle(topic)
      return topic
    }
    let starts = try readLogStarts(read)
    watch.begin(read.reduce(0) { $0 + Int($1.partitionCount) })
    for topic in read { topics[topic.name] = topic }
    for (index, topic) in read.enumerated() {
      do throws(LogError) {
        try open(topic, leavesDamagedOffline: leavesDamagedOffline, watch) { partition in
          OpeningPoints(
            clean: clean?[partition], durable: points[partition] ?? .zero,
            start: starts[partition])
        }
      } catch {
        if error == .interrupted { keepRecovered(points, unopened: read[index...]) }
        throw error
      }
    }
    if recoveredPartitionCount > 0 {
      do throws(LogError) { try checkpoint() } catch {
        // Costs the next recovery time and nothing else; a full disk must open, to be emptied.
        notices.post(LogNotice(path: path, "recovery points could not be written: \(error)"))
      }
    }
  }

  private func open(
    _ topic: Topic, leavesDamagedOffline: Bool, _ watch: OpeningWatch,
    _ points: (TopicPartition) -> OpeningPoints
  ) throws(LogError) {
    var opened: [PartitionLog] = []
    defer { adopt(opened) }
    for partition in topic.partitions {
      try watch.goOn()
      let points = points(partition)
      do throws(LogError) {
        opened.append(try openLog(partition, topic.settings, points, watch))
      } catch {
        guard leavesDamagedOffline && error.isOfOnePartition else { throw error }
        offline.add(partition, points, because: error)
      }
      watch.noteOpened()
    }
  }

  /// The next opening need not check again what this one has, though it does not come to its end.
  private func keepRecovered(
    _ points: [TopicPartition: Offset], unopened: ArraySlice<Topic>
  ) {
    let left = unopened.flatMap(\.partitions).filter {
      logs[$0] == nil && offline.reason($0) == nil
    }
    let opened = gather { ($0.partition, $0.durableOffset) }
    // What cannot be written costs the next opening time, and nothing else.
    try? files.writeRecoveryPoints(
      opened + offline.recoveryPoints + left.map { ($0, points[$0] ?? .zero) })
  }

  func openLog(
    _ partition: TopicPartition, _ settings: TopicSettings, _ points: OpeningPoints,
    _ watch: OpeningWatch = OpeningWatch()
  ) throws(LogError) -> PartitionLog {
    let directory = "\(path)/\(partition.directoryName)"
    let recovery = LogRecovery(
      partition: partition, directory: directory, io: io, settings: settings, notices: notices,
      watch: watch)
    var opened: RecoveredLog
    do throws(LogError) { opened = try recovered(recovery, points) } catch {
      guard case .system(let failure) = error, failure.number == .noSuchFile,
        (try? io.list(directory)) == nil
      else { throw error }
      throw .noDirectory(
        path: directory,
        reason: "is missing, and \(topicFiles.path(partition.topic)) says that it is there. "
          + "Restore it, or remove that file, and the topic with it")
    }
    if let start = points.start { opened.start = max(opened.start, min(start, opened.end)) }
    return PartitionLog(
      partition, directory: directory, settings: settings, shard: nextShard(), io: io,
      notices: notices, state: opened)
  }

  /// As the clean stop left it, or checked.
  private func recovered(
    _ recovery: LogRecovery, _ points: OpeningPoints
  ) throws(LogError) -> RecoveredLog {
    if let clean = points.clean {
      let state = try recovery.trust(
        end: clean.end, activeBase: clean.activeBase, activeBytes: clean.activeBytes)
      if let state { return state }
      notices.post(
        LogNotice(
          path: recovery.directory,
          "is not as the clean shutdown left it; everything is checked"))
    }
    let state = try recovery.run(recoveryPoint: points.durable)
    recoveredBytes += state.scannedBytes
    if !state.segments.isEmpty { recoveredPartitionCount += 1 }
    return state
  }
}
