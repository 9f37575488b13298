import CommitLog
import Glibc
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import Synchronization
import TestSupport
import Testing

@Suite("The verifier tells damage from what is not recovered yet")
struct LogVerifierTests {
  private static let checkpoint = "\(DamagedLog.directory)/recovery-point-offset-checkpoint"

  /// Sixty records in four segments. Without a clean stop, durable up to `durable`.
  private func makeLog(_ stop: Stop, durable: Int = 60) throws -> DamagedLog {
    let log = try DamagedLog.make(60, valueBytes: 100, segmentBytes: 3000).copy(stop)
    if stop != .clean {
      log.disk.setContents(of: Self.checkpoint, Array("0\n1\nt 0 \(durable)\n".utf8))
    }
    return log
  }

  private func verify(_ log: DamagedLog) throws -> LogVerifier.Report {
    var verifier = LogVerifier(io: SimulatedFileIO(log.disk))
    try verifier.read(dataDirectory: DamagedLog.directory)
    try verifier.verifyTopics(DamagedLog.directory)
    try verifier.verifyPartition(DamagedLog.partition)
    return verifier.report
  }

  private func last(_ log: DamagedLog) -> String { log.logPaths.last ?? "" }

  /// What the next start really cuts off.
  private func cutBytes(_ log: DamagedLog) throws -> Int64 {
    func size() -> Int64 {
      log.logPaths.reduce(0) { $0 + Int64(log.disk.contents(of: $1)?.count ?? 0) }
    }
    let before = size()
    _ = try log.open()
    return before - size()
  }

  private static let tails: [(name: String, change: @Sendable (inout [UInt8]) -> Void)] = [
    ("unfinished", { $0.removeLast(20) }), ("zeros", { $0 += [UInt8](repeating: 0, count: 5000) }),
    ("torn", { $0[$0.count - 9] ^= 1 }), ("garbage", { $0 += [UInt8](repeating: 7, count: 300) }),
  ]

  @Test("an end that was never durable is a remark, with the bytes that the next start cuts off")
  func unrecovered() throws {
    for tail in Self.tails {
      let log = try makeLog(.crashAfterCheckpoint, durable: 50)
      log.change(last(log), tail.change)
      let report = try verify(log)
      #expect(report.problems == [], "\(tail.name)")
      #expect(report.remarks.contains { $0.contains("not yet recovered") }, "\(tail.name)")
      #expect(report.uncutBytes > 0)
      #expect(try report.uncutBytes == cutBytes(log), "\(tail.name)")
    }
  }

  @Test("the same end is damage where it was durable, and where the stop was a clean one")
  func damaged() throws {
    for tail in Self.tails where tail.name != "zeros" && tail.name != "garbage" {
      for stop in [Stop.clean, .crashAfterCheckpoint] {
        let log = try makeLog(stop)
        log.change(last(log), tail.change)
        let report = try verify(log)
        #expect(
          report.problemCount == 1 && report.uncutBytes == 0, "\(tail.name): \(report.problems)")
      }
    }
    for tail in Self.tails {
      let log = try makeLog(.clean)
      log.change(last(log), tail.change)
      #expect(try verify(log).problemCount > 0, "\(tail.name)")
    }
  }

  @Test("intact batches that the next start would cut off with a bad one are a problem")
  func intactBehind() throws {
    let log = try makeLog(.crashAfterCheckpoint, durable: 50)
    log.change(last(log)) { $0[$0.count * 2 / 3] ^= 1 }
    let report = try verify(log)
    #expect(report.problemCount == 1)
    #expect(report.problems.first?.contains("lie behind") == true)
    #expect(try report.uncutBytes == cutBytes(log))
  }

  @Test("a segment that went below the recovery point is damage, and above it leaves the log")
  func gaps() throws {
    for durable in [60, 5] {
      let log = try makeLog(.crashAfterCheckpoint, durable: durable)
      log.disk.removeName(log.logPaths[1])
      let report = try verify(log)
      #expect(report.problemCount == (durable == 60 ? 1 : 2), "\(report.problems)")
      #expect((report.uncutBytes > 0) == (durable == 5))
      if durable == 5 { #expect(try report.uncutBytes == cutBytes(log)) }
    }
  }

  @Test("a log that lost its last segment, or all of them, is damaged")
  func lostEnds() throws {
    for stop in [Stop.clean, .crashAfterCheckpoint] {
      let log = try makeLog(stop)
      log.disk.removeName(last(log))
      #expect(try verify(log).problemCount == 1)
      for path in log.logPaths { log.disk.removeName(path) }
      #expect(try verify(log).problemCount == 1)
    }
  }

  @Test("an index above the recovery point is made anew, and below it is a problem")
  func indexes() throws {
    for durable in [60, 5] {
      let log = try makeLog(.crashAfterCheckpoint, durable: durable)
      let index = log.logPaths[2].replacing(".log", with: ".index")
      log.change(index) { $0[3] ^= 1 }
      let report = try verify(log)
      #expect(report.problemCount == (durable == 60 ? 1 : 0), "\(report.problems)")
      if durable == 5 {
        #expect(report.remarks.contains { $0.contains("makes the index anew") })
      }
    }
  }

  @Test("a look changes nothing, and takes no lock that would keep the directory from opening")
  func changesNothing() throws {
    let log = try makeLog(.clean)
    let before = log.disk.allPaths.map { log.disk.contents(of: $0) }
    #expect(try !verify(log).isInUse)
    #expect(log.disk.allPaths.map { log.disk.contents(of: $0) } == before)
    let fixture = try log.open()
    #expect(try verify(log).isInUse)
    try fixture.directory.close()
    #expect(try !verify(log).isInUse)
  }

  @Test("who asks for a lock at the moment of another's question gets it")
  func asksGently() throws {
    let directory = TemporaryDirectory()
    let io = LinuxFileIO()
    let path = "\(directory.path)/lock"
    let asker = try io.open(path, FileOpening(.readWrite, creation: .ifMissing))
    // As isLocked holds it, for longer.
    #expect(flock(asker.rawValue, LOCK_SH) == 0)
    let thread = try WorkerThread {
      usleep(30_000)
      return flock(asker.rawValue, LOCK_UN)
    }
    let owner = try io.open(path, FileOpening(.readWrite))
    try io.lockExclusively(owner)
    #expect(thread.join() == 0)
    #expect(try io.isLocked(asker))
    let other = try io.open(path, FileOpening(.readWrite))
    #expect(throws: SystemCallError.self) { try io.lockExclusively(other) }
    for number in [asker, owner, other] { try io.close(number) }
  }

  // MARK: - Beside a process

  @Test(
    "beside an appender that rolls, preallocates, deletes and recycles there is no problem",
    arguments: BackendUnderTest.runnable)
  func besideAppender(_ kind: BackendUnderTest) throws {
    // The last two leave zeros, and older batches, behind the end.
    for way in kind.preallocations.suffix(2) {
      let place = DiskUnderTest.linux.make()
      let isDone = Atomic(false)
      // The appender goes on until enough was seen of what it does.
      let isSeen = Atomic(false)
      let path = place.path + "/log"
      let appender = try RunningAppender(kind, way, place)
      var looks = 0
      var segments = 0
      let thread = try WorkerThread { [appender] in
        defer { isDone.store(true, ordering: .releasing) }
        return Result { try appender.run { isSeen.load(ordering: .relaxed) } }
      }
      // Whatever fails, it ends.
      defer {
        isSeen.store(true, ordering: .relaxed)
        _ = thread.join()
      }
      while !isDone.load(ordering: .acquiring) {
        var verifier = LogVerifier(io: LinuxFileIO()) { usleep(20_000) }
        try verifier.read(dataDirectory: path)
        try verifier.verifyTopics(path)
        for partition in 0..<2 { try verifier.verifyPartition("\(path)/t-\(partition)") }
        #expect(verifier.report.problems == [], "\(way)")
        looks += verifier.report.isInUse ? 1 : 0
        segments += verifier.report.segments
        if looks >= 3 && segments > 2 * looks { isSeen.store(true, ordering: .relaxed) }
      }
      try #require(thread.join()).get()
    }
  }
}

// SAFETY: made here, and then of the one thread that runs it.
private final class RunningAppender: @unchecked Sendable {
  private let fixture: LogFixture

  init(_ kind: BackendUnderTest, _ way: Preallocation, _ place: DiskUnderTest.Place) throws {
    fixture = try LogFixture(kind, place, seed: 3, partitions: 2) {
      $0.preallocation = way
      $0.segmentBytes = 200_000
      $0.retentionBytes = 500_000
      $0.durability = .interval
    }
  }

  func run(until isSeen: () -> Bool) throws {
    var number = 0
    while number < 1500 || !isSeen() {
      for partition in Int32(0)..<2 {
        try fixture.append(number, valueBytes: 20 + number * 37 % 3000, partition: partition)
      }
      if number % 50 == 49 { try fixture.settle() }
      if number % 200 == 199 { try fixture.directory.applyRetention(fixture.now) }
      if number % 500 == 499 { try fixture.directory.checkpoint() }
      number += 1
    }
    try fixture.settle()
    try fixture.directory.close()
  }
}
