import LinuxIO
import LogStorage
import Records
import Synchronization

/// One segment as readers see it: the file, and a way to find offsets and timestamps in it. From
/// any thread.
///
/// While the segment is active its indexes are in memory, and shared with the appender; when it
/// ends, another `LogSegment` over the same file takes its place in the list, which opens the
/// index files when they are asked for.
package final class LogSegment: Sendable {
  package let file: SegmentFile
  let indexFiles: IndexFiles
  private let settings: TopicSettings
  private let notices: LogNotices
  /// The appender's, while it appends.
  private let live: SegmentIndexes?
  /// Made from the log, where the files did not hold.
  private let rebuilt = AtomicLazyReference<SegmentIndexes>()
  /// The time index's last entry that was seen to be the newest: the file may change, the log does not.
  private let checkedNewest = Lock<IndexedTimestamp?>(nil)

  package var baseOffset: Offset { file.baseOffset }

  /// True where the indexes grow with the segment: those of a closed log's last segment do not, and it
  /// may be appended to again.
  var keepsUp: Bool { live != nil || file.successor != nil }

  init(
    _ file: SegmentFile, settings: TopicSettings, notices: LogNotices, live: SegmentIndexes? = nil
  ) {
    self.file = file
    self.settings = settings
    self.notices = notices
    self.live = live
    indexFiles = IndexFiles(
      io: file.io, directory: parentDirectory(of: file.path), baseOffset: file.baseOffset)
  }

  /// A batch and where it lies.
  package struct Location: Sendable {
    package let position: FilePosition
    package let header: RecordBatchHeader
  }

  /// The batch that holds `offset`, or the first after it; nil where the segment ends before.
  /// One look into one index, and a scan of headers over about one index interval. In `open`, where the
  /// caller has the log's file open: then without a lock.
  package func locate(
    _ offset: Offset, in open: ReadableFile? = nil
  ) throws(LogError) -> Location? {
    do throws(LookupFailure) { return try locateByIndex(offset, open) } catch {
      switch error {
      case .log(let error): throw error
      case .index(let fault):
        let start = try rebuild(because: fault).position(for: offset)?.position
        return try scan(from: start, in: open) { header, _ in header.lastOffset >= offset }
      }
    }
  }

  /// The first batch with a record at or after `timestamp`, and one at or after `least`; nil where there
  /// is none.
  package func locate(
    timestamp: Int64, notBelow least: Offset
  ) throws(LogError) -> Location? {
    let before: IndexedTimestamp?
    if let indexes = memoryIndexes {
      before = indexes.entry(before: timestamp)
    } else {
      do throws(LookupFailure) {
        before = try timeEntry { files throws(IndexFault) in try files.entry(before: timestamp) }
      } catch {
        before = try onIndexFault(error) { $0.entry(before: timestamp) }
      }
    }
    var start = try before.flatMap { entry throws(LogError) in try locate(entry.offset) }
    if least > baseOffset, least > start?.header.lastOffset ?? baseOffset {
      guard let first = try locate(least) else { return nil }
      start = first
    }
    return try scan(from: start?.position) {
      $0.maxTimestamp >= timestamp && $0.lastOffset >= least
    }
  }

  /// The newest timestamp in the segment, while it is appended to also of what is written and not yet
  /// readable; nil where it holds no batch. Reads at most the time index.
  package func newestTimestamp() throws(LogError) -> Int64? {
    if let live { return live.newestTimestamp }
    if let indexes = rebuilt.load() { return indexes.newestTimestamp }
    do throws(LookupFailure) {
      let entry = try timeEntry { files throws(IndexFault) in try files.lastTimestamp() }
      guard let entry else {
        if file.end == .zero { return nil }
        throw LookupFailure.index(.tooShort(path: indexFiles.timePath))
      }
      try checkNewest(entry)
      return entry.timestamp
    } catch {
      return try onIndexFault(error) { $0.newestTimestamp }
    }
  }

  /// The newest timestamp of the batches that begin below `end` and hold offsets from `start` on; nil where
  /// there are none. Reads the headers of those that no index says enough of.
  func newestTimestamp(from start: Offset, below end: Offset) throws(LogError) -> Int64? {
    var newest: Int64?
    var first: FilePosition? = .zero
    if start > baseOffset {
      first = try locate(start)?.position
    } else if let entry = live?.lastTimestamp(below: end) {
      newest = entry.timestamp
      first = try locate(entry.offset)?.position
    }
    guard let first else { return newest }
    _ = try scan(from: first, readAheadBytes: 64 << 10) { header, _ in
      if header.baseOffset >= end { return true }
      newest = max(newest ?? header.maxTimestamp, header.maxTimestamp)
      return false
    }
    return newest
  }

  // MARK: - Lookup

  private var memoryIndexes: SegmentIndexes? { live ?? rebuilt.load() }

  private enum LookupFailure: Error {
    case index(IndexFault)
    case log(LogError)
  }

  private func locateByIndex(
    _ offset: Offset, _ open: ReadableFile? = nil
  ) throws(LookupFailure) -> Location? {
    do throws(LogError) {
      if let indexes = memoryIndexes {
        let entry = indexes.position(for: offset)
        return try scan(from: entry?.position, in: open) { header, _ in
          header.lastOffset >= offset
        }
      }
    } catch { throw .log(error) }
    let entry: IndexedPosition?
    do { entry = try indexFiles.position(for: offset) } catch { throw .index(error) }
    if let entry { try check(entry, open) }
    let budget = entry?.position ?? .zero
    var isPastBudget = false
    let found: Location?
    do throws(LogError) {
      found = try scan(from: entry?.position, in: open) { [scanBytesMax] header, position in
        isPastBudget = position.rawValue - budget.rawValue > scanBytesMax
        return header.lastOffset >= offset || isPastBudget
      }
    } catch { throw .log(error) }
    if isPastBudget { throw .index(.tooShort(path: indexFiles.offsetPath)) }
    return found
  }

  /// How far a search may go past an index entry before the index is taken to be cut short: some
  /// intervals, and a few batches of unusual size.
  private var scanBytesMax: Int64 { 4 * Int64(settings.indexIntervalBytes) + (16 << 20) }

  /// An entry of the time index, believed only where the log has that batch with that timestamp; nil
  /// where the one that was looked for is not there, as none is before the first batch's timestamp.
  private func timeEntry(
    _ find: (IndexFiles) throws(IndexFault) -> IndexedTimestamp?
  ) throws(LookupFailure) -> IndexedTimestamp? {
    let entry: IndexedTimestamp?
    do { entry = try find(indexFiles) } catch { throw .index(error) }
    guard let entry else { return nil }
    guard let location = try locateByIndex(entry.offset),
      location.header.lastOffset == entry.offset,
      location.header.maxTimestamp == entry.timestamp
    else {
      throw .index(
        .contradicted(
          path: indexFiles.timePath,
          reason: "no batch ends at offset \(entry.offset) with timestamp \(entry.timestamp)"))
    }
    return entry
  }

  /// Throws where the log has a newer timestamp behind the time index's last entry: the file was
  /// cut short at an entry's end. Looked into once, since it reads every header from there on.
  private func checkNewest(_ entry: IndexedTimestamp) throws(LookupFailure) {
    if checkedNewest.withLock({ $0 == entry }) { return }
    let start = try locateByIndex(entry.offset)
    let newer: Location?
    do {
      newer = try scan(from: start?.position, readAheadBytes: 64 << 10) { header, _ in
        header.maxTimestamp > entry.timestamp
      }
    } catch { throw .log(error) }
    if newer != nil { throw .index(.tooShort(path: indexFiles.timePath)) }
    checkedNewest.withLock { $0 = entry }
  }

  private func onIndexFault<Found>(
    _ failure: LookupFailure, _ find: (SegmentIndexes) -> Found?
  ) throws(LogError) -> Found? {
    switch failure {
    case .log(let error): throw error
    case .index(let fault): return find(try rebuild(because: fault))
    }
  }

  private func check(_ entry: IndexedPosition, _ open: ReadableFile?) throws(LookupFailure) {
    let (position, path) = (entry.position, indexFiles.offsetPath)
    guard position < file.end else {
      throw .index(
        .contradicted(path: path, reason: "position \(position) lies past the segment's end"))
    }
    let found: Result<RecordBatchHeader, ScanFault>
    do throws(StorageError) {
      var scanner = try BatchScanner(file, in: open, from: position, readAheadBytes: 128)
      found = try scanner.header()
    } catch { throw .log(.storage(error)) }
    if case .success(let header) = found, header.lastOffset == entry.lastOffset { return }
    throw .index(
      .contradicted(
        path: path, reason: "no batch ends at offset \(entry.lastOffset) at position \(position)"))
  }

  private func scan(
    from start: FilePosition?, _ isWanted: (RecordBatchHeader) -> Bool
  ) throws(LogError) -> Location? {
    try scan(from: start) { header, _ in isWanted(header) }
  }

  /// The first batch from `start` on that is wanted; nil at the end of the segment, of which
  /// zeros are a part.
  func scan(
    from start: FilePosition?, in open: ReadableFile? = nil, readAheadBytes: Int = 16 << 10,
    _ isWanted: (RecordBatchHeader, FilePosition) -> Bool
  ) throws(LogError) -> Location? {
    let stop: ScanStop
    let position: FilePosition
    do throws(StorageError) {
      var scanner = try BatchScanner(
        file, in: open, from: start ?? .zero, readAheadBytes: readAheadBytes)
      while case .success(let header) = try scanner.header() {
        if isWanted(header, scanner.position) {
          return Location(position: scanner.position, header: header)
        }
        scanner.skip(header)
      }
      stop = try scanner.stop()
      position = scanner.position
    } catch { throw .storage(error) }
    if case .invalid(let error) = stop {
      throw .batch(error, place: "\(file.path): byte \(position)")
    }
    return nil
  }

  // MARK: - Rebuilding

  /// Makes the indexes anew from the log's headers, keeps them, and tries to replace the files.
  private func rebuild(because fault: IndexFault) throws(LogError) -> SegmentIndexes {
    if let indexes = rebuilt.load() { return indexes }
    var writer = IndexWriter(baseOffset: baseOffset, settings: settings, bytes: file.end)
    _ = try scan(from: nil) { header, position in
      writer.add(header, at: position)
      return false
    }
    writer.finish()
    let indexes = rebuilt.storeIfNil(writer.indexes)
    // Retention took the files while a reader was in the middle: there is nothing to mend. Where the topic
    // was deleted, files of these names would be another topic's.
    if file.isRetired { return indexes }
    if case .some(.none) = try? file.io.size(ofFileAt: file.path) { return indexes }
    var outcome = "the indexes were made anew from the log"
    do { try indexFiles.write(indexes) } catch {
      outcome += ", in memory only: \(error)"
    }
    notices.post(LogNotice(path: file.path, "\(fault); \(outcome)"))
    return indexes
  }
}
