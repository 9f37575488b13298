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

  mutating func add(_ batch: ProducerBatch, epoch newEpoch: Int16) {
    // Of an earlier epoch nothing is a duplicate any more.
    if newEpoch != epoch { batches.removeAll(keepingCapacity: true) }
    epoch = newEpoch
    if batches.count == Self.batchesMax { batches.removeFirst() }
    batches.append(batch)
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

  func verdict(on batch: RecordBatchHeader) -> ProducerVerdict {
    guard batch.baseSequence >= 0 else {
      let last = entries[batch.producerID]?.last?.lastSequence
      let expected = last.map { ProducerSequence.advanced($0, by: 1) } ?? 0
      return .refuse(.outOfOrderSequence(expected: expected, found: batch.baseSequence))
    }
    // Of whom nothing is known anything may have been forgotten.
    return entries[batch.producerID]?.verdict(on: batch) ?? .accept
  }

  /// Notes a batch that is in the log, whatever the verdict on it would have been.
  mutating func note(_ header: RecordBatchHeader) {
    next = header.nextOffset
    guard header.producerID >= 0, header.baseSequence >= 0, !header.attributes.isControl else {
      return
    }
    let batch = ProducerBatch(
      firstSequence: header.baseSequence, lastOffsetDelta: header.lastOffsetDelta,
      baseOffset: header.baseOffset, timestamp: header.maxTimestamp)
    entries[header.producerID, default: ProducerEntry(epoch: header.producerEpoch, batches: [])]
      .add(batch, epoch: header.producerEpoch)
    hear(header.producerID, batch.lastOffset)
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
