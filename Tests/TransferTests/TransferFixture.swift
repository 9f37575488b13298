import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing
import TransferPaths

/// A log of a few segments, whose batches are of every size that matters to a socket.
struct TransferFixture {
  let place: DiskUnderTest.Place
  let log: LogFixture

  init(
    _ backend: BackendUnderTest, _ disk: DiskUnderTest = .linux,
    _ adjust: (inout TopicSettings) -> Void = { _ in }
  ) throws {
    place = disk.make()
    log = try LogFixture(backend, place) {
      $0.segmentBytes = 60_000
      $0.durability = .none
      adjust(&$0)
    }
  }

  /// Appends a batch for each number.
  func fill(_ numbers: Range<Int>) throws {
    for number in numbers {
      var random = SeededGenerator(seed: UInt64(number))
      try log.append(number, valueBytes: 10 + random.below(25_000))
    }
    try log.settle()
  }

  /// The log's bytes, read and not sent.
  func logBytes() throws -> [UInt8] {
    var stream = LogStream(try log.log().published)
    var bytes: [UInt8] = []
    while let slice = try stream.next(bytesMax: 1 << 20) { bytes += try slice.allBytes() }
    return bytes
  }

  /// Sends the whole log in slices, calls and reads of random sizes; what should arrive.
  func stream(
    _ kind: PathUnderTest, _ connection: inout Connection, _ random: inout SeededGenerator,
    bytesMax: Int
  ) throws -> [UInt8] {
    let path = kind.make()
    try path.prepare(connection.sender)
    var stream = LogStream(try log.log().published)
    var expected: [UInt8] = []
    while let slice = try stream.next(bytesMax: 1 + random.below(bytesMax)) {
      expected += try slice.allBytes()
      var progress = TransferProgress()
      while progress.sentBytes < slice.count {
        let before = progress
        let step = try path.send(
          slice, to: connection.sender, from: progress, bytesMax: 1 + random.below(bytesMax))
        progress = step.progress
        #expect(step.isBlocked == (progress == before))
        if step.isBlocked || random.chance(0.3) {
          try connection.take(upTo: 1 + random.below(bytesMax))
        }
      }
    }
    return expected
  }
}
