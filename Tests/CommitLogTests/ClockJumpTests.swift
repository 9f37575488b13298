import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

/// A log with a week's retention whose segments are two days old, on a disk that can fail.
private final class Machine {
  static let noon: Int64 = 1_800_000_000_000
  static let day: Int64 = 86_400_000
  let disk = SimulatedDisk()
  let log: LogFixture
  private var passed: Int64 = 0
  var lead: Int64 = 0

  init(_ adjust: (inout TopicSettings) -> Void = { _ in }) throws {
    disk.makeDirectory("/data")
    log = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data") {
      $0.segmentBytes = 3000
      $0.retentionMilliseconds = 7 * Self.day
      adjust(&$0)
    }
    for number in 0..<20 {
      try log.append(number, valueBytes: 900, timestamp: Self.noon - 2 * Self.day)
    }
  }

  var now: LogTime {
    LogTime(
      monotonicNanoseconds: passed * 1_000_000, wallMilliseconds: Self.noon + passed + lead)
  }

  /// As a broker does it: a look each second, or less often, what is due, and what is to be told.
  func pass(_ seconds: Int, step: Int = 1) throws -> [String] {
    for _ in 0..<(seconds / step) {
      passed += Int64(step) * 1000
      try log.directory.maintain(now)
    }
    return notices
  }

  var notices: [String] { log.directory.notices.take().map(\.description) }
  var isInDoubt: Bool { log.directory.doubtsWallClock }
  var count: Int { get throws { try log.numbers().count } }
  static let note = "/data/log/.varve_walltime"
}

@Suite("A clock that jumps")
struct ClockJumpTests {
  @Test("eight days ahead deletes nothing, is told once, and mended lets retention go on")
  func deletesNothing() throws {
    let machine = try Machine()
    #expect(try machine.pass(400).isEmpty)
    machine.lead = 8 * Machine.day
    let told = try machine.pass(3000)
    #expect(told.count == 1 && told[0].hasPrefix("/data/log: the wall clock says"), "\(told)")
    #expect(machine.isInDoubt)
    #expect(try machine.count == 20)
    machine.lead = 0
    let back = try machine.pass(1)
    #expect(back.count == 1 && back[0].contains("as expected again"), "\(back)")
    #expect(try machine.log.directory.applyRetention(machine.now) == 0)
    // Five days later they are due.
    #expect(try machine.pass(5 * 86_400 + 7200, step: 3600).isEmpty)
    #expect(try machine.count == 0)
  }

  @Test("ahead keeps nothing longer than its time: what is due by the time before the jump goes")
  func goesOnByTheTimeBefore() throws {
    let machine = try Machine { $0.retentionMilliseconds = 2 * Machine.day + 1_000_000 }
    _ = try machine.pass(1)
    machine.lead = 8 * Machine.day
    #expect(try machine.pass(900).count == 1)
    #expect(try machine.count == 20)
    #expect(try machine.pass(500).isEmpty)
    #expect(try machine.count == 0)
  }

  @Test("ahead is believed when the grace period has passed, which is told, and then deletes")
  func acceptsAfterGrace() throws {
    let machine = try Machine()
    machine.log.directory.clockGraceMilliseconds = 3_600_000
    _ = try machine.pass(1)
    machine.lead = 8 * Machine.day
    #expect(try machine.pass(3600).count == 1)
    #expect(try machine.count == 20)
    let told = try machine.pass(301)
    #expect(told.count == 1 && told[0].contains("is believed from now on"), "\(told)")
    #expect(try machine.count == 0)
  }

  @Test("is believed at once where the grace period is 0, as Kafka does")
  func believesWithoutGrace() throws {
    let machine = try Machine()
    machine.log.directory.clockGraceMilliseconds = 0
    _ = try machine.pass(1)
    machine.lead = 8 * Machine.day
    #expect(try machine.pass(400).isEmpty)
    #expect(try machine.count == 0)
  }

  @Test("does not stop retention by size, nor the deletion of records")
  func keepsOtherRetention() throws {
    let machine = try Machine { $0.retentionBytes = 8000 }
    _ = try machine.pass(1)
    machine.lead = 8 * Machine.day
    let deleted = try machine.log.directory.applyRetention(machine.now)
    #expect(deleted > 2 && machine.isInDoubt)
    let end = try machine.log.log().published.endOffset
    let partition = TopicPartition(topic: "t", partition: 0)
    #expect(try machine.log.directory.deleteRecords(partition, before: end) == end)
    #expect(try machine.count == 0)
  }

  @Test("between two processes deletes nothing either, ahead or behind")
  func comparesAcrossStarts() throws {
    for (lead, word) in [(8 * Machine.day, "ahead of"), (-8 * Machine.day, "behind")] {
      let machine = try Machine()
      _ = try machine.pass(61)
      machine.lead = lead
      try machine.log.reopen()
      let told = try machine.pass(400)
      #expect(
        told.count == 1 && told[0].contains("\(word) the last time that was noted"), "\(told)")
      #expect(try machine.count == 20)
      // Another start changes nothing: what was noted is the time that is believed.
      try machine.log.reopen()
      #expect(try machine.pass(400).count == 1)
      #expect(try machine.count == 20)
      machine.lead = 0
      #expect(try machine.pass(1).count == 1)
      #expect(!machine.isInDoubt)
    }
  }

  @Test("after a kill is compared with the time that was noted each minute")
  func comparesAfterKills() throws {
    let machine = try Machine()
    _ = try machine.pass(125)
    let io = SimulatedFileIO(machine.disk.powerCut(seed: 1))
    let after = try LogFixture(.buffered, io: io, path: "/data")
    let later = LogTime(
      monotonicNanoseconds: 0, wallMilliseconds: Machine.noon + 8 * Machine.day)
    #expect(try after.directory.applyRetention(later) == 0)
    let isInDoubt = after.directory.doubtsWallClock
    #expect(isInDoubt)
  }

  @Test("is not noticed where nothing was noted, or what was noted is damaged, which is told")
  func believesWithoutNote() throws {
    for damage in [nil, "", "varve wall time 1\n0\ncrc32c 0\n", "\u{0}"] as [String?] {
      let machine = try Machine()
      _ = try machine.pass(61)
      try machine.log.directory.close()
      let io = SimulatedFileIO(machine.disk)
      #expect(try io.size(ofFileAt: Machine.note) != nil)
      try io.remove(Machine.note)
      if let damage {
        try io.replaceFile(at: Machine.note, with: Array(damage.utf8).span.bytes)
        var verifier = LogVerifier(io: io)
        try verifier.verifyTopics("/data/log")
        #expect(verifier.report.problems.count == 1, "\(verifier.report.problems)")
      }
      let after = try LogFixture(.buffered, io: io, path: "/data")
      let later = LogTime(
        monotonicNanoseconds: 0, wallMilliseconds: Machine.noon + 8 * Machine.day)
      #expect(try after.directory.applyRetention(later) > 0)
      let told = after.directory.notices.take().map(\.description)
      #expect(told.count == (damage == nil ? 0 : 1), "\(told)")
      #expect(told.allSatisfy { $0.hasPrefix(Machine.note + ": is no checkpoint") }, "\(told)")
      try after.directory.checkpoint()
      var verifier = LogVerifier(io: io)
      try verifier.verifyTopics("/data/log")
      #expect(verifier.report.problems.isEmpty, "written anew")
    }
  }

  @Test(
    "deletes nothing while the noted time cannot be read, which is told once, and is found then")
  func waitsForNote() throws {
    let machine = try Machine()
    _ = try machine.pass(61)
    try machine.log.reopen()
    machine.lead = 8 * Machine.day
    machine.disk.set(
      FaultPlan(FaultPlan.Script(.open, nth: 1, goesOn: true, pathSuffix: ".varve_walltime")))
    let told = try machine.pass(400)
    #expect(told.count == 1 && told[0].hasPrefix(Machine.note + ": could not be read"), "\(told)")
    #expect(try machine.count == 20 && machine.isInDoubt)
    machine.disk.set(FaultPlan())
    #expect(try machine.pass(1).count == 1, "ahead of the last time that was noted")
    #expect(try machine.pass(400).isEmpty && machine.count == 20 && machine.isInDoubt)
  }

  @Test("costs nothing but the comparison where its time cannot be written, which is told once")
  func goesOnWithoutNote() throws {
    let machine = try Machine()
    machine.disk.set(
      FaultPlan(FaultPlan.Script(.write, nth: 1, goesOn: true, pathSuffix: "walltime.tmp")))
    let told = try machine.pass(300)
    #expect(
      told.count == 1 && told[0].hasPrefix(Machine.note + ": could not be written"), "\(told)")
    machine.disk.set(FaultPlan())
    try machine.log.reopen()
    #expect(machine.log.directory.recoveredPartitionCount == 0, "the stop was a clean one")
  }

  @Test("there and back again is told a few times an hour, and how it ended")
  func limitsNotices() throws {
    let machine = try Machine()
    _ = try machine.pass(1)
    var told = 0
    for second in 0..<3000 {
      machine.lead = second % 2 == 0 ? 8 * Machine.day : 0
      told += try machine.pass(1).count
    }
    #expect(told == 6)
    let last = try machine.pass(3600)
    #expect(last.count == 1 && last[0].contains("as expected again"), "\(last)")
  }
}
