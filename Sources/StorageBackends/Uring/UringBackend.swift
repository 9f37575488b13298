import LinuxIO
import LogStorage
import Records

/// Appends through a ring of submissions (io_uring): many writes under way at once, over all
/// segments and within one, and a flush that is linked to the write it waits for.
///
/// One ring serves all segments of the backend, and belongs to the thread that made it. An append is
/// always `queued`. What was queued goes to the kernel at the next call of any kind, so that the
/// flush that follows an append can be linked to its write: one system call for both.
///
/// Completions come from the kernel in any order and are handed out in the order of the appends,
/// segment by segment, since nothing can be read past a hole.
///
/// `Access` says whether writes bypass the page cache (`uring`) or not (`uring-buffered`).
package struct UringBackend<IO: RingIO, Access: UringAccess>: StorageBackend, ~Copyable {
  package static var capabilities: StorageCapabilities { Access.capabilities }

  package let io: IO
  private let engine: UringEngine<IO>

  /// Makes the ring. Throws `ringUnavailable`, with the reason, where the system has no io_uring or
  /// forbids it.
  package init(
    _ io: IO, _ options: BackendOptions = BackendOptions()
  ) throws(StorageError) {
    self.io = io
    engine = try UringEngine(io, options, Access.capabilities)
  }

  package mutating func open(
    _ file: SegmentFile, _ options: SegmentOptions
  ) throws(StorageError) -> SegmentID { try engine.open(file, options) }

  package func placement(of segment: SegmentID) -> Int { engine.placement(of: segment) }

  package mutating func append(
    _ buffer: consuming AlignedBuffer, to segment: SegmentID
  ) -> Submission { engine.append(buffer, to: segment) }

  package mutating func flush(_ segments: [SegmentID]) -> FlushTicket { engine.flush(segments) }

  package mutating func reap(
    waiting: Bool, _ body: (consuming Completion) -> Void
  ) throws(StorageError) -> Int { try engine.reap(waiting: waiting, body) }

  package mutating func truncate(
    _ segment: SegmentID, to position: FilePosition
  ) throws(StorageError) { try engine.truncate(segment, to: position) }

  package mutating func seal(_ segment: SegmentID) throws(StorageError) {
    try engine.seal(segment)
  }

  package mutating func abandon(_ segment: SegmentID) { engine.abandon(segment) }
}

/// What a ring writes to.
package protocol UringAccess { static var capabilities: StorageCapabilities { get } }

/// Past the page cache, whole blocks at a time, as `DirectBackend`. Space is taken ahead by default:
/// a write that makes a file longer is waited for by the kernel, one after the other.
package enum UringDirect: UringAccess {
  package static var capabilities: StorageCapabilities {
    StorageCapabilities(
      name: "uring", blockBytes: AlignedBuffer.alignment, isAsynchronous: true, isDirect: true,
      preallocations: [.fallocateExtend, .none, .fallocate, .zero, .recycle])
  }
}

/// Through the page cache.
package enum UringBuffered: UringAccess {
  package static var capabilities: StorageCapabilities {
    StorageCapabilities(
      name: "uring-buffered", blockBytes: 1, isAsynchronous: true, isDirect: false)
  }
}

/// The kinds, which `ShippedBackends.all` lists.
package struct UringKind<Access: UringAccess>: BackendKind {
  package init() {}

  package var capabilities: StorageCapabilities { Access.capabilities }

  package func make<IO: RingIO>(
    _ io: IO, _ options: BackendOptions
  ) throws(StorageError) -> any AnyStorageBackend {
    ErasedBackend(try UringBackend<IO, Access>(io, options))
  }
}
