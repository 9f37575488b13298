import CommitLog
import LinuxIO
import Records
import SimulatedStorage

/// Lookups by offset and time beside index files that hold anything: what they answer is what a plain
/// scan of the log gives, since an index is a hint.
///
/// Input: two bytes choose the log, three the first question, the rest changes its index files.
/// Questions follow in the order of the log, but an index that does not hold is made anew at the first
/// that finds out, so the first one matters.
struct IndexTarget {
  private let log: IndexedLog
  /// The log's directory with other index files.
  let changed: FuzzDirectory
  private let isBackward: Bool
  private let choice: Int

  init(_ input: [UInt8]) {
    var program = FuzzInput(input)
    log = IndexedLog.make(program.word())
    isBackward = program.bit()
    choice = program.word()
    var changed = log.files
    IndexChanges(log).apply(&program, to: &changed)
    self.changed = changed
  }

  func run() throws(FuzzViolation) {
    let forged = ForgedEntries(log, changed)

    let disk = changed.disk
    let open: OpenDirectory
    do throws(LogError) { open = try OpenDirectory(disk) } catch {
      throw FuzzViolation("the log does not open: \(error)")
    }
    guard
      let published = try? open.directory.log(TopicPartition(topic: "t", partition: 0)).published
    else { throw FuzzViolation("the partition is not there") }
    var questions = log.questions
    let chosen = questions[choice % questions.count]
    if isBackward { questions.reverse() }
    // Not all of many: those that matter are asked sooner or later.
    let step = 1 + questions.count / 24
    let others = stride(from: choice % step, to: questions.count, by: step).map { questions[$0] }
    for question in [chosen] + others { try ask(question, published, forged) }

    let notices = open.directory.notices.take()
    if changed == log.files && log.isReachable {
      try require(notices.isEmpty, "a notice about good indexes: \(notices)")
    }
    try checkMended(notices, disk)
  }

  private func ask(
    _ question: IndexedLog.Question, _ published: PublishedLog, _ forged: ForgedEntries
  ) throws(FuzzViolation) {
    let found: String
    let expected: String
    do throws(LogError) {
      switch question {
      case .offset(let offset):
        var reader = LogReader(published)
        found = Self.text(try reader.read(from: Offset(offset), bytesMax: 1))
        expected = Self.text(log.batch(holding: offset))
        if forged.hasOffset { return }
      case .time(let time):
        let place = try LogReader(published).offset(at: time)
        found = place.map { "offset \($0.offset), time \($0.timestamp)" } ?? "none"
        expected =
          log.record(at: time).map { "offset \($0.offset), time \($0.timestamp)" } ?? "none"
        if forged.hasTime || forged.hasOffset { return }
      }
    } catch { throw FuzzViolation("\(question): \(error)") }
    try require(found, equals: expected, "\(question)")
  }

  private static func text(_ read: LogRead?) -> String {
    read.map { "byte \($0.position) of segment \($0.segment.baseOffset): \($0.firstBatch)" }
      ?? "none"
  }

  private static func text(_ place: (segment: Int64, batch: PlainBatch)?) -> String {
    place.map { "byte \($0.batch.position) of segment \($0.segment): \($0.batch.header)" } ?? "none"
  }

  /// An index that was made anew is the one that was there before.
  private func checkMended(_ notices: [LogNotice], _ disk: SimulatedDisk) throws(FuzzViolation) {
    let now = FuzzDirectory(disk)
    for notice in notices where notice.text.hasSuffix("made anew from the log") {
      let name = String(notice.path.dropFirst(FuzzDirectory.root.utf8.count + 1))
      for suffix in [".index", ".timeindex"] {
        let index = name.dropLast(".log".count) + suffix
        try require(
          now.files[String(index)] == log.files.files[String(index)],
          "\(index) was made anew, and differs")
      }
    }
  }
}

/// What a forger, and no damage, can make: an entry that the log confirms where a reader looks, and that
/// is untrue all the same. No reader can tell without reading the whole segment, so these are believed:
/// - a position inside a batch whose bytes look like another batch's header, with that last offset;
/// - a batch's own time and offset, where a batch before it is newer.
struct ForgedEntries {
  private(set) var hasOffset = false
  private(set) var hasTime = false

  init(_ log: IndexedLog, _ directory: FuzzDirectory) {
    for segment in log.segments {
      let name = String(segment.name.dropLast(".log".count))
      let bytes = directory.files[segment.name] ?? []
      for entry in Self.entries(directory.files[name + ".index"], of: 8) {
        let last = segment.base + Self.number(entry[0..<4])
        let position = Int(Self.number(entry[4..<8]))
        if segment.plain.batches.contains(where: { $0.position == position }) { continue }
        guard position < bytes.count,
          let header = try? RecordBatchHeader(
            parsing: bytes.span.bytes.extracting(droppingFirst: position)),
          header.lastOffset.rawValue == last
        else { continue }
        hasOffset = true
      }
      for entry in Self.entries(directory.files[name + ".timeindex"], of: 12) {
        let time = Self.number(entry[0..<8])
        let last = segment.base + Self.number(entry[8..<12])
        var newest = Int64.min
        for batch in segment.plain.batches {
          newest = max(newest, batch.header.maxTimestamp)
          let isNamed =
            batch.header.lastOffset.rawValue == last && batch.header.maxTimestamp == time
          if isNamed && newest > time { hasTime = true }
        }
      }
    }
  }

  private static func entries(_ bytes: [UInt8]?, of size: Int) -> [[UInt8]] {
    guard let bytes, bytes.count % size == 0 else { return [] }
    return stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<($0 + size)]) }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> Int64 {
    Int64(bitPattern: bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }
}
