import Glibc

/// A kernel's error number, as `errno` gives it.
package struct ErrorNumber: Error, RawRepresentable, Hashable, Sendable {
  package let rawValue: Int32
  package init(rawValue: Int32) { self.rawValue = rawValue }

  package static let noSuchFile = ErrorNumber(rawValue: ENOENT)
  package static let fileExists = ErrorNumber(rawValue: EEXIST)
  package static let notADirectory = ErrorNumber(rawValue: ENOTDIR)
  package static let directoryNotEmpty = ErrorNumber(rawValue: ENOTEMPTY)
  package static let inputOutput = ErrorNumber(rawValue: EIO)
  package static let noSpace = ErrorNumber(rawValue: ENOSPC)
  package static let quotaExceeded = ErrorNumber(rawValue: EDQUOT)
  package static let fileTooLarge = ErrorNumber(rawValue: EFBIG)
  package static let invalidArgument = ErrorNumber(rawValue: EINVAL)
  package static let notSupported = ErrorNumber(rawValue: EOPNOTSUPP)
  package static let wouldBlock = ErrorNumber(rawValue: EWOULDBLOCK)
  package static let badFileDescriptor = ErrorNumber(rawValue: EBADF)
  package static let badAddress = ErrorNumber(rawValue: EFAULT)
  package static let cancelled = ErrorNumber(rawValue: ECANCELED)
  package static let notPermitted = ErrorNumber(rawValue: EPERM)
  package static let noSuchCall = ErrorNumber(rawValue: ENOSYS)
  package static let noMemory = ErrorNumber(rawValue: ENOMEM)
  package static let tooManyOpenFiles = ErrorNumber(rawValue: EMFILE)
  package static let tooManyOpenFilesInSystem = ErrorNumber(rawValue: ENFILE)

  package static let noBuffers = ErrorNumber(rawValue: ENOBUFS)

  /// The calling thread's `errno`.
  package static var current: ErrorNumber { ErrorNumber(rawValue: errno) }

  /// True where the system does not do a call, or forbids it, as a container may: it would fail
  /// again.
  package var meansUnsupported: Bool { [EOPNOTSUPP, ENOSYS, EPERM].contains(rawValue) }

  /// True where the other end of a connection, or the way to it, is gone.
  package var meansPeerIsGone: Bool {
    [EPIPE, ECONNRESET, ECONNABORTED, ECONNREFUSED, ENOTCONN, ESHUTDOWN, ETIMEDOUT, EHOSTUNREACH]
      .contains(rawValue) || [ENETDOWN, ENETUNREACH, ENETRESET, EHOSTDOWN].contains(rawValue)
  }

  /// True for a full disk, an exhausted quota and RLIMIT_FSIZE: the write did not fit, and what
  /// was written before it still holds.
  package var meansNoRoom: Bool {
    self == .noSpace || self == .quotaExceeded || self == .fileTooLarge
  }
}

extension ErrorNumber: CustomStringConvertible {
  package var description: String {
    var text = [CChar](repeating: 0, count: 256)
    guard let message = unsafe_strerror(rawValue, &text) else { return "errno \(rawValue)" }
    return "\(message) (errno \(rawValue))"
  }

  private func unsafe_strerror(_ number: Int32, _ text: inout [CChar]) -> String? {
    guard strerror_r(number, &text, text.count) == 0 else { return nil }
    let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// The system calls that Varve makes, by the kernel's names.
package enum SystemCall: String, Sendable {
  case open, close, read, write, pread, pwrite, fdatasync, fsync, fallocate, ftruncate, fstat, stat,
    rename
  case unlink, mkdir, rmdir, readdir, flock, getrlimit, mmap, madvise, pwritev2, mincore
  case socket, bind, listen, connect, accept, setsockopt, socketpair, fcntl, send, recv
  case recvmsg, ioctl, sendfile, splice, pipe, epoll, eventfd, timerfd, unshare, setns
  case pthreadCreate = "pthread_create"
  case posixSpawn = "posix_spawn"
  case schedGetaffinity = "sched_getaffinity"
  case schedSetaffinity = "sched_setaffinity"
  case getMempolicy = "get_mempolicy"
  case setMempolicy = "set_mempolicy"
  case ioUringSetup = "io_uring_setup"
  case ioUringEnter = "io_uring_enter"
}

/// A system call that failed: which, on what, and the kernel's reason.
package struct SystemCallError: Error, Hashable, Sendable, CustomStringConvertible {
  package let call: SystemCall
  package let number: ErrorNumber
  package let path: String

  package init(_ call: SystemCall, _ number: ErrorNumber, path: String) {
    self.call = call
    self.number = number
    self.path = path
  }

  package var description: String {
    "\(path): \(call.rawValue) failed: \(number)\(ProcessLimit.remedy(of: self))"
  }
}
