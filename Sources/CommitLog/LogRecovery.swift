import LinuxIO
import LogStorage
import Records

/// What opening a partition found.
package struct RecoveredLog: Sendable {
  package var segments: [LogSegment]
  package var start: Offset
  package var end: Offset
  /// Bytes whose CRC was checked; 0 after a clean shutdown.
  package var scannedBytes: Int64 = 0
  /// False after a clean shutdown.
  package var isRecovered = false
}

/// Opens a partition's directory after a crash: checks every batch of every segment that was not
/// known to be durable, and cuts the log at the first that does not hold.
///
/// ```
///   durable below the recovery point | the rest: checked by CRC
///   [ segment ][ segment ][ segment  |  batches … | torn | intact again? | zeros ]
///                                                 ^ the log ends here
/// ```
/// - Zeros at a segment's end are padding or preallocated space: cut off.
/// - An unfinished or torn batch with nothing intact behind it is an append that nobody was told
///   of: cut off.
/// - Intact batches behind a bad one were written, and perhaps acknowledged under `none` or
///   `interval`, before a power cut lost what came before them. The log cannot go on past a hole,
///   so they leave it, but they are not destroyed: they move to a `.cut` file, and a notice says so.
/// - What follows a segment that was cut stays where it goes on with the very next offset: what lay
///   between was never part of the log. A recovery that is cut short itself would find it so, too.
/// - A bad batch below the recovery point was durable, so no crash did that: nothing is touched,
///   and the partition does not open.
///
/// Recovering again changes nothing. On return everything that is left is durable.
struct LogRecovery {
  let partition: TopicPartition
  let directory: String
  let io: any FileIO
  let settings: TopicSettings
  let notices: LogNotices
  let watch: OpeningWatch

  /// `recoveryPoint`: what lies below it is known to be durable. `progress` is told how far that is,
  /// after each segment.
  func run(
    recoveryPoint: Offset, progress: (Offset) -> Void = { _ in }
  ) throws(LogError) -> RecoveredLog {
    let bases = try segmentBases()
    var state = RecoveredLog(segments: [], start: bases.first ?? .zero, end: bases.first ?? .zero)
    state.isRecovered = true
    try expect(bases, recoveryPoint)
    // A segment's name must not be lost once its bytes are said to be durable.
    if !bases.isEmpty {
      do { try io.synchronizeDirectory(directory) } catch { throw .system(error) }
    }
    for (index, base) in bases.enumerated() {
      let nextBase = index + 1 < bases.count ? bases[index + 1] : nil
      if base != state.end {
        try setAside(base, after: state, recoveryPoint)
        continue
      }
      let file = try segmentFile(base)
      if let nextBase, nextBase < recoveryPoint {
        // Durable, and checked by whoever reads it. One that ends at the recovery point may have ended
        // since: its bytes are durable, and where its file ends need not be.
        state.segments.append(LogSegment(file, settings: settings, notices: notices))
        state.end = nextBase
        continue
      }
      let result = try recover(file, recoveryPoint: recoveryPoint)
      state.scannedBytes += result.scannedBytes
      state.segments.append(LogSegment(file, settings: settings, notices: notices))
      state.end = result.end
      if state.end > recoveryPoint { progress(state.end) }
    }
    if state.end < recoveryPoint {
      throw .damaged(
        path: state.segments.last?.file.path ?? directory,
        position: state.segments.last?.file.end ?? .zero, expected: state.end,
        reason: "the log ends here, and was durable up to offset \(recoveryPoint)")
    }
    try removeLeftOvers(bases, end: state.end)
    if !state.segments.isEmpty {
      do { try io.synchronizeDirectory(directory) } catch { throw .system(error) }
    }
    return state
  }

  /// Tells the watch how much there is to be checked.
  private func expect(_ bases: [Offset], _ recoveryPoint: Offset) throws(LogError) {
    var bytes: Int64 = 0
    for (base, next) in zip(bases, bases.dropFirst().map(\.self) + [nil]) {
      if let next, next < recoveryPoint { continue }
      do {
        bytes += try io.size(ofFileAt: "\(directory)/\(SegmentNames.log(base))") ?? 0
      } catch { throw .system(error) }
    }
    watch.expect(bytes)
  }

  /// The segments after a clean shutdown: nothing is read but the directory.
  func trust(
    end: Offset, activeBase: Offset, activeBytes: Int64
  ) throws(LogError) -> RecoveredLog? {
    let bases = try segmentBases()
    guard bases.last == activeBase else { return nil }
    var state = RecoveredLog(segments: [], start: bases.first ?? .zero, end: end)
    for base in bases {
      let file = try segmentFile(base)
      if base == activeBase && file.end.rawValue != activeBytes { return nil }
      state.segments.append(LogSegment(file, settings: settings, notices: notices))
    }
    return state
  }

  // MARK: - One segment

  private struct SegmentResult {
    var end: Offset
    var scannedBytes: Int64
  }

  private func recover(
    _ file: SegmentFile, recoveryPoint: Offset, isAgain: Bool = false
  ) throws(LogError) -> SegmentResult {
    let restored = try restoredIndex(of: file, recoveryPoint)
    if restored?.isMended == true {
      notices.post(LogNotice(path: file.path, "its time index lacked entries, and is made anew"))
    }
    let start = restored?.position ?? .zero
    var index =
      restored?.writer
      ?? IndexWriter(baseOffset: file.baseOffset, settings: settings, bytes: file.end)
    var next = restored?.next ?? file.baseOffset
    var reason: String?
    var end = start
    let isCached = try isCached(file)
    // What lies before it was durable already; what follows, and holds, has this sum.
    var inDoubtFrom: FilePosition?
    var sum: UInt32?
    do throws(StorageError) {
      var scanner = try BatchScanner(file, from: start)
      while reason == nil, case .success(let header) = try scanner.header() {
        if inDoubtFrom == nil, header.nextOffset > recoveryPoint {
          inDoubtFrom = scanner.position
          scanner.sum = 0
        }
        if let fault = try scanner.checksumFault(header) {
          reason = "\(fault)"
        } else if header.baseOffset != next {
          reason = "found offset \(header.baseOffset), expected \(next)"
        } else if header.nextOffset < next {
          reason = "its last offset, \(header.lastOffset), leaves none for what follows"
        } else {
          index.add(header, at: scanner.position)
          sum = scanner.sum
          next = header.nextOffset
          scanner.skip(header)
          if !watch.goesOn(checked: header.byteCountTotal) { break }
        }
      }
      end = scanner.position
      if reason == nil {
        switch try scanner.stop() {
        case .end: break
        case .zeros: if try !scanner.isZeroToEnd() { reason = "zeros, with more behind them" }
        case let stop: reason = "\(stop)"
        }
      }
    } catch { throw .storage(error) }
    try watch.goOn()
    let scannedBytes = end.rawValue - start.rawValue
    if reason == nil && next < recoveryPoint {
      // Whole batches, but too few: nothing may be changed, not even the zeros behind them.
      throw .damaged(
        path: file.path, position: end, expected: next,
        reason: "the segment ends here, and was durable up to offset \(recoveryPoint)")
    }
    if let reason { try cut(file, at: end, next, reason, recoveryPoint) }
    if isCached, let start = inDoubtFrom, start < end {
      // Pages that left the cache between the scan and the writing came back from the disk,
      // unchecked.
      if try finish(file, end: end, rewritingFrom: start) != sum {
        guard !isAgain else {
          throw .damaged(
            path: file.path, position: start, expected: next,
            reason: "what was checked and written again does not hold")
        }
        return try recover(file, recoveryPoint: recoveryPoint, isAgain: true)
      }
    } else {
      _ = try finish(file, end: end, rewritingFrom: nil)
    }
    index.finish()
    writeIndexes(index.indexes, of: file)
    return SegmentResult(end: next, scannedBytes: scannedBytes)
  }

  /// The part of the segment that was durable already, where its index files lead through it.
  private func restoredIndex(
    of file: SegmentFile, _ recoveryPoint: Offset
  ) throws(LogError) -> RestoredIndex? {
    if recoveryPoint <= file.baseOffset { return nil }
    let files = IndexFiles(io: io, directory: directory, baseOffset: file.baseOffset)
    do {
      return try RestoredIndex(files, of: file, below: recoveryPoint, settings)
    } catch { throw .storage(error) }
  }

  /// True where a scan may read the page cache's bytes instead of the disk's, which can differ:
  /// where a flush failed before the last process ended, its pages count as clean and are not
  /// written again. After a power cut the cache is cold, and there is nothing to ask.
  private func isCached(_ file: SegmentFile) throws(LogError) -> Bool {
    do {
      let number = try io.open(file.path, FileOpening(.read))
      defer { try? io.close(number) }
      guard let kernelFile = io.kernelFile(number) else { return true }
      return try kernelFile.residentBytes(ofFirst: file.end.rawValue) > 0
    } catch { throw .system(error.naming(file.path)) }
  }

  /// Cuts the file to its last good batch and makes that durable: first writing again, from
  /// `rewritingFrom` on, what only the page cache may have; gives the CRC-32C of that.
  private func finish(
    _ file: SegmentFile, end: FilePosition, rewritingFrom start: FilePosition?
  ) throws(LogError) -> UInt32 {
    var sum: UInt32 = 0
    do throws(SystemCallError) {
      let number = try io.open(file.path, FileOpening(.readWrite))
      defer { try? io.close(number) }
      if file.end != end { try io.truncate(number, to: end.rawValue) }
      if let start { sum = try rewrite(number, file.path, start.rawValue..<end.rawValue) }
      try io.synchronizeData(number)
    } catch { throw .system(error.naming(file.path)) }
    file.publish(end: end)
    return sum
  }

  /// The CRC-32C of what was written.
  private func rewrite(
    _ number: FileNumber, _ path: String, _ range: Range<Int64>
  ) throws(SystemCallError) -> UInt32 {
    var sum: UInt32 = 0
    var buffer = AlignedBuffer(capacity: min(1 << 20, range.count))
    var position = range.lowerBound
    while position < range.upperBound {
      buffer.clear()
      buffer.resize(to: Int(min(1 << 20, range.upperBound - position)))
      let count = try buffer.withMutableBytes { bytes throws(SystemCallError) in
        try io.readFully(number, into: &bytes, at: position, path: path)
      }
      if count == 0 { break }
      buffer.truncate(to: count)
      sum = CRC32C.checksum(buffer.bytes, continuing: sum)
      try io.writeFully(number, buffer.bytes, at: position, path: path)
      position += Int64(count)
    }
    return sum
  }

  private func writeIndexes(_ indexes: SegmentIndexes, of file: SegmentFile) {
    let files = IndexFiles(io: io, directory: directory, baseOffset: file.baseOffset)
    do { try files.write(indexes) } catch {
      notices.post(LogNotice(path: file.path, "its indexes could not be written: \(error)"))
      try? files.remove()
    }
  }

  // MARK: - Cutting

  /// Decides what a bad batch at `position` means, and keeps what is intact behind it.
  private func cut(
    _ file: SegmentFile, at position: FilePosition, _ next: Offset, _ reason: String,
    _ recoveryPoint: Offset
  ) throws(LogError) {
    if next < recoveryPoint {
      throw .damaged(path: file.path, position: position, expected: next, reason: reason)
    }
    let lost = file.end.rawValue - position.rawValue
    var text = "cut at byte \(position), offset \(next), \(lost) bytes: \(reason)"
    let found = try IntactBatchSearch(file: file, after: next).run(from: position)
    if found.batches > 0 || found.gaveUpAt != nil {
      let keptPath = try CutFiles(io: io, directory: directory).keep(file, from: position)
      text += "; \(found.batches) intact batches lay behind"
      if let place = found.gaveUpAt {
        text +=
          " up to byte \(place), where the search for them was given up: too much looks like "
          + "a batch"
      }
      text += "; what was cut is kept in \(keptPath)"
    }
    notices.post(LogNotice(path: file.path, text))
  }

  /// A segment that does not go on where the log ends leaves it, under another name. Each for
  /// itself: so a recovery that is cut short is followed by one that comes to the same end.
  private func setAside(
    _ base: Offset, after state: RecoveredLog, _ recoveryPoint: Offset
  ) throws(LogError) {
    let path = "\(directory)/\(SegmentNames.log(base))"
    if state.end < recoveryPoint {
      throw .damaged(
        path: path, position: .zero, expected: state.end,
        reason: "the segment begins at offset \(base): a gap before it")
    }
    let size: Int64?
    do throws(SystemCallError) {
      try IndexFiles(io: io, directory: directory, baseOffset: base).remove()
      size = try io.size(ofFileAt: path)
      if size == 0 { try io.remove(path) }
    } catch { throw .system(error) }
    if size == 0 { return }
    let keptPath = try CutFiles(io: io, directory: directory).setAside(path)
    notices.post(
      LogNotice(
        path: path,
        "left the log, which went up to offset \(state.end) there; kept as \(keptPath)"))
  }

  // MARK: - The directory

  private func segmentFile(_ base: Offset) throws(LogError) -> SegmentFile {
    let path = "\(directory)/\(SegmentNames.log(base))"
    do {
      let size = try io.size(ofFileAt: path) ?? 0
      return SegmentFile(
        baseOffset: base, path: path, io: io, end: FilePosition(size))
    } catch { throw .system(error) }
  }

  /// Base offsets of the segments, in order.
  private func segmentBases() throws(LogError) -> [Offset] {
    try fileNames().compactMap { SegmentNames.baseOffset(of: $0, suffix: ".log") }.sorted()
  }

  /// Removes what an unfinished replacement left, indexes without a log, and what was noted about
  /// producers for a log that went further: other batches may come to lie at those offsets. Last,
  /// when it is clear that the partition opens: else nothing is touched.
  private func removeLeftOvers(_ bases: [Offset], end: Offset) throws(LogError) {
    for name in try fileNames() where isLeftOver(name, bases, end) {
      do { try io.remove("\(directory)/\(name)") } catch { throw .system(error) }
    }
  }

  private func fileNames() throws(LogError) -> [String] {
    do {
      return try io.list(directory).filter { !$0.isDirectory }.map(\.name)
    } catch { throw .system(error) }
  }

  private func isLeftOver(_ name: String, _ bases: [Offset], _ end: Offset) -> Bool {
    if name.hasSuffix(".tmp") { return true }
    if let next = SegmentNames.baseOffset(of: name, suffix: SegmentNames.producersSuffix) {
      return next > end
    }
    let base =
      SegmentNames.baseOffset(of: name, suffix: ".index")
      ?? SegmentNames.baseOffset(of: name, suffix: ".timeindex")
    return base.map { !bases.contains($0) } ?? false
  }
}
