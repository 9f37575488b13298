import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

@Suite("The record with the newest timestamp")
struct NewestRecordTests {
  private func fixture(_ durability: Durability = .none) throws -> LogFixture {
    try LogFixture(.buffered, DiskUnderTest.linux.make()) {
      $0.segmentBytes = 1024
      $0.durability = durability
    }
  }

  private func newest(_ fixture: LogFixture) throws -> [Int64]? {
    let found = try LogReader(try fixture.log().published).newestRecord()
    return found.map { [$0.offset.rawValue, $0.timestamp] }
  }

  @Test("is found in any segment, and the first of equals")
  func anySegment() throws {
    for place in [0, 7, 12, 29] {
      let fixture = try fixture()
      #expect(try newest(fixture) == nil, "an empty log")
      for number in 0..<30 {
        let isNewest = number == place || number == 29
        try fixture.append(number, timestamp: isNewest ? 5000 : Int64(number))
      }
      #expect(try fixture.log().published.segments.count > 3)
      #expect(try newest(fixture) == [Int64(place), 5000])
      try fixture.reopen()
      #expect(try newest(fixture) == [Int64(place), 5000])
    }
  }

  @Test("is one that the log still holds, where records were deleted inside a segment")
  func notDeleted() throws {
    let fixture = try fixture()
    for number in 0..<3 { try fixture.append(number, timestamp: Int64(9000 - number)) }
    let partition = TopicPartition(topic: "t", partition: 0)
    _ = try fixture.directory.deleteRecords(partition, before: Offset(1))
    #expect(try newest(fixture) == [1, 8999])
    _ = try fixture.directory.deleteRecords(partition, before: Offset(3))
    #expect(try newest(fixture) == nil)
  }

  @Test("is one that is readable, while a newer one waits for its flush")
  func notUnacknowledged() throws {
    let fixture = try fixture(.group)
    try fixture.append(0, timestamp: 100)
    try fixture.settle()
    try fixture.append(1, timestamp: 900)
    #expect(try newest(fixture) == [0, 100])
    try fixture.settle()
    #expect(try newest(fixture) == [1, 900])
    // Over many segments, with time going on and with it going back.
    for number in 2..<40 { try fixture.append(number, timestamp: Int64(500 + number)) }
    try fixture.settle()
    #expect(try newest(fixture) == [1, 900])
    for number in 40..<70 {
      try fixture.append(number, timestamp: Int64(1000 + number))
      if number % 3 == 0 { try fixture.settle() }
      let readable = try fixture.log().published.endOffset.rawValue - 1
      #expect(try newest(fixture) == (readable < 40 ? [1, 900] : [readable, 1000 + readable]))
    }
  }
}
