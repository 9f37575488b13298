import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

@Suite("A recycled segment")
struct RecycleTests {
  private static let spare = "recycle.spare"

  private func fixture(_ kind: BackendUnderTest, _ place: DiskUnderTest.Place) throws -> LogFixture
  {
    try LogFixture(kind, place) {
      $0.segmentBytes = 5000
      $0.preallocation = .recycle
      $0.retentionBytes = 1
      $0.durability = .batch
    }
  }

  private func fill(_ fixture: LogFixture, _ numbers: Range<Int>) throws {
    for number in numbers { try fixture.append(number, valueBytes: 900) }
    try fixture.settle()
  }

  @Test(
    "is written over by the next one, which ends where its own bytes do",
    arguments: BackendUnderTest.allCases.filter { $0.preallocations.contains(.recycle) },
    DiskUnderTest.allCases)
  func isUsedAgain(_ kind: BackendUnderTest, _ disk: DiskUnderTest) throws {
    let place = disk.make()
    let fixture = try fixture(kind, place)
    try fill(fixture, 0..<20)
    #expect(try fixture.directory.applyRetention(fixture.now) > 2)
    let spare = fixture.file(Self.spare)
    let oldSize = try #require(try place.io.size(ofFileAt: spare))
    #expect(oldSize > 3000)
    try fixture.log().roll()
    try fill(fixture, 20..<21)
    #expect(try place.io.size(ofFileAt: spare) == nil, "the spare has become a segment")
    let last = try #require(try fixture.log().published.segments.last?.file.path)
    // Its space is all there, and only the new bytes are the log's.
    #expect(try place.io.size(ofFileAt: last).map { $0 >= oldSize } == true)
    let start = Int(try fixture.log().published.startOffset.rawValue)
    #expect(try fixture.numbers() == Array(start..<21))
    // As a crash leaves it: the old batches behind the new one are not taken for records.
    if let left = place.disk?.powerCut(seed: 1, .everything) {
      let after = try LogFixture(kind, io: SimulatedFileIO(left), path: "/data")
      #expect(try after.numbers() == Array(start..<21))
      try after.append(21)
    }
    try fixture.reopen()
    #expect(try place.io.size(ofFileAt: last).map { $0 < 1100 } == true)
    #expect(try fixture.numbers() == Array(start..<21))
  }

  @Test("is none that a reader has open: that one is deleted, and stays readable")
  func leavesReadersAlone() throws {
    let place = DiskUnderTest.linux.make()
    let fixture = try fixture(.buffered, place)
    try fill(fixture, 0..<8)
    var reader = LogReader(try fixture.log().published)
    let read = try #require(try reader.read(from: Offset(1), bytesMax: 3000))
    let before = try read.slice.allBytes()
    let count = try fixture.log().published.segments.count
    #expect(try fixture.directory.applyRetention(fixture.now) == count - 1)
    #expect(count == 2)
    #expect(try place.io.size(ofFileAt: fixture.file(Self.spare)) == nil)
    try fill(fixture, 8..<20)
    #expect(try read.slice.allBytes() == before)
  }

  @Test("cannot be opened any more under its old name")
  func isRetired() throws {
    let place = DiskUnderTest.linux.make()
    let fixture = try fixture(.buffered, place)
    try fill(fixture, 0..<8)
    let old = try #require(try fixture.log().published.segments.first?.file)
    try fixture.directory.applyRetention(fixture.now)
    #expect(try place.io.size(ofFileAt: fixture.file(Self.spare)) != nil)
    #expect(throws: StorageError.self) { try old.slice(at: .zero, count: 10) }
  }

  @Test("is given up when the topic does not recycle any more")
  func isGivenUp() throws {
    let place = DiskUnderTest.linux.make()
    let fixture = try fixture(.buffered, place)
    try fill(fixture, 0..<20)
    try fixture.directory.applyRetention(fixture.now)
    #expect(try place.io.size(ofFileAt: fixture.file(Self.spare)) != nil)
    var settings = try #require(fixture.directory.topics["t"]).settings
    settings.preallocation = Preallocation.none
    try fixture.directory.alterTopic("t", settings)
    try fixture.log().roll()
    try fill(fixture, 20..<21)
    #expect(try place.io.size(ofFileAt: fixture.file(Self.spare)) == nil)
  }
}
