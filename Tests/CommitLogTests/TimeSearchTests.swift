import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

@Suite("Searches by time")
struct TimeSearchTests {
  private static let count = 400

  /// Some ten records of 10 ms each in a segment, on a disk that counts.
  private func log(
    segmentBytes: Int = 2000, indexIntervalBytes: Int = 500
  ) throws -> (disk: SimulatedDisk, fixture: LogFixture) {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data") {
      $0.segmentBytes = segmentBytes
      $0.indexIntervalBytes = indexIntervalBytes
    }
    return (disk, fixture)
  }

  private func fill(_ fixture: LogFixture) throws {
    for number in 0..<Self.count { try fixture.append(number, timestamp: Int64(number) * 10) }
    #expect(try fixture.log().published.segments.count > 30)
  }

  /// The search with slices that are over at once: every step is a piece.
  private func inPieces(_ search: TimeSearch) throws -> (offset: Int64?, pieces: Int) {
    var search = search
    var pieces = 1
    while true {
      if case .ended(let found) = try search.goOn(during: TimeSlice(nanoseconds: 0)) {
        return (found?.offset.rawValue, pieces)
      }
      pieces += 1
    }
  }

  @Test(
    "A segment that ends keeps its newest timestamp in memory: only the answer's files are read")
  func handsOver() throws {
    let (disk, fixture) = try log()
    try fill(fixture)
    let published = try fixture.log().published
    disk.resetCounts()
    #expect(try LogReader(published).offset(at: 1_000_000) == nil)
    #expect(disk.openedPaths == [], "no segment has so new a record")
    let found = try LogReader(published).offset(at: 2045)
    #expect(found?.offset == Offset(205))
    let index = try #require(published.segments.index(holding: Offset(205)))
    let base = published.segments[index].file.path.dropLast(4)
    #expect(Set(disk.openedPaths) == ["\(base).log", "\(base).index", "\(base).timeindex"])
  }

  @Test("After a start the newest timestamp of each segment is read once, whoever asks for it")
  func readsOnce() throws {
    let (disk, fixture) = try log()
    try fill(fixture)
    try fixture.reopen()
    let published = try fixture.log().published
    let indexes = published.segments.map { $0.file.path.dropLast(4) + ".timeindex" }
    disk.resetCounts()
    #expect(try LogReader(published).offset(at: 1_000_000) == nil)
    #expect(indexes.allSatisfy { disk.counts(of: String($0))[.open] == 1 })
    disk.resetCounts()
    #expect(try LogReader(published).offset(at: 1_000_000) == nil)
    for segment in published.segments { _ = try segment.newestTimestamp() }
    #expect(disk.openedPaths == [])
    #expect(try LogReader(published).offset(at: 2045)?.offset == Offset(205))
    let opened = disk.openedPaths.filter { $0.hasSuffix(".timeindex") }
    #expect(opened.count == 1, "that of the segment with the answer: \(opened)")
  }

  @Test("Retention by time reads no index of a segment that has ended since the start")
  func retentionReadsMemory() throws {
    let (disk, fixture) = try log()
    try fill(fixture)
    let partition = TopicPartition(topic: "t", partition: 0)
    var settings = try fixture.log().settings
    settings.retentionMilliseconds = 1000
    try fixture.directory.alterTopic(partition.topic, settings)
    disk.resetCounts()
    let now = LogTime(monotonicNanoseconds: 0, wallMilliseconds: 3000)
    #expect(try fixture.directory.applyRetention(now) > 10)
    #expect(disk.openedPaths.filter { $0.contains("index") } == [])
  }

  @Test("A search in pieces finds what it finds as a whole, a segment for each piece at most")
  func findsTheSameInPieces() throws {
    let (_, fixture) = try log()
    try fill(fixture)
    for isOpenedAgain in [false, true] {
      for probe in stride(from: Int64(-5), to: 4100, by: 205) {
        if isOpenedAgain { try fixture.reopen() }
        let published = try fixture.log().published
        let found = try inPieces(TimeSearch(published, at: probe))
        #expect(found.offset == (probe > 3990 ? nil : max(0, (probe + 9) / 10)), "\(probe)")
        if isOpenedAgain, let offset = found.offset {
          let index = try #require(published.segments.index(holding: Offset(offset)))
          #expect(found.pieces > index, "\(probe): each was read in a piece of its own")
        }
      }
    }
  }

  @Test("The newest record is found in pieces where the newest of all was deleted")
  func findsNewestInPieces() throws {
    let (_, fixture) = try log()
    try fixture.append(0, timestamp: 50_000)
    for number in 1..<Self.count { try fixture.append(number, timestamp: Int64(number) * 10) }
    let partition = TopicPartition(topic: "t", partition: 0)
    #expect(try inPieces(TimeSearch(newestOf: fixture.log().published)).offset == 0)
    _ = try fixture.directory.deleteRecords(partition, before: Offset(1))
    for isOpenedAgain in [false, true] {
      if isOpenedAgain { try fixture.reopen() }
      let found = try inPieces(TimeSearch(newestOf: fixture.log().published))
      #expect(found.offset == Int64(Self.count - 1))
    }
  }

  /// One segment whose last record is the newest, and whose first is newer than all others.
  private func longSegment() throws -> (disk: SimulatedDisk, fixture: LogFixture) {
    let (disk, fixture) = try log(segmentBytes: 1 << 20)
    try fixture.append(0, valueBytes: 1000, timestamp: 8000)
    for number in 1..<Self.count { try fixture.append(number, valueBytes: 1000, timestamp: 100) }
    try fixture.append(Self.count, timestamp: 9000)
    try fixture.reopen()
    #expect(try fixture.log().published.segments.count == 1)
    return (disk, fixture)
  }

  @Test("Within a long segment a search pauses between its headers, and goes on there")
  func pausesWithinSegments() throws {
    let (_, fixture) = try longSegment()
    let search = TimeSearch(try fixture.log().published, at: 8500)
    let found = try inPieces(search)
    #expect(found.offset == Int64(Self.count))
    // 400 KB of headers, of which a piece passes 16 KiB.
    #expect(found.pieces > 20 && found.pieces < 60, "found \(found.pieces)")
  }

  @Test("A time index that was cut short is found out in pieces, too, and made anew")
  func findsShortIndexInPieces() throws {
    let (disk, fixture) = try longSegment()
    let path = fixture.file("00000000000000000000.timeindex")
    let whole = try #require(disk.contents(of: path))
    disk.setContents(of: path, Array(whole.prefix(12)))
    let found = try inPieces(TimeSearch(fixture.log().published, at: 8500))
    #expect(found.offset == Int64(Self.count))
    #expect(found.pieces > 20, "found \(found.pieces)")
    #expect(disk.contents(of: path) == whole)
  }

  @Test("A search that retention overtakes goes on behind what was deleted")
  func survivesRetention() throws {
    let (_, fixture) = try log()
    try fill(fixture)
    try fixture.reopen()
    let published = try fixture.log().published
    var search = TimeSearch(published, at: 1995)
    for _ in 0..<5 {
      guard case .goesOn = try search.goOn(during: TimeSlice(nanoseconds: 0)) else {
        Issue.record("the search has ended early")
        return
      }
    }
    var settings = try fixture.log().settings
    settings.retentionMilliseconds = 1000
    try fixture.directory.alterTopic("t", settings)
    let now = LogTime(monotonicNanoseconds: 0, wallMilliseconds: 4000)
    #expect(try fixture.directory.applyRetention(now) > 10)
    let start = published.startOffset.rawValue
    #expect(start > 200)
    #expect(try inPieces(search).offset == start)
  }
}
