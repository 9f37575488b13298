import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

/// What the fuzz targets found, or their making did, each on its own.
@Suite("What fuzzing found")
struct FuzzFindingsTests {
  @Test("a search for a time before a segment's first leaves a good index as it is")
  func earlyTime() throws {
    let log = try DamagedLog.make(60, valueBytes: 100, segmentBytes: 3000)
    let before = log.files
    let fixture = try log.open()
    for time in [Int64.min, 0, 999, 1000, 1001] {
      let found = try LogReader(fixture.log().published).offset(at: time)
      #expect(found?.offset == (time <= 1000 ? Offset(0) : Offset(1)), "\(time)")
    }
    #expect(fixture.directory.notices.take() == [])
    #expect(log.files == before)
  }

  @Test(
    "a checkpoint that counts more than there can be is none",
    arguments: ["9223372036854775807", "9223372036854775806", "-1", "-9223372036854775808"])
  func checkpointCount(_ count: String) throws {
    let log = try DamagedLog.make(5).copy(.crash)
    log.disk.setContents(
      of: "\(DamagedLog.directory)/recovery-point-offset-checkpoint", Array("0\n\(count)\n".utf8))
    let fixture = try log.open()
    #expect(try fixture.numbers() == [0, 1, 2, 3, 4])
    #expect(fixture.directory.notices.take().contains { $0.text.contains("is no checkpoint") })
  }

  @Test("what one recovery kept, the next does not write over")
  func keepsEveryCut() throws {
    let log = try DamagedLog.make(5).copy(.crash)
    let whole = try #require(log.disk.contents(of: log.path(0)))
    let size = whole.count / 5
    let damaged: [UInt8] = whole.prefix(2 * size) + [0xFF] + whole.suffix(3 * size - 1)
    var kept: Set<[UInt8]> = []
    for round in UInt8(0)..<3 {
      // Another tail each time, cut at the same place.
      let content = damaged + [round]
      log.disk.setContents(of: log.path(0), content)
      for path in log.files.keys where path.hasSuffix("checkpoint") { try log.remove(path) }
      try? log.remove("\(DamagedLog.directory)/recovery-point-offset-checkpoint")
      #expect(try log.open().numbers() == [0, 1])
      kept.insert(Array(content.dropFirst(2 * size)))
      let found = log.files.filter { $0.key.hasSuffix(".cut") }.map(\.value)
      #expect(Set(found) == kept && found.count == kept.count, "round \(round)")
    }
    // The same tail again, as after a power cut in the middle of a recovery: no further copy.
    log.disk.setContents(of: log.path(0), damaged + [1])
    try log.remove("\(DamagedLog.directory)/recovery-point-offset-checkpoint")
    #expect(try log.open().numbers() == [0, 1])
    #expect(log.files.count { $0.key.hasSuffix(".cut") } == 3)
  }

  @Test("a whole segment that leaves the log does not take another's name")
  func keepsEverySegment() throws {
    let log = try DamagedLog.make(12, valueBytes: 240, segmentBytes: 1024).copy(.crash)
    let second = try #require(log.disk.contents(of: log.path(3)))
    log.disk.setContents(of: log.path(3) + ".cut", [1, 2, 3])
    log.disk.setContents(of: log.path(0), [])
    #expect(try log.open().numbers() == [])
    #expect(log.disk.contents(of: log.path(3) + ".cut") == [1, 2, 3])
    #expect(log.disk.contents(of: log.path(3) + ".1.cut") == second)
  }

  @Test("behind a segment that was cut, what goes on with the next offset stays")
  func keepsWhatGoesOn() throws {
    let log = try DamagedLog.make(12, valueBytes: 240, segmentBytes: 1024).copy(.crash)
    for path in log.logPaths { log.change(path) { $0 += [1, 2, 3] } }
    #expect(try log.open().numbers() == Array(0..<12))
    #expect(!log.files.keys.contains { $0.hasSuffix(".cut") })
  }

  @Test("a stray segment leaves the log, and those that go on behind it stay")
  func straySegment() throws {
    let log = try DamagedLog.make(12, valueBytes: 240, segmentBytes: 1024).copy(.crash)
    log.disk.setContents(of: log.path(4), [1, 2, 3])
    log.disk.setContents(of: log.path(7), [])
    #expect(try log.open().numbers() == Array(0..<12))
    #expect(log.disk.contents(of: log.path(4) + ".cut") == [1, 2, 3])
    #expect(log.disk.contents(of: log.path(7)) == nil)
  }

  @Test("a last offset that is the greatest leaves the log, and no opening fails for it")
  func greatestOffset() throws {
    let log = try DamagedLog.make(5).copy(.crash)
    let alone = "\(DamagedLog.partition)/09223372036854775807.log"
    for path in log.logPaths { try log.remove(path) }
    log.disk.setContents(of: alone, wide(.max, 1000, lastOffsetDelta: 0))
    let fixture = try log.open()
    #expect(try fixture.numbers() == [])
    #expect(fixture.directory.notices.take().contains { $0.text.contains("leaves none") })
  }

  @Test("nothing is appended behind a last batch that was damaged after a clean stop")
  func refusesToAppendBehindDamage() throws {
    let log = try DamagedLog.make(5)
    let size = try #require(log.disk.contents(of: log.path(0))).count / 5
    let damages: [(String, (inout [UInt8]) -> Void)] = [
      ("another offset", { $0[4 * size + 7] = 9 }),
      ("another length", { $0[4 * size + 11] ^= 1 }),
      ("zeros", { for index in (3 * size)..<(5 * size) { $0[index] = 0 } }),
    ]
    for (name, damage) in damages {
      let copy = try log.copy(.clean)
      copy.change(copy.path(0), damage)
      let before = copy.disk.contents(of: copy.path(0))
      let fixture = try copy.open()
      for _ in 0..<2 {
        let error = #expect(throws: LogError.self, "\(name)") { try fixture.append(5) }
        #expect("\(try #require(error))".contains("byte "), "\(name)")
      }
      #expect(copy.disk.contents(of: copy.path(0)) == before, "\(name)")
    }
    let whole = try log.copy(.clean)
    try whole.open().append(5)
  }

  /// A batch that claims so many offsets.
  private func wide(_ base: Int64, _ timestamp: Int64, lastOffsetDelta: Int32 = .max) -> [UInt8] {
    var bytes = TestBatch.make(first: 0, timestamp: timestamp).withBytes { bytes in
      bytes.withUnsafeBytes { Array($0) }
    }
    guard var header = try? RecordBatchHeader(parsing: bytes.span.bytes) else { return [] }
    header.baseOffset = Offset(base)
    header.lastOffsetDelta = lastOffsetDelta
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    header.write(to: &raw)
    try? RecordBatchHeader.restampSequence(&raw, producer: .none)
    return bytes
  }

  @Test("in a segment that spans more offsets than an index can say, every batch is found")
  func wideSegments() throws {
    let log = try DamagedLog.make(1).copy(.crash)
    let bases = (0..<8).map { Int64($0) << 31 }
    log.disk.setContents(
      of: log.path(0), bases.enumerated().flatMap { wide($1, 1000 + Int64($0) * 10) })
    var settings = TopicSettings(backend: "buffered")
    settings.indexIntervalBytes = 0
    for _ in 0..<2 {
      let fixture = try log.open()
      try fixture.directory.alterTopic("t", settings)
      for (index, base) in bases.enumerated() {
        for offset in [base, base + 1, base + Int64(Int32.max)] {
          var reader = LogReader(try fixture.log().published)
          let read = try reader.read(from: Offset(offset), bytesMax: 1)
          #expect(read?.firstBatch.baseOffset == Offset(base), "\(offset)")
        }
        let found = try LogReader(fixture.log().published).offset(at: 1000 + Int64(index) * 10)
        #expect(found?.offset == Offset(base))
      }
      try fixture.directory.close()
    }
  }

  @Test("a batch whose offset lies below its segment's is no reason to stop")
  func offsetBelowTheSegment() throws {
    let log = try DamagedLog.make(12, valueBytes: 240, segmentBytes: 1024).copy(.clean)
    log.change(log.path(3)) { $0.replaceSubrange(0..<8, with: [0, 0, 0, 0, 0, 0, 0, 0]) }
    try log.remove(log.path(3, ".timeindex"))
    let fixture = try log.open()
    for time in stride(from: Int64(990), to: 1130, by: 5) {
      do throws(LogError) {
        _ = try LogReader(try fixture.log().published).offset(at: time)
      } catch { #expect("\(error)".contains(DamagedLog.partition)) }
    }
  }
}
