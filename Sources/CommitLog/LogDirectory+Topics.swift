import LinuxIO
import LogStorage
import Records

// Topics grow and go.
extension LogDirectory {
  /// Gives the topic more partitions, `count` in all. On return they are durable, all of them or
  /// none.
  ///
  /// Throws `partitionCountNotRaised` where the topic has so many already. Keys of records that
  /// come from now on may go to other partitions than before.
  package func addPartitions(_ name: String, to count: Int) throws(LogError) -> Topic {
    var topic = try topic(name)
    guard count > Int(topic.partitionCount) else {
      throw .partitionCountNotRaised(topic: name, from: topic.partitionCount, to: count)
    }
    guard count <= TopicSettings.partitionCountMax else { throw .invalidPartitionCount(count) }
    let old = topic.partitions.count
    topic.partitionCount = Int32(count)
    try make(Array(topic.partitions[old...]), of: topic)
    return topic
  }

  /// Deletes a topic: on return it is durably gone, and its files are removed. See `deleteTopics`.
  package func deleteTopic(_ name: String) throws(LogError) {
    if let error = deleteTopics([name])[0] { throw error }
  }

  /// Deletes topics, each named once; an error for each that could not be deleted. On return the
  /// others are durably gone, and their files removed; the recovery points are written once for all
  /// of them.
  ///
  /// What was appended to their logs and is not acknowledged fails. Readers that have a segment's
  /// file open go on in it; nobody opens one any more. A topic with an error is either there as
  /// before, or gone with files left over, which this call, once more, or the next opening removes.
  /// `gone` is told of each topic that is not there any more, before anything of it goes.
  package func deleteTopics(
    _ names: [String], gone: (String) -> Void = { _ in }
  ) -> [LogError?] {
    var errors = names.map { (name) -> LogError? in
      do throws(LogError) {
        try beginDeletion(name, gone)
        return nil
      } catch { return error }
    }
    let begun = names.indices.filter { errors[$0] == nil }
    do throws(LogError) { try finishDeletions(begun.map { names[$0] }) } catch {
      // Those before the one that failed are done.
      for index in begun where unfinishedDeletions.contains(names[index]) { errors[index] = error }
    }
    return errors
  }

  private func beginDeletion(_ name: String, _ gone: (String) -> Void) throws(LogError) {
    if unfinishedDeletions.contains(name) { return }
    // One that is offline goes by its partitions' names, and has no logs.
    let topic = offlineTopics[name] == nil ? try topic(name) : nil
    do { try topicFiles.beginDeletion(name) } catch { throw .system(error) }
    topics[name] = nil
    offline.remove(topic: name)
    unfinishedDeletions.insert(name)
    gone(name)
    if let topic { discardLogs(of: topic) }
  }

  /// Removes what is left of topics whose files say that they are being deleted.
  func finishDeletions(_ names: [String]) throws(LogError) {
    if names.isEmpty { return }
    do throws(SystemCallError) {
      // Files must not go before the topics do.
      try topicFiles.synchronize()
      try removePartitions(of: Set(names))
      // A recovery point that outlived its log would be held against the next one of its name.
      try writeRecoveryPoints()
      for name in names {
        try topicFiles.endDeletion(name)
        unfinishedDeletions.remove(name)
      }
    } catch { throw .system(error) }
  }

  /// Before any log is open: finishes the deletions that were interrupted. What is left of the
  /// recovery points.
  func finishDeletions(
    _ names: [String], _ found: [TopicPartition: Offset]?, leavesDamagedOffline: Bool
  ) throws(LogError) -> [TopicPartition: Offset] {
    var points = found ?? [:]
    for name in names {
      guard Topic.isValid(name: name) else { throw .invalidTopicName(name) }
      let kept = points.filter { $0.key.topic != name }
      do throws(SystemCallError) {
        // A killed process may have left it to the kernel.
        try topicFiles.synchronize()
        try removePartitions(of: [name])
        // One that does not hold is read as none.
        if kept.count < points.count { try files.writeRecoveryPoints(sorted(kept)) }
        try topicFiles.endDeletion(name)
      } catch {
        guard leavesDamagedOffline else { throw .system(error) }
        unfinishedDeletions.insert(name)
        notices.post(
          LogNotice(
            path: path,
            "the deletion of topic '\(name)' could not be finished, and is tried again at the next "
              + "opening, or when a topic of this name is made: \(error)"))
        continue
      }
      points = kept
      notices.post(LogNotice(path: path, "the deletion of topic '\(name)' was finished"))
    }
    return points
  }

  private func sorted(
    _ points: [TopicPartition: Offset]
  ) -> [(TopicPartition, Offset)] {
    points.map { ($0.key, $0.value) }.sorted {
      ($0.0.topic, $0.0.partition) < ($1.0.topic, $1.0.partition)
    }
  }

  /// By their names and not by the topics' counts: also those that an unfinished growth left.
  private func removePartitions(of names: Set<String>) throws(SystemCallError) {
    for entry in try io.list(path).sorted(by: { $0.name < $1.name })
    where entry.isDirectory && Self.isPartition(entry.name, of: names) {
      let directory = "\(path)/\(entry.name)"
      let entries = try io.list(directory).sorted { $0.name < $1.name }
      for file in entries where !file.isDirectory { try io.remove("\(directory)/\(file.name)") }
      if entries.contains(where: \.isDirectory) {
        // Nobody's that we know: what is in it is not ours to remove.
        let kept = try LeftOverFolder(io: io, path: directory).setAside()
        notices.post(
          LogNotice(
            path: directory, "has a folder in it, and its topic was deleted; kept as \(kept)"))
      } else {
        try io.removeDirectory(directory)
      }
    }
    try io.synchronizeDirectory(path)
  }

  private static func isPartition(_ directoryName: String, of topics: Set<String>) -> Bool {
    guard let dash = directoryName.lastIndex(of: "-"),
      let number = Int32(directoryName[directoryName.index(after: dash)...]), number >= 0
    else { return false }
    let partition = TopicPartition(topic: String(directoryName[..<dash]), partition: number)
    // As we write it, without a sign or a zero before it.
    return topics.contains(partition.topic) && partition.directoryName == directoryName
  }
}
