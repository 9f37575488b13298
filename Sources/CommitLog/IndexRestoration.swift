import LinuxIO
import LogStorage
import Records

/// The entries that a segment's index files have, up to the first that cannot be true.
struct IndexEntries {
  let baseOffset: Offset
  var offsets: [IndexedPosition] = []
  var timestamps: [IndexedTimestamp] = []
}

/// The index of a segment's first part, as its files have it and the log confirms it: whoever goes on
/// with the segment need not read that part.
///
/// ```
///   files   [ entry ][ entry ] … [ entry k ]
///   log     | batches, not read            | batch k | the rest: the caller's to read |
///                                          ^ position
/// ```
struct RestoredIndex {
  /// Has noted everything before `position`.
  let writer: IndexWriter
  /// Where the batch of the last entry begins.
  let position: FilePosition
  /// The base offset of that batch.
  let next: Offset
  /// True where the time index lacked entries, as after a power cut; `writer` has them.
  let isMended: Bool

  /// Goes as far as the files do, and to a batch that ends below `limit`. Nil where the files have no
  /// such entry, or the log does not have the batches that they name. Reads the segment's first header,
  /// and the headers from the newest timestamp's batch to the last entry's: mostly one index interval.
  init?(
    _ files: IndexFiles, of file: SegmentFile, below limit: Offset, _ settings: TopicSettings
  ) throws(StorageError) {
    var found = files.entries(before: file.end, below: limit)
    guard let last = found.offsets.last,
      let header = try Self.header(of: file, at: last.position),
      header.lastOffset == last.lastOffset,
      let first = try Self.header(of: file, at: .zero), first.baseOffset == file.baseOffset
    else { return nil }
    let known = found.timestamps.last { $0.offset < header.baseOffset }
    // Every entry of the offset index comes with the newest timestamp before it.
    if known == nil && found.offsets.count > 1 { return nil }
    var missing: [IndexedTimestamp] = []
    guard
      let newest = try Self.newest(
        in: file, from: known, found.offsets, before: last.position, settings, &missing)
    else { return nil }
    if !missing.isEmpty {
      found.timestamps.removeAll { entry in known.map { entry.offset > $0.offset } ?? true }
      found.timestamps += missing
    }
    writer = IndexWriter(
      found, before: header, firstTimestamp: first.maxTimestamp, newest: newest,
      settings: settings, bytes: file.end)
    position = last.position
    next = header.baseOffset
    isMended = !missing.isEmpty
  }

  private static func header(
    of file: SegmentFile, at position: FilePosition
  ) throws(StorageError) -> RecordBatchHeader? {
    var scanner = try BatchScanner(file, from: position, readAheadBytes: 128)
    return try? scanner.header().get()
  }

  /// The newest timestamp before `end`, where `known` is the last one that the files have; nil where
  /// the log contradicts that. `missing` gets the entries of the time index that `offsets` should have
  /// come with.
  private static func newest(
    in file: SegmentFile, from known: IndexedTimestamp?, _ offsets: [IndexedPosition],
    before end: FilePosition, _ settings: TopicSettings, _ missing: inout [IndexedTimestamp]
  ) throws(StorageError) -> IndexedTimestamp? {
    let behind = offsets.firstIndex { entry in known.map { entry.lastOffset > $0.offset } ?? true }
    var indexed = offsets[(behind ?? offsets.endIndex)...]
    let start = known.flatMap { known in offsets.last { $0.lastOffset <= known.offset } }
    var scanner = try BatchScanner(
      file, from: start?.position ?? .zero, end: end,
      readAheadBytes: max(512, settings.indexIntervalBytes))
    var newest: IndexedTimestamp?
    var isConfirmed = known == nil
    while case .success(let header) = try scanner.header() {
      if let known, known.offset == header.lastOffset {
        isConfirmed = known.timestamp == header.maxTimestamp
        newest = known
      } else if newest.map({ header.maxTimestamp > $0.timestamp }) ?? (known == nil) {
        newest = IndexedTimestamp(timestamp: header.maxTimestamp, offset: header.lastOffset)
      }
      if indexed.first?.lastOffset == header.lastOffset {
        indexed.removeFirst()
        if let newest, newest.timestamp > (missing.last ?? known)?.timestamp ?? .min {
          missing.append(newest)
        }
      }
      scanner.skip(header)
    }
    return isConfirmed && scanner.remaining == 0 ? newest : nil
  }
}

extension IndexFiles {
  /// The entries of positions before `end` and of offsets below `limit`; none where a file cannot be
  /// read.
  fileprivate func entries(before end: FilePosition, below limit: Offset) -> IndexEntries {
    var found = IndexEntries(baseOffset: baseOffset)
    read(offsetPath, Self.offsetEntryBytes) { bytes, start in
      let entry = offsetEntry(bytes, at: start)
      let isNext = found.offsets.last.map {
        $0.position < entry.position && $0.lastOffset < entry.lastOffset
      }
      guard isNext ?? (entry.position > .zero), entry.position < end, entry.lastOffset < limit
      else { return false }
      found.offsets.append(entry)
      return true
    }
    read(timePath, Self.timeEntryBytes) { bytes, start in
      let entry = timeEntry(bytes, at: start)
      let isNext = found.timestamps.last.map {
        $0.timestamp < entry.timestamp && $0.offset < entry.offset
      }
      guard isNext ?? true, entry.offset < limit else { return false }
      found.timestamps.append(entry)
      return true
    }
    return found
  }

  /// Hands out a file and where each whole entry begins, for as long as `body` wants more.
  private func read(_ path: String, _ entryBytes: Int, _ body: ([UInt8], Int) -> Bool) {
    guard let bytes = try? io.readFile(at: path) else { return }
    for entry in 0..<bytes.count / entryBytes where !body(bytes, entry * entryBytes) { return }
  }
}
