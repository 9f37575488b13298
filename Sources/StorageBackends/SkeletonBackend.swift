import LinuxIO
import LogStorage
import Records

// A backend to copy. It works as it stands, and the conformance suite runs over it so that it goes
// on working, but no program offers it: it is `BufferedBackend` with everything said aloud.
//
// 1. Copy this file to `YourBackend.swift`, and rename the types.
// 2. Say what it can do in `capabilities`.
// 3. Change `write`, which is the point of it, and `seal` if files end in something of your own.
// 4. Add its line to `ShippedBackends.all`: every command, suite, laboratory and test knows it now.
//    Run `swift test --filter BackendConformanceTests`, then `Scripts/check`.
//
// A backend that answers later than it is asked (`isAsynchronous`) conforms to `StorageBackend`
// itself, as `Uring/` does; one whose calls end before they return is a segment class and no more.

/// One sentence: which calls append, and which flush. What *written* means here: who still has the
/// bytes when the process is killed.
package struct SkeletonBackend<IO: FileIO>: SynchronousBackend, ~Copyable {
  package static var capabilities: StorageCapabilities {
    StorageCapabilities(
      // In flags, suites and CSV.
      name: "skeleton",
      // Above 1 where writes are whole blocks and the last one is rewritten as it fills: then keep a
      // `LastBlock` and publish it, as `DirectSegment` does.
      blockBytes: 1,
      // True where `append` may answer `.queued`.
      isAsynchronous: false,
      // True where the file is opened with O_DIRECT: `OpenSegment` then does so, and refuses file
      // systems that have none.
      isDirect: false,
      // Which ways of coming by space it can do; the first is its own.
      preallocations: Preallocation.allCases)
  }

  /// Every call goes through `io`: the kernel, or a disk that fails on purpose. A call that `FileIO`
  /// does not have yet is added there, to both conformers, with a parity test.
  package let io: IO
  package let segments: SynchronousSegments<SkeletonSegment<IO>>

  package init(_ io: IO, _ options: BackendOptions = BackendOptions()) {
    self.io = io
    segments = SynchronousSegments(io, options)
  }

  package mutating func open(
    _ file: SegmentFile, _ options: SegmentOptions
  ) throws(StorageError) -> SegmentID {
    // Opens the file, cuts it to where the log ends, and knows the space ahead. What readers need
    // to know is in `file`.
    let open = try OpenSegment(io, file, options, Self.capabilities, segments.budget)
    return segments.insert(SkeletonSegment(open))
  }
}

/// One segment: the file is `open.handle`, the log ends in it at `open.position`.
package final class SkeletonSegment<IO: FileIO>: SynchronousSegment {
  package let open: OpenSegment<IO>

  init(_ open: OpenSegment<IO>) { self.open = open }

  /// By how much callers should shift a buffer so that it is written without a copy.
  package var placement: Int { 0 }

  /// Called only while the segment is sound. After a throw nothing more is written here until the
  /// log has truncated to the last good end; what was written past it does not matter.
  package func write(_ buffer: inout AlignedBuffer) throws(StorageError) -> FilePosition {
    // First the space, so that a full disk is an answer and not a surprise.
    try open.takeSpace(upTo: open.position + Int64(buffer.count))
    // All of it, short writes repeated; `.ofWrite` tells a full disk from a broken one.
    do { try open.handle.write(buffer.bytes, at: open.position) } catch { throw .ofWrite(error) }
    // From here on a reader that knows the new end finds the bytes in the file. The buffer's bytes
    // are as they were; its headroom and tailroom may be changed.
    return open.advance(by: buffer.count)
  }

  /// Cuts the file back, and forgets what was kept of it in memory.
  package func truncate(to position: Int64) throws(StorageError) {
    try open.truncate(to: position)
  }

  /// Afterwards the file ends with the last appended byte, for anybody to read: padding is cut off.
  package func seal() throws(StorageError) { try open.seal(isPadded: false) }
}

/// The kind. One line in `ShippedBackends.all` has every command, suite and test know the backend.
package struct SkeletonKind: BackendKind {
  package init() {}

  package var capabilities: StorageCapabilities { SkeletonBackend<LinuxFileIO>.capabilities }

  package func make<IO: RingIO>(
    _ io: IO, _ options: BackendOptions
  ) throws(StorageError) -> any AnyStorageBackend { ErasedBackend(SkeletonBackend(io, options)) }
}
