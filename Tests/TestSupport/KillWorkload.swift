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
}
