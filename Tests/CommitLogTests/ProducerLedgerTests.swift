import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

/// A log whose appends go through a ledger, as a broker's do.
final class Ledgered {
  let fixture: LogFixture
  var ledger: ProducerLedger

  init(_ fixture: LogFixture) throws(LogError) {
    self.fixture = fixture
    ledger = ProducerLedger(try fixture.log())
  }

  convenience init(
    _ disk: SimulatedDisk, _ durability: Durability = .none, segmentBytes: Int = 1 << 20
  ) throws(LogError) {
    try self.init(
      try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data") {
        $0.durability = durability
        $0.segmentBytes = segmentBytes
      })
  }

  static func makeDisk() -> SimulatedDisk {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    return disk
  }

  private static func build(
    _ producer: ProducerStamp, _ count: Int, timestamp: Int64
  ) -> AlignedBuffer {
    var builder = RecordBatchBuilder(buffer: AlignedBuffer(capacity: 500), producer: producer)
    for number in 0..<count {
      do {
        try builder.append(
          timestamp: timestamp + Int64(number), key: nil, value: [1, 2, 3].span.bytes)
      } catch { preconditionFailure("\(error)") }
    }
    return builder.finish(baseOffset: .zero)
  }

  static func header(
    _ id: Int64, _ sequence: Int32, count: Int = 1, epoch: Int16 = 0, timestamp: Int64 = 1000
  ) throws -> RecordBatchHeader {
    let stamp = ProducerStamp(id: id, epoch: epoch, baseSequence: sequence)
    let buffer = build(stamp, count, timestamp: timestamp)
    return try buffer.withBytes { bytes throws(BatchError) in try RecordBatchView(bytes).header }
  }

  /// The verdict, and where it is `accept` the append.
  @discardableResult
  func send(
    _ id: Int64, _ sequence: Int32, count: Int = 1, epoch: Int16 = 0, timestamp: Int64 = 1000
  ) throws -> ProducerVerdict {
    var header = try Self.header(id, sequence, count: count, epoch: epoch, timestamp: timestamp)
    let verdict = try ledger.verdict(on: header)
    guard verdict == .accept else { return verdict }
    let stamp = ProducerStamp(id: id, epoch: epoch, baseSequence: sequence)
    var slot: AlignedBuffer? = Self.build(stamp, count, timestamp: timestamp)
    let place = try fixture.log().nextOffset
    let receipt = try fixture.log().append(&slot, check: .checksum, at: place, now: fixture.now)
    header.baseOffset = receipt.baseOffset
    ledger.accepted(header)
    return verdict
  }

  /// Without an append.
  func ask(
    _ id: Int64, _ sequence: Int32, count: Int = 1, epoch: Int16 = 0
  ) throws -> ProducerVerdict {
    try ledger.verdict(on: try Self.header(id, sequence, count: count, epoch: epoch))
  }

  /// A batch without a producer.
  func sendPlain(_ number: Int) throws {
    let receipt = try fixture.append(number)
    var header = try Self.header(-1, -1)
    header.baseOffset = receipt.baseOffset
    ledger.accepted(header)
  }

  func reopen() throws(LogError) {
    try fixture.reopen()
    ledger = ProducerLedger(try fixture.log())
  }

  var files: [String] {
    get throws {
      try fixture.io.list(fixture.file("")).map(\.name).filter { $0.hasSuffix(".producers") }
        .sorted()
    }
  }

  static func duplicate(_ base: Int64, _ count: Int64 = 1, time: Int64 = 1000) -> ProducerVerdict {
    .duplicate(baseOffset: Offset(base), nextOffset: Offset(base + count), appendTime: time)
  }

  static func outOfOrder(_ expected: Int32, _ found: Int32) -> ProducerVerdict {
    .refuse(.outOfOrderSequence(expected: expected, found: found))
  }
}

@Suite("What a partition knows of producers")
struct ProducerLedgerTests {
  @Test func `more producers than the caller allows are not listed`() throws {
    let log = try Ledgered(Ledgered.makeDisk())
    for id in 1...3 { try log.send(Int64(id), 0) }
    #expect(log.ledger.producers(max: 2) == nil)
    #expect(log.ledger.producers(max: 3).map { $0.map(\.id).sorted() } == [1, 2, 3])
  }

  @Test("a batch is accepted once, the next follows it, and a gap is refused")
  func goesInOrder() throws {
    let log = try Ledgered(Ledgered.makeDisk())
    #expect(try log.send(7, 0, count: 3) == .accept)
    #expect(try log.send(7, 0, count: 3) == Ledgered.duplicate(0, 3, time: 1002))
    #expect(try log.send(7, 4) == Ledgered.outOfOrder(3, 4))
    #expect(try log.send(7, 3, count: 2) == .accept)
    #expect(try log.send(7, 3, count: 2) == Ledgered.duplicate(3, 2, time: 1001))
    // It begins like one and is another, or lies across two.
    #expect(try log.send(7, 3) == Ledgered.outOfOrder(5, 3))
    #expect(try log.send(7, 2, count: 2) == Ledgered.outOfOrder(5, 2))
    #expect(try log.send(8, 41) == .accept, "of an unknown producer any sequence")
    #expect(try log.send(8, 42) == .accept)
    #expect(try log.send(7, 5) == .accept)
    #expect(try log.fixture.log().nextOffset == Offset(8))
  }

  @Test("five batches are remembered; what lies below is a duplicate whose place is not known")
  func remembersFive() throws {
    let log = try Ledgered(Ledgered.makeDisk())
    for number in 0..<5 { try log.send(7, Int32(number) * 2, count: 2) }
    #expect(try log.ask(7, 0, count: 2) == Ledgered.duplicate(0, 2, time: 1001))
    try log.send(7, 10, count: 2)
    #expect(try log.ask(7, 0, count: 2) == .refuse(.duplicateSequence))
    #expect(try log.ask(7, 1, count: 2) == Ledgered.outOfOrder(12, 1), "across what is known")
    for number in 1..<6 {
      let found = try log.ask(7, Int32(number) * 2, count: 2)
      #expect(found == Ledgered.duplicate(Int64(number) * 2, 2, time: 1001))
    }
  }

  @Test("below the first batch of a producer that was not known nothing passes for a duplicate")
  func neverWasThere() throws {
    let log = try Ledgered(Ledgered.makeDisk())
    try log.send(7, 100)
    #expect(try log.send(7, 50) == Ledgered.outOfOrder(101, 50))
  }

  @Test("a newer epoch begins at 0, and an older one is stale")
  func knowsEpochs() throws {
    let log = try Ledgered(Ledgered.makeDisk())
    try log.send(7, 0, epoch: 2)
    #expect(try log.send(7, 1, epoch: 1) == .refuse(.staleEpoch(current: 2, found: 1)))
    #expect(try log.send(7, 1, epoch: 3) == Ledgered.outOfOrder(0, 1))
    #expect(try log.send(7, 0, epoch: 3) == .accept)
    #expect(try log.send(7, 0, epoch: 3) == Ledgered.duplicate(1))
    #expect(try log.send(7, 0, epoch: 2) == .refuse(.staleEpoch(current: 3, found: 2)))
  }

  @Test("sequences go on from 0 after the greatest")
  func goesRound() throws {
    let log = try Ledgered(Ledgered.makeDisk())
    try log.send(7, Int32.max - 1)
    #expect(try log.ask(7, 0) == Ledgered.outOfOrder(Int32.max, 0))
    // Across the end: Int32.max and 0.
    #expect(try log.send(7, Int32.max, count: 2) == .accept)
    #expect(try log.send(7, Int32.max, count: 2) == Ledgered.duplicate(1, 2, time: 1001))
    #expect(try log.send(7, 1) == .accept)
    for sequence in Int32(2)..<6 { #expect(try log.send(7, sequence) == .accept) }
    #expect(try log.ask(7, Int32.max - 1) == .refuse(.duplicateSequence))
    #expect(try log.ask(7, 7) == Ledgered.outOfOrder(6, 7))
  }

  @Test("a batch with a producer and no sequence is refused")
  func needsSequence() throws {
    let log = try Ledgered(Ledgered.makeDisk())
    #expect(try log.send(7, -1) == Ledgered.outOfOrder(0, -1))
    try log.send(7, 0)
    #expect(try log.send(7, -1) == Ledgered.outOfOrder(1, -1))
  }

  @Test(
    "the log itself is asked where there is no file, over all its segments",
    arguments: [0, 1, 40, 59])
  func scans(_ savedAfter: Int) throws {
    let log = try Ledgered(Ledgered.makeDisk(), segmentBytes: 1024)
    for number in 0..<60 {
      if number % 3 == 2 {
        try log.sendPlain(number)
      } else {
        try log.send(Int64(number % 3), Int32(number / 3))
      }
      if number == savedAfter { try log.ledger.save(now: 1000) }
    }
    #expect(try log.fixture.log().published.segments.count > 3)
    for isReopened in [false, true] {
      if isReopened { try log.reopen() } else { log.ledger.forget() }
      #expect(log.ledger.bytesSinceSave == 0)
      #expect(try log.ask(0, 19) == Ledgered.duplicate(57))
      #expect(try log.ask(1, 15) == Ledgered.duplicate(46))
      #expect(try log.ask(1, 14) == .refuse(.duplicateSequence))
      #expect(try log.ask(1, 20) == .accept)
      #expect((log.ledger.bytesSinceSave > 0) == (savedAfter < 59))
    }
  }

  @Test(
    "what is under way is known, and after a failed append only what is in the log",
    arguments: BackendUnderTest.allCases)
  func forgets(_ kind: BackendUnderTest) throws {
    let disk = Ledgered.makeDisk()
    let log = try Ledgered(
      try LogFixture(kind, io: SimulatedFileIO(disk), path: "/data") { $0.durability = .group })
    for sequence in Int32(0)..<3 { #expect(try log.send(7, sequence) == .accept) }
    #expect(try log.send(7, 1) == Ledgered.duplicate(1), "not yet acknowledged")
    var plan = FaultPlan()
    plan.scripts = [.write, .allocate, .populate].map {
      FaultPlan.Script($0, nth: 1, error: .noSpace, pathSuffix: ".log")
    }
    disk.set(plan)
    var refused = false
    do { _ = try log.send(7, 3) } catch { refused = true }
    do { try log.fixture.settle() } catch { refused = true }
    disk.set(FaultPlan())
    let end = try log.fixture.log().nextOffset.rawValue
    #expect(refused || end <= 4)
    // Whatever the log kept is a duplicate, and what comes next is accepted.
    for sequence in Int32(0)..<4 {
      let found = try log.ask(7, sequence)
      let kept = try log.fixture.log().nextOffset.rawValue
      let expected = Int64(sequence) < kept ? Ledgered.duplicate(Int64(sequence)) : nil
      if let expected { #expect(found == expected) }
    }
    let kept = Int32(try log.fixture.log().nextOffset.rawValue)
    #expect(try log.send(7, kept) == .accept)
  }

  @Test(
    "a batch behind one that failed does not take its place, whoever asks when",
    arguments: BackendUnderTest.allCases, [Durability.batch, .group])
  func refusesWhatFollowsFailure(_ kind: BackendUnderTest, _ durability: Durability) throws {
    for isFilled in [false, true] {
      let disk = Ledgered.makeDisk()
      let log = try Ledgered(
        try LogFixture(kind, io: SimulatedFileIO(disk), path: "/data") {
          $0.durability = durability
        })
      try log.send(7, 0)
      try log.fixture.settle()
      var plan = FaultPlan()
      plan.scripts = [.write, .allocate, .populate].map {
        FaultPlan.Script($0, nth: 1, error: .noSpace, pathSuffix: ".log")
      }
      disk.set(plan)
      var isTold = false
      do { try log.send(7, 1) } catch { isTold = true }
      let first = try log.fixture.log().receipt(baseOffset: Offset(1), nextOffset: Offset(2))
      disk.set(FaultPlan())
      // Somebody else's batch may come to lie there.
      if isFilled { do { try log.sendPlain(0) } catch { isTold = true } }
      let verdict: ProducerVerdict
      do { verdict = try log.send(7, 2) } catch LogError.lostBehindFailure { continue }
      try log.fixture.settle()
      let kept = try log.fixture.log().nextOffset
      if verdict == .accept {
        // Nothing had failed yet, or nothing was written that could.
        #expect(kept != Offset(2) || isFilled, "the second lies where the first did not come to")
        let isLost = kept < Offset(3)
        let status = try log.fixture.log().status(of: first)
        #expect(!isLost || isTold || status != .acknowledged, "\(status)")
      } else {
        #expect(verdict == Ledgered.outOfOrder(1, 2))
        #expect(try log.send(7, 1) == .accept)
        #expect(try log.send(7, 2) == .accept)
      }
    }
  }

  @Test("a log's end is asked where there is no file, and not all of a long one")
  func scansEnd() throws {
    let log = try Ledgered(Ledgered.makeDisk(), segmentBytes: 1024)
    try log.send(7, 0)
    for number in 0..<60 { try log.sendPlain(number) }
    try log.send(8, 0)
    log.ledger.forget()
    log.ledger.scanBytesMax = 3000
    #expect(try log.ask(8, 0) == Ledgered.duplicate(61))
    #expect(try log.ask(7, 0) == .accept, "too long ago")
    #expect(log.ledger.bytesSinceSave < 4000)
    log.ledger.forget()
    log.ledger.scanBytesMax = 1 << 30
    #expect(try log.ask(7, 0) == Ledgered.duplicate(0))
    #expect(log.ledger.isWorthSaving && !log.ledger.isSaveDue)
  }

  @Test("a log without idempotent producers has its file too: the first one waits for no scan")
  func savesWithoutProducers() throws {
    let log = try Ledgered(Ledgered.makeDisk(), segmentBytes: 1024)
    for number in 0..<20 { try log.sendPlain(number) }
    #expect(log.ledger.bytesSinceSave > 1500)
    try log.ledger.save(now: 1000)
    try log.reopen()
    for number in 20..<30 { try log.sendPlain(number) }
    try log.ledger.save(now: 1000)
    #expect(try log.files == [20, 30].map(ProducerFileTests.name))
    try log.reopen()
    #expect(try log.ask(7, 5) == .accept)
    #expect(log.ledger.bytesSinceSave == 0, "nothing was scanned")
  }

  @Test("silent producers are dropped, and at most 100,000 are remembered")
  func isBounded() throws {
    let log = try Ledgered(Ledgered.makeDisk(), segmentBytes: 16 << 20)
    log.ledger.expirationMilliseconds = 5000
    try log.send(1, 0, timestamp: 1000)
    try log.send(2, 0, timestamp: 3000)
    try log.ledger.save(now: 6001)
    #expect(try log.ask(1, 0) == Ledgered.duplicate(0, time: 1000), "heard since the last save")
    try log.ledger.save(now: 6001)
    #expect(try log.ask(1, 9) == .accept, "dropped")
    #expect(try log.ask(2, 0) == Ledgered.duplicate(1, time: 3000))
    try log.reopen()
    #expect(try log.ask(1, 9) == .accept && log.ask(2, 9) == Ledgered.outOfOrder(1, 9))
    // So many offsets in the log, and others said to lie there: verdicts are for its next offset.
    try log.fixture.append(0, count: 200_000, valueBytes: 0)
    var header = try Ledgered.header(3, 0)
    for number in 0..<100_000 {
      header.producerID = Int64(10 + number)
      header.baseOffset = Offset(Int64(2 + 2 * number))
      log.ledger.accepted(header)
      // One speaks all the time, and is not the one to go.
      header.producerID = 10
      header.baseSequence = Int32(number + 1)
      header.baseOffset = Offset(Int64(3 + 2 * number))
      log.ledger.accepted(header)
      header.baseSequence = 0
    }
    #expect(try log.ask(2, 9) == .accept, "silent longest")
    #expect(try log.ask(10, 9) == .refuse(.duplicateSequence))
    #expect(try log.ask(11, 9) == Ledgered.outOfOrder(1, 9))
    #expect(try log.ask(100_009, 9) == Ledgered.outOfOrder(1, 9))
  }

  @Test("nothing is written for a topic that is deleted, and nothing is left of it")
  func goesWithTopic() throws {
    let log = try Ledgered(Ledgered.makeDisk())
    try log.send(7, 0)
    try log.ledger.save(now: 1000)
    try log.send(7, 1)
    try log.fixture.directory.deleteTopic("t")
    try log.ledger.save(now: 1000)
    log.ledger.forget()
    #expect(throws: LogError.unknownTopic("t")) { try log.ask(7, 1) }
    var generator = SeededGenerator(seed: 2)
    _ = try log.fixture.directory.createTopic(
      "t", partitions: 1, settings: TopicSettings(backend: "buffered"), using: &generator)
    #expect(try log.files == [])
    log.ledger = ProducerLedger(try log.fixture.log())
    #expect(try log.send(7, 5) == .accept, "it is not known here")
  }
}
