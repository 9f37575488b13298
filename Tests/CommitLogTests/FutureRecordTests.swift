import CommitLog
import LinuxIO
import LogStorage
import Records
import TestSupport
import Testing

@Suite("A record from the future")
struct FutureRecordTests {
  private static let noon: Int64 = 1_800_000_000_000
  private static let day: Int64 = 86_400_000

  private func fixture(partitions: Int = 1) throws -> LogFixture {
    let fixture = try LogFixture(.buffered, DiskUnderTest.linux.make(), partitions: partitions) {
      $0.segmentBytes = 1024
      $0.retentionMilliseconds = 60_000
    }
    fixture.now = time(0)
    return fixture
  }

  private func time(_ milliseconds: Int64) -> LogTime {
    LogTime(
      monotonicNanoseconds: milliseconds * 1_000_000, wallMilliseconds: Self.noon + milliseconds)
  }

  /// One record ahead of its time, and behind it seven expired ones and the present's, each in a
  /// segment.
  private func fill(_ fixture: LogFixture, ahead: Int64, partition: Int32 = 0) throws {
    let times = [ahead] + [Int64](repeating: -Self.day, count: 7) + [0]
    for (number, time) in times.enumerated() {
      try fixture.append(
        number, valueBytes: 900, timestamp: Self.noon + time, partition: partition)
    }
  }

  private func notices(_ fixture: LogFixture) -> [String] {
    fixture.directory.notices.take().map(\.description)
  }

  @Test("that holds back expired segments is told with all that it takes to mend it")
  func isTold() throws {
    let fixture = try fixture()
    try fill(fixture, ahead: 3650 * Self.day)
    let segments = try fixture.log().published.segments
    #expect(segments.count == 9)
    #expect(try fixture.directory.applyRetention(time(0)) == 0)
    let told = notices(fixture)
    #expect(told.count == 1)
    let bytes = segments[1..<8].reduce(0) { $0 + $1.file.end.rawValue }
    let text = try #require(told.first)
    #expect(
      text.hasPrefix(fixture.file("00000000000000000000.log") + ": partition t-0 "), "\(text)")
    #expect(text.contains("holds back 7 segments (\(bytes) bytes)"), "\(text)")
    #expect(text.contains("retention.ms=60000"), "\(text)")
    #expect(text.contains("(2037-01-12T08:00:00.000Z, \(Self.noon + 3650 * Self.day))"), "\(text)")
    #expect(text.contains("until 2037-01-12T08:01:00.000Z"), "\(text)")
    #expect(text.contains("DeleteRecords before offset 1)"), "\(text)")
  }

  @Test("is told once a day, as long as it is the first")
  func isToldOnceADay() throws {
    let fixture = try fixture()
    try fill(fixture, ahead: 3650 * Self.day)
    var told: [Int64] = []
    for minute in 0..<(25 * 60) as Range<Int64> where minute % 5 == 0 {
      try fixture.directory.applyRetention(time(minute * 60_000))
      if !notices(fixture).isEmpty { told.append(minute) }
    }
    #expect(told == [0, 24 * 60])
  }

  @Test("lets the segments behind it go when it is deleted")
  func letsOthersGo() throws {
    let fixture = try fixture()
    try fill(fixture, ahead: 3650 * Self.day)
    try fixture.directory.applyRetention(time(0))
    let partition = TopicPartition(topic: "t", partition: 0)
    #expect(try fixture.directory.deleteRecords(partition, before: Offset(1)) == Offset(1))
    #expect(try fixture.directory.applyRetention(time(1000)) == 7)
    #expect(try fixture.numbers() == [8])
    #expect(notices(fixture).count == 1, "only the first")
  }

  @Test("is not told where it holds nothing back, or its clock is a little ahead")
  func isNotToldWithoutNeed() throws {
    let alone = try fixture()
    for number in 0..<5 {
      let ahead = number < 2 ? 30 * Self.day : 0
      try alone.append(number, valueBytes: 900, timestamp: Self.noon + ahead)
    }
    #expect(try alone.directory.applyRetention(time(0)) == 0)
    #expect(notices(alone).isEmpty)
    let close = try fixture()
    try fill(close, ahead: 60_000)
    #expect(try close.directory.applyRetention(time(0)) == 0)
    #expect(notices(close).isEmpty)
  }

  @Test("that others follow is told with those that are expired behind all of them")
  func looksPastOthers() throws {
    let fixture = try fixture()
    for number in 0..<3 {
      try fixture.append(number, valueBytes: 900, timestamp: Self.noon + 30 * Self.day)
    }
    try fill(fixture, ahead: 30 * Self.day)
    try fixture.directory.applyRetention(time(0))
    let told = notices(fixture)
    #expect(told.count == 1 && told[0].contains("holds back 7 segments"), "\(told)")
  }

  @Test("in each of many partitions is told of ten by name, and of the others by their number")
  func limitsNotices() throws {
    let fixture = try fixture(partitions: 13)
    for partition in 0..<13 as Range<Int32> {
      try fill(fixture, ahead: 3650 * Self.day, partition: partition)
    }
    try fixture.directory.applyRetention(time(0))
    let told = notices(fixture)
    #expect(told.count == 11)
    #expect(told.last?.hasPrefix("\(fixture.path): 3 more partitions") == true, "\(told)")
    try fixture.directory.applyRetention(time(300_000))
    #expect(notices(fixture).isEmpty)
  }
}
