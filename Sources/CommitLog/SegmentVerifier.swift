import LinuxIO
import LogStorage
import Records

/// What one look at a segment found.
struct VerifiedSegment {
  var report = LogVerifier.Report()
  /// The offset after its last good batch.
  var next: Offset
  /// True where something was found that is worth another look before it is told.
  var isSuspect = false
  /// Where its last good batch ends, if what follows is being written.
  var writtenEnd: FilePosition?

  var isBad: Bool { report.problemCount > 0 }
}

/// One look at one segment and its indexes.
struct SegmentVerifier {
  let io: any FileIO
  let path: String
  let state: PartitionState
  /// Where the next segment begins; nil of the last one.
  let successor: Offset?
  /// Where the look before this one ended, in what was being written then.
  let previousEnd: FilePosition?

  private struct Place {
    let position: FilePosition
    let timestamp: Int64
  }

  private var directory: String { parentDirectory(of: path) }

  private var named: Offset? {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    return SegmentNames.baseOffset(of: name, suffix: ".log")
  }

  func run() throws(LogError) -> VerifiedSegment {
    let size: Int64
    do throws(SystemCallError) {
      guard let found = try io.size(ofFileAt: path) else {
        throw SystemCallError(.open, .noSuchFile, path: path)
      }
      size = found
    } catch { throw .system(error) }
    let file = SegmentFile(
      baseOffset: named ?? .zero, path: path, io: io, end: FilePosition(size))
    var found = VerifiedSegment(next: file.baseOffset)
    found.report.segments = 1
    found.report.bytes = size
    let places = try readBatches(file, &found)
    if named != nil {
      try checkEnd(size, &found)
      try checkIndexes(places, &found)
    }
    if found.isBad { found.isSuspect = true }
    return found
  }

  // MARK: - The log

  private func readBatches(
    _ file: SegmentFile, _ found: inout VerifiedSegment
  ) throws(LogError) -> [Offset: Place] {
    var places: [Offset: Place] = [:]
    do throws(StorageError) {
      var scanner = try BatchScanner(file)
      while case .success(let header) = try scanner.header() {
        let place = "byte \(scanner.position), offset \(header.baseOffset)"
        var faults: [String] = []
        if named != nil || found.report.batches > 0, header.baseOffset != found.next {
          faults.append("expected offset \(found.next)")
        }
        let checksum = try scanner.checksumFault(header)
        if let checksum { faults.append("\(checksum)") }
        if let reason = faults.first, kind(at: found.next) != .damage {
          try addEnd(file, scanner.position, "\(place): \(reason)", &found)
          return places
        }
        if checksum == nil,
          case .failure(let fault) = try scanner.withBatch(
            header, { batch throws(BatchError) in try batch.validate() })
        {
          // No recovery looks into a batch whose checksum holds.
          faults.append(fault.text)
        }
        for fault in faults { found.report.addProblem(path, "\(place): \(fault)") }
        found.report.batches += 1
        found.report.records += Int64(header.recordCount)
        places[header.lastOffset] = Place(
          position: scanner.position, timestamp: header.maxTimestamp)
        found.next = header.nextOffset
        scanner.skip(header)
      }
      try addStop(try scanner.stop(), file, &scanner, &found)
    } catch { throw .storage(error) }
    return places
  }

  private func kind(at next: Offset) -> FaultKind {
    state.fault(at: next, before: successor)
  }

  private func addStop(
    _ stop: ScanStop, _ file: SegmentFile, _ scanner: inout BatchScanner,
    _ found: inout VerifiedSegment
  ) throws(StorageError) {
    let place = "byte \(scanner.position)"
    var reason = "\(stop)"
    switch stop {
    case .end: return
    case .zeros:
      let count = scanner.remaining
      if try scanner.isZeroToEnd() {
        var text = "\(place): \(count) zeros, padding or preallocated space"
        if named != nil, kind(at: found.next) == .unrecovered {
          found.report.uncutBytes += count
          found.isSuspect = true
          text += "; not yet recovered: the next start cuts them off"
        }
        found.report.addRemark(path, text)
        return
      }
      reason = "zeros, with more behind them"
    case .unfinished where successor == nil: reason += ", as an interrupted append leaves it"
    case .unfinished, .invalid: break
    }
    if kind(at: found.next) == .damage {
      found.report.addProblem(path, "\(place): \(reason)")
    } else {
      try addEnd(file, scanner.position, "\(place): \(reason)", &found)
    }
  }

  /// The log ends here in the midst of something that was never durable.
  private func addEnd(
    _ file: SegmentFile, _ position: FilePosition, _ reason: String,
    _ found: inout VerifiedSegment
  ) throws(StorageError) {
    found.isSuspect = true
    let bytes = file.end.rawValue - position.rawValue
    let behind: IntactBatchSearch.Finding
    do throws(LogError) {
      behind = try IntactBatchSearch(file: file, after: found.next).run(from: position)
    } catch {
      guard case .storage(let failure) = error else { return }
      throw failure
    }
    let intact = "\(behind.batches) intact batches (\(behind.records) records) lie behind"
    switch kind(at: found.next) {
    case .beingWritten:
      found.writtenEnd = position
      // Batches are written in any order, but none for as long as it takes to look twice.
      if behind.batches > 0 && position == previousEnd {
        found.report.addProblem(path, "\(reason); \(intact)")
      } else {
        found.report.addRemark(path, "the last \(bytes) bytes are being written")
      }
    case .unrecovered, .damage:
      found.report.uncutBytes += bytes
      if behind.batches > 0 {
        found.report.addProblem(
          path,
          "\(reason); \(intact): a power cut, or damage; the next start cuts \(bytes) bytes off and "
            + "keeps them in a .cut file")
      } else {
        found.report.addRemark(
          path, "\(reason); not yet recovered: the next start cuts \(bytes) bytes off")
      }
    }
  }

  /// What must be there: what was durable, and what a clean stop left.
  private func checkEnd(_ size: Int64, _ found: inout VerifiedSegment) throws(LogError) {
    guard successor == nil, let named, !found.isBad else { return }
    if let end = state.cleanEnd, end.activeBase != named || end.activeBytes != size {
      found.report.addProblem(
        path,
        "\(size) bytes in the last segment, which begins at offset \(named); the clean stop left "
          + "\(end.activeBytes) bytes in one that begins at offset \(end.activeBase)")
    } else if found.next < state.durable {
      found.report.addProblem(
        path,
        "ends at offset \(found.next), and the log was durable up to offset \(state.durable)")
    }
  }

  // MARK: - Indexes

  private func checkIndexes(
    _ places: [Offset: Place], _ found: inout VerifiedSegment
  ) throws(LogError) {
    guard let base = named else { return }
    // What lies behind a bad place was not read, and its entries may be right.
    let (isCut, next) = (found.isBad, found.next)
    func isUnread(_ offset: Offset) -> Bool { isCut && offset >= next }
    let offsets = "\(directory)/\(SegmentNames.offsetIndex(base))"
    try checkEntries(offsets, bytesPerEntry: 8, &found) { bytes, at in
      let last = base.advanced(by: Int64(bytes.bigEndian(at: at, count: 4)))
      let position = FilePosition(Int64(bytes.bigEndian(at: at + 4, count: 4)))
      if places[last]?.position == position || isUnread(last) { return nil }
      return "no batch ends at offset \(last) at position \(position)"
    }
    let times = "\(directory)/\(SegmentNames.timeIndex(base))"
    try checkEntries(times, bytesPerEntry: 12, &found) { bytes, at in
      let timestamp = Int64(bitPattern: bytes.bigEndian(at: at, count: 8))
      let offset = base.advanced(by: Int64(bytes.bigEndian(at: at + 8, count: 4)))
      if places[offset]?.timestamp == timestamp || isUnread(offset) { return nil }
      return "no batch ends at offset \(offset) with timestamp \(timestamp)"
    }
  }

  private func checkEntries(
    _ path: String, bytesPerEntry: Int, _ found: inout VerifiedSegment,
    _ fault: ([UInt8], Int) -> String?
  ) throws(LogError) {
    // The process that appends keeps them in memory, and writes them when the segment ends.
    if state.isInUse && successor == nil { return }
    let isRebuilt = kind(at: found.next) == .unrecovered
    let bytes: [UInt8]
    do throws(SystemCallError) {
      guard let read = try io.readFile(at: path) else {
        // An empty segment has nothing to look up.
        if found.report.bytes == 0 { return }
        let who = isRebuilt ? "by the next start" : "when it is needed"
        found.report.addRemark(path, "missing; it is made anew \(who)")
        return
      }
      bytes = read
    } catch { throw .system(error) }
    var faults: [String] = []
    if bytes.count % bytesPerEntry != 0 {
      faults = ["\(bytes.count) bytes are no whole number of entries of \(bytesPerEntry) bytes"]
    } else {
      // Kafka preallocates an index, and cuts it when the segment is sealed or the broker stops.
      let used = (bytes.lastIndex { $0 != 0 } ?? -1) + 1
      let end = (used + bytesPerEntry - 1) / bytesPerEntry * bytesPerEntry
      if end < bytes.count {
        found.report.addRemark(
          path, "\(bytes.count - end) zeros at its end, preallocated space")
      }
      for at in stride(from: 0, to: end, by: bytesPerEntry) {
        if let text = fault(bytes, at) { faults.append("entry \(at / bytesPerEntry): \(text)") }
      }
    }
    if isRebuilt, let first = faults.first {
      found.report.addRemark(
        path, "\(first); not yet recovered: the next start makes the index anew")
      return
    }
    for fault in faults { found.report.addProblem(path, fault) }
  }
}

extension BatchOrFailure where Failure == BatchError {
  var text: String {
    switch self {
    case .batch(let error), .failure(let error): "\(error)"
    }
  }
}
