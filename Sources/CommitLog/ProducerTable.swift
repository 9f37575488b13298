import Records

/// A batch as it is remembered of its producer.
struct ProducerBatch: Hashable, Sendable {
  let firstSequence: Int32
  let lastOffsetDelta: Int32
  let baseOffset: Offset
  /// The newest in the batch, in milliseconds.
  let timestamp: Int64

  var lastSequence: Int32 { ProducerSequence.advanced(firstSequence, by: lastOffsetDelta) }
  var lastOffset: Offset { baseOffset.advanced(by: Int64(lastOffsetDelta)) }
}

/// Sequences: 31 bits that go round.
enum ProducerSequence {
  static func advanced(_ sequence: Int32, by count: Int32) -> Int32 {
    (sequence &+ count) & Int32.max
  }

  /// True where `sequence` lies behind `other`, by the shorter way round.
  static func isBehind(_ sequence: Int32, _ other: Int32) -> Bool {
    (sequence &- other) & Int32.max > Int32.max / 2
  }
}

/// One producer: its epoch, and its last batches, oldest first, never none.
struct ProducerEntry: Hashable, Sendable {
  static let batchesMax = 5

  var epoch: Int16
  var batches: [ProducerBatch]

  var last: ProducerBatch? { batches.last }

  /// What `add` took away.
  enum Displaced: Sendable {
    case nothing
    case oldest(ProducerBatch)
    /// An older epoch, with its batches.
    case epoch(ProducerEntry)
  }

  mutating func add(_ batch: ProducerBatch, epoch newEpoch: Int16) -> Displaced {
    var displaced = Displaced.nothing
    if newEpoch != epoch {
      // Of an earlier epoch nothing is a duplicate any more.
      if !batches.isEmpty { displaced = .epoch(self) }
      batches = []
      epoch = newEpoch
    } else if batches.count == Self.batchesMax {
      displaced = .oldest(batches.removeFirst())
    }
    batches.append(batch)
    return displaced
  }

  /// Undoes the last `add`.
  mutating func removeLast(_ displaced: Displaced) {
    batches.removeLast()
    switch displaced {
    case .nothing: break
    case .oldest(let batch): batches.insert(batch, at: 0)
    case .epoch(let entry): self = entry
    }
  }

  func verdict(on batch: RecordBatchHeader) -> ProducerVerdict {
    let found = batch.baseSequence
    if batch.producerEpoch < epoch {
      return .refuse(.staleEpoch(current: epoch, found: batch.producerEpoch))
    }
    if batch.producerEpoch > epoch {
      return found == 0 ? .accept : .refuse(.outOfOrderSequence(expected: 0, found: found))
    }
    let same = batches.first {
      $0.firstSequence == found && $0.lastOffsetDelta == batch.lastOffsetDelta
    }
    if let same {
      return .duplicate(
        baseOffset: same.baseOffset, nextOffset: same.lastOffset.advanced(by: 1),
        appendTime: same.timestamp)
    }
    guard let first = batches.first, let last else { return .accept }
    let expected = ProducerSequence.advanced(last.lastSequence, by: 1)
    if found == expected { return .accept }
    // Where fewer are remembered none was forgotten: then it never was here, and a producer that is told
    // that it is a duplicate takes it for written.
    if batches.count == Self.batchesMax,
      ProducerSequence.isBehind(found, first.firstSequence),
      ProducerSequence.isBehind(batch.lastSequence, first.firstSequence)
    {
      return .refuse(.duplicateSequence)
    }
    return .refuse(.outOfOrderSequence(expected: expected, found: found))
  }
}

/// The producers of a partition. A value.
struct ProducerTable: Sendable {
  private(set) var entries: [Int64: ProducerEntry] = [:]
  /// Everything below has been noted.
  var next = Offset.zero
  /// Producers in the order in which they were heard, each as often as it was; only its last time counts.
  private var heard: [(id: Int64, lastOffset: Offset)] = []
  private var firstHeard = 0
  /// Batches that may yet fail, in the order of their offsets.
  private var inDoubt = NotedBatches()

  func verdict(on batch: RecordBatchHeader) -> ProducerVerdict {
    guard batch.baseSequence >= 0 else {
      let last = entries[batch.producerID]?.last?.lastSequence
      let expected = last.map { ProducerSequence.advanced($0, by: 1) } ?? 0
      return .refuse(.outOfOrderSequence(expected: expected, found: batch.baseSequence))
    }
    // Of whom nothing is known anything may have been forgotten.
    return entries[batch.producerID]?.verdict(on: batch) ?? .accept
  }

  /// Notes a batch that is in the log, or on its way there, whatever the verdict on it would have been.
  /// What lies below `settled` is there to stay; without it all is, and this batch too.
  mutating func note(_ header: RecordBatchHeader, settled: Offset? = nil) {
    next = header.nextOffset
    if let settled { inDoubt.drop(below: settled) }
    guard header.producerID >= 0, header.baseSequence >= 0, !header.attributes.isControl else {
      return
    }
    let batch = ProducerBatch(
      firstSequence: header.baseSequence, lastOffsetDelta: header.lastOffsetDelta,
      baseOffset: header.baseOffset, timestamp: header.maxTimestamp)
    let displaced = entries[
      header.producerID, default: ProducerEntry(epoch: header.producerEpoch, batches: [])
    ].add(batch, epoch: header.producerEpoch)
    hear(header.producerID, batch.lastOffset)
    if settled != nil { inDoubt.append((header.producerID, batch, displaced)) }
  }

  /// Forgets the batches from `end` on, which have failed: what is known is as it was before them.
  mutating func cutBack(to end: Offset) {
    while let last = inDoubt.popLast(from: end) {
      // Who was dropped since is not brought back.
      guard entries[last.id]?.last == last.batch else { continue }
      entries[last.id]?.removeLast(last.displaced)
      if let before = entries[last.id]?.last {
        hear(last.id, before.lastOffset)
      } else {
        entries[last.id] = nil
      }
    }
    next = min(next, end)
  }

  /// Takes over an entry from a file, where they stand in the order of their last offsets.
  mutating func insert(_ id: Int64, _ entry: ProducerEntry) {
    guard let last = entry.last else { return }
    entries[id] = entry
    hear(id, last.lastOffset)
  }

  /// Drops who is silent for longer than `limit` milliseconds, and was not `heard`; true where there was
  /// one.
  mutating func dropSilent(now: Int64, limit: Int64, heard: Set<Int64>) -> Bool {
    let count = entries.count
    entries = entries.filter { id, entry in
      guard let last = entry.last else { return false }
      if heard.contains(id) { return true }
      let (age, overflow) = now.subtractingReportingOverflow(last.timestamp)
      return overflow ? now < last.timestamp : age <= limit
    }
    return entries.count < count
  }

  /// Whoever was silent longest comes first.
  var inOrder: [(id: Int64, entry: ProducerEntry)] {
    entries.map { ($0.key, $0.value) }.sorted {
      ($0.1.last?.lastOffset ?? .zero, $0.0) < ($1.1.last?.lastOffset ?? .zero, $1.0)
    }
  }

  private mutating func hear(_ id: Int64, _ lastOffset: Offset) {
    heard.append((id, lastOffset))
    while entries.count > ProducerLedger.producersMax, firstHeard < heard.count {
      let oldest = heard[firstHeard]
      firstHeard += 1
      if isCurrent(oldest) { entries[oldest.id] = nil }
    }
    // Mostly what was said again since: kept short, now and then.
    if heard.count > 2 * max(entries.count, 512) {
      heard = heard[firstHeard...].filter(isCurrent)
      firstHeard = 0
    }
  }

  private func isCurrent(_ time: (id: Int64, lastOffset: Offset)) -> Bool {
    entries[time.id]?.last?.lastOffset == time.lastOffset
  }
}

/// Batches of producers that were noted and may yet fail, with what noting each one took away.
private struct NotedBatches: Sendable {
  typealias Noted = (id: Int64, batch: ProducerBatch, displaced: ProducerEntry.Displaced)

  private var noted: [Noted] = []
  /// Those before it are there to stay.
  private var first = 0

  mutating func append(_ batch: Noted) { noted.append(batch) }

  mutating func drop(below settled: Offset) {
    while first < noted.count, noted[first].batch.lastOffset < settled { first += 1 }
    if first == noted.count {
      noted.removeAll(keepingCapacity: true)
      first = 0
    } else if first > 1024 {
      noted.removeFirst(first)
      first = 0
    }
  }

  /// The newest one, where it begins at `end` or behind it.
  mutating func popLast(from end: Offset) -> Noted? {
    guard first < noted.count, let last = noted.last, last.batch.baseOffset >= end else {
      return nil
    }
    return noted.removeLast()
  }
}
