import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

@Suite("What a read costs")
struct ReadCostTests {
  @Test("an offset out of 1,000 segments touches one index and one bounded scan")
  func touchesOneSegment() throws {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data") {
      $0.segmentBytes = 20_000
      $0.indexIntervalBytes = 2000
    }
    let count = 19_000
    for number in 0..<count { try fixture.append(number, valueBytes: 950) }
    try fixture.reopen()
    let log = try fixture.log().published
    #expect(log.segments.count >= 1000)
    var random = SeededGenerator(seed: 4)
    for _ in 0..<50 {
      // Not of the last segment, which is as the others here, but need not be.
      let offset = Offset(Int64(random.below(count - 20)))
      var reader = LogReader(log)
      disk.resetCounts()
      let read = try #require(try reader.read(from: offset, bytesMax: 1))
      #expect(read.firstBatch.baseOffset == offset)
      let opened = Set(disk.openedPaths)
      let base = read.segment.file.path.dropLast(4)
      #expect(opened == ["\(base).log", "\(base).index"], "offset \(offset)")
      #expect(disk.counts(of: "\(base).index")[.open] == 1)
      // Less than twenty entries by binary search, and about one interval of headers, through a
      // read-ahead of 16 KiB.
      #expect(disk.counts(of: "\(base).index").bytesRead <= 8 * 6)
      #expect(disk.counts(of: "\(base).log").bytesRead <= 18_000)
      // The whole log is a thousand times that.
      #expect(disk.counts[.read] <= 12, "found \(disk.counts[.read])")
    }
  }
}
