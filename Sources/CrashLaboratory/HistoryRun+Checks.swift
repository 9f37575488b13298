import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage

// What must be there after a start.
extension HistoryRun {
  /// What ended the process before, and whether its calls could have failed.
  enum Ending {
    case powerCut(mayHaveFailed: Bool)
    case kill(mayHaveFailed: Bool)
    case cleanStop(mayHaveFailed: Bool)

    var mayHaveFailed: Bool {
      switch self {
      case .powerCut(let may), .kill(let may), .cleanStop(let may): may
      }
    }
  }

  /// `offline`: partitions that had no log when the process ended. A clean stop did nothing for them.
  mutating func checkAll(_ ending: Ending, offline: Set<Int> = []) throws(Violation) {
    if isRotten {
      try checkRotten(ending, offline: offline)
      life = nil
      return
    }
    for partition in models.indices {
      let log = try logToCheck(partition)
      let isOffline = offline.contains(partition)
      try check(log, partition, isOffline ? .kill(mayHaveFailed: true) : ending)
    }
    if case .cleanStop = ending { return }
    try checkSecondRecovery()
  }

  private func logToCheck(_ partition: Int) throws(Violation) -> PartitionLog {
    try must(.opens, "t-\(partition)") { () throws(LogError) in try log(partition) }
  }

  /// What `body` gives; its error as a broken promise.
  func must<Value>(
    _ promise: Violation.Promise, _ what: String, _ body: () throws(LogError) -> Value
  ) throws(Violation) -> Value {
    do throws(LogError) { return try body() } catch {
      throw Violation(promise, "\(what): \(error)")
    }
  }

  mutating func check(
    _ log: PartitionLog, _ partition: Int, _ ending: Ending
  ) throws(Violation) {
    let start = log.published.startOffset.rawValue
    let end = log.published.endOffset.rawValue
    tell("t-\(partition) holds offsets \(start) to \(end)")
    try checkEnd(end, partition, ending)
    try checkStart(start, end, partition, ending)
    try checkBatches(log.published, partition, from: start, to: end)
    try checkIndexes(log.published, partition, from: start, to: end)
    models[partition].opened(start: start, end: end)
  }

  /// Each deletion is durable before the next; only one that failed may be undone.
  private func checkStart(
    _ start: Int64, _ end: Int64, _ partition: Int, _ ending: Ending
  ) throws(Violation) {
    let model = models[partition]
    let lowest = ending.mayHaveFailed ? model.startMin : model.startDurable
    if start >= min(lowest, end) && start <= model.startMax { return }
    throw Violation(
      .start,
      "t-\(partition) starts at offset \(start), expected \(lowest) to \(model.startMax)")
  }

  private mutating func checkEnd(
    _ end: Int64, _ partition: Int, _ ending: Ending
  ) throws(Violation) {
    let model = models[partition]
    let kept: Int64
    let promise: Violation.Promise
    switch ending {
    case .powerCut: (kept, promise) = (model.durable, .durableKept)
    case .kill: (kept, promise) = (model.acknowledged, .acknowledgedKept)
    case .cleanStop: (kept, promise) = (model.end, .cleanStopKept)
    }
    if end < kept {
      throw Violation(
        promise, "t-\(partition) ends at offset \(end), and what is below \(kept) was promised")
    }
    if end > model.end {
      throw Violation(
        .prefix, "t-\(partition) ends at offset \(end), and \(model.end) was the last appended")
    }
    guard case .powerCut(let mayHaveFailed) = ending else { return }
    let loss = model.loss(from: end, now: lastStop)
    if loss.records > 0 { tell("lost \(loss.records) acknowledged records of t-\(partition)") }
    if !history.changesBackend { tally.add(loss) }
    guard history.setup.durability == .interval else { return }
    if end < model.owedByInterval {
      throw Violation(
        .intervalBound,
        "t-\(partition) ends at offset \(end), and what is below \(model.owedByInterval) was "
          + "older than flush.ms at a tick")
    }
    let isExact =
      !backends[history.setup.backend].capabilities.isAsynchronous && !history.changesBackend
    // The append that reaches the limit is flushed before it returns, and may be read before that.
    let before = Int64(loss.bytes - model.lastAppendBytes)
    if isExact && !mayHaveFailed && before >= history.setup.flushBytes {
      throw Violation(
        .intervalBound,
        "t-\(partition) lost \(loss.bytes) bytes, the last append was of "
          + "\(model.lastAppendBytes), and varve.flush.bytes is \(history.setup.flushBytes)")
    }
  }

  /// Every batch that a reader sees is the one that was appended there.
  func checkBatches(
    _ log: PublishedLog, _ partition: Int, from start: Int64, to end: Int64
  ) throws(Violation) {
    let model = models[partition]
    var index = model.index(holding: start) ?? model.batches.count
    var fault: String?
    var reader = LogReader(log)
    let result: Result<Offset, Never>
    do throws(LogError) {
      result = try reader.forEachBatch(from: Offset(start)) { (batch) throws(Never) in
        if fault == nil, let found = Self.difference(batch, model, index) { fault = found }
        index += 1
      }
    } catch { throw Violation(.prefix, "t-\(partition) does not read: \(error)") }
    if let fault { throw Violation(.prefix, "t-\(partition): \(fault)") }
    if case .success(let next) = result, next.rawValue != end {
      throw Violation(.prefix, "t-\(partition) reads up to offset \(next), and ends at \(end)")
    }
  }

  /// Why this is not the model's batch of this index; nil where it is.
  private static func difference(
    _ batch: RecordBatchView, _ model: PartitionModel, _ index: Int
  ) -> String? {
    let header = batch.header
    let place = "the batch at offset \(header.baseOffset)"
    guard index < model.batches.count else { return "\(place) was never appended" }
    let expected = model.batches[index]
    let isExpected =
      header.baseOffset.rawValue == expected.baseOffset && header.crc == expected.identity.crc
      && header.byteCountTotal == expected.identity.byteCount
      && Int(header.recordCount) == expected.identity.recordCount
    if !isExpected {
      return "\(place) is not the one appended at offset \(expected.baseOffset)"
    }
    do throws(BatchError) { try batch.validate() } catch { return "\(place): \(error)" }
    return nil
  }

  /// Recovering once more, after a cut that keeps only what is sure to be kept, finds the same.
  private func checkSecondRecovery() throws(Violation) {
    let again = disk.powerCut(seed: 0, .guaranteed)
    let life = try must(.recoversOnce, "opening again after another power cut") {
      () throws(LogError) in try Self.open(SimulatedFileIO(again), history.setup, backends)
    }
    for partition in models.indices {
      let key = TopicPartition(topic: "t", partition: Int32(partition))
      let log = try logToCheck(partition).published
      let other = try must(.recoversOnce, "\(key)") { () throws(LogError) in
        try life.directory.log(key).published
      }
      if other.endOffset != log.endOffset || other.startOffset != log.startOffset {
        throw Violation(
          .recoversOnce,
          "t-\(partition) holds offsets \(log.startOffset) to \(log.endOffset), and after another "
            + "power cut \(other.startOffset) to \(other.endOffset)")
      }
    }
    for path in disk.allPaths where path.hasSuffix(".log") {
      if disk.contents(of: path) != again.contents(of: path) {
        throw Violation(.recoversOnce, "\(path): another power cut changes its bytes")
      }
    }
  }

  // MARK: - Bit rot

  /// After a bit has flipped the log may refuse, or end early and say so; it never tells anything else
  /// than what was appended.
  private mutating func checkRotten(
    _ ending: Ending, offline: Set<Int>
  ) throws(Violation) {
    for partition in models.indices {
      guard let log = try? log(partition).published else { return }
      let start = log.startOffset.rawValue
      let model = models[partition]
      var index = model.index(holding: start) ?? model.batches.count
      var fault: String?
      var reader = LogReader(log)
      do throws(LogError) {
        _ = try reader.forEachBatch(from: Offset(start)) { (batch) throws(Never) in
          if fault == nil, let found = Self.difference(batch, model, index) { fault = found }
          index += 1
        }
      } catch { tell("t-\(partition) reads up to a fault: \(error)") }
      if let fault { throw Violation(.damageTold, "t-\(partition): \(fault)") }
      let kept =
        switch ending {
        case .powerCut: model.durable
        case .kill: model.acknowledged
        // Its flush has failed, and the stop made none.
        case .cleanStop where offline.contains(partition): model.durable
        case .cleanStop: model.end
        }
      if log.endOffset.rawValue < kept && !hasNotices {
        throw Violation(
          .damageTold,
          "t-\(partition) ends at offset \(log.endOffset), \(kept) was promised, and no notice says why"
        )
      }
    }
  }
}
