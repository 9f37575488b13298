import CommitLog
import LogStorage
import Records

/// What one partition's log must be: told of every append and acknowledgement, and asked after every
/// start.
package struct PartitionModel {
  package struct Batch {
    package let identity: NumberedBatch.Identity
    package let baseOffset: Int64
    /// On the disk's clock, in nanoseconds.
    package let acceptedAt: Int64
    /// Nil once it stands: acknowledged, or found after a start.
    package var receipt: AppendReceipt?
    /// Who was told how it ended; nil where nobody is.
    var owner: HistoryAppend?

    package var nextOffset: Int64 { baseOffset + Int64(identity.recordCount) }
  }

  /// Every batch that is, or may be, in the log, in order and without gaps; also those that retention
  /// deleted.
  package private(set) var batches: [Batch] = []
  /// How many of `batches`, from the first, wait for nothing any more.
  private var settledCount = 0
  /// The log's start is not below the one and not past the other.
  package private(set) var startMin: Int64 = 0
  package private(set) var startMax: Int64 = 0
  /// The start after the last retention that did not fail: whatever ends the process, it stays.
  package private(set) var startDurable: Int64 = 0
  /// Everything below survives the process.
  package private(set) var acknowledged: Int64 = 0
  /// Everything below survives a power cut.
  package private(set) var durable: Int64 = 0
  /// How much of that `interval` owes by time alone.
  package private(set) var owedByInterval: Int64 = 0
  /// The size of the newest append.
  package private(set) var lastAppendBytes = 0
  /// What was acknowledged since the last start.
  package private(set) var acknowledgedRecords = 0

  package init() {}

  /// One past the last batch.
  package var end: Int64 { batches.last?.nextOffset ?? 0 }

  // MARK: - What happens

  package mutating func appended(
    _ identities: [NumberedBatch.Identity], at base: Int64, receipt: AppendReceipt?, now: Int64,
    owner: HistoryAppend? = nil
  ) throws(Violation) {
    guard base == end else {
      throw Violation(.prefix, "an append was given offset \(base), expected \(end)")
    }
    lastAppendBytes = identities.reduce(0) { $0 + $1.byteCount }
    for identity in identities {
      batches.append(
        Batch(
          identity: identity, baseOffset: end, acceptedAt: now, receipt: receipt, owner: owner))
    }
  }

  /// Asks the log where what is pending stands.
  package mutating func refresh(_ log: PartitionLog) throws(Violation) {
    noteTold(log.settings.durability)
    var index = settledCount
    while index < batches.count, let receipt = batches[index].receipt {
      switch log.status(of: receipt) {
      // A fenced log's are in doubt until the next start.
      case .pending, .failed(.fenced): index += 1
      case .acknowledged:
        guard index == settledCount else {
          throw Violation(
            .prefix, "offset \(batches[index].baseOffset) is acknowledged before one below it")
        }
        acknowledgedRecords += batches[index].identity.recordCount
        batches[index].receipt = nil
        index += 1
        settledCount = index
      case .failed:
        // Not in the log, and nothing behind it is.
        batches.removeSubrange(index...)
      }
    }
    note(log)
  }

  /// What an owner was told is acknowledged must be kept, whatever the log thinks of it.
  private mutating func noteTold(_ durability: Durability) {
    guard let last = batches[settledCount...].last(where: { $0.owner?.isAcknowledged == true })
    else { return }
    acknowledged = max(acknowledged, last.nextOffset)
    if durability.acknowledgesDurable { durable = max(durable, last.nextOffset) }
  }

  private mutating func note(_ log: PartitionLog) {
    let end = log.published.endOffset.rawValue
    acknowledged = max(acknowledged, end)
    startMax = max(startMax, log.published.startOffset.rawValue)
    durable = max(durable, log.durableOffset.rawValue)
    if log.settings.durability.acknowledgesDurable { durable = max(durable, end) }
  }

  /// A tick at `now` whose flush was waited for has returned.
  package mutating func ticked(flushNanoseconds: Int64, now: Int64) {
    let due = now - flushNanoseconds
    for batch in batches.reversed()
    where batch.acceptedAt <= due && batch.nextOffset <= acknowledged {
      owedByInterval = max(owedByInterval, batch.nextOffset)
      return
    }
  }

  /// Retention has returned, and did not throw. What it left must be as much as it was to keep, where
  /// bytes alone decide; what it took must be of `newestMax` or before, where time alone decides.
  package mutating func retained(bytesMin: Int64?, newestMax: Int64?) throws(Violation) {
    defer { startDurable = startMax }
    guard startMax > startDurable else { return }
    if let newestMax {
      let young = batches.first { batch in
        batch.baseOffset >= startDurable && batch.nextOffset <= startMax
          && (batch.identity.timestamps.max() ?? newestMax) > newestMax
      }
      if let young {
        throw Violation(
          .youngKept,
          "retention took offset \(young.baseOffset), whose newest timestamp "
            + "\(young.identity.timestamps.max() ?? 0) is after \(newestMax)")
      }
    }
    guard let bytesMin else { return }
    let kept = batches.lazy.filter { [startMax, acknowledged] batch in
      batch.baseOffset >= startMax && batch.nextOffset <= acknowledged
    }.reduce(0) { $0 + Int64($1.identity.byteCount) }
    if kept < bytesMin {
      throw Violation(
        .start, "retention left \(kept) bytes from offset \(startMax) on, expected \(bytesMin)")
    }
  }

  /// Everything that was accepted is there to stay: after a clean stop.
  package mutating func closed(at end: Int64) {
    acknowledged = max(acknowledged, end)
    durable = max(durable, end)
  }

  /// The log was opened, and begins and ends here.
  package mutating func opened(start: Int64, end: Int64) {
    batches.removeAll { $0.baseOffset >= end }
    for index in batches.indices {
      batches[index].receipt = nil
      batches[index].owner = nil
    }
    settledCount = batches.count
    startMin = start
    startMax = start
    startDurable = start
    acknowledged = end
    durable = end
    owedByInterval = end
    acknowledgedRecords = 0
  }

  // MARK: - What must be

  /// The first batch that ends past `offset`.
  package func index(holding offset: Int64) -> Int? {
    var low = 0
    var high = batches.count
    while low < high {
      let middle = low + (high - low) / 2
      if batches[middle].nextOffset <= offset { low = middle + 1 } else { high = middle }
    }
    return low < batches.count ? low : nil
  }

  /// What was acknowledged and is not there where the log ends at `end`.
  package func loss(from end: Int64, now: Int64) -> Loss {
    var loss = Loss()
    for batch in batches.reversed() where batch.nextOffset > end {
      guard batch.nextOffset <= acknowledged else { continue }
      loss.records += batch.identity.recordCount
      loss.bytes += batch.identity.byteCount
      loss.nanoseconds = max(loss.nanoseconds, now - batch.acceptedAt)
    }
    return loss
  }
}

/// Acknowledged records that a power cut took.
package struct Loss: Hashable, Sendable {
  package var records = 0
  package var bytes = 0
  /// How old the oldest was, on the disk's clock.
  package var nanoseconds: Int64 = 0

  package init(
    records: Int = 0, bytes: Int = 0, nanoseconds: Int64 = 0
  ) {
    self.records = records
    self.bytes = bytes
    self.nanoseconds = nanoseconds
  }
}
