import LinuxIO
import LogStorage
import Records

/// A segment's indexes on disk, in Kafka's formats, big-endian:
///
/// ```
/// .index      [ last offset - base: UInt32 | position: UInt32 ] …            8 bytes an entry
/// .timeindex  [ timestamp: Int64 | offset - base: UInt32 ] …                12 bytes an entry
/// ```
///
/// Written whole when the segment ends, and with each checkpoint as far as the segment has come, so that
/// a recovery finds its way to the recovery point. Not flushed: an index is a hint that every reader
/// checks against the log itself, and makes anew where it does not hold.
struct IndexFiles {
  let io: any FileIO
  let offsetPath: String
  let timePath: String
  let baseOffset: Offset

  init(io: any FileIO, directory: String, baseOffset: Offset) {
    self.io = io
    self.baseOffset = baseOffset
    offsetPath = "\(directory)/\(SegmentNames.offsetIndex(baseOffset))"
    timePath = "\(directory)/\(SegmentNames.timeIndex(baseOffset))"
  }

  // MARK: - Writing

  /// Replaces the files by all entries.
  @discardableResult
  func write(_ indexes: SegmentIndexes) throws(SystemCallError) -> SavedIndexes {
    let saved = SavedIndexes(indexes)
    try replace(offsetPath, offsetBytes(indexes, 0..<saved.offsets))
    try replace(timePath, timeBytes(indexes, 0..<saved.timestamps))
    return saved
  }

  /// Adds the entries that came since `saved` to the files, which have that many. On a throw they may
  /// end in the middle of an entry.
  func extend(
    _ saved: SavedIndexes, to indexes: SegmentIndexes
  ) throws(SystemCallError) -> SavedIndexes {
    let now = SavedIndexes(indexes)
    // The time index first: whoever finds an entry of the offset index takes it that the timestamps
    // before it are there.
    try add(
      timeBytes(indexes, saved.timestamps..<now.timestamps), to: timePath,
      at: saved.timestamps * Self.timeEntryBytes)
    try add(
      offsetBytes(indexes, saved.offsets..<now.offsets), to: offsetPath,
      at: saved.offsets * Self.offsetEntryBytes)
    return now
  }

  private func offsetBytes(_ indexes: SegmentIndexes, _ entries: Range<Int>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(entries.count * Self.offsetEntryBytes)
    for entry in entries { bytes.appendBigEndian(indexes.offsets.word(entry)) }
    return bytes
  }

  private func timeBytes(_ indexes: SegmentIndexes, _ entries: Range<Int>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(entries.count * Self.timeEntryBytes)
    for entry in entries {
      // One that 32 bits do not reach stays in memory: without it the file is found to be short.
      guard let offset = UInt32(exactly: indexes.timestamps.word(entry, 1)) else { break }
      bytes.appendBigEndian(indexes.timestamps.word(entry, 0))
      bytes.appendBigEndian(offset)
    }
    return bytes
  }

  private func add(_ bytes: [UInt8], to path: String, at position: Int) throws(SystemCallError) {
    if bytes.isEmpty { return }
    let file = try io.open(path, FileOpening(.readWrite))
    defer { try? io.close(file) }
    try io.writeFully(file, bytes.span.bytes, at: Int64(position), path: path)
  }

  func remove() throws(SystemCallError) {
    for path in [offsetPath, timePath] where try io.size(ofFileAt: path) != nil {
      try io.remove(path)
    }
  }

  private func replace(_ path: String, _ bytes: [UInt8]) throws(SystemCallError) {
    let temporary = path + ".tmp"
    if try io.size(ofFileAt: temporary) != nil { try io.remove(temporary) }
    do {
      try writeNew(temporary, bytes)
      try io.rename(temporary, to: path)
    } catch {
      try? io.remove(temporary)
      throw error
    }
  }

  private func writeNew(_ path: String, _ bytes: [UInt8]) throws(SystemCallError) {
    let file = try io.open(path, FileOpening(.readWrite, creation: .mustBeNew))
    defer { try? io.close(file) }
    try io.writeFully(file, bytes.span.bytes, at: 0, path: path)
  }

  // MARK: - Reading

  /// The last entry whose offset is at most `offset`; nil where the search must begin at the
  /// segment's start. Throws `IndexFault` where the file cannot be an index of this segment.
  func position(for offset: Offset) throws(IndexFault) -> IndexedPosition? {
    try search(offsetPath, entryBytes: Self.offsetEntryBytes) { entry in
      self.offsetEntry(entry).lastOffset <= offset
    }.map { offsetEntry($0) }
  }

  /// The last entry of the time index older than `timestamp`.
  func entry(before timestamp: Int64) throws(IndexFault) -> IndexedTimestamp? {
    try search(timePath, entryBytes: Self.timeEntryBytes) { entry in
      self.timeEntry(entry).timestamp < timestamp
    }.map { timeEntry($0) }
  }

  /// The last entry of the time index: the segment's newest timestamp.
  func lastTimestamp() throws(IndexFault) -> IndexedTimestamp? {
    try search(timePath, entryBytes: Self.timeEntryBytes) { _ in true }.map { timeEntry($0) }
  }

  static let offsetEntryBytes = 8
  static let timeEntryBytes = 12

  func offsetEntry(_ bytes: [UInt8], at start: Int = 0) -> IndexedPosition {
    IndexedPosition(
      lastOffset: baseOffset.advanced(by: Int64(bytes.bigEndian(at: start, count: 4))),
      position: FilePosition(Int64(bytes.bigEndian(at: start + 4, count: 4))))
  }

  func timeEntry(_ bytes: [UInt8], at start: Int = 0) -> IndexedTimestamp {
    IndexedTimestamp(
      timestamp: Int64(bitPattern: bytes.bigEndian(at: start, count: 8)),
      offset: baseOffset.advanced(by: Int64(bytes.bigEndian(at: start + 8, count: 4))))
  }

  /// The last entry of the leading ones for which `belongs` holds, by binary search with pread:
  /// about twenty small reads of cached pages, and no memory kept.
  private func search(
    _ path: String, entryBytes: Int, _ belongs: ([UInt8]) -> Bool
  ) throws(IndexFault) -> [UInt8]? {
    let file: FileNumber
    let size: Int64
    do { file = try io.open(path, FileOpening(.read)) } catch { throw .unreadable(error) }
    defer { try? io.close(file) }
    do { size = try io.size(file) } catch { throw .unreadable(error.naming(path)) }
    guard size % Int64(entryBytes) == 0 else {
      throw .misshapen(path: path, byteCount: size, entryBytes: entryBytes)
    }
    var low: Int64 = 0
    var high = size / Int64(entryBytes)
    var entry = [UInt8](repeating: 0, count: entryBytes)
    while low < high {
      let middle = low + (high - low) / 2
      try read(file, path, at: middle * Int64(entryBytes), into: &entry)
      if belongs(entry) { low = middle + 1 } else { high = middle }
    }
    if low == 0 { return nil }
    try read(file, path, at: (low - 1) * Int64(entryBytes), into: &entry)
    return entry
  }

  private func read(
    _ file: FileNumber, _ path: String, at position: Int64, into entry: inout [UInt8]
  ) throws(IndexFault) {
    var span = entry.mutableSpan
    var bytes = span.mutableBytes
    let count: Int
    do {
      count = try io.readFully(file, into: &bytes, at: position, path: path)
    } catch { throw .unreadable(error) }
    if count < bytes.byteCount {
      throw .misshapen(path: path, byteCount: position + Int64(count), entryBytes: bytes.byteCount)
    }
  }
}

/// How many entries of a segment's indexes its files have.
struct SavedIndexes {
  let offsets: Int
  let timestamps: Int

  init(_ indexes: SegmentIndexes) {
    offsets = indexes.offsets.count
    timestamps = indexes.timestamps.count
  }
}

/// Why an index file is not to be used; it is then made anew from the log.
enum IndexFault: Error, CustomStringConvertible {
  case unreadable(SystemCallError)
  case misshapen(path: String, byteCount: Int64, entryBytes: Int)
  /// An entry says something that the log does not.
  case contradicted(path: String, reason: String)
  /// The log goes on for longer without an entry than the index's interval allows.
  case tooShort(path: String)

  var description: String {
    switch self {
    case .unreadable(let error): "\(error)"
    case .misshapen(let path, let byteCount, let entryBytes):
      "\(path): \(byteCount) bytes are no whole number of entries of \(entryBytes) bytes"
    case .contradicted(let path, let reason): "\(path): \(reason)"
    case .tooShort(let path): "\(path): entries are missing at the end"
    }
  }
}
