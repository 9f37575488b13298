import LinuxIO
import LogStorage
import Records

// Records are deleted on request.
extension LogDirectory {
  /// Where a partition's records are to be deleted below, in a request for many: nil is its end.
  package struct RecordDeletion: Hashable, Sendable {
    package let partition: TopicPartition
    package let offset: Offset?

    package init(_ partition: TopicPartition, before offset: Offset?) {
      self.partition = partition
      self.offset = offset
    }
  }

  /// Deletes a partition's records below `offset`, and says where its log starts now: there, or further
  /// on where it did already. See `deleteRecords(_:)`.
  package func deleteRecords(
    _ partition: TopicPartition, before offset: Offset
  ) throws(LogError) -> Offset {
    try deleteRecords([RecordDeletion(partition, before: offset)])[0].get()
  }

  /// Deletes partitions' records, each partition's once, and says of each where its log starts now.
  ///
  /// Everything below an offset is made durable first, else a power cut could leave a log that ends before
  /// it starts. On return the new starts are durable, written once for all of them, and the segments that
  /// lie below as a whole are deleted. An offset past the log's end is `offsetOutOfRange`. After another
  /// failure the start is where it was, or will be the new one when the directory is opened again; or it
  /// has moved, and segments below it are still there, which retention or this call, once more, deletes.
  package func deleteRecords(_ wanted: [RecordDeletion]) -> [Result<Offset, LogError>] {
    var moved: [TopicPartition: Offset] = [:]
    var results: [Result<Offset, LogError>] = wanted.map { each in
      do throws(LogError) {
        if let offset = try prepare(each) { moved[each.partition] = offset }
        return .success(try log(each.partition).published.startOffset)
      } catch { return .failure(error) }
    }
    var failure: LogError?
    do throws(LogError) { try writeLogStarts(moved) } catch { failure = error }
    for (index, each) in wanted.enumerated() {
      if case .failure = results[index] { continue }
      let offset = moved[each.partition]
      if let failure, offset != nil {
        results[index] = .failure(failure)
        continue
      }
      do throws(LogError) { results[index] = .success(try cut(each.partition, offset)) } catch {
        results[index] = .failure(error)
      }
    }
    return results
  }

  /// Makes what lies below durable; where the log's start moves to, nil where it stays.
  private func prepare(_ wanted: RecordDeletion) throws(LogError) -> Offset? {
    let log = try log(wanted.partition)
    return try perform(on: log) { () throws(LogError) in
      let (start, end) = (log.published.startOffset, log.published.endOffset)
      let offset = wanted.offset ?? end
      guard offset <= end else {
        throw .offsetOutOfRange(offset, start: start, end: end, wanted.partition)
      }
      if offset <= start { return nil }
      try log.makeDurable(upTo: offset)
      return offset
    }
  }

  private func cut(_ partition: TopicPartition, _ offset: Offset?) throws(LogError) -> Offset {
    let log = try log(partition)
    var count = 0
    if let offset {
      try perform(on: log) { log.published.publish(start: max(offset, log.published.startOffset)) }
    }
    try remove(from: log, &count) { log.leaveBelowStart() }
    return log.published.startOffset
  }

  /// First the starts, then the topics' word that they are there: starts of an earlier topic of one's name
  /// may be in the file, and writing it anew takes them out.
  private func writeLogStarts(_ moved: [TopicPartition: Offset]) throws(LogError) {
    if moved.isEmpty { return }
    do throws(SystemCallError) {
      try files.writeLogStarts(startsInsideSegments(moved))
      for name in Set(moved.keys.map(\.topic)).sorted() {
        guard var topic = topics[name], !topic.hasDeletedRecords else { continue }
        topic.hasDeletedRecords = true
        try topicFiles.write(topic)
        topics[name] = topic
      }
    } catch { throw .system(error) }
  }

  /// Where logs start inside their first segments: of those topics that say that there is something to
  /// read, and of `others`. The rest need no call more than ever to be opened.
  func readLogStarts(
    _ topics: [Topic], besides others: Set<String>
  ) throws(LogError) -> [TopicPartition: Offset] {
    let names = others.union(topics.filter(\.hasDeletedRecords).map(\.name))
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
