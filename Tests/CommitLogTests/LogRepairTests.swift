import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

/// A partition of 60 records in four segments, that is damaged, mended and read back.
private struct BrokenLog {
  static let partition = TopicPartition(topic: "t", partition: 0)
  static let count = 60
  let log: DamagedLog
  /// Before the damage.
  let whole: [String: [UInt8]]

  init(_ stop: Stop) throws {
    log = try DamagedLog.make(Self.count, valueBytes: 100, segmentBytes: 3000).copy(stop)
    whole = log.files
    #expect(log.logPaths.count == 4)
  }

  var io: SimulatedFileIO { SimulatedFileIO(log.disk) }

  /// The segment that begins the nth, and the number of its first record.
  func segment(_ number: Int) -> (path: String, base: Int) {
    let path = log.logPaths[number]
    return (path, Int(path.split(separator: "/").last?.prefix(20) ?? "") ?? -1)
  }

  func repair() throws(LogError) -> LogRepair { try LogRepair(path: DamagedLog.directory, io: io) }

  /// Turns a bit of the value of the record that stands `place`th in a segment.
  @discardableResult
  func flip(_ place: Int, in number: Int) -> (offset: Int, position: Int) {
    let (path, base) = segment(number)
    let next = number + 1 < log.logPaths.count ? segment(number + 1).base : Self.count
    var bytesEach = 0
    log.change(path) { bytes in
      bytesEach = bytes.count / (next - base)
      bytes[place * bytesEach + 90] ^= 4
    }
    return (base + place, place * bytesEach)
  }

  func setRecoveryPoint(_ offset: Int) {
    log.disk.setContents(
      of: "\(DamagedLog.directory)/recovery-point-offset-checkpoint",
      Array("0\n1\nt 0 \(offset)\n".utf8))
  }

  var cutFiles: [[UInt8]] { log.files.filter { $0.key.hasSuffix(".cut") }.map(\.value) }
}

@Suite("A damaged partition is repaired")
struct LogRepairTests {
  private static let stops: [Stop] = [.clean, .crashAfterCheckpoint]

  // MARK: - Cut

  @Test("a cut keeps every record before the damage, and the rest in .cut files", arguments: stops)
  func cuts(_ stop: Stop) throws {
    // The last one is the last record of all, with nothing intact behind it.
    for (segment, nth) in [(0, 0), (0, 7), (1, 0), (2, 3), (3, 1), (3, -1)] {
      let broken = try BrokenLog(stop)
      let place = nth < 0 ? BrokenLog.count + nth - broken.segment(segment).base : nth
      let (offset, position) = broken.flip(place, in: segment)
      let damaged = broken.log.files
      let path = broken.segment(segment).path
      let later = broken.log.logPaths.suffix(from: segment + 1).compactMap { damaged[$0] }
      let found: PartitionDiagnosis
      do {
        let repair = try broken.repair()
        found = try repair.cut(BrokenLog.partition)
        #expect(try repair.diagnose(BrokenLog.partition).fault == nil)
      }
      #expect(found.keptRecords == Int64(offset) && found.cutRecords == Int64(59 - offset))
      let behind = Array(try #require(damaged[path]).dropFirst(position))
      #expect(Set(broken.cutFiles) == Set([behind] + later), "\(segment) \(place)")
      let fixture = try broken.log.open()
      #expect(try fixture.numbers() == Array(0..<offset))
      try fixture.append(offset)
      try fixture.reopen()
      #expect(try fixture.numbers() == Array(0...offset))
    }
  }

  @Test("a cut at a segment that lost its end, or at a missing one, keeps what lies before")
  func cutsGaps() throws {
    for stop in Self.stops {
      var broken = try BrokenLog(stop)
      broken.log.change(broken.segment(3).path) { $0.removeLast(20) }
      #expect(throws: Never.self) { _ = try broken.repair().cut(BrokenLog.partition) }
      #expect(try broken.log.open().numbers() == Array(0..<59))
      broken = try BrokenLog(stop)
      let end = broken.segment(1).base
      let later = [2, 3].compactMap { broken.log.disk.contents(of: broken.segment($0).path) }
      broken.log.disk.removeName(broken.segment(1).path)
      #expect(throws: Never.self) { _ = try broken.repair().cut(BrokenLog.partition) }
      #expect(Set(broken.cutFiles) == Set(later))
      #expect(try broken.log.open().numbers() == Array(0..<end))
    }
  }

  @Test("garbage behind a segment's last batch is cut, and the segments that go on stay")
  func cutsGarbage() throws {
    let broken = try BrokenLog(.crashAfterCheckpoint)
    broken.log.change(broken.segment(1).path) { $0 += [UInt8](repeating: 7, count: 99) }
    _ = try broken.repair().cut(BrokenLog.partition)
    #expect(broken.cutFiles == [[UInt8](repeating: 7, count: 99)])
    #expect(try broken.log.open().numbers() == Array(0..<60))
  }

  @Test("a cut moves the start of a log down where its deleted records end behind it")
  func cutsBelowStart() throws {
    let broken = try BrokenLog(.clean)
    do {
      let fixture = try broken.log.open()
      #expect(
        try fixture.directory.deleteRecords(BrokenLog.partition, before: Offset(10)) == Offset(10))
      try fixture.directory.close()
    }
    broken.flip(4, in: 0)
    _ = try broken.repair().cut(BrokenLog.partition)
    let fixture = try broken.log.open()
    for number in 100..<120 { try fixture.append(number) }
    try fixture.reopen()
    #expect(try fixture.numbers() == Array(100..<120), "none of the new ones is hidden")
  }

  // MARK: - Forget

  @Test("forget moves the folder aside, and no offset is given again", arguments: stops)
  func forgets(_ stop: Stop) throws {
    let broken = try BrokenLog(stop)
    broken.flip(3, in: 1)
    let damaged = broken.log.files
    let done = try broken.repair().forget(BrokenLog.partition)
    #expect(done.next == Offset(60))
    for (path, bytes) in damaged {
      let kept = path.replacing("/t-0/", with: "/t-0.leftover/")
      #expect(broken.log.disk.contents(of: kept) == bytes, "\(kept)")
    }
    try expectEmpty(broken, at: 60)
  }

  @Test("forget makes a missing folder anew, behind the recovery point", arguments: stops)
  func makesMissing(_ stop: Stop) throws {
    let broken = try BrokenLog(stop)
    for path in broken.log.files.keys { broken.log.disk.removeName(path) }
    try broken.io.removeDirectory(DamagedLog.partition)
    #expect(throws: LogError.self) { _ = try broken.log.open() }
    let repair = try broken.repair()
    #expect(throws: LogError.self) { _ = try repair.cut(BrokenLog.partition) }
    let done = try repair.forget(BrokenLog.partition)
    #expect(done.keptPath == nil && done.next == Offset(60))
    withExtendedLifetime(repair) {}
  }

  @Test("forget goes on behind records that lie behind the recovery point, too")
  func forgetsAboveRecoveryPoint() throws {
    let broken = try BrokenLog(.crashAfterCheckpoint)
    broken.setRecoveryPoint(30)
    broken.flip(3, in: 0)
    #expect(try broken.repair().forget(BrokenLog.partition).next == Offset(60))
    try expectEmpty(broken, at: 60)
  }

  private func expectEmpty(_ broken: BrokenLog, at offset: Int64) throws {
    let fixture = try broken.log.open()
    #expect(try fixture.log().published.startOffset == Offset(offset))
    #expect(try fixture.log().published.endOffset == Offset(offset))
    #expect(try fixture.append(1234).baseOffset == Offset(offset))
    try fixture.reopen()
    #expect(try fixture.numbers() == [1234])
  }

  // MARK: - What is refused

  @Test("a look explains what is damaged, and changes nothing")
  func explains() throws {
    let broken = try BrokenLog(.crashAfterCheckpoint)
    let (offset, position) = broken.flip(3, in: 1)
    let before = broken.log.disk.allPaths.map { broken.log.disk.contents(of: $0) }
    let found = try broken.repair().diagnose(BrokenLog.partition)
    guard case .damaged(let damage)? = found.fault else {
      Issue.record("\(String(describing: found.fault))")
      return
    }
    #expect(damage.path == broken.segment(1).path && damage.offset == Offset(Int64(offset)))
    #expect(damage.position == FilePosition(Int64(position)))
    #expect(found.end == damage.offset && found.unused == Offset(60))
    #expect(broken.log.disk.allPaths.map { broken.log.disk.contents(of: $0) } == before)
  }

  @Test(
    "a partition in which nothing is damaged is left alone",
    arguments: [.clean, .crashAfterCheckpoint, .crash] as [Stop])
  func leavesAlone(_ stop: Stop) throws {
    let broken = try BrokenLog(stop)
    if stop == .crash {
      // A tail that was never durable is the next start's.
      broken.log.change(broken.segment(3).path) { $0.removeLast(20) }
    }
    let before = broken.log.files
    let repair = try broken.repair()
    #expect(try repair.diagnose(BrokenLog.partition).fault == nil)
    #expect(throws: LogError.self) { _ = try repair.cut(BrokenLog.partition) }
    #expect(throws: LogError.self) { _ = try repair.forget(BrokenLog.partition) }
    #expect(broken.log.files == before)
  }

  @Test("a directory that is open is refused, and one that is being repaired cannot be opened")
  func locks() throws {
    let broken = try BrokenLog(.clean)
    let fixture = try broken.log.open()
    #expect(throws: LogError.directoryInUse(path: DamagedLog.directory)) { _ = try broken.repair() }
    try fixture.directory.close()
    let repair = try broken.repair()
    #expect(throws: LogError.directoryInUse(path: DamagedLog.directory)) {
      _ = try broken.log.open()
    }
    withExtendedLifetime(repair) {}
  }

  @Test("what the disk does not read is not cut, since no copy could be kept, and can be forgotten")
  func unreadable() throws {
    let broken = try BrokenLog(.crashAfterCheckpoint)
    broken.log.disk.set(
      FaultPlan(.init(.read, nth: 1, goesOn: true, pathSuffix: broken.segment(1).path)))
    let before = broken.log.files
    let repair = try broken.repair()
    guard case .unreadable? = try repair.diagnose(BrokenLog.partition).fault else {
      Issue.record("it is readable")
      return
    }
    #expect(throws: LogError.self) { _ = try repair.cut(BrokenLog.partition) }
    #expect(broken.log.files == before)
    #expect(try repair.forget(BrokenLog.partition).next == Offset(60))
  }

  // MARK: - A repair that is cut short

  @Test("a repair of which any one call fails loses nothing more", arguments: [true, false])
  func fails(_ isCut: Bool) throws {
    for operation in DiskOperation.allCases {
      var nth = 0
      while true {
        nth += 1
        let broken = try BrokenLog(.clean)
        let (offset, _) = broken.flip(3, in: 1)
        let damaged = broken.log.files
        broken.log.disk.set(FaultPlan(.init(operation, nth: nth)))
        try? mend(broken, isCut)
        let isFailed = broken.log.disk.faultCount > 0
        broken.log.disk.set(FaultPlan())
        try expectMended(broken, isCut, offset, damaged)
        if !isFailed { break }
      }
    }
  }

  @Test(
    "a repair that a kill or a power cut ends at any call loses nothing more",
    arguments: [true, false])
  func isInterrupted(_ isCut: Bool) throws {
    for (stop, segment, durable) in [
      (Stop.clean, 1, 60), (.crashAfterCheckpoint, 3, 60), (.crashAfterCheckpoint, 0, 30),
    ] {
      var call = 0
      while true {
        call += 1
        let broken = try BrokenLog(stop)
        if durable < 60 { broken.setRecoveryPoint(durable) }
        let (offset, _) = broken.flip(3, in: segment)
        let damaged = broken.log.files
        let first = broken.log.disk.operationCount
        var plan = FaultPlan()
        plan.powerCutAtOperation = first + call
        broken.log.disk.set(plan)
        let isWhole = (try? mend(broken, isCut)) != nil
        // As a kill leaves it, and as power cuts do.
        let left =
          [broken.log.disk.processKill()]
          + (0..<2).map { broken.log.disk.powerCut(seed: UInt64($0)) }
        for disk in left {
          try expectMended(BrokenLog(broken, disk), isCut, offset, damaged)
        }
        if isWhole { break }
      }
      #expect(call > 30)
    }
  }

  private func mend(_ broken: BrokenLog, _ isCut: Bool) throws {
    let repair = try broken.repair()
    if isCut {
      _ = try repair.cut(BrokenLog.partition)
    } else {
      _ = try repair.forget(BrokenLog.partition)
    }
  }

  /// It opens as it was, or mended; or it does not, and the same repair mends it. Nothing is lost.
  private func expectMended(
    _ broken: BrokenLog, _ isCut: Bool, _ offset: Int, _ damaged: [String: [UInt8]]
  ) throws {
    // Whoever starts instead of repairing again finds it as it was, refused, or mended.
    let started = BrokenLog(broken, broken.log.disk.processKill())
    let isAsBefore = damaged.allSatisfy {
      !$0.key.hasSuffix(".log") || started.log.disk.contents(of: $0.key) == $0.value
    }
    if !isAsBefore, let fixture = try? started.log.open() {
      #expect(try fixture.numbers() == (isCut ? Array(0..<offset) : []))
      #expect(try fixture.append(7).baseOffset == Offset(isCut ? Int64(offset) : 60))
    }
    if try broken.repair().diagnose(BrokenLog.partition).fault != nil {
      try mend(broken, isCut)
    }
    let fixture = try broken.log.open()
    #expect(try fixture.numbers() == (isCut ? Array(0..<offset) : []))
    #expect(try fixture.append(7).baseOffset == Offset(isCut ? Int64(offset) : 60))
    let kept = broken.log.disk.allPaths.compactMap { broken.log.disk.contents(of: $0) }
    for (path, bytes) in damaged where path.hasSuffix(".log") {
      // Whole, or as a log and what was cut off it.
      let isThere =
        kept.contains(bytes)
        || kept.contains { tail in
          !tail.isEmpty && bytes.suffix(tail.count) == tail[...]
            && broken.log.disk.contents(of: path)?.starts(with: bytes.dropLast(tail.count)) == true
        }
      #expect(isThere, "\(path)")
    }
  }
}

extension BrokenLog {
  /// The same log, on what is left of its disk.
  fileprivate init(_ other: BrokenLog, _ disk: SimulatedDisk) {
    log = DamagedLog(disk: disk)
    whole = other.whole
  }
}
