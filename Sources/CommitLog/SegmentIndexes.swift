import LogStorage
import Records
import Synchronization

/// Where a search may begin: at this position lies a batch, whose last offset is this.
package struct IndexedPosition: Hashable, Sendable {
  package let lastOffset: Offset
  package let position: FilePosition
}

/// No record up to `offset` is newer than `timestamp`.
package struct IndexedTimestamp: Hashable, Sendable {
  package let timestamp: Int64
  package let offset: Offset
}

/// The sparse indexes of one segment, in memory, as they grow: one writer, any number of readers.
///
/// Kafka's rule: when more than `index.interval.bytes` have gone by since the last entry, the next
/// batch gets one in the offset index, and the newest timestamp so far gets one in the time index
/// where it is newer than the last.
package final class SegmentIndexes: Sendable {
  package let baseOffset: Offset
  package let offsets: GrowingTable
  package let timestamps: GrowingTable
  /// Of all batches so far, those without an entry too; `Int64.min` where there is none.
  private let newest = Atomic(Int64.min)

  /// For a segment that grows to at most `segmentBytes`, and has `restoredCount` entries already, which
  /// may be of another interval.
  package init(
    baseOffset: Offset, segmentBytes: Int, indexIntervalBytes: Int, restoredCount: Int = 0
  ) {
    self.baseOffset = baseOffset
    // No batch is smaller than its header, so that not every byte can have an entry; nor can what 32
    // bits do not reach.
    let indexedBytes = min(segmentBytes, Int(UInt32.max))
    let capacity =
      indexedBytes / max(RecordBatchHeader.byteCount, indexIntervalBytes) + 2 + restoredCount
    offsets = GrowingTable(wordsPerEntry: 1, capacity: capacity)
    timestamps = GrowingTable(wordsPerEntry: 2, capacity: capacity)
  }

  /// The last indexed batch that ends at or before `offset`.
  package func position(for offset: Offset) -> IndexedPosition? {
    let after = offsets.partitionPoint { lastOffset(of: offsets.word($0)) <= offset }
    guard after > 0 else { return nil }
    let word = offsets.word(after - 1)
    return IndexedPosition(
      lastOffset: lastOffset(of: word),
      position: FilePosition(Int64(word & 0xffff_ffff)))
  }

  /// The last entry older than `timestamp`.
  package func entry(before timestamp: Int64) -> IndexedTimestamp? {
    let after = timestamps.partitionPoint { value($0) < timestamp }
    return after > 0 ? entry(after - 1) : nil
  }

  /// The last entry of a batch that ends below `end`.
  func lastTimestamp(below end: Offset) -> IndexedTimestamp? {
    let after = timestamps.partitionPoint { entry($0).offset < end }
    return after > 0 ? entry(after - 1) : nil
  }

  /// The newest timestamp of all batches that were noted; nil where there are none.
  package var newestTimestamp: Int64? {
    let found = newest.load(ordering: .acquiring)
    return found == .min ? nil : found
  }

  /// The writer's.
  func note(newestTimestamp timestamp: Int64) { newest.store(timestamp, ordering: .releasing) }

  private func entry(_ index: Int) -> IndexedTimestamp {
    IndexedTimestamp(
      timestamp: value(index),
      offset: baseOffset.advanced(by: Int64(bitPattern: timestamps.word(index, 1))))
  }

  private func value(_ entry: Int) -> Int64 { Int64(bitPattern: timestamps.word(entry)) }

  private func lastOffset(of word: UInt64) -> Offset {
    baseOffset.advanced(by: Int64(word >> 32))
  }
}

/// Feeds a segment's indexes, batch by batch, in log order. The writer's half.
struct IndexWriter {
  let indexes: SegmentIndexes
  private let intervalBytes: Int
  private var bytesSinceEntry = 0
  private var lastIndexedTimestamp = Int64.min
  private(set) var newest: IndexedTimestamp?
  /// The first batch's newest timestamp: the segment's age is counted from it.
  private(set) var firstTimestamp: Int64?

  /// For a new segment, or one that has `bytes` already: it may be from when segments were larger.
  init(baseOffset: Offset, settings: TopicSettings, bytes: FilePosition = .zero) {
    indexes = SegmentIndexes(
      baseOffset: baseOffset, segmentBytes: max(settings.segmentBytes, Int(bytes.rawValue)),
      indexIntervalBytes: settings.indexIntervalBytes)
    intervalBytes = settings.indexIntervalBytes
  }

  /// For a segment that goes on behind entries that its files have: those of `found` that come before
  /// the batch with the header `next`, which is to be added first and gets an entry.
  init(
    _ found: IndexEntries, before next: RecordBatchHeader, firstTimestamp: Int64,
    newest: IndexedTimestamp?, settings: TopicSettings, bytes: FilePosition
  ) {
    indexes = SegmentIndexes(
      baseOffset: found.baseOffset,
      segmentBytes: max(settings.segmentBytes, Int(bytes.rawValue)),
      indexIntervalBytes: settings.indexIntervalBytes,
      restoredCount: found.offsets.count + found.timestamps.count)
    intervalBytes = settings.indexIntervalBytes
    bytesSinceEntry = settings.indexIntervalBytes + 1
    for entry in found.offsets where entry.lastOffset < next.baseOffset { add(entry) }
    for entry in found.timestamps where entry.offset < next.baseOffset { add(entry) }
    self.firstTimestamp = firstTimestamp
    self.newest = newest
    if let newest { indexes.note(newestTimestamp: newest.timestamp) }
  }

  private func add(_ entry: IndexedPosition) {
    let relative = UInt64(entry.lastOffset.distance(from: indexes.baseOffset))
    indexes.offsets.append(relative << 32 | UInt64(entry.position.rawValue))
  }

  private mutating func add(_ entry: IndexedTimestamp) {
    lastIndexedTimestamp = entry.timestamp
    let relative = entry.offset.distance(from: indexes.baseOffset)
    indexes.timestamps.append(UInt64(bitPattern: entry.timestamp), UInt64(bitPattern: relative))
  }

  /// Takes note of a written batch at `position`.
  mutating func add(_ batch: RecordBatchHeader, at position: FilePosition) {
    if firstTimestamp == nil { firstTimestamp = batch.maxTimestamp }
    if newest.map({ batch.maxTimestamp > $0.timestamp }) ?? true {
      newest = IndexedTimestamp(timestamp: batch.maxTimestamp, offset: batch.lastOffset)
      indexes.note(newestTimestamp: batch.maxTimestamp)
    }
    // A batch that 32 bits do not reach has no entry: searches begin at one before it. Our own
    // segments end earlier; one from elsewhere, or a damaged one, need not.
    let relative = batch.lastOffset.distance(from: indexes.baseOffset)
    if bytesSinceEntry > intervalBytes, let offset = UInt32(exactly: relative),
      let place = UInt32(exactly: position.rawValue)
    {
      indexes.offsets.append(UInt64(offset) << 32 | UInt64(place))
      addTimestamp()
      bytesSinceEntry = 0
    }
    bytesSinceEntry += batch.byteCountTotal
  }

  /// The last entry of a segment that ends: its newest timestamp, so that a search by time can
  /// pass the segment over.
  mutating func finish() { addTimestamp() }

  private mutating func addTimestamp() {
    guard let newest, newest.timestamp > lastIndexedTimestamp || indexes.timestamps.count == 0
    else { return }
    lastIndexedTimestamp = newest.timestamp
    let relative = newest.offset.distance(from: indexes.baseOffset)
    indexes.timestamps.append(UInt64(bitPattern: newest.timestamp), UInt64(bitPattern: relative))
  }
}
