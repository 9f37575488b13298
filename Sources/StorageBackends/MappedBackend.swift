import LinuxIO
import LogStorage
import Records

/// Appends by storing into a mapping of the file (`mmap(2)`, MAP_SHARED), flushed by `fdatasync(2)`,
/// which costs what `msync(2)` does and fails in the same ways.
///
/// Written means in the page cache, as with `BufferedBackend`, and readers read it there. A store
/// has no way to say that the disk is full, or that a page cannot be read: it raises SIGBUS. So
/// space is taken first (`fallocate(2)`), and the pages of an append are brought in by one
/// `madvise(2)` with MADV_POPULATE_WRITE, which answers with an error where a store would have died,
/// and takes one system call where the stores would have taken a fault for each page. Each call ends
/// before it returns.
package struct MappedBackend<IO: FileIO>: SynchronousBackend, ~Copyable {
  package static var capabilities: StorageCapabilities {
    StorageCapabilities(
      name: "mmap", blockBytes: 1, isAsynchronous: false, isDirect: false, isMapped: true,
      preallocations: [.fallocateExtend, .zero, .recycle])
  }

  package let io: IO
  package let segments: SynchronousSegments<MappedSegment<IO>>

  package init(_ io: IO, _ options: BackendOptions = BackendOptions()) {
    self.io = io
    segments = SynchronousSegments(io, options)
  }

  package mutating func open(
    _ file: SegmentFile, _ options: SegmentOptions
  ) throws(StorageError) -> SegmentID {
    segments.insert(
      MappedSegment(
        open: try OpenSegment(io, file, options, Self.capabilities, segments.budget)))
  }
}

/// A segment file and the window on it that appends are stored to.
///
/// ```
///   file    [ written, not mapped any more | window: written | space taken ahead ] ... sizeMax
///                                                            ^ position          ^ takenEnd
/// ```
/// The window moves on when an append does not fit: at most 64 MiB are mapped, or one append.
package final class MappedSegment<IO: FileIO>: SynchronousSegment {
  private static var windowBytesMax: Int64 { 64 << 20 }
  private static var pageBytes: Int64 { 4096 }

  package let open: OpenSegment<IO>
  private var window: MappedRegion?
  /// Pages up to here were brought in since they were mapped.
  private var populatedEnd: Int64 = 0

  init(open: OpenSegment<IO>) { self.open = open }

  package var placement: Int { 0 }

  package func write(_ buffer: inout AlignedBuffer) throws(StorageError) -> FilePosition {
    let bytes = buffer.bytes
    let end = open.position + Int64(bytes.byteCount)
    try open.takeSpace(upTo: end)
    do throws(SystemCallError) {
      let window = try window(upTo: end)
      if end > populatedEnd {
        // Whole pages, and no more: every page that is brought in for writing will be written.
        let pagesEnd = min(window.end, Self.roundUp(end))
        try open.handle.io.populate(window, max(open.position, populatedEnd)..<pagesEnd)
        populatedEnd = pagesEnd
      }
      window.store(bytes, at: open.position)
    } catch { throw .ofWrite(error.naming(open.path)) }
    return open.advance(by: bytes.byteCount)
  }

  package func truncate(to position: Int64) throws(StorageError) {
    // Never below a live mapping: a store past a file's end is SIGBUS.
    window = nil
    try open.truncate(to: position)
  }

  package func seal() throws(StorageError) {
    window = nil
    try open.seal(isPadded: true)
  }

  /// The window that holds the file's bytes from the log's end to `end`, where space is taken.
  private func window(upTo end: Int64) throws(SystemCallError) -> MappedRegion {
    if let window, end <= window.end { return window }
    window = nil
    let start = open.position / Self.pageBytes * Self.pageBytes
    let upTo = max(Self.roundUp(end), min(open.takenEnd, start + Self.windowBytesMax))
    let mapped = try open.handle.io.map(open.handle.number, at: start, count: Int(upTo - start))
    window = mapped
    populatedEnd = start
    return mapped
  }

  private static func roundUp(_ position: Int64) -> Int64 {
    (position + pageBytes - 1) / pageBytes * pageBytes
  }
}

/// The kind, which `ShippedBackends.all` lists.
package struct MappedKind: BackendKind {
  package init() {}

  package var capabilities: StorageCapabilities { MappedBackend<LinuxFileIO>.capabilities }

  package func make<IO: RingIO>(
    _ io: IO, _ options: BackendOptions
  ) throws(StorageError) -> any AnyStorageBackend { ErasedBackend(MappedBackend(io, options)) }
}
