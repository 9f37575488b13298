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

  /// Deletes the segments that lie below the log's start as a whole, never the last one.
  func deleteBelowStart() throws(LogError) {
    try deleteLeaving()
    while isFirstSegmentBelowStart { try deleteOldest() }
  }

  /// True where the log starts behind its first segment.
  var isFirstSegmentBelowStart: Bool {
    let segments = published.segments
    return segments.count > 1 && segments[1].baseOffset <= published.startOffset
  }

  /// Waits until everything accepted is acknowledged, under `batch` and `group` by a flush of its own.
  /// Throws where an append failed so that the log is fenced.
  func settleAll() throws(LogError) {
    if isDiscarded { throw .unknownTopic(partition.topic) }
    if let fence { throw .fenced(partition, fence) }
    guard let target = active, published.endOffset < acceptedOffset else { return }
    if settings.durability.acknowledgesDurable { try flushAll(target) } else { try drain(target) }
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
    leaving = nil
    unflushedSealed = []
    hasUnflushedNames = false
    // A topic of the same name may have files of the same names.
    for segment in published.segments { segment.file.withdraw() }
  }
}
