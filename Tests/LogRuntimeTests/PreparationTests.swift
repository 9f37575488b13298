import CommitLog
import LinuxIO
import LogRuntime
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

/// A loop over a log that has records from an earlier run, whose preparations are read when the test says so.
private final class Prepared {
  let fixture: LogFixture
  let loop: AppendLoop
  let partitions: [LogPartition]
  private(set) var waiting: [(partition: LogPartition, preparation: LogPreparation)] = []

  final class Owner: AppendOwner {
    private(set) var ends: [AppendEnd] = []
    func appendEnded(_ part: Int, _ end: AppendEnd) { ends.append(end) }

    var batch: AppendedBatch? {
      if case .acknowledged(let batch) = ends.first, ends.count == 1 { return batch }
      return nil
    }
  }

  static let producer: Int64 = 7

  /// Each partition has ten records of one producer, numbered from 0.
  init(_ kind: BackendUnderTest, _ durability: Durability, partitions count: Int) throws {
    fixture = try LogFixture(kind, DiskUnderTest.simulated.make(), partitions: count) {
      $0.durability = durability
    }
    let first = AppendLoop(fixture.directory.shards[0])
    for number in 0..<count {
      let partition = LogPartition(id: number, log: try fixture.log(Int32(number)))
      for record in 0..<10 {
        try Self.append(record, Owner(), to: partition, by: first, fixture.now)
      }
      for _ in 0..<100 where first.round(isIdle: true, now: fixture.now).isWaiting {}
    }
    try fixture.reopen()
    let opened = AppendLoop(fixture.directory.shards[0])
    loop = opened
    let reopened = fixture
    partitions = try (0..<count).map { LogPartition(id: $0, log: try reopened.log(Int32($0))) }
    loop.prepare = { [unowned self] in waiting.append(($0, $1)) }
  }

  private static func append(
    _ number: Int, _ owner: Owner, to partition: LogPartition, by loop: AppendLoop, _ now: LogTime,
    hasProducer: Bool = true
  ) throws {
    var builder = RecordBatchBuilder(
      buffer: AlignedBuffer(capacity: 500),
      producer: hasProducer
        ? ProducerStamp(id: producer, epoch: 0, baseSequence: Int32(number)) : .none)
    let value = TestBatch.value(number, bytes: 20)
    try builder.append(timestamp: 1000, key: nil, value: value.span.bytes)
    let buffer = builder.finish(baseOffset: .zero)
    let header = try buffer.withBytes { (bytes) throws(BatchError) in
      try RecordBatchHeader(parsing: bytes)
    }
    loop.submit(buffer, header, to: partition, for: owner, now: now)
  }

  func append(_ number: Int, to partition: Int = 0, hasProducer: Bool = true) throws -> Owner {
    let owner = Owner()
    try Self.append(
      number, owner, to: partitions[partition], by: loop, fixture.now, hasProducer: hasProducer)
    return owner
  }

  /// Reads what the first one needs, or fails to.
  func prepareFirst(failing error: LogError? = nil) {
    let (partition, preparation) = waiting.removeFirst()
    let found = Result { () throws(LogError) in
      if let error { throw error }
      return try preparation.read()
    }
    loop.prepared(partition, found)
    loop.resume(during: TimeSlice(nanoseconds: 1_000_000_000), now: fixture.now)
  }

  /// The second is read before the first.
  func takeTurns() { waiting.reverse() }

  func settle() {
    for _ in 0..<1000 where loop.round(isIdle: true, now: fixture.now).isWaiting {}
  }
}

@Suite("What a log reads before its first append")
struct PreparationTests {
  @Test(arguments: BackendUnderTest.allCases, Durability.allCases)
  func `holds up its own appends, which keep their order, and no other partition's`(
    kind: BackendUnderTest, durability: Durability
  ) throws {
    let log = try Prepared(kind, durability, partitions: 2)
    let again = try log.append(9)
    let first = try (10..<15).map { try log.append($0) }
    let other = try log.append(10, to: 1)
    #expect(log.waiting.map(\.partition.id) == [0, 1])
    #expect(log.loop.isParking)
    log.takeTurns()
    log.prepareFirst()
    log.settle()
    #expect(other.batch?.baseOffset == Offset(10))
    #expect(first.allSatisfy { $0.ends.isEmpty })
    log.prepareFirst()
    let behind = try log.append(15)
    log.settle()
    #expect(!log.loop.isParking && log.waiting.isEmpty)
    #expect(first.map { $0.batch?.baseOffset } == (10..<15).map { Offset($0) })
    #expect(again.batch?.isDuplicate == true && again.batch?.baseOffset == Offset(9))
    #expect(behind.batch?.baseOffset == Offset(15))
    #expect(try log.fixture.numbers() == Array(0..<16))
  }

  @Test func `of one without producers is its last segment, and of producers then the rest`() throws
  {
    let log = try Prepared(.buffered, .none, partitions: 1)
    let plain = try log.append(10, hasProducer: false)
    log.prepareFirst()
    #expect(plain.batch?.baseOffset == Offset(10))
    let stamped = try log.append(10)
    #expect(stamped.ends.isEmpty && log.waiting.count == 1)
    log.prepareFirst()
    #expect(stamped.batch?.baseOffset == Offset(11))
  }

  @Test func `fails what waited where it cannot be read, and is tried again`() throws {
    let log = try Prepared(.buffered, .none, partitions: 1)
    let owners = try (10..<12).map { try log.append($0) }
    let error = LogError.storage(.readFailed(SystemCallError(.pread, .inputOutput, path: "log")))
    log.prepareFirst(failing: error)
    #expect(owners.allSatisfy { $0.ends == [.failed(error)] })
    let later = try log.append(10)
    log.prepareFirst()
    #expect(later.batch?.baseOffset == Offset(10))
  }

  @Test func `of producers fails their appends where it cannot be read, and no others`() throws {
    let log = try Prepared(.buffered, .none, partitions: 1)
    _ = try log.append(10, hasProducer: false)
    log.prepareFirst()
    let stamped = try log.append(10)
    let plain = try log.append(11, hasProducer: false)
    #expect(plain.ends.isEmpty)
    let error = LogError.storage(.readFailed(SystemCallError(.pread, .inputOutput, path: "log")))
    log.prepareFirst(failing: error)
    #expect(stamped.ends == [.failed(error)])
    #expect(plain.batch?.baseOffset == Offset(11))
    #expect(!log.loop.isParking)
  }

  @Test func `is begun anew where a file has gone meanwhile, some times`() throws {
    let log = try Prepared(.buffered, .none, partitions: 1)
    let gone = LogError.system(SystemCallError(.open, .noSuchFile, path: "log"))
    let owner = try log.append(10)
    for _ in 0..<3 {
      log.prepareFirst(failing: gone)
      #expect(owner.ends.isEmpty && log.waiting.count == 1)
    }
    log.prepareFirst()
    #expect(owner.batch?.baseOffset == Offset(10))
    let other = try Prepared(.buffered, .none, partitions: 1)
    let unlucky = try other.append(10)
    for _ in 0..<4 { other.prepareFirst(failing: gone) }
    #expect(unlucky.ends == [.failed(gone)])
  }

  @Test func `is read again where the log has moved meanwhile`() throws {
    let log = try Prepared(.buffered, .none, partitions: 1)
    let owner = try log.append(10)
    // Opens the segment, ends it, and begins another.
    try log.partitions[0].log.roll()
    var slot: AlignedBuffer? = TestBatch.make(first: 10)
    _ = try log.partitions[0].log.append(&slot, now: log.fixture.now)
    log.prepareFirst()
    #expect(owner.ends.isEmpty)
    log.prepareFirst()
    #expect(owner.batch?.baseOffset == Offset(11))
    #expect(try log.fixture.numbers() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10])
  }

  @Test func `ends with the topic`() throws {
    let log = try Prepared(.buffered, .batch, partitions: 1)
    let owner = try log.append(10)
    log.partitions[0].setDeleted()
    try log.fixture.directory.deleteTopic("t")
    log.prepareFirst(failing: .unknownTopic("t"))
    #expect(owner.ends == [.failed(.unknownTopic("t"))])
    #expect(!log.loop.isParking)
  }
}
