import LinuxIO
import Records

/// A backend as programs list it: what it is, and how one is made. A backend's file declares its
/// kind, and `ShippedBackends.all` lists it; nothing else has to know.
package protocol BackendKind: Sendable {
  var capabilities: StorageCapabilities { get }

  /// One over these calls, the kernel's or a simulated disk's. Throws where the system cannot run
  /// it.
  func make<IO: RingIO>(
    _ io: IO, _ options: BackendOptions
  ) throws(StorageError) -> any AnyStorageBackend
}

extension BackendKind {
  /// In flags, suites and CSV.
  package var name: String { capabilities.name }

  /// Why this backend does not work here, found out by one append and its flush in a file that is
  /// made in `directory` and removed; nil where it does.
  package func reasonAgainst<IO: RingIO>(_ io: IO, in directory: String) -> StorageError? {
    let path = "\(directory)/\(name).probe"
    defer { try? io.remove(path) }
    do throws(StorageError) {
      let backend = try make(io, BackendOptions(queueDepth: 1))
      let segment = try backend.open(
        SegmentFile(baseOffset: .zero, path: path, io: io, end: .zero),
        SegmentOptions(position: .zero, origin: .new))
      defer { backend.abandon(segment) }
      var buffer = AlignedBuffer(capacity: 4096)
      buffer.clear(shiftedBy: backend.placement(of: segment))
      buffer.append([UInt8](repeating: 0, count: 512).span.bytes)
      var failure: StorageError?
      if case .completed(let completion) = backend.append(buffer, to: segment) {
        if case .failure(let error) = completion.result { failure = error }
      }
      var isFlushed = false
      _ = backend.flush([segment])
      while failure == nil && !isFlushed {
        _ = try backend.reap(waiting: true) { completion in
          switch consume completion {
          case .append(let append):
            if case .failure(let error) = append.result { failure = error }
          case .flush(let flush):
            failure = failure ?? flush.failures[segment]
            isFlushed = true
          }
        }
      }
      return failure
    } catch { return error }
  }
}
