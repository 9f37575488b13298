import LinuxIO

/// The kinds of calls that a simulated disk counts, traces and can fail.
package enum DiskOperation: Int, CaseIterable, Hashable, Sendable {
  case open, close, read, write, synchronizeData, allocate, truncate, size, lock, status
  case rename, remove, createDirectory, removeDirectory, list, synchronizeDirectory
  case map, populate

  var systemCall: SystemCall {
    switch self {
    case .open: .open
    case .close: .close
    case .read: .pread
    case .write: .pwrite
    case .synchronizeData: .fdatasync
    case .allocate: .fallocate
    case .truncate: .ftruncate
    case .size: .fstat
    case .lock: .flock
    case .status: .stat
    case .rename: .rename
    case .remove: .unlink
    case .createDirectory: .mkdir
    case .removeDirectory: .rmdir
    case .list: .open
    case .synchronizeDirectory: .fsync
    case .map: .mmap
    case .populate: .madvise
    }
  }
}

extension DiskOperation {
  /// What a call takes on the simulated clock where nothing slows it: the order of magnitude of an
  /// SSD's, so that the parts of a history stand in some proportion. Not a model of any device.
  var usualNanoseconds: Int64 {
    switch self {
    case .synchronizeData, .synchronizeDirectory: 500_000
    case .write, .read, .allocate, .truncate, .populate: 20_000
    default: 5_000
    }
  }
}

/// One call on a simulated disk, as the trace keeps it.
package struct DiskTraceEntry: Hashable, Sendable {
  package let operation: DiskOperation
  package let path: String
  /// For calls on a range of a file, and truncations; otherwise 0.
  package let position: Int64
  /// Bytes asked for; otherwise 0.
  package let count: Int
}

/// What was asked of one path, or of the whole disk, so far.
package struct DiskCounts: Hashable, Sendable {
  private var calls = [Int](repeating: 0, count: DiskOperation.allCases.count)
  /// Bytes handed out by reads.
  package internal(set) var bytesRead = 0
  /// Bytes taken by writes and by stores to mapped files.
  package internal(set) var bytesWritten = 0

  package init() {}

  /// How many calls of this kind, failed ones included.
  package subscript(_ operation: DiskOperation) -> Int {
    get { calls[operation.rawValue] }
    set { calls[operation.rawValue] = newValue }
  }
}
