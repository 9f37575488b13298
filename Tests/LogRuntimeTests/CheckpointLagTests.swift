import CommitLog
import LinuxIO
import LogRuntime
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

/// A loop over a log that may be a thousand bytes ahead of its last checkpoint, whose background
/// flushes are made when the test says so.
private final class Lagging {
  final class Owner: AppendOwner {
    private(set) var ends: [AppendEnd] = []
    func appendEnded(_ part: Int, _ end: AppendEnd) { ends.append(end) }

    var offset: Offset? {
      if case .acknowledged(let batch) = ends.first, ends.count == 1 { return batch.baseOffset }
      return nil
    }
  }

  let fixture: LogFixture
  let loop: AppendLoop
  let partition: LogPartition
  let limit: Int64 = 1000
  private(set) var begun: [BackgroundFlush] = []

  init(_ kind: BackendUnderTest, _ durability: Durability) throws {
    fixture = try LogFixture(kind, DiskUnderTest.simulated.make()) { $0.durability = durability }
    loop = AppendLoop(fixture.directory.shards[0])
    partition = LogPartition(id: 0, log: try fixture.log(0))
    fixture.directory.limitLag(to: limit)
    fixture.directory.flushInBackground = { [unowned self] in begun = $0 }
  }

  func append(_ number: Int) throws -> Owner {
    let owner = Owner()
    var builder = RecordBatchBuilder(buffer: AlignedBuffer(capacity: 500))
    let value = TestBatch.value(number, bytes: 100)
    try builder.append(timestamp: 1000, key: nil, value: value.span.bytes)
    let buffer = builder.finish(baseOffset: .zero)
    let header = try buffer.withBytes { (bytes) throws(BatchError) in
      try RecordBatchHeader(parsing: bytes)
    }
    loop.submit(buffer, header, to: partition, for: owner, now: fixture.now)
    settle()
    return owner
  }

  func settle() {
    for _ in 0..<1000 where loop.round(isIdle: true, now: fixture.now).isWaiting {
      loop.resume(during: TimeSlice(nanoseconds: 1_000_000_000), now: fixture.now)
    }
  }

  /// Makes the flushes that have begun, or fails to try them.
  func finish(failing error: LogError? = nil) {
    let ended = begun.map { flush in
      (
        flush: flush,
        result: Result { () throws(LogError) in
          if let error { throw error }
          try flush.run()
        }
      )
    }
    begun = []
    try? fixture.directory.ended(ended)
    settle()
  }
}

@Suite("Appends that are far ahead of the last checkpoint")
struct CheckpointLagTests {
  @Test(arguments: BackendUnderTest.allCases, [Durability.none, .interval])
  func `wait for it where they promise no durability, and keep their order`(
    kind: BackendUnderTest, durability: Durability
  ) throws {
    let log = try Lagging(kind, durability)
    let owners = try (0..<20).map { try log.append($0) }
    let accepted = owners.count { $0.offset != nil }
    #expect((5...8).contains(accepted), "each batch has some 170 bytes")
    #expect(log.fixture.directory.lag.isAtLimit && log.loop.isParking)
    // Due since they wait, whatever the schedule says.
    try log.fixture.directory.checkpointIfDue(log.fixture.now)
    #expect(log.begun.count == 1)
    log.finish()
    let more = owners.count { $0.offset != nil }
    #expect(more > accepted && more < owners.count, "as many again")
    for _ in 0..<4 {
      try log.fixture.directory.checkpointIfDue(log.fixture.now)
      log.finish()
    }
    #expect(owners.map(\.offset) == (0..<20).map { Offset($0) })
    #expect(!log.loop.isParking)
  }

  @Test(arguments: [Durability.batch, .group])
  func `do not wait where they are flushed themselves`(durability: Durability) throws {
    let log = try Lagging(.buffered, durability)
    let owners = try (0..<20).map { try log.append($0) }
    #expect(owners.allSatisfy { $0.offset != nil })
  }

  @Test func `wait on where the flush could not be tried, until another one is made`() throws {
    let log = try Lagging(.buffered, .none)
    let owners = try (0..<12).map { try log.append($0) }
    try log.fixture.directory.checkpointIfDue(log.fixture.now)
    log.finish(
      failing: .system(SystemCallError(.open, .tooManyOpenFiles, path: "x")))
    #expect(owners.last?.offset == nil && log.fixture.directory.lag.isAtLimit)
    try log.fixture.directory.checkpointIfDue(log.fixture.now)
    log.finish()
    #expect(owners.last?.offset == Offset(11))
  }

  @Test func `go on at once where the limit is taken away, as by a stop`() throws {
    let log = try Lagging(.buffered, .none)
    let owners = try (0..<12).map { try log.append($0) }
    #expect(owners.last?.offset == nil)
    log.fixture.directory.limitLag(to: .max)
    log.settle()
    #expect(owners.last?.offset == Offset(11))
  }

  @Test func `that wait for a topic which is deleted meanwhile fail`() throws {
    let log = try Lagging(.buffered, .none)
    let owners = try (0..<12).map { try log.append($0) }
    log.partition.setDeleted()
    log.fixture.directory.limitLag(to: .max)
    log.settle()
    guard case .failed(.unknownTopic) = owners.last?.ends.first else {
      Issue.record("ended with \(String(describing: owners.last?.ends))")
      return
    }
  }
}
