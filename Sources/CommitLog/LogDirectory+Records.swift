import LinuxIO
import LogStorage
import Records

// Records are deleted on request.
extension LogDirectory {
  /// Deletes a partition's records below `offset`, and says where its log starts now: there, or further
  /// on where it did already.
  ///
  /// Everything below `offset` is made durable first, else a power cut could leave a log that ends before
  /// it starts. On return the new start is durable, and the segments that lie below it as a whole are
  /// deleted. Throws `offsetOutOfRange` for an offset past the log's end. After a throw the start is
  /// where it was, or will be the new one when the directory is opened again; or it has moved, and
  /// segments below it are still there, which retention or this call, once more, deletes.
  package func deleteRecords(
    _ partition: TopicPartition, before offset: Offset
  ) throws(LogError) -> Offset {
    let log = try log(partition)
    let (start, end) = (log.published.startOffset, log.published.endOffset)
    guard offset <= end else {
      throw .offsetOutOfRange(offset, start: start, end: end, partition)
    }
    if offset > start {
      try log.makeDurable(upTo: offset)
      try writeLogStart(partition, offset)
      log.published.publish(start: offset)
    }
    try log.deleteBelowStart()
    return log.published.startOffset
  }

  /// First the starts, then the topic's word that they are there: starts of an earlier topic of this name
  /// may be in the file, and writing it anew takes them out.
  private func writeLogStart(_ partition: TopicPartition, _ start: Offset) throws(LogError) {
    var starts: [(TopicPartition, Offset)] = []
    for log in sortedLogs {
      let published = log.published
      let begins = log.partition == partition ? start : published.startOffset
      // Where a segment begins that says it all, as in Kafka's file.
      guard let first = published.segments.first, begins > first.baseOffset else { continue }
      starts.append((log.partition, begins))
    }
    do throws(SystemCallError) {
      try files.writeLogStarts(starts)
      guard var topic = topics[partition.topic], !topic.hasDeletedRecords else { return }
      topic.hasDeletedRecords = true
      try topicFiles.write(topic)
      topics[topic.name] = topic
    } catch { throw .system(error) }
  }

  /// Where logs start inside their first segments: of those topics that say that there is something to
  /// read. The others need no call more than ever to be opened.
  func readLogStarts(_ topics: [Topic]) throws(LogError) -> [TopicPartition: Offset] {
    let names = Set(topics.filter(\.hasDeletedRecords).map(\.name))
    if names.isEmpty { return [:] }
    do throws(SystemCallError) {
      guard let starts = try files.readLogStarts() else {
        postNoCheckpoint(LogFiles.logStartName, "logs start where their first segments do")
        return [:]
      }
      return starts.filter { names.contains($0.key.topic) }
    } catch { throw .system(error) }
  }
}
