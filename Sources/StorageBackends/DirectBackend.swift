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
package struct DirectBackend<IO: FileIO>: StorageBackend, ~Copyable {
  package static var capabilities: StorageCapabilities {
    StorageCapabilities(
      name: "direct", blockBytes: AlignedBuffer.alignment, isAsynchronous: false, isDirect: true)
  }

  package let io: IO
  private var segments = SegmentTable<DirectSegment<IO>>()
  private var flushes = FinishedFlushes()
  private var lastAppend: UInt64 = 0
  private let staging = StagingBuffer()

  package init(_ io: IO) { self.io = io }

  package mutating func open(
    _ file: SegmentFile, _ options: SegmentOptions
  ) throws(StorageError) -> SegmentID {
    segments.insert(try DirectSegment(io, file, options, staging))
  }

  package func placement(of segment: SegmentID) -> Int { segments[segment].placement }

  package mutating func append(
    _ buffer: consuming AlignedBuffer, to segment: SegmentID
  ) -> Submission {
    lastAppend += 1
    let result = segments[segment].append(&buffer)
    return .completed(
      AppendCompletion(
        ticket: AppendTicket(rawValue: lastAppend), segment: segment, buffer: buffer,
        result: result))
  }

  package mutating func flush(_ ids: [SegmentID]) -> FlushTicket {
    flushes.run(ids) { id throws(StorageError) in try segments[id].flush() }
  }

  package mutating func reap(
    waiting: Bool, _ body: (consuming Completion) -> Void
  ) throws(StorageError) -> Int { flushes.reap(body) }

  package mutating func truncate(
    _ segment: SegmentID, to position: FilePosition
  ) throws(StorageError) { try segments[segment].truncate(to: position.rawValue) }

  package mutating func seal(_ segment: SegmentID) throws(StorageError) {
    try segments.remove(segment).seal()
  }

  package mutating func abandon(_ segment: SegmentID) { _ = segments.remove(segment) }
}

/// Memory for appends that cannot be written in place; made at the first of them, and shared by
/// the segments of one backend, which all belong to its thread.
final class StagingBuffer {
  private var buffer: AlignedBuffer?

  func withBuffer<Result, Failure: Error>(
    _ body: (inout AlignedBuffer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var taken = buffer.take() ?? AlignedBuffer(capacity: 1 << 20)
    let result: Swift.Result<Result, Failure>
    do throws(Failure) { result = .success(try body(&taken)) } catch { result = .failure(error) }
    buffer = consume taken
    return try result.get()
  }
}
