import LogStorage
import Records

/// What an input makes of a data directory: one byte chooses what it begins as, then operations change
/// one file after the other.
///
/// ```
/// scenario | append plan: 4 bytes | operation and its operands …
/// ```
/// Operations work on the current file, which `chooseSegmentFile`, `chooseFile` and `chooseExisting`
/// name. Made so that a few mutated bytes are another interesting directory, and not only other noise.
struct RecoveryProgram {
  enum Operation: Int, CaseIterable {
    case chooseSegmentFile, chooseFile, chooseExisting
    case raw, zeros, text, number
    case batch, batches, displacedBatch, cutBatch, largeBatch
    case flipBit, setByte, truncate, copy, removeFile, makeDirectory
    case checkpoint, cleanShutdown, setting
  }

  /// Past it nothing is added any more.
  static let fileBytesMax = 3 << 20

  private(set) var directory: FuzzDirectory
  let plan: AppendPlan
  private var program: FuzzInput
  private var current = FuzzDirectory.segment(0)
  private var largeBatchCount = 0

  init(_ input: [UInt8]) {
    program = FuzzInput(input)
    directory = RecoveryScenario.make(Int(program.byte()))
    plan = AppendPlan(&program)
    var count = 0
    while !program.isAtEnd && count < 256 {
      count += 1
      run(Operation.allCases[program.below(Operation.allCases.count)])
    }
  }

  private var bytes: [UInt8] {
    get { directory.files[current] ?? [] }
    set {
      if directory.directories.contains(current) { return }
      directory.files[current] = Array(newValue.prefix(Self.fileBytesMax))
    }
  }

  private mutating func run(_ operation: Operation) {
    switch operation {
    case .chooseSegmentFile: current = segmentFile()
    case .chooseFile: current = program.element(of: Self.names)
    case .chooseExisting:
      let names = directory.files.keys.sorted()
      if !names.isEmpty { current = program.element(of: names) }
    case .raw: bytes += program.bytes(program.below(256))
    case .zeros: bytes += [UInt8](repeating: 0, count: program.word() * 4)
    case .text: bytes += Array(program.element(of: Self.texts).utf8)
    case .number: bytes += Array("\(integer())".utf8)
    case .batch: bytes += batch(base: nextOffset)
    case .batches: for _ in 0..<program.below(16) { bytes += FuzzBatch(base: nextOffset).bytes }
    case .displacedBatch: bytes += batch(base: integer())
    case .cutBatch:
      let whole = batch(base: nextOffset)
      bytes += whole.prefix(program.word() % whole.count)
    case .largeBatch:
      largeBatchCount += 1
      if largeBatchCount > 6 { return }
      bytes += FuzzBatch(base: nextOffset, valueBytes: program.word() * 16).bytes
    case .flipBit, .setByte: change(operation)
    case .truncate: bytes = bytes.dropLast(min(bytes.count, program.word()))
    case .copy:
      let names = directory.files.keys.sorted()
      if !names.isEmpty { bytes += directory.files[program.element(of: names)] ?? [] }
    case .removeFile: directory.files[current] = nil
    case .makeDirectory:
      directory.files[current] = nil
      directory.directories.insert(current)
    case .checkpoint: writeCheckpoint()
    case .cleanShutdown: writeCleanShutdown()
    case .setting: writeSetting()
    }
  }

  private mutating func change(_ operation: Operation) {
    var changed = bytes
    let position = program.word()
    let value = program.byte()
    if changed.isEmpty { return }
    // From the end as easily as from the beginning.
    let index =
      value & 0x80 == 0 ? position % changed.count : changed.count - 1 - position % changed.count
    if operation == .flipBit { changed[index] ^= 1 << (value & 7) } else { changed[index] = value }
    bytes = changed
  }

  // MARK: - Operands

  private static let bases: [Int64] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 100, 1 << 31, 1 << 32, .max - 1, .max,
  ]

  private mutating func integer() -> Int64 {
    let choice = program.below(Self.bases.count + 3)
    if choice < Self.bases.count { return Self.bases[choice] }
    if choice == Self.bases.count { return nextOffset &+ Int64(program.below(5)) &- 2 }
    return choice == Self.bases.count + 1 ? program.integer() : -1
  }

  private mutating func segmentFile() -> String {
    let suffixes = [
      ".log", ".index", ".timeindex", ".log.cut", ".index.tmp", ".log.0.cut", ".snapshot",
      ".log.deleted",
    ]
    let base = max(0, integer())
    let suffix = program.element(of: suffixes)
    return FuzzDirectory.segment(base, suffix, partition: program.below(8) == 7 ? 1 : 0)
  }

  private static let names = [
    "topics/t.properties", "topics/u.properties", "topics/u.properties.tmp",
    "topics/b d.properties",
    "topics/notes", ".varve_cleanshutdown", "recovery-point-offset-checkpoint",
    "recovery-point-offset-checkpoint.tmp", ".lock", "t-0/recycle.spare",
    "t-0/partition.metadata", "t-0/00000000000000000000.log.79.cut", "t-0/99999999999999999999.log",
    "t-0/-0000000000000000001.log", "t-0/notes.log", "u-0/00000000000000000000.log", "t-1", "u-0/x",
  ]

  private static let texts = [
    "0\n", "1\n", "2\n", "t 0 ", "t 1 ", "u 0 ", "\n", " ", "=", "#", "partitions=", "topic.id=",
    "AAAAAAAAQACAAAAAAAAAAQ", "9223372036854775807", "-1", "varve clean shutdown 1\n", "crc32c ",
    "CreateTime", "LogAppendTime", "version: 0\ntopic_id: ", "\r\n", "\u{e9}", "100001",
  ]

  /// The offset that follows what the current file holds.
  private var nextOffset: Int64 {
    let digits = current.split(separator: "/").last.map { $0.prefix(20) } ?? ""
    return PlainSegment(bytes, base: Int64(digits) ?? 0).nextOffset
  }

  private mutating func batch(base: Int64) -> [UInt8] {
    var batch = FuzzBatch(base: base)
    let kind = program.byte()
    batch.recordCount = 1 + Int(kind & 7)
    batch.valueBytes = [5, 40, 300, 1000][Int(kind >> 3 & 3)]
    batch.timestamp = Int64(program.byte()) * 100
    switch kind >> 5 {
    case 1: batch.compression = .lz4
    case 2: batch.lastOffsetDelta = .max
    case 3: batch.lastOffsetDelta = Int32(kind & 7) + Int32(program.byte())
    case 4: batch.maxTimestamp = program.integer()
    case 5: batch.timestamp = program.integer()
    case 6: batch.lastOffsetDelta = Int32(truncatingIfNeeded: max(0, .max - 1 - max(0, base)))
    default: break
    }
    return batch.bytes
  }

  // MARK: - Files that say how it was left

  private mutating func writeCheckpoint() {
    var text = ""
    let partitions = program.below(3)
    for partition in 0..<partitions { text += "t \(partition) \(integer())\n" }
    directory.files["recovery-point-offset-checkpoint"] = Array("0\n\(partitions)\n\(text)".utf8)
  }

  /// As a clean stop would write it for what is there now, its checksum included; the end may be
  /// another than there is.
  private mutating func writeCleanShutdown() {
    let shift = program.below(4)
    var text = "varve clean shutdown 1\n"
    for partition in 0..<2 {
      guard let last = directory.segments(of: "t-\(partition)").last else { continue }
      let bytes = directory.files[last.name] ?? []
      let end = PlainSegment(bytes, base: last.base).nextOffset
      let stated = shift == 3 ? integer() : end &+ Int64(shift)
      text += "t \(partition) \(last.base) \(bytes.count) \(stated)\n"
    }
    let crc = PlainCRC.castagnoli.checksum(Array(text.utf8)[...])
    text += "crc32c \(String(crc, radix: 16))\n"
    directory.files[".varve_cleanshutdown"] = Array(text.utf8)
  }

  private static let settings: [(name: String, values: [String])] = [
    ("segment.bytes", ["1024", "2147483647", "65536", "1023"]),
    ("segment.ms", ["1", "9223372036854775807", "0"]),
    ("index.interval.bytes", ["0", "100", "2147483647", "-1"]),
    ("retention.ms", ["0", "1", "-1", "9223372036854775807"]),
    ("retention.bytes", ["0", "1", "1000", "-1"]),
    ("message.timestamp.type", ["CreateTime", "LogAppendTime", "x"]),
    ("varve.durability", ["none", "interval", "batch", "group", ""]),
    ("flush.ms", ["1", "9223372036854775807"]), ("varve.flush.bytes", ["1", "1000000"]),
    (
      "varve.backend",
      [
        "buffered", "direct", "mmap", "uring", "uring-buffered", "dontcache", "deferred-direct",
        "x",
      ]
    ),
    (
      "varve.preallocation",
      ["none", "fallocate", "fallocate-extend", "zero", "recycle", "default", "x"]
    ),
    ("partitions", ["1", "2", "3", "100000", "0"]), ("topic.id", ["AAAAAAAAQACAAAAAAAAAAQ", "x"]),
  ]

  private mutating func writeSetting() {
    let setting = program.element(of: Self.settings)
    let line = "\(setting.name)=\(program.element(of: setting.values))\n"
    directory.files["topics/t.properties", default: []] += Array(line.utf8)
  }
}

/// What is done with a directory that opened.
struct AppendPlan {
  let partition: Int32
  let recordCount: Int
  let valueBytes: Int
  let timestamp: Int64
  let appliesRetention: Bool
  let createsTopic: Bool
  let rollsFirst: Bool

  init(_ program: inout FuzzInput) {
    let choice = program.byte()
    partition = Int32(choice & 1)
    appliesRetention = choice & 2 != 0
    createsTopic = choice & 4 != 0
    rollsFirst = choice & 8 != 0
    recordCount = 1 + program.below(20)
    valueBytes = program.below(256) * 4
    timestamp = Int64(program.byte()) * 100
  }
}
