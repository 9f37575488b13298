import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

/// How a directory was left before the damage.
enum Stop: CaseIterable, Sendable {
  /// The clean marker is there.
  case clean
  /// No marker, but a recovery point that covers everything.
  case crashAfterCheckpoint
  /// Neither.
  case crash
}

/// A closed log on a simulated disk, to be damaged and opened again.
struct DamagedLog {
  static let directory = "/data/log"
  static let partition = "/data/log/t-0"
  let disk: SimulatedDisk

  /// `count` batches of one record, number, offset and timestamp rising together.
  static func make(
    _ count: Int, valueBytes: Int = 40, segmentBytes: Int = 1 << 20
  ) throws -> DamagedLog {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data") {
      $0.segmentBytes = segmentBytes
      $0.indexIntervalBytes = 300
    }
    for number in 0..<count {
      try fixture.append(number, valueBytes: valueBytes, timestamp: 1000 + Int64(number) * 10)
    }
    try fixture.directory.close()
    return DamagedLog(disk: disk)
  }

  /// Another disk with the same content, stopped as said.
  func copy(_ stop: Stop) throws -> DamagedLog {
    let copy = disk.powerCut(seed: 0, .everything)
    let io = SimulatedFileIO(copy)
    if stop != .clean { try io.remove("\(Self.directory)/.varve_cleanshutdown") }
    if stop == .crash { try io.remove("\(Self.directory)/recovery-point-offset-checkpoint") }
    return DamagedLog(disk: copy)
  }

  var logPaths: [String] {
    disk.allPaths.filter { $0.hasPrefix(Self.partition) && $0.hasSuffix(".log") }
  }

  /// Every file of the partition.
  var files: [String: [UInt8]] {
    let paths = disk.allPaths.filter { $0.hasPrefix(Self.partition) }
    return Dictionary(uniqueKeysWithValues: paths.map { ($0, disk.contents(of: $0) ?? []) })
  }

  func path(_ base: Int, _ suffix: String = ".log") -> String {
    let digits = String(base)
    let zeros = String(repeating: "0", count: 20 - digits.count)
    return "\(Self.partition)/\(zeros)\(digits)\(suffix)"
  }

  func change(_ path: String, _ body: (inout [UInt8]) -> Void) {
    var bytes = disk.contents(of: path) ?? []
    body(&bytes)
    disk.setContents(of: path, bytes)
  }

  func remove(_ path: String) throws { try SimulatedFileIO(disk).remove(path) }

  func open() throws(LogError) -> LogFixture {
    try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data")
  }

  /// What became of the damaged log.
  enum Outcome {
    case refused(LogError)
    case unreadable(LogError, notices: [LogNotice])
    case read([Int], notices: [LogNotice])
  }

  func outcome() throws -> Outcome {
    let fixture: LogFixture
    do throws(LogError) { fixture = try open() } catch { return .refused(error) }
    do {
      let numbers = try fixture.numbers()
      return .read(numbers, notices: fixture.directory.notices.take())
    } catch let error as LogError {
      return .unreadable(error, notices: fixture.directory.notices.take())
    }
  }

  /// Checks what must hold of any damage to the log's own bytes, and gives the numbers that can
  /// still be read; nil where a clear error came instead.
  @discardableResult
  func check(_ stop: Stop, count: Int, _ context: String) throws -> [Int]? {
    let before = files
    switch try outcome() {
    case .refused(let error):
      #expect(stop != .crash, "\(context): nothing is known to be durable, so it opens: \(error)")
      expectPlace(error, context)
      #expect(files == before, "\(context): nothing was changed")
      return nil
    case .unreadable(let error, _):
      expectPlace(error, context)
      #expect(stop != .crash, "\(context): recovery leaves what can be read: \(error)")
      for path in logPaths {
        #expect(disk.contents(of: path) == before[path], "\(context): \(path) was changed")
      }
      return nil
    case .read(let numbers, let notices):
      #expect(numbers == Array(0..<numbers.count), "\(context): a prefix, unaltered")
      if stop != .crash { #expect(numbers.count == count, "\(context): nothing missing") }
      if numbers.count < count {
        #expect(!notices.isEmpty, "\(context): said what was cut")
        #expect(keptCount(notices) != nil, "\(context): \(notices)")
      }
      return numbers
    }
  }

  /// How many `.cut` files there are; nil where a notice names one that is not there.
  private func keptCount(_ notices: [LogNotice]) -> Int? {
    let kept = disk.allPaths.filter { $0.hasSuffix(".cut") }
    let named = notices.filter { $0.text.contains(".cut") }
    return named.count <= kept.count ? kept.count : nil
  }

  private func expectPlace(_ error: LogError, _ context: String) {
    let text = "\(error)"
    #expect(text.contains(Self.partition) && text.contains("byte "), "\(context): \(text)")
  }
}

@Suite("Damaged segments")
struct BadInputTests {
  @Test(
    "a bit flipped anywhere is an error that says where, or a stated repair",
    .enabled(if: TestBuild.isOptimized, "runs long: in release builds"), arguments: Stop.allCases)
  func survivesAnyFlippedBit(_ stop: Stop) throws {
    var random = SeededGenerator(seed: 11)
    for segmentBytes in [1 << 20, 1024] {
      let log = try DamagedLog.make(
        6, valueBytes: segmentBytes > 1024 ? 40 : 240, segmentBytes: segmentBytes)
      #expect(log.logPaths.count == (segmentBytes > 1024 ? 1 : 2))
      let original = log.files
      for path in log.logPaths {
        let bytes = try #require(original[path])
        for byte in bytes.indices {
          let copy = try log.copy(stop)
          let bit = byte * 8 + random.below(8)
          #expect(copy.disk.flipBit(of: path, bit))
          let context = "\(stop), segments of \(segmentBytes), \(path), bit \(bit)"
          let numbers = try copy.check(stop, count: 6, context)
          if let numbers, numbers.count < 5, segmentBytes > 1024 {
            let kept = copy.disk.allPaths.first { $0.hasSuffix(".cut") }
            let tail = try #require(kept.flatMap { copy.disk.contents(of: $0) }, "\(context)")
            #expect(tail.suffix(100) == bytes.suffix(100), "\(context): kept what was intact")
          }
          // Whatever was found, appends go on or say why not, and nothing crashes.
          if let fixture = try? copy.open() {
            _ = try? LogReader(fixture.log().published).offset(at: 1035)
            _ = try? fixture.append(100)
          }
        }
      }
    }
  }

  @Test(
    "zeros behind the last batch are cut off; with garbage behind them, it is said",
    arguments: Stop.allCases)
  func cutsZeroTails(_ stop: Stop) throws {
    let log = try DamagedLog.make(5)
    let original = try #require(log.disk.contents(of: log.path(0)))
    for count in [1, 7, 60, 61, 4096, 3 << 20] {
      for garbage in [false, true] {
        let copy = try log.copy(stop)
        copy.change(copy.path(0)) {
          $0 += [UInt8](repeating: 0, count: count) + (garbage ? [1, 2, 3] : [])
        }
        guard case .read(let numbers, let notices) = try copy.outcome() else {
          Issue.record("\(stop), \(count) zeros: does not open")
          continue
        }
        #expect(numbers == [0, 1, 2, 3, 4])
        #expect(copy.disk.contents(of: copy.path(0)) == original)
        #expect(notices.isEmpty == (!garbage && stop != .clean), "\(notices)")
      }
    }
  }

  @Test("an unfinished last batch is cut off, unless it was durable", arguments: Stop.allCases)
  func cutsUnfinishedBatches(_ stop: Stop) throws {
    let log = try DamagedLog.make(5)
    let size = try #require(log.disk.contents(of: log.path(0))).count
    // Of the first seven bytes alone nobody can tell that they are not padding.
    for missing in 1...(size / 5 - 8) {
      let copy = try log.copy(stop)
      copy.change(copy.path(0)) { $0.removeLast(missing) }
      // The marker's size differs, and the recovery point says what there was.
      let numbers = try copy.check(
        stop == .clean ? .crashAfterCheckpoint : stop, count: 5, "\(stop), \(missing) missing")
      #expect(numbers?.count == (stop == .crash ? 4 : nil))
      let more = try log.copy(stop)
      more.change(more.path(0)) { $0 += $0.prefix(missing) }
      guard case .read(let all, let notices) = try more.outcome() else {
        Issue.record("\(missing) bytes of a further batch: does not open")
        continue
      }
      #expect(all == [0, 1, 2, 3, 4])
      // Offset 0 and the length begin with eleven bytes of zero.
      #expect(!notices.isEmpty || missing <= 11, "\(stop), \(missing)")
    }
  }

  @Test("another magic, and offsets that repeat, go backward or jump", arguments: Stop.allCases)
  func refusesWhatDoesNotFollow(_ stop: Stop) throws {
    let log = try DamagedLog.make(5)
    let size = try #require(log.disk.contents(of: log.path(0))).count / 5
    let damages: [(String, (inout [UInt8]) -> Void)] = [
      ("magic 0", { $0[2 * size + 16] = 0 }), ("magic 1", { $0[2 * size + 16] = 1 }),
      ("magic 3", { $0[2 * size + 16] = 3 }), ("repeats", { $0[2 * size + 7] = 1 }),
      ("goes backward", { $0[2 * size + 7] = 0 }), ("jumps", { $0[2 * size + 7] = 4 }),
      ("negative", { $0[2 * size] = 0xff }),
      ("length 0", { $0.replaceSubrange((2 * size + 8)..<(2 * size + 12), with: [0, 0, 0, 0]) }),
      (
        "huge length",
        { $0.replaceSubrange((2 * size + 8)..<(2 * size + 12), with: [127, 0, 0, 0]) }
      ),
      (
        "zeros",
        { $0.replaceSubrange((2 * size)..<(3 * size), with: [UInt8](repeating: 0, count: size)) }
      ),
    ]
    for (name, damage) in damages {
      let copy = try log.copy(stop)
      copy.change(copy.path(0), damage)
      let numbers = try copy.check(stop, count: 5, "\(stop), \(name)")
      #expect(numbers == (stop == .crash ? [0, 1] : nil), "\(stop), \(name)")
      if stop == .crash {
        #expect(copy.disk.allPaths.contains { $0.hasSuffix(".cut") }, "\(name): kept")
        let fixture = try copy.open()
        try fixture.append(2)
        #expect(try fixture.numbers() == [0, 1, 2], "\(name): appends go on")
      }
    }
    let twice = try log.copy(stop)
    twice.change(twice.path(0)) { $0 += $0.suffix(size) }
    let numbers = try twice.check(stop, count: 5, "\(stop), the last batch twice")
    #expect(numbers == [0, 1, 2, 3, 4])
  }

  @Test("a segment missing or empty in the middle is a hole that is told", arguments: Stop.allCases)
  func tellsOfHoles(_ stop: Stop) throws {
    let log = try DamagedLog.make(12, valueBytes: 240, segmentBytes: 1024)
    #expect(log.logPaths.count == 4)
    for segment in 1..<4 {
      for isRemoved in [true, false] {
        let copy = try log.copy(stop)
        let path = copy.path(segment * 3)
        if isRemoved { try copy.remove(path) } else { copy.disk.setContents(of: path, []) }
        let context = "\(stop), segment \(segment) \(isRemoved ? "removed" : "emptied")"
        let before = copy.files
        let lossless = stop == .crash && segment == 3
        if lossless {
          guard case .read(let numbers, _) = try copy.outcome() else {
            Issue.record("\(context): does not open")
            continue
          }
          #expect(numbers == Array(0..<9), "\(context): nobody can know that there was more")
          continue
        }
        let numbers = try copy.check(stop, count: 12, context)
        #expect(numbers?.count == (stop == .crash ? segment * 3 : nil), "\(context)")
        if stop == .crash {
          // What lay behind the hole is kept, byte for byte.
          for later in ((segment + 1)..<4) {
            let name = copy.path(later * 3)
            #expect(copy.disk.contents(of: name + ".cut") == before[name], "\(context)")
          }
        }
      }
    }
  }

  @Test(
    "files of other names are left alone, and leftovers of a replacement go",
    arguments: Stop.allCases)
  func ignoresStrangeNames(_ stop: Stop) throws {
    let log = try DamagedLog.make(12, valueBytes: 240, segmentBytes: 1024)
    let copy = try log.copy(stop)
    let strange = [
      "notes.txt", "0.log", ".log", "x.index", "99999999999999999999.log",
      "-0000000000000000001.log", "0000000000000000000a.log", "00000000000000000000.log.bak",
      "00000000000000000000.snapshot", "00000000000000000003.log.deleted", "lost+found",
    ]
    for name in strange { copy.disk.setContents(of: "\(DamagedLog.partition)/\(name)", [1, 2, 3]) }
    copy.disk.makeDirectory("\(DamagedLog.partition)/00000000000000000005.log")
    let leftOvers = ["00000000000000000003.index.tmp", "00000000000000000077.timeindex"]
    for name in leftOvers { copy.disk.setContents(of: "\(DamagedLog.partition)/\(name)", [9]) }
    copy.disk.setContents(of: "\(DamagedLog.directory)/recovery-point-offset-checkpoint.tmp", [9])
    guard case .read(let numbers, _) = try copy.outcome() else {
      Issue.record("\(stop): does not open")
      return
    }
    #expect(numbers == Array(0..<12))
    for name in strange {
      #expect(copy.disk.contents(of: "\(DamagedLog.partition)/\(name)") == [1, 2, 3], "\(name)")
    }
    if stop != .clean {
      for name in leftOvers {
        #expect(copy.disk.contents(of: "\(DamagedLog.partition)/\(name)") == nil, "\(name)")
      }
    }
  }

  @Test("a segment with the greatest offset for a name leaves the log", arguments: Stop.allCases)
  func takesTheGreatestName(_ stop: Stop) throws {
    let log = try DamagedLog.make(5)
    let bytes = try #require(log.disk.contents(of: log.path(0)))
    for content in [bytes, []] {
      let copy = try log.copy(stop)
      copy.disk.setContents(of: "\(DamagedLog.partition)/09223372036854775807.log", content)
      #expect(try copy.check(.crash, count: 5, "\(stop)") == [0, 1, 2, 3, 4])
    }
    let alone = try log.copy(.crash)
    try alone.remove(alone.path(0))
    alone.disk.setContents(of: "\(DamagedLog.partition)/09223372036854775807.log", bytes)
    let fixture = try alone.open()
    #expect(throws: LogError.self) { try fixture.append(0) }
    #expect(throws: LogError.self) { try fixture.append(0) }
  }
}
