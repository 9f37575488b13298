import LinuxIO
import LogStorage

/// Why a slice did not reach its socket.
package enum TransferError: Error, Hashable, Sendable {
  /// The peer, or the way to it, is gone.
  case connection(SystemCallError)
  /// The log's bytes could not be read.
  case read(StorageError)
  /// Bytes of the slice were cut off while it was sent.
  case truncated(path: String)
  /// The path needs a file of the kernel's.
  case unsupportedFile(path: String)
  /// The path does not work on this kind of socket.
  case unsupportedSocket(path: String, SystemCallError)
  /// The process has no room for what the path needs (a pipe, a mapping).
  case noResources(SystemCallError)

  /// The error of a call that reads the file and writes to the socket at once, by what failed: EIO is
  /// the disk's, EFAULT a mapping's page that is not there.
  static func ofMove(_ error: SystemCallError, _ path: String) -> TransferError {
    let isOfFile = error.number == .inputOutput || error.number == .badAddress
    return isOfFile ? .read(.readFailed(error.atPath(path))) : .connection(error)
  }
}

extension TransferError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .connection(let error): "the connection failed: \(error)"
    case .read(let error): "\(error)"
    case .truncated(let path):
      "\(path): the log was cut back while these bytes were being sent; the connection must end"
    case .unsupportedFile(let path):
      "\(path): not a file of the kernel's, which this transfer path needs; 'copy' takes any"
    case .unsupportedSocket(let path, let error):
      "the transfer path '\(path)' does not work on this socket: \(error)"
    case .noResources(let error): "no room for a transfer: \(error)"
    }
  }
}

extension SystemCallError {
  fileprivate func atPath(_ path: String) -> SystemCallError {
    SystemCallError(call, number, path: path)
  }
}
