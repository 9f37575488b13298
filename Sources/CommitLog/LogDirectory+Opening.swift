import LinuxIO
import LogStorage
import Records

// What a directory does before it is used: it ends deletions that were interrupted, and opens its logs.
extension LogDirectory {
  /// Reads what the directory's files say, and makes the openings of its partitions.
  func begin(
    _ defaults: TopicSettings, _ settle: (Topic) -> TopicSettings, leavesDamagedOffline: Bool,
    _ watch: OpeningWatch
  ) throws(LogError) {
    let clean: [TopicPartition: LogFiles.CleanEnd]?
    let checkpoint: [TopicPartition: Offset]?
    do throws(SystemCallError) {
      clean = try files.readCleanShutdown()
      checkpoint = try files.readRecoveryPoints()
      if checkpoint == nil {
        postNoCheckpoint(LogFiles.recoveryPointName, "everything is checked instead")
      }
      try files.removeCleanShutdown()
    } catch { throw .system(error) }
    let names = try topicFiles.names()
    let points = try finishDeletions(
      names.deleted, checkpoint, leavesDamagedOffline: leavesDamagedOffline)
    let (found, damaged) = try readTopics(
      names.topics, defaults, leavesDamagedOffline: leavesDamagedOffline)
    let read = found.map { topic in
      var topic = topic
      topic.settings = settle(topic)
      return topic
    }
    let starts = try readLogStarts(read, besides: Set(damaged.keys))
    if !damaged.isEmpty {
      let folders = ((try? io.list(path)) ?? []).filter(\.isDirectory).map(\.name)
      for (name, reason) in damaged {
        offline.add(topic: name, folders: folders, points, starts, because: reason)
      }
    }
    watch.begin(read.reduce(0) { $0 + Int($1.partitionCount) })
    for topic in read {
      topics[topic.name] = topic
      for partition in topic.partitions {
        let points = OpeningPoints(
          clean: clean?[partition], durable: points[partition] ?? .zero, start: starts[partition])
        let opening = makeOpening(partition, of: topic, points, watch)
        offline.begin(opening)
        openings.append(opening)
      }
    }
  }

  /// The topics, and why the others' files do not hold.
  private func readTopics(
    _ names: [String], _ defaults: TopicSettings, leavesDamagedOffline: Bool
  ) throws(LogError) -> (read: [Topic], damaged: [String: LogError]) {
    var read: [Topic] = []
    var damaged: [String: LogError] = [:]
    for name in names {
      do throws(LogError) { read += try topicFiles.read([name], defaults: defaults) } catch {
        guard leavesDamagedOffline && error.isOfOnePartition else { throw error }
        damaged[name] = error
      }
    }
    return (read, damaged)
  }

  /// Performs the openings, on this thread.
  func performOpenings(leavesDamagedOffline: Bool) throws(LogError) {
    for opening in openings {
      opening.perform { [self] in keepProgress(opening) }
      do throws(LogError) { _ = try opened([opening])[0].get() } catch {
        if error == .interrupted { try? writeRecoveryPoints() }
        guard leavesDamagedOffline && error.isOfOnePartition else { throw error }
      }
    }
    openings = []
    if recoveredPartitionCount == 0 { return }
    do throws(LogError) { try checkpoint() } catch {
      // Costs the next recovery time and nothing else; a full disk must open, to be emptied.
      notices.post(LogNotice(path: path, "recovery points could not be written: \(error)"))
    }
  }

  /// The next opening need not check again what this one has, though the process is killed. What
  /// cannot be written costs the next one time, and nothing else.
  private func keepProgress(_ opening: PartitionOpening) {
    let checked = opening.watch.checkedBytesOfAll
    if checked - progressKept < progressBytes { return }
    progressKept = checked
    try? writeRecoveryPoints()
  }

  private func makeOpening(
    _ partition: TopicPartition, of topic: Topic, _ points: OpeningPoints, _ watch: OpeningWatch
  ) -> PartitionOpening {
    PartitionOpening(
      partition, of: topic, directory: "\(path)/\(partition.directoryName)", io: io,
      notices: notices, watch: watch, points: points, topicPath: topicFiles.path(topic.name))
  }

  /// Opens a partition on this thread, one that the directory's files say nothing of.
  func openNew(_ partition: TopicPartition, of topic: Topic) throws(LogError) -> PartitionLog {
    let opening = makeOpening(partition, of: topic, OpeningPoints(), OpeningWatch())
    opening.perform()
    guard let found = opening.takeResult() else {
      preconditionFailure("an opening that nobody cancelled has no result")
    }
    return makeLog(partition, topic.settings, try found.get())
  }

  private func makeLog(
    _ partition: TopicPartition, _ settings: TopicSettings, _ state: RecoveredLog
  ) -> PartitionLog {
    PartitionLog(
      partition, directory: "\(path)/\(partition.directoryName)", settings: settings,
      shard: nextShard(), io: io, notices: notices, state: state)
  }

  // MARK: - Later

  /// The openings of all partitions, in the order of topics and partitions, which the caller performs.
  package func takeOpenings() -> [PartitionOpening] {
    defer { openings = [] }
    return openings
  }

  /// True while a partition is being opened.
  package var isOpening: Bool { !offline.openings.isEmpty }

  /// Partitions that could not be opened, and why.
  package var offlinePartitions: [(partition: TopicPartition, reason: LogError)] { offline.failed }

  /// Writes down what recoveries have come to by now: a start after a kill goes on from there.
  package func keepProgress() throws(LogError) {
    do throws(SystemCallError) { try writeRecoveryPoints() } catch { throw .system(error) }
  }

  /// Openings that have been performed: their partitions have logs from here on, or are offline. In
  /// their order; `unknownPartition` of one whose topic is gone meanwhile. One that was interrupted is
  /// neither open nor offline, and the next start's.
  package func opened(_ openings: [PartitionOpening]) -> [Result<PartitionLog, LogError>] {
    var logs: [PartitionLog] = []
    defer { adopt(logs) }
    return openings.map { opening in
      let partition = opening.partition
      guard offline.opening(partition) === opening, let topic = topics[partition.topic],
        let found = opening.takeResult()
      else { return .failure(.unknownPartition(partition, partitionCount: 0)) }
      switch found {
      case .success(let state):
        recoveredBytes += state.scannedBytes
        if state.isRecovered && !state.segments.isEmpty { recoveredPartitionCount += 1 }
        offline.remove(partition)
        logs.append(makeLog(partition, topic.settings, state))
        opening.noteOpened()
        return .success(logs[logs.count - 1])
      case .failure(let error):
        if error != .interrupted {
          offline.fail(opening, because: error)
          opening.noteOpened()
        }
        return .failure(error)
      }
    }
  }

  /// Opens a partition anew that takes no appends since a failure, or that could not be opened: from
  /// what is proven to be on the disk, as a start does. It has no log until `opened` is given the
  /// opening, which the caller performs on any thread. Nil where there is nothing to be mended.
  package func reopen(_ partition: TopicPartition) -> PartitionOpening? {
    guard let topic = topics[partition.topic] else { return nil }
    var points: OpeningPoints
    if let log = logs[partition] {
      points = OpeningPoints(start: log.published.startOffset)
      var isFenced = false
      threads.run(on: log.shard) {
        isFenced = log.failure != nil
        if !isFenced { return }
        points.durable = log.recoveryPoint
        log.retire()
      }
      if !isFenced { return nil }
      release(log)
    } else {
      guard offline.opening(partition) == nil, let known = offline.points(partition) else {
        return nil
      }
      points = known
    }
    let opening = makeOpening(partition, of: topic, points, OpeningWatch())
    offline.begin(opening)
    return opening
  }
}
