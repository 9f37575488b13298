import LinuxIO
import LogStorage
import Records
import Synchronization

/// What the appender of one partition shows its readers, on any thread.
///
/// The appender stores the end offset (releasing) after the bytes before it are readable; readers
/// load it (acquiring) first. The list of segments changes only when one begins, ends or is
/// deleted, and is taken under a mutex that is held for a copy of a reference: an append takes no
/// lock, and no reader can hold it up.
package final class PublishedLog: Sendable {
  package let partition: TopicPartition
  private let list: Lock<[LogSegment]>
  private let start: Atomic<Int64>
  private let end: Atomic<Int64>

  init(_ partition: TopicPartition, segments: [LogSegment], start: Offset, end: Offset) {
    self.partition = partition
    list = Lock(segments)
    self.start = Atomic(start.rawValue)
    self.end = Atomic(end.rawValue)
  }

  /// The first offset that the log still holds. It may lie inside the first segment, and inside a batch.
  package var startOffset: Offset { Offset(start.load(ordering: .acquiring)) }

  /// One past the last acknowledged record: readers see the log up to here.
  package var endOffset: Offset { Offset(end.load(ordering: .acquiring)) }

  /// True where the segment has left the log, since the log starts behind it.
  func hasLeft(_ segment: LogSegment) -> Bool {
    segment.file.successor.map { startOffset >= $0 } ?? false
  }

  /// The segments, oldest first.
  package var segments: [LogSegment] { list.withLock { $0 } }

  /// Where the log ends in its files: how many bytes were appended since an earlier end is the difference,
  /// where the segment is the same.
  package var fileEnd: FileEnd {
    guard let last = list.withLock({ $0.last }) else {
      // Where the first segment will begin.
      return FileEnd(segmentBase: endOffset, position: .zero)
    }
    return FileEnd(segmentBase: last.baseOffset, position: last.file.end)
  }

  /// The appender's thread only.
  func publish(end newEnd: Offset) { end.store(newEnd.rawValue, ordering: .releasing) }

  /// The appender's thread only.
  func publish(start newStart: Offset) { start.store(newStart.rawValue, ordering: .releasing) }

  /// The appender's thread only.
  func publish(segments: [LogSegment]) { list.withLock { $0 = segments } }
}

/// The last segment's first offset, and the bytes that readers see of it.
package struct FileEnd: Hashable, Sendable {
  package let segmentBase: Offset
  package let position: FilePosition
}

extension [LogSegment] {
  /// The index of the segment that holds `offset`: the last whose base is not past it.
  package func index(holding offset: Offset) -> Int? {
    var low = 0
    var high = count
    while low < high {
      let middle = low + (high - low) / 2
      if self[middle].baseOffset <= offset { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? low - 1 : nil
  }
}
