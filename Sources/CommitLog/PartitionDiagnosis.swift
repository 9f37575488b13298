import LinuxIO
import LogStorage
import Records

/// What keeps a partition, or a part of it, from being read, and what each way out leaves.
package struct PartitionDiagnosis: Sendable {
  package enum Fault: Hashable, Sendable {
    /// The folder is missing, or is a file.
    case noFolder(path: String, isFile: Bool)
    case damaged(LogDamage)
    /// It is there, and the system does not read it.
    case unreadable(LogError)
  }

  package let partition: TopicPartition
  package internal(set) var fault: Fault?
  /// Where the log begins, and where what holds of it ends.
  package internal(set) var start = Offset.zero
  package internal(set) var end = Offset.zero
  /// What holds.
  package internal(set) var keptBytes: Int64 = 0
  package internal(set) var keptRecords: Int64 = 0
  /// What lies behind: bytes, and those records that hold by themselves.
  package internal(set) var cutBytes: Int64 = 0
  package internal(set) var cutRecords: Int64 = 0
  /// An offset that the log has not given to any record, as far as its files say.
  package internal(set) var unused = Offset.zero
}

/// Where a log stops to hold.
package struct LogDamage: Hashable, Sendable {
  package let path: String
  package let position: FilePosition
  package let offset: Offset
  package let reason: String
  /// The segment that a cut leaves as the last, and where it ends then; nil where there is none.
  let last: CutPlace?
}

struct CutPlace: Hashable {
  let segment: Offset
  let position: FilePosition
  /// Where the segment behind it begins.
  let successor: Offset?
}

/// Reads a partition from its first segment to the first place that does not hold, and counts what
/// lies behind. Changes nothing.
struct PartitionExamination {
  let io: any FileIO
  let directory: String
  let state: PartitionState
  private(set) var found: PartitionDiagnosis

  init(io: any FileIO, directory: String, partition: TopicPartition, state: PartitionState) {
    self.io = io
    self.directory = directory
    self.state = state
    found = PartitionDiagnosis(partition: partition)
    found.unused = state.durable
  }

  /// Throws what the process lacks; what is wrong with the partition is in `found`.
  mutating func run() throws(LogError) {
    let names: [String]
    do throws(SystemCallError) { names = try io.list(directory).map(\.name) } catch {
      switch error.number {
      case .noSuchFile: found.fault = .noFolder(path: directory, isFile: false)
      case .notADirectory: found.fault = .noFolder(path: directory, isFile: true)
      default: try note(.system(error))
      }
      return
    }
    let bases = names.compactMap { SegmentNames.baseOffset(of: $0, suffix: ".log") }.sorted()
    found.start = bases.first ?? .zero
    found.end = found.start
    found.unused = max(found.unused, bases.last ?? .zero)
    do throws(LogError) { try walk(bases) } catch { try note(error) }
    found.unused = max(found.unused, found.end)
  }

  private mutating func note(_ error: LogError) throws(LogError) {
    guard error.isOfOnePartition else { throw error }
    found.fault = .unreadable(error)
  }

  private mutating func walk(_ bases: [Offset]) throws(LogError) {
    var last: CutPlace?
    for (index, base) in bases.enumerated() {
      let successor = bases.indices.contains(index + 1) ? bases[index + 1] : nil
      if base != found.end {
        let reason = "the segment begins at offset \(base), expected \(found.end)"
        try end(bases, index - 1, last, .zero, at: logPath(base), reason, before: base)
        return
      }
      let file = try segment(base)
      let (position, reason) = try scan(file)
      last = CutPlace(segment: base, position: position, successor: successor)
      if let reason {
        try end(bases, index, last, position, at: file.path, reason, before: successor)
        return
      }
    }
    if found.end < state.durable {
      let path = last.map { logPath($0.segment) } ?? directory
      found.fault = .damaged(
        LogDamage(
          path: path, position: last?.position ?? .zero, offset: found.end,
          reason: "the log ends here, and was durable up to offset \(state.durable)", last: last))
    }
  }

  /// The log does not go on from its end: damage, or what the next start cuts off by itself.
  private mutating func end(
    _ bases: [Offset], _ index: Int, _ last: CutPlace?, _ position: FilePosition, at path: String,
    _ reason: String, before successor: Offset?
  ) throws(LogError) {
    try countBehind(bases, index, last?.position ?? .zero)
    guard state.fault(at: found.end, before: successor) == .damage || found.end < state.durable
    else { return }
    found.fault = .damaged(
      LogDamage(
        path: path, position: position, offset: found.end, reason: reason, last: last))
  }

  /// Where the segment's batches stop to follow each other, and why, where that is not its end.
  private mutating func scan(_ file: SegmentFile) throws(LogError) -> (FilePosition, String?) {
    do throws(StorageError) {
      var scanner = try BatchScanner(file)
      while case .success(let header) = try scanner.header() {
        if let fault = try scanner.checksumFault(header) { return (scanner.position, "\(fault)") }
        guard header.baseOffset == found.end, header.nextOffset >= found.end else {
          return (scanner.position, "found offset \(header.baseOffset), expected \(found.end)")
        }
        found.keptBytes += Int64(header.byteCountTotal)
        found.keptRecords += Int64(header.recordCount)
        found.end = header.nextOffset
        scanner.skip(header)
      }
      let stop = try scanner.stop()
      switch stop {
      case .end: return (scanner.position, nil)
      case .zeros:
        let isPadding = try scanner.isZeroToEnd()
        return (scanner.position, isPadding ? nil : "zeros, with more behind them")
      case .unfinished, .invalid: return (scanner.position, "\(stop)")
      }
    } catch { throw .storage(error) }
  }

  private mutating func countBehind(
    _ bases: [Offset], _ index: Int, _ position: FilePosition
  ) throws(LogError) {
    for (number, base) in bases.enumerated() where number >= index {
      let file = try segment(base)
      let start = number == index ? position : .zero
      let after = number == index ? found.end : base
      found.cutBytes += file.end.rawValue - start.rawValue
      let behind = try IntactBatchSearch(file: file, after: after).run(from: start)
      found.cutRecords += behind.records
      if let next = behind.next { found.unused = max(found.unused, next) }
    }
  }

  private func logPath(_ base: Offset) -> String { "\(directory)/\(SegmentNames.log(base))" }

  private func segment(_ base: Offset) throws(LogError) -> SegmentFile {
    do {
      let size = try io.size(ofFileAt: logPath(base)) ?? 0
      return SegmentFile(
        baseOffset: base, path: logPath(base), io: io, end: FilePosition(size))
    } catch { throw .system(error) }
  }
}
