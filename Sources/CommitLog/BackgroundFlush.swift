import LinuxIO
import LogStorage
import Records

/// The files of one log that no flush of its active segment covers.
struct UnflushedFiles {
  /// A segment that ended before a flush covered all of it.
  struct Segment: Sendable {
    let file: SegmentFile
    /// The log's end when the segment ended.
    let next: Offset
    /// The kernel reports an error of writeback to descriptors that were open then; it may forget
    /// the error when the last one is closed. Nil where too many segments wait.
    fileprivate(set) var open: ReadableFile?

    /// Nil where the file is gone: retention removed it.
    func openForFlush() throws(SystemCallError) -> ReadableFile? {
      if let open { return open }
      do { return try file.openForReading() } catch {
        guard case .readFailed(let cause) = error else { return nil }
        if cause.number == .noSuchFile { return nil }
        throw cause
      }
    }
  }

  /// Descriptors that the segments of one log may keep.
  private static let openMax = 16

  /// Oldest first.
  private(set) var segments: [Segment] = []
  /// Segments that began without their names being made durable, since the log was opened, and how
  /// many of those are durable since.
  private(set) var namesBegun = 0
  private var namesDurable = 0

  var hasNames: Bool { namesDurable < namesBegun }
  var isEmpty: Bool { segments.isEmpty && !hasNames }

  mutating func began() { namesBegun += 1 }

  mutating func ended(_ file: SegmentFile, _ open: ReadableFile, before next: Offset) {
    segments.append(Segment(file: file, next: next, open: open))
    if segments.count > Self.openMax { segments[segments.count - 1 - Self.openMax].open = nil }
  }

  /// Everything is durable.
  mutating func flushed() {
    segments = []
    namesDurable = namesBegun
  }

  /// These files are durable, and the names of the first `names` segments that began.
  mutating func flushed(_ files: Set<ObjectIdentifier>, names: Int) {
    remove(files)
    namesDurable = max(namesDurable, names)
  }

  /// These segments have left the log.
  mutating func remove(_ files: Set<ObjectIdentifier>) {
    segments.removeAll { files.contains(ObjectIdentifier($0.file)) }
  }
}

/// A flush of all that a log has written, which any thread may make while the log goes on.
///
/// `PartitionLog.backgroundFlush` makes one, `run` performs it, and `PartitionLog.ended` takes note
/// of it. The log's thread waits for nothing.
package struct BackgroundFlush: Sendable {
  fileprivate struct Part {
    let segment: UnflushedFiles.Segment
    /// Bytes that no flush has covered.
    let range: Range<Int64>
    /// False of the segment that is appended to.
    let isSealed: Bool
  }

  package let partition: TopicPartition
  let log: PublishedLog
  private let io: any FileIO
  private let directory: String
  fileprivate let parts: [Part]
  /// Segments that had begun; 0 where all of their names were durable.
  fileprivate let names: Int
  /// Everything below is durable when the flush has succeeded, and no append failed meanwhile.
  fileprivate let offset: Offset
  fileprivate let failures: Int

  fileprivate init(_ log: PartitionLog, _ parts: [Part]) {
    partition = log.partition
    self.log = log.published
    io = log.io
    directory = log.directory
    self.parts = parts
    names = log.unflushed.hasNames ? log.unflushed.namesBegun : 0
    offset = log.writtenOffset
    failures = log.failureCount
  }

  /// Bytes that it is about to write back, at most.
  package var byteCount: Int64 { parts.reduce(0) { $0 + Int64($1.range.count) } }

  /// Bytes of which writeback begins at once.
  private static let pieceBytes: Int64 = 8 << 20

  /// Flushes the files in the order of the log. After each piece of 8 MiB `pause` may hold it up,
  /// which bounds its rate. Throws `storage(flushFailed)` where a flush failed, and another error
  /// where one could not be tried.
  package func run(pause: (Int64) -> Void = { _ in }) throws(LogError) {
    for part in parts {
      let file: ReadableFile?
      do { file = try part.segment.openForFlush() } catch { throw .system(error) }
      guard let file else { continue }
      var position = part.range.lowerBound
      while position < part.range.upperBound {
        let count = min(Self.pieceBytes, part.range.upperBound - position)
        io.beginWriteback(file.number, at: position, count: count)
        pause(count)
        position += count
      }
      do { try io.synchronizeData(file.number) } catch {
        throw .storage(.flushFailed(error.naming(file.path)))
      }
    }
    if names == 0 { return }
    do { try io.synchronizeDirectory(directory) } catch {
      // The partition may be gone meanwhile.
      if error.call == .open && error.number == .noSuchFile { return }
      throw error.call == .open ? .system(error) : .storage(.flushFailed(error))
    }
  }
}

extension PartitionLog {
  /// What is known to be durable, as the next recovery may believe it. Not behind a segment that
  /// ended without a flush: recovery would believe that its file ends there, too.
  var recoveryPoint: Offset {
    guard let first = unflushed.segments.first else { return durableOffset }
    return min(durableOffset, first.next)
  }

  /// A flush of all that is written and not durable; nil where nothing is, and under `batch` and
  /// `group`, where appends wait for flushes of their own.
  func backgroundFlush() -> BackgroundFlush? {
    if fence != nil || isDiscarded || settings.durability.acknowledgesDurable { return nil }
    var parts = unflushed.segments.map { segment in
      BackgroundFlush.Part(
        segment: segment, range: 0..<segment.file.end.rawValue, isSealed: true)
    }
    if let active, active.durableEnd < active.writtenEnd {
      let segment = UnflushedFiles.Segment(
        file: active.segment.file, next: writtenOffset, open: nil)
      parts.append(
        BackgroundFlush.Part(
          segment: segment, range: active.durableEnd.rawValue..<active.writtenEnd.rawValue,
          isSealed: false))
    }
    if parts.isEmpty && !unflushed.hasNames { return nil }
    return BackgroundFlush(self, parts)
  }

  /// A flush of this log has ended. Where one failed, the log is fenced; one that could not be tried
  /// changes nothing, and is thrown.
  func ended(_ flush: BackgroundFlush, _ result: Result<Void, LogError>) throws(LogError) {
    if isDiscarded || fence != nil { return }
    do throws(LogError) { try result.get() } catch {
      guard case .storage(let failure) = error else { throw error }
      if let active { giveUp(active, because: failure) } else { fence = failure }
      throw .fenced(partition, failure)
    }
    let sealed = Set(
      flush.parts.filter(\.isSealed).map { ObjectIdentifier($0.segment.file) })
    unflushed.flushed(sealed, names: flush.names)
    // No failed append cuts a segment back that has ended.
    let undurable = unflushed.segments.first?.file ?? active?.segment.file
    durableOffset = max(durableOffset, undurable?.baseOffset ?? writtenOffset)
    // An append that failed meanwhile cut the log back.
    guard flush.failures == failureCount, flush.offset > durableOffset else { return }
    durableOffset = flush.offset
    guard let part = flush.parts.last, !part.isSealed, let active,
      active.segment.file === part.segment.file
    else { return }
    let end = FilePosition(part.range.upperBound)
    active.durableEnd = max(active.durableEnd, end)
    active.promisedEnd = max(active.promisedEnd, end)
  }
}
