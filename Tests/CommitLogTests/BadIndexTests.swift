import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

@Suite("Damaged indexes and small files")
struct BadIndexTests {
  private static let count = 60
  private static let segmentBytes = 3000

  private struct Damage: Sendable, CustomStringConvertible {
    let description: String
    let suffix: String
    /// True where the damage cannot be harmless: it must be told and mended.
    let mustBeMended: Bool
    /// The new content; nil removes the file.
    let apply: @Sendable ([UInt8]) -> [UInt8]?
  }

  private static let damages: [Damage] = {
    var damages: [Damage] = []
    for (suffix, size) in [(".index", 8), (".timeindex", 12)] {
      func add(_ name: String, _ must: Bool, _ apply: @escaping @Sendable ([UInt8]) -> [UInt8]?) {
        damages.append(
          Damage(
            description: "\(suffix) \(name)", suffix: suffix, mustBeMended: must, apply: apply))
      }
      let isTime = suffix == ".timeindex"
      add("missing", true) { _ in nil }
      // Without entries a search begins at the segment's start: slower, and right.
      add("empty", isTime) { _ in [] }
      add("cut in an entry", true) { Array($0.dropLast(3)) }
      add("cut to one byte", true) { Array($0.prefix(1)) }
      add("cut at an entry's end", isTime) { Array($0.dropLast(size)) }
      add("cut to one entry", isTime) { Array($0.prefix(size)) }
      add("a byte too long", true) { $0 + [0] }
      add("zeros behind", isTime) { $0 + [UInt8](repeating: 0, count: size) }
      add("all zeros", isTime) { [UInt8](repeating: 0, count: $0.count) }
      add("all ones", isTime) { [UInt8](repeating: 0xff, count: $0.count) }
      for seed in UInt64(0)..<10 {
        add("garbage \(seed)", false) {
          var random = SeededGenerator(seed: seed)
          return random.bytes($0.count)
        }
      }
      add("positions in the middle of a batch", !isTime) { bytes in
        var bytes = bytes
        for entry in stride(from: 0, to: bytes.count, by: size) { bytes[entry + size - 1] ^= 1 }
        return bytes
      }
      add("entries in reverse", false) { bytes in
        stride(from: bytes.count - size, through: 0, by: -size).flatMap { bytes[$0..<($0 + size)] }
      }
      add("offsets exchanged", true) { bytes in
        var bytes = bytes
        let width = 4
        let at = isTime ? 8 : 0
        for entry in stride(from: 0, to: bytes.count - size, by: 2 * size) {
          for byte in (entry + at)..<(entry + at + width) { bytes.swapAt(byte, byte + size) }
        }
        return bytes
      }
    }
    return damages
  }()

  @Test(
    "every offset and timestamp is found, and what misled is told and made anew",
    .enabled(if: TestBuild.isOptimized, "runs long: in release builds"), arguments: damages.indices)
  func findsEverything(_ index: Int) throws {
    let damage = Self.damages[index]
    let log = try DamagedLog.make(Self.count, valueBytes: 100, segmentBytes: Self.segmentBytes)
    let original = log.files
    for stop in Stop.allCases {
      let copy = try log.copy(stop)
      for path in log.logPaths {
        let indexPath = String(path.dropLast(4)) + damage.suffix
        let bytes = try #require(original[indexPath])
        if let changed = damage.apply(bytes) {
          copy.disk.setContents(of: indexPath, changed)
        } else {
          try copy.remove(indexPath)
        }
      }
      let fixture = try copy.open()
      let published = try fixture.log().published
      for number in 0..<Self.count {
        var reader = LogReader(published)
        let read = try #require(try reader.read(from: Offset(Int64(number)), bytesMax: 1))
        #expect(read.firstBatch.baseOffset == Offset(Int64(number)), "\(stop), \(damage)")
        for early in [Int64(0), 5] {
          let found = try reader.offset(at: 1000 + Int64(number) * 10 - early)
          #expect(found?.offset == Offset(Int64(number)), "\(stop), \(damage), -\(early)")
        }
      }
      let past = try LogReader(published).offset(at: 1000 + Int64(Self.count) * 10)
      #expect(past == nil)
      let notices = fixture.directory.notices.take()
      let mended = copy.files == original
      if stop == .crash {
        #expect(mended, "\(damage): recovery makes all indexes anew")
      } else if damage.mustBeMended {
        #expect(mended && notices.contains { $0.text.contains("anew") }, "\(stop), \(damage)")
      }
    }
  }

  @Test(
    "a topic's properties with garbage: the file, the line, what was found",
    arguments: [
      ("garbage", 1), ("partitions=1\n\nwhat", 3), ("partitions=0", 1), ("partitions=many", 1),
      ("topic.id=short\npartitions=1", 1), ("partitions=1\n# note\nsegment.bytes=-5", 3),
      ("partitions=1\nvarve.durability=maybe", 2), ("retention.ms=\u{FFFD}", 1), ("", 1),
      ("partitions=1\nno.such.setting=1", 2), ("=\n", 1), ("partitions=99999999999999999999", 1),
    ])
  func namesTheLine(_ text: String, _ line: Int) throws {
    let log = try DamagedLog.make(3)
    let copy = try log.copy(.crash)
    let path = "\(DamagedLog.directory)/topics/t.properties"
    copy.disk.setContents(of: path, Array(text.utf8))
    let before = copy.files
    guard case .refused(let error) = try copy.outcome() else {
      Issue.record("'\(text)' was accepted")
      return
    }
    #expect("\(error)".hasPrefix("\(path):\(line): "), "\(error)")
    #expect(copy.files == before)
    copy.disk.setContents(of: path, [0xff, 0xfe, 0, 10, 0xc3])
    guard case .refused = try copy.outcome() else {
      Issue.record("bytes that are no text were accepted")
      return
    }
  }

  @Test("a checkpoint with garbage has everything checked, and says so")
  func doubtsCheckpoints() throws {
    let log = try DamagedLog.make(12, valueBytes: 240, segmentBytes: 1024)
    let name = "\(DamagedLog.directory)/recovery-point-offset-checkpoint"
    let whole = try #require(log.disk.contents(of: name))
    let texts = ["", "0", "1\n1\nt 0 12\n", "0\n2\nt 0 12\n", "0\n1\nt 0 -1\n", "0\n1\nt zero 1\n"]
    for bytes in texts.map({ Array($0.utf8) }) + [[0xff, 0, 1], Array(whole.dropLast(4))] {
      let copy = try log.copy(.crashAfterCheckpoint)
      copy.disk.setContents(of: name, bytes)
      let outcome = try copy.outcome()
      guard case .read(let numbers, let notices) = outcome else {
        Issue.record("\(bytes): \(outcome)")
        continue
      }
      #expect(numbers == Array(0..<12) && notices.contains { $0.path == name }, "\(bytes)")
      #expect(copy.disk.contents(of: name) == whole, "written anew")
    }
  }

  @Test("a recovery point past the log's end is damage, whatever remains of the log")
  func believesRecoveryPoints() throws {
    let log = try DamagedLog.make(5)
    let copy = try log.copy(.crashAfterCheckpoint)
    let name = "\(DamagedLog.directory)/recovery-point-offset-checkpoint"
    copy.disk.setContents(of: name, Array("0\n1\nt 0 6\n".utf8))
    copy.change(copy.path(0)) { $0 += [UInt8](repeating: 0, count: 100) }
    let before = copy.files
    guard case .refused(.damaged) = try copy.outcome() else {
      Issue.record("opened")
      return
    }
    #expect(copy.files == before, "nothing was changed")
    try copy.remove(copy.path(0))
    guard case .refused(.damaged) = try copy.outcome() else {
      Issue.record("opened without any segment")
      return
    }
  }

  @Test("a clean marker with garbage, or one that is stale, is not believed")
  func doubtsMarkers() throws {
    let log = try DamagedLog.make(12, valueBytes: 240, segmentBytes: 1024)
    let name = "\(DamagedLog.directory)/.varve_cleanshutdown"
    let marker = try #require(log.disk.contents(of: name))
    for byte in marker.indices {
      let copy = try log.copy(.clean)
      copy.disk.flipBit(of: name, byte * 8 + byte % 8)
      #expect(try copy.check(.clean, count: 12, "marker, byte \(byte)") == Array(0..<12))
      let short = try log.copy(.clean)
      short.disk.setContents(of: name, Array(marker.prefix(byte)))
      #expect(try short.check(.clean, count: 12, "marker of \(byte) bytes") == Array(0..<12))
    }
    // The marker of a time before the last appends, put back as a copy would.
    let stale = try log.copy(.clean)
    let fixture = try stale.open()
    for number in 12..<20 { try fixture.append(number) }
    try fixture.directory.close()
    stale.disk.setContents(of: name, marker)
    guard case .read(let numbers, let notices) = try stale.outcome() else {
      Issue.record("does not open")
      return
    }
    #expect(numbers == Array(0..<20) && notices.contains { $0.text.contains("clean shutdown") })
  }

  @Test("a directory in use is refused by name, and free again when it is closed")
  func refusesDirectoriesInUse() throws {
    let place = DiskUnderTest.linux.make()
    let first = try LogFixture(.buffered, place)
    try first.append(0)
    let path = first.path
    #expect(throws: LogError.directoryInUse(path: path)) { try LogFixture(.buffered, place) }
    try first.append(1)
    try first.directory.close()
    let second = try LogFixture(.buffered, place)
    #expect(try second.numbers() == [0, 1])
  }
}
