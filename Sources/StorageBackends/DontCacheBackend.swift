import LinuxIO
import LogStorage
import Records

/// Appends through the page cache and out of it again: `pwritev2(2)` with RWF_DONTCACHE (Linux 6.14),
/// which begins writeback at once and drops the pages when it has ended. `fdatasync(2)` to flush.
///
/// Written means in the page cache, as with `BufferedBackend`. The cache does not grow with the log,
/// so other data stays in it and no new memory is needed, which is dear on a virtual machine; who
/// reads behind the end reads from the disk. Each call ends before it returns.
package struct DontCacheBackend<IO: FileIO>: SynchronousBackend, ~Copyable {
  package static var capabilities: StorageCapabilities {
    StorageCapabilities(
      name: "dontcache", blockBytes: 1, isAsynchronous: false, isDirect: false, isUncached: true)
  }

  package let io: IO
  package let segments: SynchronousSegments<DontCacheSegment<IO>>

  package init(_ io: IO, _ options: BackendOptions = BackendOptions()) {
    self.io = io
    segments = SynchronousSegments(io, options)
  }

  package mutating func open(
    _ file: SegmentFile, _ options: SegmentOptions
  ) throws(StorageError) -> SegmentID {
    segments.insert(
      DontCacheSegment(try OpenSegment(io, file, options, Self.capabilities, segments.budget)))
  }
}

/// A segment file whose pages leave the page cache as they reach the disk.
package final class DontCacheSegment<IO: FileIO>: SynchronousSegment {
  package let open: OpenSegment<IO>

  init(_ open: OpenSegment<IO>) { self.open = open }

  package var placement: Int { 0 }

  package func write(_ buffer: inout AlignedBuffer) throws(StorageError) -> FilePosition {
    try open.takeSpace(upTo: open.position + Int64(buffer.count))
    do {
      try open.handle.write(buffer.bytes, at: open.position, uncached: true)
    } catch {
      // Nothing was written: a file system that knows the flag takes it always.
      if error.number == .notSupported { throw .uncachedUnsupported(error) }
      throw .ofWrite(error)
    }
    return open.advance(by: buffer.count)
  }

  package func truncate(to position: Int64) throws(StorageError) {
    try open.truncate(to: position)
  }

  package func seal() throws(StorageError) { try open.seal(isPadded: false) }
}

/// The kind, which `ShippedBackends.all` lists.
package struct DontCacheKind: BackendKind {
  package init() {}

  package var capabilities: StorageCapabilities { DontCacheBackend<LinuxFileIO>.capabilities }

  package func make<IO: RingIO>(
    _ io: IO, _ options: BackendOptions
  ) throws(StorageError) -> any AnyStorageBackend { ErasedBackend(DontCacheBackend(io, options)) }
}
