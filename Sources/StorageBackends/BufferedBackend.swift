import LinuxIO
import LogStorage
import Records

/// Appends through the page cache: `pwrite(2)` from the caller's buffer, `fdatasync(2)` to flush.
///
/// Written means in the page cache: a killed process loses nothing, a power cut what was not
/// flushed. Each call ends before it returns.
package struct BufferedBackend<IO: FileIO>: SynchronousBackend, ~Copyable {
  package static var capabilities: StorageCapabilities {
    StorageCapabilities(name: "buffered", blockBytes: 1, isAsynchronous: false, isDirect: false)
  }

  package let io: IO
  package let segments: SynchronousSegments<BufferedSegment<IO>>

  package init(_ io: IO, _ options: BackendOptions = BackendOptions()) {
    self.io = io
    segments = SynchronousSegments(io, options)
  }

  package mutating func open(
    _ file: SegmentFile, _ options: SegmentOptions
  ) throws(StorageError) -> SegmentID {
    segments.insert(
      BufferedSegment(
        open: try OpenSegment(io, file, options, Self.capabilities, segments.budget)))
  }
}

/// A segment file whose appends are copied into the page cache.
package final class BufferedSegment<IO: FileIO>: SynchronousSegment {
  package let open: OpenSegment<IO>

  init(open: OpenSegment<IO>) { self.open = open }

  package var placement: Int { 0 }

  package func write(_ buffer: inout AlignedBuffer) throws(StorageError) -> FilePosition {
    let bytes = buffer.bytes
    try open.takeSpace(upTo: open.position + Int64(bytes.byteCount))
    do { try open.handle.write(bytes, at: open.position) } catch { throw .ofWrite(error) }
    return open.advance(by: bytes.byteCount)
  }

  package func truncate(to position: Int64) throws(StorageError) { try open.truncate(to: position) }

  package func seal() throws(StorageError) { try open.seal(isPadded: false) }
}

/// The kind, which `ShippedBackends.all` lists.
package struct BufferedKind: BackendKind {
  package init() {}

  package var capabilities: StorageCapabilities { BufferedBackend<LinuxFileIO>.capabilities }

  package func make<IO: RingIO>(
    _ io: IO, _ options: BackendOptions
  ) throws(StorageError) -> any AnyStorageBackend { ErasedBackend(BufferedBackend(io, options)) }
}
