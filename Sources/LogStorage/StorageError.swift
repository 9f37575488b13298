import LinuxIO

/// What a backend can answer instead of doing what it was asked.
package enum StorageError: Error, Hashable, Sendable {
  /// A full disk, an exhausted quota or RLIMIT_FSIZE. The append did not happen; what was written
  /// before it stands, and appends may succeed again once there is room.
  case noRoom(SystemCallError)
  /// A write failed. The append did not happen; the bytes at its position are in doubt.
  case writeFailed(SystemCallError)
  /// A flush failed: what was written since the last successful one is in doubt for ever. The
  /// segment takes no more appends.
  case flushFailed(SystemCallError)
  /// A read failed.
  case readFailed(SystemCallError)
  /// Opening, sealing or truncating failed.
  case fileFailed(SystemCallError)
  /// The backend wants O_DIRECT where the file system has none.
  case directUnsupported(path: String)
  /// The kernel or the file system does not know RWF_DONTCACHE.
  case uncachedUnsupported(SystemCallError)
  /// The file system cannot take space ahead in this way.
  case preallocationUnsupported(SystemCallError, Preallocation)
  /// The backend cannot come by space in this way at all.
  case preallocationRefused(Preallocation, backend: String, accepted: [Preallocation])
  /// The system has no io_uring, or forbids it.
  case ringUnavailable(SystemCallError)
  /// An earlier failure left this segment's end in doubt; it must be recovered first.
  case fenced(path: String)
  /// Fewer bytes are in the file than the log says.
  case unexpectedEnd(path: String, position: Int64)
}

extension StorageError {
  /// True where the system lacks what was asked for: it would fail again.
  package var isUnsupported: Bool {
    switch self {
    case .directUnsupported, .uncachedUnsupported, .preallocationUnsupported,
      .preallocationRefused, .ringUnavailable:
      true
    case .noRoom, .writeFailed, .flushFailed, .readFailed, .fileFailed, .fenced, .unexpectedEnd:
      false
    }
  }
}

extension StorageError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .noRoom(let error): "no room: \(error)"
    case .writeFailed(let error), .readFailed(let error), .fileFailed(let error): "\(error)"
    case .flushFailed(let error):
      "\(error); what was written since the last flush is in doubt, so the segment is fenced"
    case .directUnsupported(let path):
      "\(path): this file system does not support O_DIRECT (statx gives no alignment); "
        + "choose a directory on a disk file system, or the backend 'buffered'"
    case .uncachedUnsupported(let error):
      "\(error); RWF_DONTCACHE needs Linux 6.14 and a file system that knows it (ext4, XFS)"
    case .preallocationUnsupported(let error, let way):
      "preallocation '\(way.rawValue)' does not work on this file system: \(error)"
    case .preallocationRefused(let way, let backend, let accepted):
      "the backend '\(backend)' cannot do preallocation '\(way.rawValue)'; accepted: "
        + accepted.map(\.rawValue).joined(separator: ", ")
    case .ringUnavailable(let error):
      "io_uring cannot be used here: \(error.call.rawValue) failed: \(error.number)"
        + Self.ringRemedy(error.number)
    case .fenced(let path):
      "\(path): an earlier write or flush failed here; reopen the log to recover it"
    case .unexpectedEnd(let path, let position):
      "\(path): the file ends at byte \(position), before the bytes that the log says it holds"
    }
  }
}

extension StorageError {
  private static func ringRemedy(_ number: ErrorNumber) -> String {
    switch number {
    case .notPermitted:
      "; a container's seccomp profile or the sysctl kernel.io_uring_disabled forbids it"
    case .noSuchCall: "; the kernel was built without it"
    case .noMemory: "; RLIMIT_MEMLOCK is too low (ulimit -l)"
    default: ""
    }
  }

  /// The error of a failed write, by what it means for the append.
  package static func ofWrite(_ error: SystemCallError) -> StorageError {
    error.number.meansNoRoom ? .noRoom(error) : .writeFailed(error)
  }
}
