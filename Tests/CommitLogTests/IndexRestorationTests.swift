import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

@Suite("A last segment that is appended to again")
struct IndexRestorationTests {
  private static let interval = 4096
  private static let offsetIndex = "00000000000000000000.index"
  private static let timeIndex = "00000000000000000000.timeindex"

  private func open(_ disk: SimulatedDisk) throws -> LogFixture {
    try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data") {
      $0.indexIntervalBytes = Self.interval
      $0.durability = .batch
    }
  }

  private func append(
    _ numbers: Range<Int>, to fixture: LogFixture, time: (Int) -> Int64 = { 1000 + Int64($0) }
  ) throws {
    for number in numbers { try fixture.append(number, timestamp: time(number)) }
  }

  /// A log of 2,000 batches of 170 bytes in one segment.
  private func make(time: (Int) -> Int64 = { 1000 + Int64($0) }) throws -> (
    SimulatedDisk, LogFixture
  ) {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let fixture = try open(disk)
    try append(0..<2000, to: fixture, time: time)
    return (disk, fixture)
  }

  @Test("The first append after a clean stop reads at most two index intervals of the segment")
  func readsTwoIntervals() throws {
    let (disk, fixture) = try make()
    try fixture.directory.close()
    let again = try open(disk)
    disk.resetCounts()
    try append(2000..<2001, to: again)
    let read = disk.counts(of: again.file("00000000000000000000.log")).bytesRead
    // An interval ends with the batch that exceeds it; two headers are looked at for themselves.
    let intervalBytes = Self.interval + 2 * 170
    #expect(read > 0 && read <= 2 * intervalBytes + 2 * 128, "\(read)")
    #expect(try again.numbers() == Array(0..<2001))
  }

  @Test(
    "A segment that is appended to after a clean stop has the indexes of one that never stopped")
  func goesOnAlike() throws {
    for time: @Sendable (Int) -> Int64 in [
      { 1000 + Int64($0) }, { _ in 1000 }, { 1000 - Int64($0) }, { 1000 + Int64($0 * 7919 % 1000) },
    ] {
      let (disk, stopped) = try make(time: time)
      try stopped.directory.close()
      let again = try open(disk)
      try append(2000..<4000, to: again, time: time)
      let (otherDisk, whole) = try make(time: time)
      try append(2000..<4000, to: whole, time: time)
      for fixture in [again, whole] { try fixture.log().roll() }
      for name in [Self.offsetIndex, Self.timeIndex] {
        let bytes = disk.contents(of: again.file(name))
        #expect(bytes != nil && bytes == otherDisk.contents(of: whole.file(name)), "\(name)")
      }
    }
  }

  @Test(
    "Index files that do not fit the log cost a scan, and change nothing else",
    arguments: ["removed", "cut", "zeros", "of another log", "swapped"])
  func ignoresBadIndexes(_ damage: String) throws {
    for name in [Self.offsetIndex, Self.timeIndex] {
      let (disk, fixture) = try make()
      try fixture.directory.close()
      let path = fixture.file(name)
      let bytes = try #require(disk.contents(of: path))
      switch damage {
      case "removed": disk.removeName(path)
      case "cut": disk.setContents(of: path, Array(bytes.prefix(bytes.count / 2)))
      case "zeros":
        disk.setContents(
          of: path, bytes.enumerated().map { $0.offset < bytes.count / 3 ? $0.element : 0 })
      case "of another log": disk.setContents(of: path, bytes.map { $0 ^ 0x10 })
      default:
        let other = name == Self.offsetIndex ? Self.timeIndex : Self.offsetIndex
        disk.setContents(of: path, try #require(disk.contents(of: fixture.file(other))))
      }
      let again = try open(disk)
      try append(2000..<2100, to: again)
      #expect(try again.numbers() == Array(0..<2100))
      try again.log().roll()
      #expect(try again.log().published.segments[0].newestTimestamp() == 3099)
      for offset in stride(from: 0, to: 2100, by: 97) {
        let found = try again.numbers(from: Offset(Int64(offset)))
        #expect(found.first == offset)
      }
    }
  }

  @Test("A recovery after a kill reads the segment from the recovery point on, by the saved index")
  func recoversFromThere() throws {
    let (disk, fixture) = try make()
    try fixture.directory.checkpoint()
    try append(2000..<2010, to: fixture)
    let left = disk.processKill()
    let again = try open(left)
    let read = left.counts(of: again.file("00000000000000000000.log")).bytesRead
    // Sixteen entries may wait to be saved, and what lies behind them is read three times at most: for
    // its checksums, to be written again, and to see that it was.
    let bytes = 17 * (Self.interval + 170) + 10 * 170
    #expect(again.directory.recoveredBytes <= bytes)
    #expect(read <= 3 * bytes, "\(read)")
    #expect(try again.numbers() == Array(0..<2010))
  }
}
