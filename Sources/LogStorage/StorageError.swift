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
  /// An earlier failure left this segment's end in doubt; it must be recovered first.
  case fenced(path: String)
  /// Fewer bytes are in the file than the log says.
  case unexpectedEnd(path: String, position: Int64)
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
    case .fenced(let path):
      "\(path): an earlier write or flush failed here; reopen the log to recover it"
    case .unexpectedEnd(let path, let position):
      "\(path): the file ends at byte \(position), before the bytes that the log says it holds"
    }
  }
}

extension StorageError {
  /// The error of a failed write, by what it means for the append.
  package static func ofWrite(_ error: SystemCallError) -> StorageError {
    error.number.meansNoRoom ? .noRoom(error) : .writeFailed(error)
  }
}
