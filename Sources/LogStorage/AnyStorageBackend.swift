import LinuxIO
import Records

/// The one erasure. Below it everything is generic over the backend and its calls; above it a
/// topic can choose its backend at run time and change it at a roll. Each call carries at least a
/// whole batch, so what dispatch costs is paid per batch.
///
/// The calls are those of `StorageBackend`, and belong to the same one thread.
package protocol AnyStorageBackend: AnyObject {
  var capabilities: StorageCapabilities { get }
  var fileIO: any FileIO { get }
  func open(_ file: SegmentFile, _ options: SegmentOptions) throws(StorageError) -> SegmentID
  func placement(of segment: SegmentID) -> Int
  func append(_ buffer: consuming AlignedBuffer, to segment: SegmentID) -> Submission
  func flush(_ segments: [SegmentID]) -> FlushTicket
  func reap(
    waiting: Bool, _ body: (consuming Completion) -> Void
  ) throws(StorageError) -> Int
  func truncate(_ segment: SegmentID, to position: FilePosition) throws(StorageError)
  func seal(_ segment: SegmentID) throws(StorageError)
  func abandon(_ segment: SegmentID)
}

/// Holds one backend and forwards to it.
package final class ErasedBackend<Backend: StorageBackend & ~Copyable>: AnyStorageBackend {
  private var backend: Backend

  package init(_ backend: consuming Backend) { self.backend = backend }

  package var capabilities: StorageCapabilities { Backend.capabilities }
  package var fileIO: any FileIO { backend.io }

  package func open(
    _ file: SegmentFile, _ options: SegmentOptions
  ) throws(StorageError) -> SegmentID { try backend.open(file, options) }

  package func placement(of segment: SegmentID) -> Int { backend.placement(of: segment) }

  package func append(
    _ buffer: consuming AlignedBuffer, to segment: SegmentID
  ) -> Submission { backend.append(buffer, to: segment) }

  package func flush(_ segments: [SegmentID]) -> FlushTicket { backend.flush(segments) }

  package func reap(
    waiting: Bool, _ body: (consuming Completion) -> Void
  ) throws(StorageError) -> Int { try backend.reap(waiting: waiting, body) }

  package func truncate(
    _ segment: SegmentID, to position: FilePosition
  ) throws(StorageError) { try backend.truncate(segment, to: position) }

  package func seal(_ segment: SegmentID) throws(StorageError) { try backend.seal(segment) }

  package func abandon(_ segment: SegmentID) { backend.abandon(segment) }
}
