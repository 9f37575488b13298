import LinuxIO
import LogStorage
import Records

/// Reads segments and says what does not hold, changing nothing. Needs no lock; of a log that
/// somebody appends to it sees whatever is on the disk.
package struct LogVerifier {
  package struct Report: Sendable {
    package var segments = 0
    package var batches: Int64 = 0
    package var records: Int64 = 0
    package var bytes: Int64 = 0
    /// All of them, also those that have no line.
    package private(set) var problemCount = 0
    /// One line each: the file, the place, what was found; for each file the first `linesMax`.
    package private(set) var problems: [String] = []
    /// What is no problem, but worth knowing.
    package fileprivate(set) var remarks: [String] = []
    private var counts: [String: Int] = [:]

    package static let linesMax = 20

    package init() {}

    fileprivate mutating func addProblem(_ path: String, _ text: String) {
      problemCount += 1
      counts[path, default: 0] += 1
      if counts[path, default: 0] <= Self.linesMax { problems.append("\(path): \(text)") }
    }

    /// Files with more problems than lines, and how many more.
    package var unlisted: [(path: String, count: Int)] {
      counts.filter { $0.value > Self.linesMax }.map { ($0.key, $0.value - Self.linesMax) }
        .sorted { $0.path < $1.path }
    }
  }

  private let io: any FileIO
  package private(set) var report = Report()

  package init(io: any FileIO) { self.io = io }

  /// Checks a partition's directory: every segment, that they follow each other, their indexes.
  package mutating func verifyPartition(_ directory: String) throws(LogError) {
    let names: [String]
    do { names = try io.list(directory).map(\.name) } catch { throw .system(error) }
    let bases = names.compactMap { SegmentNames.baseOffset(of: $0, suffix: ".log") }.sorted()
    var expected: Offset?
    for base in bases {
      let path = "\(directory)/\(SegmentNames.log(base))"
      if let expected, expected != base {
        report.addProblem(path, "begins at offset \(base), expected \(expected)")
      }
      expected = try verifySegment(path, isLast: base == bases.last)
    }
    for name in names where name.hasSuffix(".cut") {
      report.remarks.append("\(directory)/\(name): set aside by a recovery, not part of the log")
    }
  }

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
    let folders = Set(found.filter(\.isDirectory).map(\.name))
    for name in try files.names().topics {
      let topic: Topic
      do throws(LogError) {
        topic = try files.read([name], defaults: TopicSettings(backend: "buffered"))[0]
      } catch {
        report.addProblem(files.path(name), "\(error)")
        continue
      }
      for partition in topic.partitions where !folders.contains(partition.directoryName) {
        report.addProblem(
          files.path(name),
          "says that there is a partition \(partition.partition), whose folder "
            + "\(directory)/\(partition.directoryName) is missing")
      }
    }
    for folder in folders.sorted() where folder.hasSuffix(LeftOverFolder.suffix) {
      report.remarks.append("\(directory)/\(folder): set aside, and no partition")
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

  /// Checks one segment file and the indexes beside it; the offset after its last good batch.
  @discardableResult
  package mutating func verifySegment(_ path: String, isLast: Bool) throws(LogError) -> Offset {
    let directory = parentDirectory(of: path)
    let name = String(path.dropFirst(directory == "." ? 0 : directory.utf8.count + 1))
    let named = SegmentNames.baseOffset(of: name, suffix: ".log")
    let size: Int64
    do throws(SystemCallError) {
      guard let found = try io.size(ofFileAt: path) else {
        throw SystemCallError(.open, .noSuchFile, path: path)
      }
      size = found
    } catch { throw .system(error) }
    let base = named ?? .zero
    let file = SegmentFile(baseOffset: base, path: path, io: io, end: FilePosition(size))
    report.segments += 1
    report.bytes += size
    var places: [Offset: (position: FilePosition, timestamp: Int64)] = [:]
    var next = base
    do throws(StorageError) {
      var scanner = try BatchScanner(file)
      while case .success(let header) = try scanner.header() {
        let place = "byte \(scanner.position), offset \(header.baseOffset)"
        if named != nil || report.batches > 0, header.baseOffset != next {
          report.addProblem(path, "\(place): expected offset \(next)")
        }
        if let fault = try scanner.checksumFault(header) {
          report.addProblem(path, "\(place): \(fault)")
        } else if case .failure(let fault) = try scanner.withBatch(
          header, { batch throws(BatchError) in try batch.validate() })
        {
          report.addProblem(path, "\(place): \(fault.text)")
        }
        report.batches += 1
        report.records += Int64(header.recordCount)
        places[header.lastOffset] = (scanner.position, header.maxTimestamp)
        next = header.nextOffset
        scanner.skip(header)
      }
      try note(try scanner.stop(), &scanner, path, isLast)
    } catch { throw .storage(error) }
    if named != nil { try verifyIndexes(directory, base, places) }
    return next
  }

  private mutating func note(
    _ stop: ScanStop, _ scanner: inout BatchScanner, _ path: String, _ isLast: Bool
  ) throws(StorageError) {
    let place = "byte \(scanner.position)"
    switch stop {
    case .end: return
    case .zeros:
      let count = scanner.remaining
      if try scanner.isZeroToEnd() {
        report.remarks.append("\(path): \(place): \(count) zeros, padding or preallocated space")
      } else {
        report.addProblem(path, "\(place): zeros, with more behind them")
      }
    case .unfinished where isLast:
      report.addProblem(path, "\(place): \(stop), as an interrupted append leaves it")
    default: report.addProblem(path, "\(place): \(stop)")
    }
  }

  // MARK: - Indexes

  private mutating func verifyIndexes(
    _ directory: String, _ base: Offset,
    _ places: [Offset: (position: FilePosition, timestamp: Int64)]
  ) throws(LogError) {
    let offsets = "\(directory)/\(SegmentNames.offsetIndex(base))"
    try verifyEntries(offsets, bytesPerEntry: 8) { bytes, at in
      let last = base.advanced(by: Int64(bytes.bigEndian(at: at, count: 4)))
      let position = FilePosition(Int64(bytes.bigEndian(at: at + 4, count: 4)))
      if places[last]?.position == position { return nil }
      return "no batch ends at offset \(last) at position \(position)"
    }
    let times = "\(directory)/\(SegmentNames.timeIndex(base))"
    try verifyEntries(times, bytesPerEntry: 12) { bytes, at in
      let timestamp = Int64(bitPattern: bytes.bigEndian(at: at, count: 8))
      let offset = base.advanced(by: Int64(bytes.bigEndian(at: at + 8, count: 4)))
      if places[offset]?.timestamp == timestamp { return nil }
      return "no batch ends at offset \(offset) with timestamp \(timestamp)"
    }
  }

  private mutating func verifyEntries(
    _ path: String, bytesPerEntry: Int, _ fault: ([UInt8], Int) -> String?
  ) throws(LogError) {
    let bytes: [UInt8]
    do throws(SystemCallError) {
      guard let found = try io.readFile(at: path) else {
        report.remarks.append("\(path): missing; it is made anew when it is needed")
        return
      }
      bytes = found
    } catch { throw .system(error) }
    if bytes.count % bytesPerEntry != 0 {
      report.addProblem(
        path, "\(bytes.count) bytes are no whole number of entries of \(bytesPerEntry) bytes")
      return
    }
    // Kafka preallocates an index, and cuts it when the segment is sealed or the broker stops.
    let used = (bytes.lastIndex { $0 != 0 } ?? -1) + 1
    let end = (used + bytesPerEntry - 1) / bytesPerEntry * bytesPerEntry
    if end < bytes.count {
      report.remarks.append("\(path): \(bytes.count - end) zeros at its end, preallocated space")
    }
    for at in stride(from: 0, to: end, by: bytesPerEntry) {
      if let text = fault(bytes, at) {
        report.addProblem(path, "entry \(at / bytesPerEntry): \(text)")
      }
    }
  }
}

extension BatchOrFailure where Failure == BatchError {
  var text: String {
    switch self {
    case .batch(let error), .failure(let error): "\(error)"
    }
  }
}
