import LinuxIO
import LogStorage
import Records

// The log's beginning moves, and the log goes.
extension PartitionLog {
  /// Makes at least everything below `offset` durable; an offset that was published.
  func makeDurable(upTo offset: Offset) throws(LogError) {
    if offset <= durableOffset { return }
    if let fence { throw .fenced(partition, fence) }
    if let target = active { try flushAll(target) } else { try flushEarlier() }
    // Nothing that is flushed here can be left out, but for a failure that put up the fence.
    if durableOffset < offset { throw .fenced(partition, fence ?? .fenced(path: directory)) }
  }

  /// Takes the segments that lie below the log's start as a whole out of the log, never the last one, and
  /// gives those whose files are to be removed.
  func leaveBelowStart() -> [LeavingSegment] {
    if isDiscarded { return [] }
    if leaving.isEmpty {
      let start = published.startOffset
      let segments = published.segments
      leave(segments.dropFirst().prefix { $0.baseOffset <= start }.count)
    }
    return leavingSegments()
  }

  /// Waits until everything accepted is acknowledged, under `batch` and `group` by a flush of its own.
  /// Throws where an append failed so that the log is fenced.
  func settleAll() throws(LogError) {
    if isDiscarded { throw .unknownTopic(partition.topic) }
    if let fence { throw .fenced(partition, fence) }
    guard let target = active, published.endOffset < acceptedOffset else { return }
    if settings.durability.acknowledgesDurable { try flushAll(target) } else { try drain(target) }
  }

  /// The log is fenced, and its partition is about to be opened anew: lets go of everything. What
  /// readers have of it is not to be believed from here on, since recovery may cut it back.
  func retire() {
    precondition(fence != nil, "a log that takes appends is not opened anew")
    drivers.forget(self)
    leaving = []
    unflushed = UnflushedFiles()
    for segment in published.segments {
      segment.file.retract(to: segment.file.end)
      segment.file.withdraw()
    }
  }

  /// The topic is deleted: lets go of everything, for ever. What is queued ends first, since its memory
  /// is in use; nothing is cut or flushed any more. Later appends throw `unknownTopic`.
  func discard() {
    while let target = active, !target.pending.isEmpty {
      // Whatever fails now fails a log that is gone, and `abandon` waits for the kernel.
      do throws(LogError) { try target.driver.poll(waiting: true) } catch { break }
    }
    isDiscarded = true
    drivers.forget(self)
    if let target = active { target.driver.abandon(target.id) }
    active = nil
    resumePosition = nil
    leaving = []
    unflushed = UnflushedFiles()
    // A topic of the same name may have files of the same names.
    for segment in published.segments { segment.file.withdraw() }
  }
}
