import Glibc

/// The limits of a process (`getrlimit(2)`) that end in an error of some other name.
package enum ProcessLimit {
  case openFiles, lockedMemory, addressSpace, fileSize, processes

  /// By the kernel's name and the shell's.
  package var names: String {
    switch self {
    case .openFiles: "RLIMIT_NOFILE, ulimit -n"
    case .lockedMemory: "RLIMIT_MEMLOCK, ulimit -l"
    case .addressSpace: "RLIMIT_AS, ulimit -v"
    case .fileSize: "RLIMIT_FSIZE, ulimit -f"
    case .processes: "RLIMIT_NPROC, ulimit -u"
    }
  }

  /// The soft limit, in files, bytes or processes; nil where there is none, or it cannot be read.
  package var soft: UInt64? {
    let resource: __rlimit_resource =
      switch self {
      case .openFiles: RLIMIT_NOFILE
      case .lockedMemory: __RLIMIT_MEMLOCK
      case .addressSpace: RLIMIT_AS
      case .fileSize: RLIMIT_FSIZE
      case .processes: __RLIMIT_NPROC
      }
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0 else { return nil }
    return limit.rlim_cur == .max ? nil : UInt64(limit.rlim_cur)
  }

  /// The limit that `error` probably is about; nil of other errors.
  package init?(_ error: SystemCallError) {
    switch (error.number, error.call) {
    case (.tooManyOpenFiles, _): self = .openFiles
    case (.fileTooLarge, .pwrite), (.fileTooLarge, .pwritev2), (.fileTooLarge, .ftruncate),
      (.fileTooLarge, .fallocate):
      self = .fileSize
    case (.noMemory, .ioUringSetup): self = .lockedMemory
    case (.noMemory, .mmap): self = .addressSpace
    case (.wouldBlock, .pthreadCreate): self = .processes
    default: return nil
    }
    // Without a limit of its own, the process ran out of something else.
    if soft == nil { return nil }
  }

  /// `; the limit is 16 (RLIMIT_NOFILE, ulimit -n): raise it`; empty of other errors.
  static func remedy(of error: SystemCallError) -> String {
    if error.number == .tooManyOpenFilesInSystem {
      return "; the whole system has too many (sysctl fs.file-max): raise it"
    }
    guard let limit = ProcessLimit(error), let value = limit.soft else { return "" }
    return "; this process's limit is \(value) (\(limit.names)): raise it"
  }
}
