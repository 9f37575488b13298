import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

/// A directory whose background flushes are made when a test says so.
private final class Flushing {
  let fixture: LogFixture
  var begun: [BackgroundFlush] = []

  init(
    _ disk: SimulatedDisk, _ kind: BackendUnderTest = .buffered,
    _ durability: Durability = .none
  ) throws {
    fixture = try LogFixture(kind, io: SimulatedFileIO(disk), path: "/data") {
      $0.durability = durability
      $0.segmentBytes = 2000
      $0.indexIntervalBytes = 100
    }
    fixture.directory.flushInBackground = { [unowned self] in begun = $0 }
  }

  func append(_ numbers: Range<Int>) throws {
    for number in numbers { try fixture.append(number) }
    try fixture.settle()
  }

  func finish() throws {
    let ended = begun.map { flush in
      (flush: flush, result: Result { () throws(LogError) in try flush.run() })
    }
    begun = []
    try fixture.directory.ended(ended)
  }

  /// The recovery point that the directory's file has for t-0.
  func recoveryPoint(_ disk: SimulatedDisk) throws -> Int64 {
    let path = "/data/log/\(LogDirectory.recoveryPointName)"
    let text = String(decoding: try #require(disk.contents(of: path)), as: UTF8.self)
    let line = try #require(text.split(separator: "\n").last)
    return try #require(Int64(line.split(separator: " ")[2]))
  }
}

@Suite("Background flushes")
struct BackgroundFlushTests {
  private func makeDisk() -> SimulatedDisk {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    return disk
  }

  private func open(_ disk: SimulatedDisk, _ kind: BackendUnderTest) throws -> LogFixture {
    try LogFixture(kind, io: SimulatedFileIO(disk), path: "/data") {
      $0.durability = .none
      $0.segmentBytes = 2000
      $0.indexIntervalBytes = 100
    }
  }

  @Test(
    "What was written when a background flush began survives a power cut",
    arguments: BackendUnderTest.allCases)
  func makesDurable(_ kind: BackendUnderTest) throws {
    let disk = makeDisk()
    let log = try Flushing(disk, kind)
    try log.append(0..<50)
    try log.fixture.directory.beginCheckpoint()
    #expect(log.begun.count == 1)
    try log.append(50..<60)
    try log.finish()
    #expect(try log.recoveryPoint(disk) >= 45, "all but the last, unflushed segment's end")
    let left = try open(disk.powerCut(seed: 0, .guaranteed), kind)
    let numbers = try left.numbers()
    #expect(numbers.count >= 50)
    #expect(numbers == Array(0..<numbers.count))
  }

  @Test("A recovery reads what was appended since the checkpoint, and about one index interval")
  func boundsRecovery() throws {
    let disk = makeDisk()
    let log = try Flushing(disk)
    try log.append(0..<200)
    try log.fixture.directory.beginCheckpoint()
    try log.finish()
    try log.append(200..<203)
    let left = try open(disk.processKill(), .buffered)
    #expect(try left.numbers() == Array(0..<203))
    // A batch has 170 bytes: those of the last segment before the recovery point that the saved index
    // does not lead past, at most sixteen, and three more.
    #expect(left.directory.recoveredBytes <= 19 * 170)
    #expect(left.directory.recoveredBytes > 0)
  }

  @Test(
    "A segment that ends where the last checkpoint was is recovered: its file may end behind it",
    arguments: BackendUnderTest.allCases)
  func recoversWhatEndedSince(_ kind: BackendUnderTest) throws {
    let disk = makeDisk()
    let log = try Flushing(disk, kind)
    var count = 0
    while try log.fixture.log().published.segments.count < 2 {
      try log.append(count..<(count + 1))
      count += 1
      // All but the batch that begins the second segment.
      if try log.fixture.log().published.segments.count == 1 {
        try log.fixture.directory.beginCheckpoint()
        try log.finish()
      }
    }
    let killed = disk.processKill()
    let left = try open(killed, kind)
    #expect(try left.numbers() == Array(0..<count))
    let cut = killed.powerCut(seed: 0, .guaranteed)
    for path in killed.allPaths where path.hasSuffix(".log") {
      let isSame = killed.contents(of: path) == cut.contents(of: path)
      #expect(isSame, "\(path)")
    }
  }

  @Test("A flush that fails fences its log, and one that could not be tried is tried again")
  func tellsErrorsApart() throws {
    for (operation, isFencing) in [(DiskOperation.synchronizeData, true), (.open, false)] {
      let disk = makeDisk()
      let log = try Flushing(disk)
      try log.append(0..<5)
      try log.fixture.directory.beginCheckpoint()
      disk.set(FaultPlan(FaultPlan.Script(operation, nth: 1, error: .tooManyOpenFiles)))
      #expect(throws: LogError.self, "\(operation)") { try log.finish() }
      disk.set(FaultPlan())
      #expect(try (log.fixture.log().failure != nil) == isFencing, "\(operation)")
      if isFencing { continue }
      try log.fixture.directory.beginCheckpoint()
      try log.finish()
      #expect(try log.recoveryPoint(disk) == 5)
    }
  }

  @Test("An append that failed under a background flush does not pass for flushed")
  func ignoresCutBack() throws {
    let disk = makeDisk()
    let log = try Flushing(disk)
    try log.append(0..<5)
    try log.fixture.directory.beginCheckpoint()
    disk.set(FaultPlan(FaultPlan.Script(.write, nth: 1, error: .noSpace, pathSuffix: ".log")))
    #expect(throws: LogError.self) { try log.append(5..<6) }
    disk.set(FaultPlan())
    try log.finish()
    #expect(try log.recoveryPoint(disk) == 0)
    try log.append(5..<6)
    try log.fixture.directory.beginCheckpoint()
    try log.finish()
    #expect(try log.recoveryPoint(disk) == 6)
  }

  @Test(
    "After an append failed at the start of a segment, beside a flush of the one before, a stop ends"
  )
  func endsAfterFailureInNewSegment() throws {
    let disk = makeDisk()
    let log = try Flushing(disk)
    let published = try log.fixture.log().published
    func failAppend(_ number: Int) {
      disk.set(FaultPlan(FaultPlan.Script(.write, nth: 1, error: .noSpace, pathSuffix: ".log")))
      #expect(throws: LogError.self) { try log.append(number..<(number + 1)) }
      disk.set(FaultPlan())
    }
    // A segment takes eleven batches.
    try log.append(0..<11)
    failAppend(11)
    #expect(published.segments.count == 2 && published.endOffset == Offset(11))
    try log.fixture.directory.beginCheckpoint()
    failAppend(11)
    try log.finish()
    try log.fixture.directory.close()
    #expect(try open(disk, .buffered).numbers() == Array(0..<11))
  }

  @Test("A segment that retention removes under a background flush is no failure")
  func outlivesRetention() throws {
    let disk = makeDisk()
    let log = try Flushing(disk)
    try log.append(0..<50)
    try log.fixture.directory.beginCheckpoint()
    let partition = TopicPartition(topic: "t", partition: 0)
    _ = try log.fixture.directory.deleteRecords(partition, before: Offset(30))
    try log.finish()
    #expect(try log.fixture.log().failure == nil)
    #expect(try log.fixture.numbers(from: Offset(30)) == Array(30..<50))
  }

  @Test("Nothing is handed out to be flushed where every append waits for its own flush")
  func leavesOthersAlone() throws {
    for durability in [Durability.batch, .group] {
      let log = try Flushing(makeDisk(), .buffered, durability)
      try log.append(0..<20)
      try log.fixture.directory.beginCheckpoint()
      #expect(log.begun.isEmpty)
    }
  }

  @Test("A checkpoint is due after its time or its bytes, whichever comes first")
  func isDue() throws {
    let log = try Flushing(makeDisk())
    log.fixture.directory.checkpoints.bytes = 2000
    var now = log.fixture.now
    func maintain(afterMilliseconds milliseconds: Int64) throws {
      now = LogTime(
        monotonicNanoseconds: now.monotonicNanoseconds + milliseconds * 1_000_000,
        wallMilliseconds: now.wallMilliseconds + milliseconds)
      try log.fixture.directory.maintain(now)
    }
    try maintain(afterMilliseconds: 0)
    try log.append(0..<1)
    try maintain(afterMilliseconds: 29_999)
    #expect(log.begun.isEmpty)
    try maintain(afterMilliseconds: 1)
    #expect(log.begun.count == 1)
    try log.finish()
    try log.append(1..<20)
    try maintain(afterMilliseconds: 1000)
    #expect(log.begun.count == 1)
  }
}
