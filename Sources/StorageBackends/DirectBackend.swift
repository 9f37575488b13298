import LinuxIO
import LogStorage
import Records

/// Appends past the page cache: `pwrite(2)` on an O_DIRECT descriptor, whole blocks at a time.
///
/// The last, partial block is written padded with zeros before its append counts as written, and
/// written again as it fills; until it is full its bytes are served from memory (`SegmentTail`).
/// Written means the device has it, perhaps in a volatile cache: `fdatasync(2)` flushes that.
/// Each call ends before it returns.
///
/// Where the caller's buffer lies right (`placement`) it is written in place, with the last
/// block's old bytes put into its headroom and the padding into its tailroom; elsewhere the bytes
/// go through a staging buffer of 1 MiB.
package struct DirectBackend<IO: FileIO>: SynchronousBackend, ~Copyable {
  package static var capabilities: StorageCapabilities {
    StorageCapabilities(
      name: "direct", blockBytes: AlignedBuffer.alignment, isAsynchronous: false, isDirect: true)
  }

  package let io: IO
  package let segments: SynchronousSegments<DirectSegment<IO>>
  private let staging = StagingBuffer()

  package init(_ io: IO, _ options: BackendOptions = BackendOptions()) {
    self.io = io
    segments = SynchronousSegments(io, options)
  }

  package mutating func open(
    _ file: SegmentFile, _ options: SegmentOptions
  ) throws(StorageError) -> SegmentID {
    let open = try OpenSegment(io, file, options, Self.capabilities, segments.budget)
    return segments.insert(try DirectSegment(open, file, staging))
  }
}

/// Memory for appends that cannot be written in place; made at the first of them, and shared by
/// the segments of one backend, which all belong to its thread.
final class StagingBuffer {
  static let byteCount = 1 << 20
  private var buffer: AlignedBuffer?

  func withBuffer<Result, Failure: Error>(
    _ body: (inout AlignedBuffer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var taken = buffer.take() ?? AlignedBuffer(capacity: Self.byteCount)
    let result: Swift.Result<Result, Failure>
    do throws(Failure) { result = .success(try body(&taken)) } catch { result = .failure(error) }
    buffer = consume taken
    return try result.get()
  }
}

/// The kind, which `ShippedBackends.all` lists.
package struct DirectKind: BackendKind {
  package init() {}

  package var capabilities: StorageCapabilities { DirectBackend<LinuxFileIO>.capabilities }

  package func make<IO: RingIO>(
    _ io: IO, _ options: BackendOptions
  ) throws(StorageError) -> any AnyStorageBackend { ErasedBackend(DirectBackend(io, options)) }
}
