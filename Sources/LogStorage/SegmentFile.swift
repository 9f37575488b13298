import LinuxIO
import Records
import Synchronization

/// The readers' side of one segment file, shared by the appender and all readers, on any thread.
///
/// The appender publishes how far the file may be read; readers open the file when they first need
/// it, and hold it open for as long as they use it. A segment that retention deletes stays
/// readable for who has it open.
package final class SegmentFile: Sendable {
  package let baseOffset: Offset
  /// Path of the `.log` file.
  package let path: String
  package let io: any FileIO

  /// Bytes that may be read: stored (releasing) by the appender after they are written, loaded
  /// (acquiring) by readers.
  private let readableCount: Atomic<Int64>
  private let lazyTail = AtomicLazyReference<SegmentTail>()
  private let handle = Lock(WeakHandle())
  /// Raised when bytes that were readable are cut off: a slice made before must not be believed.
  private let truncations = Atomic<UInt64>(0)
  private let isLent: Atomic<Bool>
  /// Negative while there is none.
  private let successorOffset = Atomic<Int64>(-1)

  package init(baseOffset: Offset, path: String, io: any FileIO, end: FilePosition) {
    self.baseOffset = baseOffset
    self.path = path
    self.io = io
    readableCount = Atomic(end.rawValue)
    // What was there before may have been sent by a process before this one.
    isLent = Atomic(end > .zero)
  }

  /// Where the readable bytes end.
  package var end: FilePosition { FilePosition(readableCount.load(ordering: .acquiring)) }

  /// The appender's thread only: bytes before `end` may be read from now on.
  package func publish(end: FilePosition) {
    readableCount.store(end.rawValue, ordering: .releasing)
  }

  /// The appender's thread only: bytes from `end` on are gone, and slices that held them say so.
  package func retract(to end: FilePosition) {
    truncations.add(1, ordering: .acquiringAndReleasing)
    readableCount.store(end.rawValue, ordering: .releasing)
  }

  /// The log's: the next segment begins at this offset, and this one grows no more.
  package func end(before offset: Offset) {
    successorOffset.store(offset.rawValue, ordering: .releasing)
  }

  /// Where the next segment begins; nil where this is the last one.
  package var successor: Offset? {
    let offset = successorOffset.load(ordering: .acquiring)
    return offset < 0 ? nil : Offset(offset)
  }

  package var truncationCount: UInt64 { truncations.load(ordering: .acquiring) }

  /// True where pages of the file may have gone to a socket by reference. They may be under way for as
  /// long as the peer does not read, so the file may be written over only when none is left in the
  /// page cache (`KernelFile.evict`): one that is under way stays there.
  package var hasLentPages: Bool { isLent.load(ordering: .acquiring) }

  func lendPages() {
    if !isLent.load(ordering: .relaxed) { isLent.store(true, ordering: .releasing) }
  }

  /// The memory that a rewriting backend serves the last block from; made once, when the backend
  /// opens the segment.
  package func makeTail(blockBytes: Int) -> SegmentTail {
    let tail = lazyTail.storeIfNil(SegmentTail(blockBytes: blockBytes))
    allowReadahead(false)
    return tail
  }

  /// The backend's, when no block of the file is written again: all bytes before `position` are in
  /// the file, and reading ahead brings in nothing that will change.
  package func finishTail(at position: Int64) {
    tail?.publish(start: position, RawSpan())
    allowReadahead(true)
  }

  private func allowReadahead(_ isWanted: Bool) {
    handle.withLock { slot in
      slot.isReadaheadWanted = isWanted
      if let open = slot.file { io.adviseReadahead(open.number, isWanted: isWanted) }
    }
  }

  /// The tail, where the segment's backend rewrites its last block.
  package var tail: SegmentTail? { lazyTail.load() }

  /// Says that the file is about to hold something else: nobody opens it any more. False, and
  /// nothing is changed, where somebody has it open.
  package func retire() -> Bool {
    handle.withLock { slot in
      if slot.file != nil { return false }
      slot.isRetired = true
      return true
    }
  }

  /// Says that the file is deleted, and that its name may come to be another file's: nobody opens it any
  /// more. Who has it open goes on.
  package func withdraw() { handle.withLock { $0.isRetired = true } }

  /// True where nobody can open the file any more.
  package var isRetired: Bool { handle.withLock { $0.isRetired } }

  /// The file, open for reading with a plain descriptor: the one that is open now, or a new one.
  package func openForReading() throws(StorageError) -> ReadableFile {
    let result: Result<ReadableFile, StorageError> = handle.withLock { slot in
      if let open = slot.file { return .success(open) }
      if slot.isRetired {
        return .failure(.readFailed(SystemCallError(.open, .noSuchFile, path: path)))
      }
      do throws(SystemCallError) {
        let open = try ReadableFile(io, path)
        // A page that readahead brings in beyond the readable end could be one that a direct write
        // is about to change.
        if !slot.isReadaheadWanted { io.adviseReadahead(open.number, isWanted: false) }
        slot.file = open
        return .success(open)
      } catch { return .failure(.readFailed(error)) }
    }
    return try result.get()
  }

  /// `count` bytes from `position`, cut at the readable end: ranges of the file and, for the last
  /// block of a rewriting backend, a copy of the memory. Nothing is read yet.
  package func slice(
    at position: FilePosition, count: Int
  ) throws(StorageError) -> LogSlice {
    slice(at: position, count: count, in: try openForReading())
  }

  /// The same, over a file that `openForReading` gave earlier: without a lock or a call.
  package func slice(
    at position: FilePosition, count: Int, in file: ReadableFile
  ) -> LogSlice {
    let truncationCount = self.truncationCount
    let last = min(end.rawValue, position.rawValue + Int64(max(0, count)))
    let range = position.rawValue..<max(position.rawValue, last)
    var memory: [UInt8] = []
    var fileEnd = range.upperBound
    // The tail is published before the readable end that covers it, so this snapshot is at least
    // as new as `end` above.
    if let tail, tail.start < range.upperBound, case let (start, bytes) = tail.snapshot(),
      !bytes.isEmpty, start < range.upperBound
    {
      let from = Int(max(0, range.lowerBound - start))
      let upTo = Int(min(Int64(bytes.count), range.upperBound - start))
      memory = from < upTo ? Array(bytes[from..<upTo]) : []
      fileEnd = max(range.lowerBound, start)
    }
    return LogSlice(
      file: file, fileRange: range.lowerBound..<fileEnd, memory: memory,
      segment: self, version: truncationCount)
  }
}

/// A plain descriptor on a segment file, closed when its last user lets it go.
package final class ReadableFile: Sendable {
  package let io: any FileIO
  package let path: String
  package let number: FileNumber
  /// By number of window. Taken once for each call that sends from a mapping.
  private let mappings = Lock<[Int64: ReadMapping]>([:])

  init(_ io: any FileIO, _ path: String) throws(SystemCallError) {
    self.io = io
    self.path = path
    number = try io.open(path, FileOpening(.read))
  }

  deinit { try? io.close(number) }

  /// The kernel's file; nil where it is not the kernel's.
  package var kernelFile: KernelFile? { io.kernelFile(number) }

  /// Bytes of a window that is mapped as a whole.
  private static let windowBytes: Int64 = 256 << 20

  /// The mapping that holds the byte at `position`: made once, and unmapped when the file is closed.
  /// It may reach past the file's end. Throws where the file is not the kernel's, too.
  package func mapping(at position: Int64) throws(SystemCallError) -> ReadMapping {
    guard let kernelFile, position >= 0 else {
      throw SystemCallError(.mmap, .badFileDescriptor, path: path)
    }
    let window = position / Self.windowBytes
    return try mappings.withLock { (mappings) throws(SystemCallError) in
      if let mapping = mappings[window] { return mapping }
      do throws(SystemCallError) {
        let mapping = try ReadMapping(
          kernelFile, at: window * Self.windowBytes, count: Int(Self.windowBytes))
        mappings[window] = mapping
        return mapping
      } catch { throw error.naming(path) }
    }
  }
}

private struct WeakHandle {
  weak var file: ReadableFile?
  var isRetired = false
  var isReadaheadWanted = true
}
