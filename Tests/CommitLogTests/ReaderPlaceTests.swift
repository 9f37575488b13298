import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

@Suite("A reader that goes on")
struct ReaderPlaceTests {
  private func make(
    _ segmentBytes: Int = 1 << 20, _ kind: BackendUnderTest = .buffered
  ) throws -> (SimulatedDisk, LogFixture) {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let fixture = try LogFixture(kind, io: SimulatedFileIO(disk), path: "/data") {
      $0.segmentBytes = segmentBytes
      $0.indexIntervalBytes = 1000
    }
    return (disk, fixture)
  }

  @Test("follows the log's end by one header read each time, and opens nothing", arguments: [1, 3])
  func followsEnd(_ batches: Int) throws {
    let (disk, fixture) = try make()
    for number in 0..<20 { try fixture.append(number, valueBytes: 400) }
    let log = try fixture.log().published
    var reader = LogReader(log)
    _ = try #require(try reader.read(from: Offset(3), bytesMax: 1 << 20))
    var next = 20
    for _ in 0..<30 {
      guard case .end = reader.place(of: Offset(Int64(next))) else {
        Issue.record("not the end")
        return
      }
      #expect(try reader.read(from: Offset(Int64(next)), bytesMax: 1 << 20) == nil)
      let position = log.segments[0].file.end
      for number in next..<(next + batches) { try fixture.append(number, valueBytes: 400) }
      guard case .known(let file, position) = reader.place(of: Offset(Int64(next))) else {
        Issue.record("not known")
        return
      }
      #expect(file.path.hasSuffix("00000000000000000000.log"))
      disk.resetCounts()
      let read = try #require(try reader.read(from: Offset(Int64(next)), bytesMax: 1 << 20))
      #expect(read.firstBatch.baseOffset == Offset(Int64(next)) && read.position == position)
      #expect(disk.counts[.read] == 1 && disk.counts.bytesRead <= 64)
      #expect(disk.counts[.open] == 0 && disk.counts[.close] == 0)
      // Asked once more, as for more bytes: it is there where it was.
      disk.resetCounts()
      #expect(try reader.read(from: Offset(Int64(next)), bytesMax: 1) != nil)
      #expect(disk.counts[.read] == 1 && disk.counts[.open] == 0)
      next += batches
      _ = try reader.read(from: Offset(Int64(next - 1)), bytesMax: 1 << 20)
    }
  }

  @Test func `goes on behind a read that was cut short from header to header, without an index`()
    throws
  {
    let (disk, fixture) = try make()
    for number in 0..<40 { try fixture.append(number, valueBytes: 400) }
    let log = try fixture.log().published
    var reader = LogReader(log)
    var next: Int64 = 0
    var jumps = 0
    while next < 30 {
      let read = try #require(try reader.read(from: Offset(next), bytesMax: 2000))
      #expect(read.firstBatch.baseOffset == Offset(next) && read.slice.count == 2000)
      // What a client has whole, and what it asks for then.
      next += Int64(2000 / read.firstBatch.byteCountTotal)
      guard case .near(let file, let range) = reader.place(of: Offset(next)) else {
        Issue.record("not near")
        return
      }
      #expect(file.path.hasSuffix("00000000000000000000.log"))
      #expect(range.lowerBound == read.position.rawValue)
      disk.resetCounts()
      let again = try #require(try reader.read(from: Offset(next), bytesMax: 2000))
      #expect(again.firstBatch.baseOffset == Offset(next))
      #expect(disk.counts[.open] == 0 && disk.counts.bytesRead <= 6 * 64)
      jumps += 1
    }
    #expect(jumps > 5)
    // Behind all of it the index says where.
    #expect(try reader.read(from: Offset(39), bytesMax: 10)?.firstBatch.baseOffset == Offset(39))
  }

  @Test("in one segment opens its log once, however it jumps", arguments: [false, true])
  func opensOnce(_ isSealed: Bool) throws {
    let (disk, fixture) = try make(60_000)
    for number in 0..<200 { try fixture.append(number, valueBytes: 400) }
    let log = try fixture.log().published
    #expect(log.segments.count == 2)
    let segment = log.segments[isSealed ? 0 : 1]
    let first = segment.baseOffset.rawValue
    let count = (isSealed ? log.segments[1].baseOffset.rawValue : 200) - first
    var reader = LogReader(log)
    _ = try reader.read(from: segment.baseOffset, bytesMax: 100)
    disk.resetCounts()
    var random = SeededGenerator(seed: 5)
    for step in 0..<200 {
      let offset = Offset(first + Int64(random.below(Int(count))))
      // Byte limits that end anywhere: what is remembered is never the middle of a batch.
      let read = try #require(try reader.read(from: offset, bytesMax: random.below(9000)))
      #expect(read.firstBatch.baseOffset == offset, "step \(step)")
      #expect(read.slice.count >= read.firstBatch.byteCountTotal)
    }
    #expect(disk.counts(of: segment.file.path)[.open] == 0)
  }

  @Test(
    "knows nothing of a place that it has not been to, and nothing is to be touched past the end")
  func isUnknown() throws {
    let (_, fixture) = try make(5000)
    for number in 0..<20 { try fixture.append(number, valueBytes: 900) }
    let log = try fixture.log().published
    var reader = LogReader(log)
    func isUnknown(_ offset: Int64) -> Bool {
      if case .unknown = reader.place(of: Offset(offset)) { true } else { false }
    }
    func isEnd(_ offset: Int64) -> Bool {
      if case .end = reader.place(of: Offset(offset)) { true } else { false }
    }
    #expect(isUnknown(0) && isUnknown(19) && isEnd(20) && isUnknown(21) && isEnd(-1))
    _ = try reader.read(from: .zero, bytesMax: 1500)
    // The second batch was cut short, and is there; the third one is behind it.
    #expect(!isUnknown(0) && !isUnknown(1))
    #expect(reader.lookNear(Offset(1)) && !reader.lookNear(Offset(2)))
    // Up to the segment's end: what comes next is another segment.
    _ = try reader.read(from: .zero, bytesMax: 1 << 20)
    #expect(!isUnknown(0) && isUnknown(log.segments[1].baseOffset.rawValue))
    _ = try fixture.directory.deleteRecords(
      TopicPartition(topic: "t", partition: 0), before: Offset(1))
    #expect(isEnd(0))
  }

  @Test(
    "goes from segment to segment while they are begun, ended and opened again",
    arguments: BackendUnderTest.allCases)
  func crossesSegments(_ kind: BackendUnderTest) throws {
    let (disk, fixture) = try make(20_000, kind)
    var reader = LogReader(try fixture.log().published)
    var random = SeededGenerator(seed: 8)
    var (appended, next) = (0, 0)
    while next < 400 {
      if appended < 400, random.chance(0.6) {
        for _ in 0..<(1 + random.below(8)) {
          try fixture.append(appended, valueBytes: 50 + random.below(900))
          appended += 1
        }
        try fixture.settle()
      } else if random.chance(0.1) {
        // Its last segment is closed, and opened again by the next append.
        try fixture.log().close()
      } else if let read = try reader.read(
        from: Offset(Int64(next)), bytesMax: 1 + random.below(6000))
      {
        #expect(read.firstBatch.baseOffset == Offset(Int64(next)))
        let bytes = try read.slice.allBytes()
        var position = 0
        while position < bytes.count {
          let rest = bytes.span.bytes.extracting(position..<bytes.count)
          guard let header = try? RecordBatchHeader(parsing: rest),
            header.byteCountTotal <= rest.byteCount
          else { break }
          #expect(header.baseOffset == Offset(Int64(next)))
          next += Int(header.recordCount)
          position += header.byteCountTotal
        }
      }
    }
    #expect(disk.openCount < 12)
    #expect(fixture.directory.notices.take() == [])
  }

  @Test("does not believe a remembered place when bytes were cut off there")
  func seesTruncation() throws {
    let (_, fixture) = try make()
    for number in 0..<5 { try fixture.append(number) }
    let log = try fixture.log().published
    var reader = LogReader(log)
    _ = try reader.read(from: .zero, bytesMax: 1 << 20)
    try fixture.append(5)
    let file = log.segments[0].file
    file.retract(to: file.end)
    guard case .unknown = reader.place(of: Offset(5)) else {
      Issue.record("still believed")
      return
    }
    #expect(try reader.read(from: Offset(5), bytesMax: 1)?.firstBatch.baseOffset == Offset(5))
  }

  @Test("is at the end where it read what the end does not say yet, and out of range behind that")
  func readsBetweenPublications() throws {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data") {
      $0.durability = .group
    }
    for number in 0..<3 { try fixture.append(number) }
    try fixture.settle()
    let log = try fixture.log().published
    try fixture.append(3, count: 2)
    // An append's bytes are published, and the log's end is next.
    let file = try #require(log.segments.last).file
    let size = try #require(try fixture.io.size(ofFileAt: file.path))
    file.publish(end: FilePosition(size))
    #expect(log.endOffset == Offset(3))
    for isFresh in [true, false] {
      var reader = LogReader(log)
      if !isFresh {
        let read = try #require(try reader.read(from: .zero, bytesMax: 1 << 20))
        #expect(Int64(read.slice.count) == size, "a reader may have all of it")
      }
      for offset in Int64(3)...5 {
        #expect(try reader.read(from: Offset(offset), bytesMax: 1 << 20) == nil)
      }
      #expect(throws: LogError.self) { try reader.read(from: Offset(6), bytesMax: 1 << 20) }
      #expect(throws: LogError.self) { try reader.read(from: Offset(.max), bytesMax: 1 << 20) }
    }
    try fixture.settle()
    var reader = LogReader(log)
    #expect(try reader.read(from: Offset(3), bytesMax: 1 << 20)?.firstBatch.recordCount == 2)
  }
}
