import CommitLog
import LinuxIO
import LogStorage
import Records
import TestSupport
import Testing

/// All of a log's bytes in order, while segments come and go.
@Suite("A stream of a log's bytes")
struct LogStreamTests {
  private func fixture() throws -> LogFixture {
    try LogFixture(.buffered, DiskUnderTest.simulated.make()) {
      $0.segmentBytes = 4000
      $0.retentionBytes = 1
    }
  }

  private func drain(_ stream: inout LogStream) throws -> Int {
    var count = 0
    while let slice = try stream.next(bytesMax: 1500) { count += slice.count }
    return count
  }

  @Test func `one at the end goes on when all that it has read was deleted`() throws {
    let fixture = try fixture()
    var stream = LogStream(try fixture.log().published)
    var number = 0
    for _ in 0..<5 {
      for _ in 0..<7 {
        try fixture.append(number, valueBytes: 900)
        number += 1
      }
      #expect(try drain(&stream) > 7 * 900)
      #expect(try fixture.directory.applyRetention(fixture.now) > 0)
      #expect(try drain(&stream) == 0)
    }
    #expect(try fixture.log().published.startOffset > .zero)
  }

  @Test func `one that was too slow is told`() throws {
    let fixture = try fixture()
    try fixture.append(0, valueBytes: 900)
    var stream = LogStream(try fixture.log().published)
    #expect(try stream.next(bytesMax: 100) != nil)
    for number in 1..<40 { try fixture.append(number, valueBytes: 900) }
    _ = try fixture.directory.applyRetention(fixture.now)
    // What is open stays readable to its end; what came behind it is gone.
    #expect(throws: LogError.self) { try drain(&stream) }
  }

  @Test func `one from the end sees only what comes later`() throws {
    let fixture = try fixture()
    try fixture.append(0, valueBytes: 900)
    var stream = LogStream(atEndOf: try fixture.log().published)
    #expect(try drain(&stream) == 0)
    for number in 1..<20 { try fixture.append(number, valueBytes: 900) }
    var whole = LogStream(try fixture.log().published)
    let first = try fixture.log().published.segments.first?.file.path
    let count = try drain(&whole)
    #expect(try drain(&stream) < count && first != nil)
    try fixture.reopen()
    var again = LogStream(try fixture.log().published)
    #expect(try drain(&again) == count)
  }
}
