import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage

/// A data directory with one topic `t`, opened as a program would open it.
package final class LogFixture {
  package let io: any RingIO
  package let path: String
  package let kind: BackendUnderTest
  package private(set) var directory: LogDirectory
  package private(set) var drivers: BackendDrivers
  /// The present, by the test's will.
  package var now = LogTime(monotonicNanoseconds: 0, wallMilliseconds: 1_000_000)
  private var seed: UInt64
  /// Keeps a temporary directory for as long as the log is used.
  private var place: DiskUnderTest.Place?

  /// Opens `<path>/log`, and makes the topic where it is missing.
  package init(
    _ kind: BackendUnderTest, io: any RingIO, path: String, seed: UInt64 = 1, partitions: Int = 1,
    _ adjust: (inout TopicSettings) -> Void = { _ in }
  ) throws(LogError) {
    self.io = io
    self.path = path + "/log"
    self.kind = kind
    self.seed = seed
    drivers = Self.makeDrivers(io, seed)
    var settings = TopicSettings(backend: kind.rawValue)
    adjust(&settings)
    directory = try LogDirectory(path: self.path, io: io, drivers: drivers, defaults: settings)
    if directory.topics["t"] == nil {
      var generator = SeededGenerator(seed: seed)
      _ = try directory.createTopic(
        "t", partitions: partitions, settings: settings, using: &generator)
    }
  }

  package convenience init(
    _ kind: BackendUnderTest, _ place: DiskUnderTest.Place, seed: UInt64 = 1, partitions: Int = 1,
    _ adjust: (inout TopicSettings) -> Void = { _ in }
  ) throws(LogError) {
    try self.init(
      kind, io: place.io, path: place.path, seed: seed, partitions: partitions, adjust)
    self.place = place
  }

  package static func makeDrivers(_ io: any RingIO, _ seed: UInt64) -> BackendDrivers {
    BackendDrivers { name throws(LogError) in
      guard let kind = BackendUnderTest(rawValue: name) else { throw .unknownTopic(name) }
      do throws(StorageError) { return try kind.make(any: io, seed: seed) } catch {
        throw .storage(error)
      }
    }
  }

  package func log(_ partition: Int32 = 0) throws(LogError) -> PartitionLog {
    try directory.log(TopicPartition(topic: "t", partition: partition))
  }

  /// Where the partition's file of this name lies.
  package func file(_ name: String, partition: Int32 = 0) -> String {
    "\(path)/t-\(partition)/\(name)"
  }

  /// Appends one batch of numbered records, and waits for nothing but what append waits for.
  @discardableResult
  package func append(
    _ first: Int, count: Int = 1, valueBytes: Int = 100, timestamp: Int64 = 1_000,
    partition: Int32 = 0
  ) throws(LogError) -> AppendReceipt {
    let log = try log(partition)
    var slot: AlignedBuffer? = TestBatch.make(
      first: first, count: count, valueBytes: valueBytes, timestamp: timestamp,
      shiftedBy: log.placement)
    return try log.append(&slot, now: now)
  }

  /// Waits until everything accepted is acknowledged.
  package func settle() throws(LogError) {
    try directory.commit()
    for topic in directory.topics.values {
      for partition in topic.partitions {
        let log = try directory.log(partition)
        while log.failure == nil && log.published.endOffset < log.nextOffset {
          try drivers.poll(waiting: true)
        }
      }
    }
  }

  /// The numbers of all records that a reader sees, checked for gapless offsets.
  package func numbers(
    partition: Int32 = 0, from: Offset? = nil
  ) throws -> [Int] {
    try Self.numbers(try log(partition).published, from: from)
  }

  package static func numbers(_ log: PublishedLog, from: Offset? = nil) throws -> [Int] {
    var reader = LogReader(log)
    var found: [Int] = []
    var next = from ?? log.startOffset
    let result = try reader.forEachBatch(from: next) { batch throws(BatchError) in
      var records = try batch.records()
      while let record = try records.next() {
        if record.offset < next { continue }
        guard record.offset == next, let number = TestBatch.number(of: record.copiedValue) else {
          found.append(-1)
          continue
        }
        found.append(number)
        next = next.advanced(by: 1)
      }
    }
    _ = try result.get()
    return found
  }

  /// A clean stop, and another start.
  package func reopen() throws(LogError) {
    try directory.close()
    drivers = Self.makeDrivers(io, seed)
    directory = try LogDirectory(
      path: path, io: io, drivers: drivers,
      defaults: TopicSettings(backend: kind.rawValue))
  }
}

extension RecordView {
  package var copiedValue: [UInt8] {
    guard let value else { return [] }
    return value.withUnsafeBytes { Array($0) }
  }
}
