import LinuxIO
import LogStorage
import Records

/// Reads segments and says what does not hold, changing nothing and holding no lock.
///
/// What was durable, or cleanly stopped, and does not hold is a problem. What a stop that was not
/// clean left unfinished is none: the next start cuts it off, and a remark says so. Nor is what a
/// process does meanwhile that has the directory open: the end of each last segment is being written,
/// segments come and go. Whatever looks bad is read once more before it is told.
package struct LogVerifier {
  private let io: any FileIO
  /// Between the two looks at what a process may be writing.
  private let pause: () -> Void
  /// Nil where the segments lie in no data directory, or in one that the caller did not name.
  private var state: DirectoryState?
  private var dataDirectory: String?
  package private(set) var report = Report()

  package init(io: any FileIO, pause: @escaping () -> Void = {}) {
    self.io = io
    self.pause = pause
  }

  /// What follows lies in this data directory, whose files say how it was left. Without this call,
  /// or where it is none, everything that does not hold is a problem.
  package mutating func read(dataDirectory: String) throws(LogError) {
    self.dataDirectory = dataDirectory
    try refresh()
    if state?.hasNoCheckpoint == true {
      report.addRemark(
        "\(dataDirectory)/\(LogFiles.recoveryPointName)",
        "is no checkpoint; the next start checks everything")
    }
  }

  private mutating func refresh() throws(LogError) {
    guard let dataDirectory else { return }
    state = try DirectoryState(io: io, directory: dataDirectory)
    if state?.isInUse == true { report.isInUse = true }
  }

  private var isInUse: Bool { state?.isInUse ?? false }
  /// A process had the directory open at some time since this verifier began, so that what was there
  /// then may be gone now.
  private var wasInUse: Bool { report.isInUse }

  // MARK: - Partitions

  /// Checks a partition's directory: every segment, that they follow each other, their indexes.
  package mutating func verifyPartition(_ directory: String) throws(LogError) {
    let partition = TopicPartition(directoryName: lastName(of: directory))
    var attempt = 1
    while true {
      guard let names = try list(directory) else { return }
      var found = Report()
      let isSame = try verify(directory, partition, names, &found)
      // Its segments came and went while it was read: from the beginning, but not for ever.
      if isSame || attempt == 3 {
        report.add(found)
        return
      }
      attempt += 1
    }
  }

  /// Nil where the folder went while a process had it.
  private mutating func list(_ directory: String) throws(LogError) -> [String]? {
    do { return try io.list(directory).map(\.name) } catch {
      if error.number == .noSuchFile {
        try refresh()
        if wasInUse { return nil }
      }
      throw .system(error)
    }
  }

  /// False where a gap was found, and the directory has other segments by now than `names` says.
  private mutating func verify(
    _ directory: String, _ partition: TopicPartition?, _ names: [String], _ found: inout Report
  ) throws(LogError) -> Bool {
    let bases = segmentBases(names)
    // Nil where it is not known: at the beginning, and behind a segment that went.
    var expected: Offset?
    for (index, base) in bases.enumerated() {
      let path = "\(directory)/\(SegmentNames.log(base))"
      if let end = expected, end != base {
        try refresh()
        if wasInUse, let now = try list(directory), segmentBases(now) != bases { return false }
        if wasInUse, try size(path) == nil {
          expected = nil
          continue
        }
        if state(of: partition).fault(at: end, before: base) == .unrecovered {
          try addLeaving(path, end, base, &found)
          continue
        }
        found.addProblem(path, "begins at offset \(base), expected \(end)")
      }
      let successor = bases.indices.contains(index + 1) ? bases[index + 1] : nil
      guard let segment = try look(path, partition, successor) else {
        expected = nil
        continue
      }
      found.add(segment.report)
      expected = segment.next
    }
    for name in names where name.hasSuffix(".cut") {
      found.addRemark("\(directory)/\(name)", "set aside by a recovery, not part of the log")
    }
    return true
  }

  /// A segment that the next start sets aside, since the log ends before it.
  private func addLeaving(
    _ path: String, _ end: Offset, _ base: Offset, _ found: inout Report
  ) throws(LogError) {
    let bytes = try size(path) ?? 0
    let text = "begins at offset \(base), and the log ends at offset \(end)"
    if bytes == 0 {
      found.addRemark(path, "\(text): empty; the next start removes it")
      return
    }
    found.segments += 1
    found.bytes += bytes
    found.uncutBytes += bytes
    found.addProblem(path, "\(text): the next start keeps its \(bytes) bytes in a .cut file")
  }

  private func state(of partition: TopicPartition?) -> PartitionState {
    guard let partition, let state else { return PartitionState() }
    return state.of(partition)
  }

  private func segmentBases(_ names: [String]) -> [Offset] {
    names.compactMap { SegmentNames.baseOffset(of: $0, suffix: ".log") }.sorted()
  }

  private func lastName(of path: String) -> String {
    String(path.split(separator: "/").last ?? "")
  }

  private func size(_ path: String) throws(LogError) -> Int64? {
    do { return try io.size(ofFileAt: path) } catch { throw .system(error) }
  }

  // MARK: - Topics

  /// Checks that a data directory has a folder for each partition that its topics' files say there
  /// is. Nothing is said of one that has no such files.
  package mutating func verifyTopics(_ directory: String) throws(LogError) {
    let files = TopicFiles(io: io, directory: directory)
    let found: [DirectoryEntry]
    do {
      found = try io.list(directory)
      let topics = TopicFiles.directoryName
      guard found.contains(where: { $0.name == topics && $0.isDirectory }) else { return }
    } catch { throw .system(error) }
    try verifyWallTime(directory)
    for name in try files.names().topics {
      do throws(LogError) {
        guard let topic = try readTopic(name, files) else { continue }
        for partition in topic.partitions {
          guard let fault = try folderFault(of: partition, directory, files) else { continue }
          report.addProblem(files.path(name), fault)
        }
      } catch { report.addProblem(files.path(name), "\(error)") }
    }
    let folders = found.filter(\.isDirectory).map(\.name).sorted()
    for folder in folders where folder.hasSuffix(LeftOverFolder.suffix) {
      report.addRemark("\(directory)/\(folder)", "set aside, and no partition")
    }
  }

  private mutating func verifyWallTime(_ directory: String) throws(LogError) {
    let found: LogFiles.WallTime
    do { found = try LogFiles(io: io, directory: directory).readWallTime() } catch {
      throw .system(error)
    }
    if found != .damaged { return }
    report.addProblem(
      "\(directory)/\(LogFiles.wallTimeName)",
      "is no noted time; a broker believes the clock at its next start, and writes it anew")
  }

  /// Nil where the topic was deleted meanwhile.
  private func readTopic(_ name: String, _ files: TopicFiles) throws(LogError) -> Topic? {
    let defaults = TopicSettings(backend: "buffered")
    do throws(LogError) { return try files.read([name], defaults: defaults)[0] } catch {
      if try size(files.path(name)) == nil { return nil }
      return try files.read([name], defaults: defaults)[0]
    }
  }

  /// What is wrong with a partition's folder, at two looks.
  private mutating func folderFault(
    of partition: TopicPartition, _ directory: String, _ files: TopicFiles
  ) throws(LogError) -> String? {
    for attempt in 1...2 {
      let fault = try folderFault(of: partition, directory)
      if fault == nil || attempt == 2 { return fault }
      try refresh()
      if isInUse { pause() }
      if try size(files.path(partition.topic)) == nil { return nil }
    }
    return nil
  }

  private func folderFault(
    of partition: TopicPartition, _ directory: String
  ) throws(LogError) -> String? {
    let folder = "\(directory)/\(partition.directoryName)"
    let says = "says that there is a partition \(partition.partition), whose folder \(folder)"
    do throws(SystemCallError) {
      let names = try io.list(folder).map(\.name)
      let durable = state(of: partition).durable
      if durable > .zero, segmentBases(names).isEmpty {
        return "\(says) holds no segment; its log was durable up to offset \(durable)"
      }
      return nil
    } catch {
      switch error.number {
      case .noSuchFile: return "\(says) is missing"
      case .notADirectory: return "\(says) is a file"
      default: throw .system(error)
      }
    }
  }

  // MARK: - Segments

  /// Checks one segment file and the indexes beside it.
  package mutating func verifySegment(_ path: String) throws(LogError) {
    let directory = parentDirectory(of: path)
    let name = lastName(of: path)
    let base = SegmentNames.baseOffset(of: name, suffix: ".log")
    var successor: Offset?
    if let base {
      do { successor = segmentBases(try io.list(directory).map(\.name)).first { $0 > base } } catch
      {
        throw .system(error)
      }
    }
    let partition = TopicPartition(directoryName: lastName(of: directory))
    guard let found = try look(path, partition, successor) else {
      throw .system(SystemCallError(.open, .noSuchFile, path: path))
    }
    report.add(found.report)
  }

  /// Reads a segment, and once more where something looks bad; nil where it is gone from a directory
  /// that a process has open.
  private mutating func look(
    _ path: String, _ partition: TopicPartition?, _ successor: Offset?
  ) throws(LogError) -> VerifiedSegment? {
    var successor = successor
    var end: FilePosition?
    var isAgain = false
    var failures = 0
    while true {
      let wasInUseBefore = isInUse
      var failure: LogError?
      do throws(LogError) {
        let reader = SegmentVerifier(
          io: io, path: path, state: state(of: partition), successor: successor, previousEnd: end)
        let found = try reader.run()
        if isAgain || !found.isSuspect { return found }
        isAgain = true
        end = found.writtenEnd
        try refresh()
        // What an unclean stop left does not change while nobody has the directory.
        if !found.isBad && !wasInUseBefore && !isInUse { return found }
      } catch {
        failure = error
        failures += 1
        try refresh()
      }
      let mayChange = isInUse || wasInUseBefore
      if mayChange { pause() }
      if wasInUse, try size(path) == nil { return nil }
      if mayChange { try successor = newestSuccessor(of: path) ?? successor }
      // A process that rolls or recycles a segment cuts its file under who reads it, now and again.
      if let failure, !mayChange || failures == 5 { throw failure }
    }
  }

  /// Where the next segment begins by now.
  private mutating func newestSuccessor(of path: String) throws(LogError) -> Offset? {
    guard let base = SegmentNames.baseOffset(of: lastName(of: path), suffix: ".log"),
      let names = try list(parentDirectory(of: path))
    else { return nil }
    return segmentBases(names).first { $0 > base }
  }
}
