import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage

/// What the process that is killed appends, and what the one that looks afterwards expects.
package enum KillWorkload {
  package static let partitionCount: Int32 = 3

  /// How a batch looks follows from where it begins, so that a reader knows it to the byte.
  package struct Shape: Hashable, Sendable {
    package let recordCount: Int
    package let valueBytes: Int

    package init(partition: Int32, first: Int) {
      var random = SeededGenerator(seed: UInt64(first) << 2 | UInt64(partition))
      if random.chance(0.02) {
        recordCount = 1 + random.below(2)
        valueBytes = 100_000
      } else {
        recordCount = 1 + random.below(20)
        valueBytes = 1 + random.below(random.chance(0.25) ? 3000 : 300)
      }
    }
  }

  /// Opens the log below `path`, with segments so small that they roll often.
  package static func open(
    _ kind: BackendUnderTest, _ durability: Durability, path: String, seed: UInt64
  ) throws(LogError) -> LogFixture {
    try LogFixture(
      kind, io: LinuxFileIO(), path: path, seed: seed, partitions: Int(partitionCount)
    ) {
      $0.segmentBytes = 256 << 10
      $0.durability = durability
      $0.flushMilliseconds = 5
      $0.flushBytes = 128 << 10
    }
  }

  /// Appends the batch that belongs at the partition's end.
  package static func append(
    to fixture: LogFixture, _ partition: Int32
  ) throws(LogError) -> AppendReceipt {
    let first = Int(try fixture.log(partition).nextOffset.rawValue)
    let shape = Shape(partition: partition, first: first)
    return try fixture.append(
      first, count: shape.recordCount, valueBytes: shape.valueBytes, partition: partition)
  }

  /// What a look through a partition found.
  package struct Findings {
    /// The offset after the last record.
    package var end: Int64 = 0
    /// Where records are not exactly what was appended; empty for a log that holds.
    package var faults: [String] = []
  }

  /// Reads every batch (which checks its CRC), from the first on, and compares it with what was
  /// appended.
  package static func check(
    _ log: PublishedLog, _ partition: Int32
  ) throws(LogError) -> Findings {
    var reader = LogReader(log)
    var found = Findings()
    let result = try reader.forEachBatch(from: .zero) { batch throws(BatchError) in
      let first = batch.header.baseOffset.rawValue
      if first != found.end { found.faults.append("batch at \(first), expected \(found.end)") }
      let shape = Shape(partition: partition, first: Int(first))
      var count = 0
      var records = try batch.records()
      while let record = try records.next() {
        let number = Int(first) + count
        let isExpected =
          record.offset.rawValue == Int64(number)
          && record.copiedValue == TestBatch.value(number, bytes: shape.valueBytes)
        if !isExpected { found.faults.append("record \(number) at offset \(record.offset)") }
        count += 1
      }
      if count != shape.recordCount {
        found.faults.append("batch at \(first) has \(count) records")
      }
      found.end = first + Int64(count)
    }
    switch result {
    case .success(let end) where end.rawValue != found.end:
      found.faults.append("the log ends at \(end), its records at \(found.end)")
    case .success: break
    case .failure(let error): found.faults.append("behind \(found.end): \(error)")
    }
    return found
  }
}
