import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport

/// A data directory that holds anything: it opens or says why not, and what opens is a log.
struct RecoveryTarget {
  private let before: FuzzDirectory
  private let plan: AppendPlan

  init(_ input: [UInt8]) {
    let program = RecoveryProgram(input)
    before = program.directory
    plan = program.plan
  }

  /// Nothing but the logs themselves to go by: every byte of them is checked.
  private var trustsNothing: Bool {
    before.files[".varve_cleanshutdown"] == nil
      && before.files["recovery-point-offset-checkpoint"] == nil
  }

  /// Nothing was said about a clean stop, so that a second opening has no less to go by than the first.
  private var isUnclean: Bool { before.files[".varve_cleanshutdown"] == nil }

  func run() throws(FuzzViolation) {
    let disk = before.disk
    try verify(disk)
    let open: OpenDirectory
    do throws(LogError) { open = try OpenDirectory(disk) } catch {
      try checkRefusal(error, disk)
      return
    }
    try checkKept(disk)
    try checkLogs(open)
    if isUnclean { try checkSecondOpening(disk, open) }
    try RecoveredAppend(open, plan, trustsNothing: trustsNothing).run()
  }

  // MARK: - Before

  /// A look at the files changes none of them.
  private func verify(_ disk: SimulatedDisk) throws(FuzzViolation) {
    let found = FuzzDirectory(disk)
    for name in ["t-0", "t-1"] where before.directories.contains(name) {
      var verifier = LogVerifier(io: SimulatedFileIO(disk))
      do throws(LogError) { try verifier.verifyPartition("\(FuzzDirectory.root)/\(name)") } catch {
        _ = "\(error)"
      }
    }
    try require(FuzzDirectory(disk) == found, "the verifier changed something")
  }

  // MARK: - Refused

  private func checkRefusal(_ error: LogError, _ disk: SimulatedDisk) throws(FuzzViolation) {
    _ = "\(error)"
    if case .damaged(let path, _, _, _) = error {
      try require(!trustsNothing, "nothing is known to be durable, and it does not open: \(error)")
      let after = FuzzDirectory(disk)
      // <root>/<partition>/<file>, or <root>/<partition> where there is none.
      let partition = path.dropFirst(FuzzDirectory.root.utf8.count + 1).prefix { $0 != "/" } + "/"
      for (name, bytes) in before.files where name.hasPrefix(partition) {
        try require(
          after.files[name] == bytes, "\(name) was changed by an opening that failed: \(error)")
      }
    }
    do throws(LogError) { _ = try OpenDirectory(disk) } catch {
      if case .directoryInUse = error {
        throw FuzzViolation("an opening that failed keeps the directory locked")
      }
      return
    }
    // Once the marker is gone, more is checked, and less is believed.
    try require(!isUnclean, "opens at the second try, after \(error)")
  }

  // MARK: - Opened

  /// Whatever left a log is still there, under a name that says so.
  private func checkKept(_ disk: SimulatedDisk) throws(FuzzViolation) {
    let after = FuzzDirectory(disk)
    let kept = after.files.filter { $0.key.hasSuffix(".cut") }.map(\.value)
    for (name, bytes) in before.files where name.hasSuffix(".cut") {
      try require(kept.contains(bytes), "\(name), kept by a recovery before, is gone")
    }
    for partition in ["t-0", "t-1"] {
      for segment in before.segments(of: partition) {
        let bytes = before.files[segment.name] ?? []
        guard let left = after.files[segment.name] else {
          try require(bytes.isEmpty || kept.contains(bytes), "\(segment.name) is gone")
          continue
        }
        try require(bytes.starts(with: left), "\(segment.name) is not what it was")
        let cut = Array(bytes[left.count...])
        let end = PlainSegment(left, base: segment.base).nextOffset
        try require(
          kept.contains(cut) || !PlainSegment.holdsIntactBatch(cut, from: max(0, end)),
          "\(segment.name): intact batches behind byte \(left.count) are gone")
      }
    }
  }

  private func checkLogs(_ open: OpenDirectory) throws(FuzzViolation) {
    let files = FuzzDirectory(open.disk)
    for log in open.logs {
      let content = LogContent(log.published)
      try require(content.start <= content.end, "the log \(content.start) to \(content.end)")
      if !trustsNothing { continue }
      try require(content.error, equals: nil, "reading \(log.partition)")
      try require(content.nextOffset, equals: content.end, "the end of \(log.partition)")
      var expected = content.start
      for segment in files.segments(of: log.partition.directoryName) {
        let bytes = files.files[segment.name] ?? []
        let plain = PlainSegment(bytes, base: segment.base)
        try require(segment.base, equals: expected, "where \(segment.name) begins")
        try require(plain.end, equals: bytes.count, "where the batches of \(segment.name) end")
        expected = plain.nextOffset
      }
      try require(expected, equals: content.end, "the end of the segments of \(log.partition)")
      try checkTimes(log, files)
    }
  }

  /// A search by time finds what a scan finds.
  private func checkTimes(
    _ log: PartitionLog, _ files: FuzzDirectory
  ) throws(FuzzViolation) {
    let headers = files.segments(of: log.partition.directoryName).flatMap { segment in
      PlainSegment(files.files[segment.name] ?? [], base: segment.base).batches.map(\.header)
    }
    for time in Set(headers.map(\.maxTimestamp)).sorted().prefix(8) {
      let expected = headers.first { $0.maxTimestamp >= time }
      let found: Offset?
      do throws(LogError) {
        found = try LogReader(log.published).offset(at: time)?.offset
      } catch .batch {
        // A CRC says that the records are those that came, not that they hold together.
        continue
      } catch { throw FuzzViolation("time \(time): \(error)") }
      guard let found, let expected, found >= expected.baseOffset, found <= expected.lastOffset
      else { throw FuzzViolation("time \(time): found \(String(describing: found))") }
    }
  }

  /// Power goes right after an opening: the next one finds the same, or damage that index files, which
  /// are gone with the power, led the first one past.
  private func checkSecondOpening(
    _ disk: SimulatedDisk, _ open: OpenDirectory
  ) throws(FuzzViolation) {
    let cut = disk.powerCut(seed: 1, .guaranteed)
    let again: OpenDirectory
    do throws(LogError) { again = try OpenDirectory(cut) } catch {
      if isOldDamage(error, FuzzDirectory(cut)) { return }
      throw FuzzViolation("opens, and not again after a power cut: \(error)")
    }
    try require(
      again.logs.map { LogContent($0.published) } == open.logs.map { LogContent($0.published) },
      "another log after a power cut")
    let (one, other) = (FuzzDirectory(disk), FuzzDirectory(cut))
    for (name, bytes) in one.files where name.hasSuffix(".log") || name.hasSuffix(".cut") {
      try require(other.files[name] == bytes, "\(name) differs after a power cut")
    }
  }
}

extension RecoveryTarget {
  /// True where the batches of the file that the error names do end where it says, below what a
  /// checkpoint calls durable.
  private func isOldDamage(_ error: LogError, _ files: FuzzDirectory) -> Bool {
    guard !trustsNothing, case .damaged(let path, let position, _, _) = error else { return false }
    let name = String(path.dropFirst(FuzzDirectory.root.utf8.count + 1))
    guard let slash = name.firstIndex(of: "/"),
      let segment = files.segments(of: String(name[..<slash])).first(where: { $0.name == name })
    else { return false }
    let plain = PlainSegment(files.files[name] ?? [], base: segment.base)
    return plain.end == Int(position.rawValue)
  }
}

/// What can be read of a log from its start.
struct LogContent: Equatable {
  let start: Int64
  let end: Int64
  private(set) var headers: [RecordBatchHeader] = []
  private(set) var nextOffset: Int64?
  private(set) var error: String?

  init(_ log: PublishedLog) {
    start = log.startOffset.rawValue
    end = log.endOffset.rawValue
    var reader = LogReader(log)
    var found: [RecordBatchHeader] = []
    do throws(LogError) {
      let result = try reader.forEachBatch(from: log.startOffset) { (batch) throws(BatchError) in
        found.append(batch.header)
      }
      switch result {
      case .success(let next): nextOffset = next.rawValue
      case .failure(let failure): error = "\(failure)"
      }
    } catch { self.error = "\(error)" }
    headers = found
  }
}
