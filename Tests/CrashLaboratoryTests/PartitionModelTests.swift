import CommitLog
import CrashLaboratory
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

@Suite("The model of a partition")
struct PartitionModelTests {
  private func identity(_ first: Int, count: Int = 1, bytes: Int = 100) -> NumberedBatch.Identity {
    NumberedBatch.Identity(
      firstNumber: first, recordCount: count, byteCount: bytes, crc: UInt32(first),
      timestamps: (0..<count).map { Int64(first + $0) })
  }

  /// Four batches of two records, accepted a millisecond apart.
  private func makeModel() throws -> PartitionModel {
    var model = PartitionModel()
    for number in 0..<4 {
      try model.appended(
        [identity(2 * number, count: 2)], at: Int64(2 * number), receipt: nil,
        now: Int64(number) * 1_000_000)
    }
    return model
  }

  @Test("takes appends without gaps only")
  func takesNoGaps() throws {
    var model = try makeModel()
    #expect(model.end == 8 && model.lastAppendBytes == 100)
    for base in [Int64(7), 9] {
      do throws(Violation) {
        try model.appended([identity(9)], at: base, receipt: nil, now: 0)
        Issue.record("an append at offset \(base) was taken")
      } catch { #expect(error.promise == .prefix) }
    }
    try model.appended([identity(8), identity(9, bytes: 50)], at: 8, receipt: nil, now: 0)
    #expect(model.end == 10 && model.lastAppendBytes == 150)
    #expect(model.batches.map(\.baseOffset) == [0, 2, 4, 6, 8, 9])
  }

  @Test("finds the batch that holds an offset")
  func findsBatches() throws {
    let model = try makeModel()
    #expect((0..<8).map { model.index(holding: $0) } == [0, 0, 1, 1, 2, 2, 3, 3])
    #expect(model.index(holding: 8) == nil)
    #expect(PartitionModel().index(holding: 0) == nil)
  }

  @Test("counts as lost what was acknowledged and is gone, and how old it was")
  func countsLosses() throws {
    var model = try makeModel()
    #expect(model.loss(from: 0, now: 10_000_000) == Loss(), "nothing was acknowledged")
    model.closed(at: 6)
    #expect(model.loss(from: 6, now: 10_000_000) == Loss())
    #expect(
      model.loss(from: 2, now: 10_000_000)
        == Loss(records: 4, bytes: 200, nanoseconds: 9_000_000))
    // A batch that is there in part is not there.
    #expect(model.loss(from: 3, now: 10_000_000).records == 4)
  }

  @Test("owes under interval what was acknowledged and is older than flush.ms at a tick")
  func owesByInterval() throws {
    var model = try makeModel()
    model.ticked(flushNanoseconds: 1_000_000, now: 3_000_000)
    #expect(model.owedByInterval == 0, "what is not acknowledged is not owed")
    model.closed(at: 8)
    model.ticked(flushNanoseconds: 1_000_000, now: 3_000_000)
    #expect(model.owedByInterval == 6)
    model.ticked(flushNanoseconds: 1_000_000, now: 1_000_000)
    #expect(model.owedByInterval == 6, "it never owes less")
  }

  @Test("believes what is there after a start, and that it will stay")
  func believesStarts() throws {
    var model = try makeModel()
    model.opened(start: 2, end: 6)
    #expect(model.end == 6 && model.acknowledged == 6 && model.durable == 6)
    #expect(model.startMin == 2 && model.startMax == 2 && model.owedByInterval == 6)
    #expect(model.acknowledgedRecords == 0)
    try model.appended([identity(20)], at: 6, receipt: nil, now: 0)
  }

  @Test("takes note of what retention took too early")
  func findsYoungDeletions() throws {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data") {
      $0.segmentBytes = 1024
      $0.retentionMilliseconds = 1000
    }
    let log = try fixture.log()
    var model = PartitionModel()
    for number in 0..<4 {
      let receipt = try fixture.append(number, valueBytes: 900, timestamp: Int64(number))
      try model.appended(
        [identity(number)], at: receipt.baseOffset.rawValue, receipt: receipt, now: 0)
    }
    try model.refresh(log)
    #expect(
      try fixture.directory.applyRetention(
        LogTime(monotonicNanoseconds: 0, wallMilliseconds: 1003)) == 3)
    var other = model
    try model.refresh(log)
    try model.retained(bytesMin: nil, newestMax: 2)
    try other.refresh(log)
    do throws(Violation) {
      try other.retained(bytesMin: nil, newestMax: 1)
      Issue.record("a record of 2 was taken, and 1 was the newest that is due")
    } catch { #expect(error.promise == .youngKept) }
  }

  @Test("follows a log: pending, acknowledged, durable, and gone where an append failed")
  func followsLogs() throws {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data") {
      $0.durability = .group
    }
    var model = PartitionModel()
    let log = try fixture.log()
    func append(_ number: Int) throws {
      let receipt = try fixture.append(number)
      try model.appended(
        [identity(number)], at: receipt.baseOffset.rawValue, receipt: receipt, now: 0)
      try model.refresh(log)
    }
    try append(0)
    #expect(model.acknowledged == 0 && model.durable == 0)
    try fixture.directory.commit()
    try model.refresh(log)
    #expect(model.acknowledged == 1 && model.durable == 1 && model.acknowledgedRecords == 1)
    // Fenced, what waits is in doubt, and neither promised nor gone.
    try append(1)
    disk.set(FaultPlan(.init(.synchronizeData, nth: 1)))
    try fixture.directory.commit()
    try model.refresh(log)
    #expect(log.failure != nil)
    #expect(model.end == 2 && model.acknowledged == 1 && model.durable == 1)
  }
}
