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
  /// The newest timestamp once it is known, for a segment that is not appended to; `Int64.min` before.
  private let knownNewest: Atomic<Int64>
  /// How far the log was seen to hold nothing newer than the time index's last entry.
  private let newestCheck = Lock<NewestCheck?>(nil)

  private struct NewestCheck {
    let entry: IndexedTimestamp
    let paused: PausedScan
  }

  package var baseOffset: Offset { file.baseOffset }

  /// True where the indexes grow with the segment: those of a closed log's last segment do not, and it
  /// may be appended to again.
  var keepsUp: Bool { live != nil || file.successor != nil }

  /// With the newest timestamp of a segment that has just ended: nobody reads it again.
  init(
    _ file: SegmentFile, settings: TopicSettings, notices: LogNotices, live: SegmentIndexes? = nil,
    newestTimestamp: Int64? = nil
  ) {
    self.file = file
    self.settings = settings
    self.notices = notices
    self.live = live
    knownNewest = Atomic(newestTimestamp ?? .min)
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

  /// What a scan of headers came to that stops when its slice is over.
  enum TimedScan {
    case found(Location)
    case none
    case paused(PausedScan)
  }

  /// Where a scan goes on.
  struct PausedScan {
    fileprivate let position: FilePosition
    /// The file's: when bytes are cut off, other batches begin elsewhere.
    fileprivate let truncationCount: UInt64
  }

  /// Nil where the scan has to begin again.
  private func position(of paused: PausedScan?) -> FilePosition? {
    paused?.truncationCount == file.truncationCount ? paused?.position : nil
  }

  /// The first batch with a record at or after `timestamp`, and one at or after `least`. `paused` is
  /// what a call with the same arguments gave.
  func locate(
    timestamp: Int64, notBelow least: Offset, _ paused: PausedScan?, during slice: TimeSlice
  ) throws(LogError) -> TimedScan {
    var first = position(of: paused)
    if first == nil {
      var start = try entry(before: timestamp).flatMap { entry throws(LogError) in
        try locate(entry.offset)
      }
      if least > baseOffset, least > start?.header.lastOffset ?? baseOffset {
        guard let found = try locate(least) else { return .none }
        start = found
      }
      first = start?.position
    }
    return try scan(from: first, during: slice) { header, _ in
      header.maxTimestamp >= timestamp && header.lastOffset >= least
    }
  }

  private func entry(before timestamp: Int64) throws(LogError) -> IndexedTimestamp? {
    if let indexes = memoryIndexes { return indexes.entry(before: timestamp) }
    do throws(LookupFailure) {
      return try timeEntry { files throws(IndexFault) in try files.entry(before: timestamp) }
    } catch {
      return try onIndexFault(error) { $0.entry(before: timestamp) }
    }
  }

  // MARK: - The newest timestamp

  /// A timestamp that is looked for in pieces.
  enum NewestTimestamp {
    /// Nil where there is no batch.
    case known(Int64?)
    /// The slice is over; the next call goes on where this one stopped.
    case paused
  }

  /// The newest timestamp in the segment where memory has it; nil where it has to be read.
  var newestTimestampInMemory: Int64? {
    if let live { return live.newestTimestamp }
    let known = knownNewest.load(ordering: .relaxed)
    return known == .min ? nil : known
  }

  /// The newest timestamp in the segment, while it is appended to also of what is written and not yet
  /// readable; nil where it holds no batch. Read once at most, from the time index and the headers
  /// behind its last entry: what a sealed segment holds does not change.
  package func newestTimestamp() throws(LogError) -> Int64? {
    while true {
      if case .known(let timestamp) = try newestTimestamp(during: .endless) { return timestamp }
    }
  }

  func newestTimestamp(during slice: TimeSlice) throws(LogError) -> NewestTimestamp {
    if let live { return .known(live.newestTimestamp) }
    if let known = newestTimestampInMemory { return .known(known) }
    let found = try readNewestTimestamp(during: slice)
    if case .known(let timestamp?) = found { knownNewest.store(timestamp, ordering: .relaxed) }
    return found
  }

  private func readNewestTimestamp(during slice: TimeSlice) throws(LogError) -> NewestTimestamp {
    if let indexes = rebuilt.load() { return .known(indexes.newestTimestamp) }
    do throws(LookupFailure) {
      let entry = try timeEntry { files throws(IndexFault) in try files.lastTimestamp() }
      guard let entry else {
        if file.end == .zero { return .known(nil) }
        throw LookupFailure.index(.tooShort(path: indexFiles.timePath))
      }
      return try isNewest(entry, during: slice) ? .known(entry.timestamp) : .paused
    } catch {
      return .known(try onIndexFault(error) { $0.newestTimestamp })
    }
  }

  /// How far `newestTimestamp(from:below:)` has come.
  struct RangeScan {
    var newest: Int64?
    fileprivate var start: FilePosition
    fileprivate var paused: PausedScan?
  }

  /// The newest timestamp of the batches that begin below `end` and hold offsets from `start` on. Reads
  /// the headers of those that no index says enough of. `paused` keeps where the slice ended.
  func newestTimestamp(
    from start: Offset, below end: Offset, _ paused: inout RangeScan?, during slice: TimeSlice
  ) throws(LogError) -> NewestTimestamp {
    var current = paused.flatMap { position(of: $0.paused) == nil ? nil : $0 }
    if current == nil { current = try begin(from: start, below: end) }
    guard var state = current else { return .known(nil) }
    paused = nil
    let stop = try scan(
      from: position(of: state.paused) ?? state.start, readAheadBytes: 64 << 10, during: slice
    ) { header, _ in
      if header.baseOffset >= end { return true }
      state.newest = max(state.newest ?? header.maxTimestamp, header.maxTimestamp)
      return false
    }
    guard case .paused(let pause) = stop else { return .known(state.newest) }
    state.paused = pause
    paused = state
    return .paused
  }

  /// Nil where no batch holds an offset from `start` on.
  private func begin(from start: Offset, below end: Offset) throws(LogError) -> RangeScan? {
    if start > baseOffset {
      return try locate(start).map { RangeScan(start: $0.position) }
    }
    guard let entry = live?.lastTimestamp(below: end) else {
      return RangeScan(start: .zero)
    }
    let batch = try locate(entry.offset)
    return RangeScan(newest: entry.timestamp, start: batch?.position ?? file.end)
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
  /// cut short at an entry's end. False where the slice is over before all headers behind it are
  /// read; the next call goes on there.
  private func isNewest(
    _ entry: IndexedTimestamp, during slice: TimeSlice
  ) throws(LookupFailure) -> Bool {
    let before = newestCheck.withLock { $0 }
    var start = before?.entry == entry ? position(of: before?.paused) : nil
    if start == nil { start = try locateByIndex(entry.offset)?.position }
    let found: TimedScan
    do {
      found = try scan(from: start, readAheadBytes: 64 << 10, during: slice) { header, _ in
        header.maxTimestamp > entry.timestamp
      }
    } catch { throw .log(error) }
    switch found {
    case .found: throw .index(.tooShort(path: indexFiles.timePath))
    case .none: return true
    case .paused(let pause):
      newestCheck.withLock { $0 = NewestCheck(entry: entry, paused: pause) }
      return false
    }
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

  /// Bytes between two looks at the clock.
  private static let pauseBytes: Int64 = 16 << 10

  /// The same in pieces: stops, too, where the slice is over; some batches later than it began at
  /// least.
  private func scan(
    from start: FilePosition?, readAheadBytes: Int = 16 << 10, during slice: TimeSlice,
    _ isWanted: (RecordBatchHeader, FilePosition) -> Bool
  ) throws(LogError) -> TimedScan {
    let truncationCount = file.truncationCount
    var isPaused = false
    var nextLook = (start ?? .zero).rawValue + Self.pauseBytes
    let found = try scan(from: start, readAheadBytes: readAheadBytes) { header, position in
      if position.rawValue >= nextLook {
        nextLook = position.rawValue + Self.pauseBytes
        isPaused = slice.isOver
      }
      return isPaused || isWanted(header, position)
    }
    guard let found else { return .none }
    if !isPaused { return .found(found) }
    return .paused(PausedScan(position: found.position, truncationCount: truncationCount))
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
