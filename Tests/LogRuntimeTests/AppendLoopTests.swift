import CommitLog
import LinuxIO
import LogRuntime
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

/// A log, the loop that appends to it, and what the loop told of each append.
private final class Looped {
  let fixture: LogFixture
  let loop: AppendLoop
  let partitions: [LogPartition]
  private(set) var owners: [Owner] = []
  private var nextNumber = 0

  final class Owner: AppendOwner {
    private(set) var ends: [AppendEnd] = []
    func appendEnded(_ part: Int, _ end: AppendEnd) { ends.append(end) }

    var isAcknowledged: Bool {
      if case .acknowledged = ends.first { return ends.count == 1 }
      return false
    }

    var error: LogError? {
      if case .failed(let error) = ends.first { return error }
      return nil
    }
  }

  init(_ fixture: LogFixture, partitions count: Int) throws {
    self.fixture = fixture
    loop = AppendLoop(fixture.directory.shards[0])
    partitions = try (0..<count).map { LogPartition(id: $0, log: try fixture.log(Int32($0))) }
  }

  convenience init(
    _ disk: SimulatedDisk, _ durability: Durability, partitions: Int = 1,
    _ adjust: (inout TopicSettings) -> Void = { _ in }
  ) throws {
    disk.makeDirectory("/data")
    let fixture = try LogFixture(
      .buffered, io: SimulatedFileIO(disk), path: "/data", partitions: partitions
    ) {
      $0.durability = durability
      adjust(&$0)
    }
    try self.init(fixture, partitions: partitions)
  }

  /// Submits one batch, of the next numbered record.
  @discardableResult
  func append(to partition: Int = 0, producer: ProducerStamp? = nil) throws -> Owner {
    let buffer: AlignedBuffer
    if let producer {
      var builder = RecordBatchBuilder(buffer: AlignedBuffer(capacity: 500), producer: producer)
      let value = TestBatch.value(nextNumber, bytes: 20)
      try builder.append(timestamp: 1000, key: nil, value: value.span.bytes)
      buffer = builder.finish(baseOffset: .zero)
    } else {
      buffer = TestBatch.make(first: nextNumber)
    }
    nextNumber += 1
    let header = try buffer.withBytes { (bytes) throws(BatchError) in
      try RecordBatchHeader(parsing: bytes)
    }
    let owner = Owner()
    owners.append(owner)
    loop.submit(buffer, header, to: partitions[partition], for: owner, now: fixture.now)
    return owner
  }

  @discardableResult
  func round(isIdle: Bool = false) -> AppendLoop.RoundEnd {
    loop.round(isIdle: isIdle, now: fixture.now)
  }

  var isAllAcknowledged: Bool { owners.allSatisfy(\.isAcknowledged) }

  /// Rounds until nothing waits.
  func settle() {
    for _ in 0..<1000 where round(isIdle: true).isWaiting {}
  }
}

@Suite("The append loop")
struct AppendLoopTests {
  @Test(arguments: BackendUnderTest.allCases, Durability.allCases)
  func `tells every owner once, and when it has told, the records can be read`(
    kind: BackendUnderTest, durability: Durability
  ) throws {
    let place = DiskUnderTest.simulated.make()
    let fixture = try LogFixture(kind, place, partitions: 3) { $0.durability = durability }
    let log = try Looped(fixture, partitions: 3)
    for number in 0..<60 {
      let owner = try log.append(to: number % 3)
      if number % 7 == 0 { log.round() }
      if owner.isAcknowledged {
        #expect(try fixture.numbers(partition: Int32(number % 3)).last == number)
      }
    }
    log.settle()
    #expect(log.isAllAcknowledged)
    for partition in 0..<3 {
      let expected = (0..<60).filter { $0 % 3 == partition }
      #expect(try fixture.numbers(partition: Int32(partition)) == expected)
    }
    #expect(!log.round().hasEnded)
  }

  @Test func `under 'batch' one flush acknowledges a partition's whole round`() throws {
    let disk = SimulatedDisk()
    let log = try Looped(disk, .batch, partitions: 2)
    // The first append makes the files.
    for partition in 0..<2 { try log.append(to: partition) }
    log.settle()
    let before = disk.counts[.synchronizeData]
    for number in 0..<20 { try log.append(to: number % 2) }
    #expect(log.owners.filter(\.isAcknowledged).count == 2, "nothing is acknowledged before")
    #expect(disk.counts[.synchronizeData] == before)
    let end = log.round()
    #expect(end.hasEnded && !end.isWaiting)
    #expect(log.isAllAcknowledged)
    #expect(disk.counts[.synchronizeData] == before + 2)
  }

  @Test func `a power cut keeps what the loop has told`() throws {
    for durability in [Durability.batch, .group] {
      let disk = SimulatedDisk()
      let log = try Looped(disk, durability, partitions: 3)
      for number in 0..<30 {
        try log.append(to: number % 3)
        if number == 20 { log.round() }
      }
      let told = log.owners.count { $0.isAcknowledged }
      #expect(told == 21)
      let left = disk.powerCut(seed: 5, .guaranteed)
      let opened = try LogFixture(.buffered, io: SimulatedFileIO(left), path: "/data")
      let found = try (0..<3).flatMap { try opened.numbers(partition: $0) }
      #expect(Set(found).isSuperset(of: 0..<21), "\(durability): \(found.sorted())")
    }
  }

  @Test func `a partition whose flush fails fails its own appends and no other's`() throws {
    for durability in [Durability.batch, .group] {
      let disk = SimulatedDisk()
      let log = try Looped(disk, durability, partitions: 3)
      for partition in 0..<3 { try log.append(to: partition) }
      log.settle()
      disk.set(
        FaultPlan(
          FaultPlan.Script(
            .synchronizeData, nth: 1, error: .inputOutput, pathSuffix: "t-1/\(Self.firstSegment)")))
      let owners = try (0..<3).map { try log.append(to: $0) }
      log.settle()
      #expect(owners[0].isAcknowledged && owners[2].isAcknowledged, "\(durability)")
      guard case .fenced = owners[1].error else {
        Issue.record("\(durability): \(owners[1].ends)")
        continue
      }
      // And from now on.
      let again = try (0..<3).map { try log.append(to: $0) }
      log.settle()
      #expect(again[0].isAcknowledged && again[1].error != nil && again[2].isAcknowledged)
    }
  }

  private static let firstSegment = "00000000000000000000.log"

  @Test func `an append to a deleted topic fails, whether it waits or comes later`() throws {
    let disk = SimulatedDisk()
    let log = try Looped(disk, .group, partitions: 2)
    let waiting = try log.append()
    log.partitions[0].setDeleted()
    try log.fixture.directory.deleteTopic("t")
    let later = try log.append()
    log.round()
    for owner in [waiting, later] {
      #expect(owner.ends == [.failed(.unknownTopic("t"))])
    }
  }

  @Test func `a batch that is sent again ends with its first copy, and is appended once`() throws {
    let log = try Looped(SimulatedDisk(), .group)
    let stamp = ProducerStamp(id: 7, epoch: 0, baseSequence: 0)
    let first = try log.append(producer: stamp)
    let second = try log.append(producer: stamp)
    #expect(first.ends.isEmpty && second.ends.isEmpty)
    log.round()
    guard case .acknowledged(let batch) = second.ends.first else {
      Issue.record("\(second.ends)")
      return
    }
    #expect(first.isAcknowledged && batch.isDuplicate && batch.baseOffset == .zero)
    #expect(log.partitions[0].published.endOffset == Offset(1))
    let gap = try log.append(producer: ProducerStamp(id: 7, epoch: 0, baseSequence: 5))
    #expect(gap.ends == [.refused(.outOfOrderSequence(expected: 1, found: 5))])
  }

  @Test func `each partition that moved is named once`() throws {
    let log = try Looped(SimulatedDisk(), .none, partitions: 3)
    for number in 0..<12 { try log.append(to: number % 2) }
    #expect(Set(log.loop.takeAdvanced().map(\.id)) == [0, 1])
    #expect(log.loop.takeAdvanced().isEmpty)
    try log.append(to: 2)
    #expect(log.loop.takeAdvanced().map(\.id) == [2])
  }

  @Test func `ticks come four times within the shortest flush.ms, and flush what is due`() throws {
    let disk = SimulatedDisk()
    let log = try Looped(disk, .interval, partitions: 4) { $0.flushMilliseconds = 100 }
    for partition in 0..<4 { try log.append(to: partition) }
    log.round()
    #expect(log.loop.nextTick == 25_000_000)
    let before = disk.counts[.synchronizeData]
    log.fixture.now = LogTime(monotonicNanoseconds: 99_000_000, wallMilliseconds: 0)
    log.round()
    #expect(disk.counts[.synchronizeData] == before)
    log.fixture.now = LogTime(monotonicNanoseconds: 130_000_000, wallMilliseconds: 0)
    log.round()
    #expect(disk.counts[.synchronizeData] == before + 4)
    #expect(log.partitions.allSatisfy { $0.log.durableOffset == Offset(1) })
    #expect(log.loop.takeBackgroundFailure() == nil)
  }

  @Test func `a partition that falls due while others wait for their flush is not forgotten`()
    throws
  {
    let disk = SimulatedDisk()
    let log = try Looped(disk, .interval, partitions: 20) { $0.flushMilliseconds = 100 }
    func pass(milliseconds: Int64) {
      log.fixture.now = LogTime(
        monotonicNanoseconds: milliseconds * 1_000_000, wallMilliseconds: 0)
    }
    for partition in 0..<20 { try log.append(to: partition) }
    pass(milliseconds: 150)
    // Some of them; and of the first more is appended.
    #expect(log.round().isWaiting)
    #expect(log.partitions[0].log.durableOffset == Offset(1))
    #expect(log.partitions[19].log.durableOffset == .zero)
    try log.append(to: 0)
    pass(milliseconds: 300)
    for _ in 0..<3 { log.round() }
    #expect(log.partitions[19].log.durableOffset == Offset(1))
    #expect(log.partitions[0].log.durableOffset == Offset(2))
  }

  @Test func `a flush that fails in the background is told once, and the others are made`() throws {
    let disk = SimulatedDisk()
    let log = try Looped(disk, .interval, partitions: 3) { $0.flushMilliseconds = 100 }
    for partition in 0..<3 { try log.append(to: partition) }
    disk.set(
      FaultPlan(
        FaultPlan.Script(
          .synchronizeData, nth: 1, error: .inputOutput, pathSuffix: "t-0/\(Self.firstSegment)")))
    log.fixture.now = LogTime(monotonicNanoseconds: 200_000_000, wallMilliseconds: 0)
    log.round()
    guard case .fenced(let partition, _) = log.loop.takeBackgroundFailure() else {
      Issue.record("no failure was told")
      return
    }
    #expect(partition.partition == 0 && log.loop.takeBackgroundFailure() == nil)
    #expect(log.partitions[1].log.durableOffset == Offset(1))
    #expect(log.partitions[2].log.durableOffset == Offset(1))
  }

  @Test func `buffers come back, and what one large batch needed is not kept`() throws {
    let log = try Looped(SimulatedDisk(), .none)
    try log.append()
    let kept = log.loop.takeBuffer(byteCount: 1 << 20)
    #expect(kept.remainingCapacity + kept.count < 1 << 20, "the one that the append came in")
    var large = AlignedBuffer(capacity: 5 << 20)
    large.append(TestBatch.make(first: 1).bytes)
    let header = try large.withBytes { (bytes) throws(BatchError) in
      try RecordBatchHeader(parsing: bytes)
    }
    log.loop.submit(
      large, header, to: log.partitions[0], for: Looped.Owner(), now: log.fixture.now)
    let fresh = log.loop.takeBuffer(byteCount: 100)
    #expect(fresh.remainingCapacity + fresh.count < 1 << 20)
  }
}
