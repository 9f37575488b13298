import CommitLog
import LinuxIO
import Records

// What readers find by the indexes, beside what the model knows.
extension HistoryRun {
  /// A few offsets and timestamps of the log, looked up.
  func checkIndexes(
    _ log: PublishedLog, _ partition: Int, from start: Int64, to end: Int64
  ) throws(Violation) {
    if start == end { return }
    var random = SeededGenerator(seed: UInt64(bitPattern: end) ^ history.seed)
    for _ in 0..<3 {
      let offset = start + Int64(random.below(Int(end - start)))
      try checkOffset(log, partition, offset)
    }
    let model = models[partition]
    for _ in 0..<2 {
      let offset = start + Int64(random.below(Int(end - start)))
      guard let index = model.index(holding: offset) else { continue }
      let shift = Int64(random.below(3)) - 1
      let timestamp = model.batches[index].identity.maxTimestamp + shift
      try checkTimestamp(log, partition, timestamp, from: start, to: end)
    }
  }

  private func checkOffset(
    _ log: PublishedLog, _ partition: Int, _ offset: Int64
  ) throws(Violation) {
    let found = try must(.indexes, "t-\(partition): looking for offset \(offset)") {
      () throws(LogError) in
      var reader = LogReader(log)
      return try reader.read(from: Offset(offset), bytesMax: 1)?.firstBatch.baseOffset.rawValue
    }
    let model = models[partition]
    let expected = model.index(holding: offset).map { model.batches[$0].baseOffset }
    if found != expected {
      throw Violation(
        .indexes,
        "t-\(partition): offset \(offset) is found in the batch at \(Self.text(found)), and lies in "
          + "the one at \(Self.text(expected))")
    }
  }

  private func checkTimestamp(
    _ log: PublishedLog, _ partition: Int, _ timestamp: Int64, from start: Int64, to end: Int64
  ) throws(Violation) {
    let found = try must(.indexes, "t-\(partition): looking for timestamp \(timestamp)") {
      () throws(LogError) in try LogReader(log).offset(at: timestamp)?.offset.rawValue
    }
    let expected = firstOffset(partition, at: timestamp, from: start, to: end)
    if found != expected {
      throw Violation(
        .indexes,
        "t-\(partition): timestamp \(timestamp) is found at offset \(Self.text(found)), and is first "
          + "reached at \(Self.text(expected))")
    }
  }

  private func firstOffset(
    _ partition: Int, at timestamp: Int64, from start: Int64, to end: Int64
  ) -> Int64? {
    for batch in models[partition].batches
    where batch.baseOffset >= start && batch.nextOffset <= end {
      if let delta = batch.identity.timestamps.firstIndex(where: { $0 >= timestamp }) {
        return batch.baseOffset + Int64(delta)
      }
    }
    return nil
  }

  private static func text(_ offset: Int64?) -> String { offset.map { "\($0)" } ?? "no offset" }
}
