import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

/// What recovery does about bytes behind a torn batch that look like batches.
@Suite("Recovery behind a torn batch")
struct IntactBatchSearchTests {
  /// Headers one after the other that claim to reach to the end of all of them, each with an offset
  /// that the log could have reached.
  private func imitations(_ byteCount: Int) -> [UInt8] {
    let count = byteCount / RecordBatchHeader.byteCount
    var bytes: [UInt8] = []
    for number in 0..<count {
      let left = (count - number) * RecordBatchHeader.byteCount
      bytes += Self.big(5, 8) + Self.big(Int64(left - 12), 4) + Self.big(0, 4) + [2]
      bytes += Self.big(1, 4) + Self.big(0, 2) + Self.big(0, 4) + Self.big(0, 16)
      bytes += Self.big(-1, 8) + Self.big(-1, 2) + Self.big(-1, 4) + Self.big(1, 4)
    }
    return bytes
  }

  private static func big(_ value: Int64, _ count: Int) -> [UInt8] {
    (0..<count).reversed().map { $0 > 7 ? 0 : UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
  }

  private func opened(behind tail: [UInt8]) throws -> (LogFixture, DamagedLog, [LogNotice]) {
    let log = try DamagedLog.make(3).copy(.crash)
    // A batch begins, of which not all has come.
    var torn = Self.big(3, 8) + Self.big(Int64(tail.count + 1000), 4) + Self.big(0, 4) + [2]
    torn += [UInt8](repeating: 0, count: RecordBatchHeader.byteCount - torn.count)
    log.change(log.path(0)) { $0 += torn + tail }
    log.disk.resetCounts()
    let fixture = try log.open()
    return (fixture, log, fixture.directory.notices.take())
  }

  @Test func `reads a few times as much as there is, however much looks like a batch`() throws {
    let tail = imitations(4 << 20)
    let (fixture, log, notices) = try opened(behind: tail)
    #expect(try fixture.numbers() == [0, 1, 2])
    let read = log.disk.counts(of: log.path(0)).bytesRead
    #expect(read < 20 * tail.count, "\(read) bytes were read for \(tail.count)")
    #expect(notices.contains { $0.text.contains("the search for them was given up") }, "\(notices)")
    let kept = try #require(log.disk.allPaths.first { $0.hasSuffix(".cut") })
    #expect(log.disk.contents(of: kept)?.count == RecordBatchHeader.byteCount + tail.count)
  }

  @Test func `finds batches among a few imitations, and keeps them`() throws {
    let whole = TestBatch.make(first: 4)
    // The offset is not under the checksum.
    let batch =
      Self.big(4, 8) + whole.withBytes { bytes in bytes.withUnsafeBytes { $0.dropFirst(8) } }
    let (fixture, log, notices) = try opened(behind: imitations(2000) + batch)
    #expect(try fixture.numbers() == [0, 1, 2])
    #expect(notices.contains { $0.text.contains("1 intact batches lay behind;") }, "\(notices)")
    #expect(log.disk.allPaths.contains { $0.hasSuffix(".cut") })
  }
}
