import CommitLog
import LinuxIO
import Records
import SimulatedStorage
import Synchronization

/// A log of known batches with the indexes that the product made for it, stopped cleanly.
struct IndexedLog: Sendable {
  struct Segment: Sendable {
    let base: Int64
    let name: String
    let plain: PlainSegment
    /// Of every batch, the records that a reader sees: offset and time.
    let records: [[(offset: Int64, timestamp: Int64)]]
  }

  enum Question: Equatable, Sendable {
    case offset(Int64)
    case time(Int64)
  }

  let files: FuzzDirectory
  let segments: [Segment]
  let questions: [Question]

  /// True where an index's 32 bits reach every batch. Our own segments end before they do not.
  var isReachable: Bool {
    segments.allSatisfy { $0.plain.nextOffset - $0.base <= Int64(UInt32.max) }
  }

  private static let made = Mutex<[Int: IndexedLog]>([:])

  /// The log that 16 bits describe. Kept, since making one costs more than asking it.
  static func make(_ shape: Int) -> IndexedLog {
    if let log = made.withLock({ $0[shape] }) { return log }
    let log = IndexedLog(shape)
    made.withLock {
      if $0.count > 2_000 { $0 = [:] }
      $0[shape] = log
    }
    return log
  }

  private init(_ shape: Int) {
    let count = 1 + shape & 31
    let valueBytes = [10, 90, 300, 1500][shape >> 5 & 3]
    let rollEvery = [100, 7, 3, 1][shape >> 7 & 3]
    var settings = TopicSettings(backend: "buffered")
    settings.segmentBytes = 1 << 16
    settings.indexIntervalBytes = [0, 100, 300, 4096][shape >> 9 & 3]
    var directory = FuzzDirectory()
    directory.addTopic(settings)
    var base: Int64 = 0
    var name = FuzzDirectory.segment(0)
    for index in 0..<count {
      if index % rollEvery == 0 {
        name = FuzzDirectory.segment(base)
        directory.files[name] = []
      }
      var batch = FuzzBatch()
      batch.base = base
      batch.valueBytes = valueBytes
      batch.recordCount = 1 + index % 3
      batch.timestamp = Self.time(index, pattern: shape >> 11 & 3)
      switch shape >> 13 & 3 {
      case 1: batch.lastOffsetDelta = Int32(index + 3)
      case 2: batch.lastOffsetDelta = .max
      case 3: batch.compression = index % 2 == 0 ? .gzip : .none
      default: break
      }
      // A newest time that no record has.
      if shape >> 15 == 1 { batch.maxTimestamp = batch.timestamp + 10 }
      let bytes = batch.bytes
      directory.files[name]? += bytes
      base = PlainSegment(bytes, base: base).nextOffset
    }
    let stopped = Self.stopped(directory)
    files = stopped
    segments = stopped.segments(of: "t-0").map { Self.segment($0, stopped) }
    questions = Self.questions(segments)
  }

  private static func time(_ index: Int, pattern: Int) -> Int64 {
    switch pattern {
    case 0: 1_000 + Int64(index) * 10
    case 1: 1_000
    case 2: 9_000 - Int64(index) * 10
    default: Int64(index * 37 % 23) * 100
    }
  }

  /// The directory after it was opened, which makes the indexes, and closed.
  private static func stopped(_ directory: FuzzDirectory) -> FuzzDirectory {
    let disk = directory.disk
    do {
      let open = try OpenDirectory(disk)
      try open.directory.close()
    } catch { fatalError("a log of intact batches does not open: \(error)") }
    var files = FuzzDirectory(disk)
    files.directories = directory.directories
    return files
  }

  private static func segment(
    _ place: (base: Int64, name: String), _ files: FuzzDirectory
  ) -> Segment {
    let bytes = files.files[place.name] ?? []
    let plain = PlainSegment(bytes, base: place.base)
    let records = plain.batches.map { batch in
      let walk = try? Walk(Array(bytes[batch.position..<batch.end]))
      return (walk?.records ?? []).map { ($0.offset, $0.record.timestamp) }
    }
    return Segment(base: place.base, name: place.name, plain: plain, records: records)
  }

  private static func questions(_ segments: [Segment]) -> [Question] {
    let batches = segments.flatMap { $0.plain.batches.map(\.header) }
    let offsets = Set(
      batches.flatMap {
        [$0.baseOffset.rawValue, $0.lastOffset.rawValue, $0.lastOffset.rawValue - 1]
      })
    let times = Set(
      batches.flatMap {
        [$0.maxTimestamp - 1, $0.maxTimestamp, $0.maxTimestamp + 1, $0.baseTimestamp]
      })
    let first = batches.first?.baseOffset.rawValue ?? 0
    return offsets.filter { $0 >= first }.sorted().map { .offset($0) }
      + (times.sorted() + [.min, .max]).map { .time($0) }
  }

  // MARK: - Answers, by a scan of everything

  func batch(holding offset: Int64) -> (segment: Int64, batch: PlainBatch)? {
    for segment in segments {
      let found = segment.plain.batches.first { $0.header.lastOffset.rawValue >= offset }
      if let found { return (segment.base, found) }
    }
    return nil
  }

  func record(at time: Int64) -> (offset: Int64, timestamp: Int64)? {
    for segment in segments {
      for (batch, records) in zip(segment.plain.batches, segment.records)
      where batch.header.maxTimestamp >= time {
        return records.first { $0.timestamp >= time }
          ?? (batch.header.baseOffset.rawValue, batch.header.maxTimestamp)
      }
    }
    return nil
  }
}

/// What the input does to the index files.
struct IndexChanges {
  private let log: IndexedLog
  private let names: [String]

  init(_ log: IndexedLog) {
    self.log = log
    names = log.files.files.keys.filter { $0.hasSuffix("index") }.sorted()
  }

  func apply(_ program: inout FuzzInput, to directory: inout FuzzDirectory) {
    var changeCount = 0
    while !program.isAtEnd && changeCount < 64 {
      changeCount += 1
      let kind = program.below(10)
      let name = program.element(of: names)
      let entryBytes = name.hasSuffix(".timeindex") ? 12 : 8
      var bytes = directory.files[name] ?? []
      switch kind {
      case 0:
        directory.files[name] = nil
        continue
      case 1: bytes.removeLast(bytes.count - min(bytes.count, program.word()))
      case 2: bytes += program.bytes(program.below(40))
      case 3:
        let position = program.word()
        if position < bytes.count { bytes[position] = program.byte() }
      case 4: replaceEntry(&bytes, program.below(64), program.bytes(entryBytes))
      case 5: replaceEntry(&bytes, program.below(64), composed(&program, name))
      case 6: bytes += composed(&program, name)
      case 7: bytes = directory.files[program.element(of: names)] ?? []
      case 8: bytes += Array(bytes.prefix(entryBytes * program.below(64)))
      default:
        directory.files[name] = nil
        directory.directories.insert(name)
        continue
      }
      if !directory.directories.contains(name) {
        directory.files[name] = Array(bytes.prefix(1 << 14))
      }
    }
  }

  private func replaceEntry(_ bytes: inout [UInt8], _ index: Int, _ entry: [UInt8]) {
    let start = index * entry.count
    guard start + entry.count <= bytes.count else { return }
    bytes.replaceSubrange(start..<(start + entry.count), with: entry)
  }

  /// 0, 1 or -1.
  private static func shift(_ program: inout FuzzInput) -> Int64 {
    [0, 1, -1][program.below(3)]
  }

  /// An entry of one batch's offset with the position, or the time, of another, or of the same.
  private func composed(_ program: inout FuzzInput, _ name: String) -> [UInt8] {
    let segment = program.element(of: log.segments)
    guard !segment.plain.batches.isEmpty else { return [] }
    let one = program.element(of: segment.plain.batches)
    let other = program.element(of: segment.plain.batches)
    let relative = UInt32(
      truncatingIfNeeded: one.header.lastOffset.rawValue - segment.base + Self.shift(&program))
    var entry = FuzzProgram()
    if name.hasSuffix(".timeindex") {
      entry.integer(other.header.maxTimestamp + Self.shift(&program))
      entry.word(Int(relative >> 16))
      entry.word(Int(relative & 0xffff))
    } else {
      entry.word(Int(relative >> 16))
      entry.word(Int(relative & 0xffff))
      entry.word(other.position >> 16)
      entry.word(other.position & 0xffff)
    }
    return entry.bytes
  }
}
