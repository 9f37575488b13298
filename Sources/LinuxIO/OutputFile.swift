import Glibc

/// A file that a user names as the place for a result.
package enum OutputFile {
  /// Replaces a regular file, atomically and durably, and the file that a link points to. Into a pipe
  /// or a device it writes, since replacing one would take it away from everybody.
  package static func write(_ text: String, to path: String) throws(SystemCallError) {
    let target = canonicalPath(path) ?? path
    if InputFile.isFolder(target) == nil || InputFile.isRegular(target) {
      return try LinuxFileIO().replaceFile(at: target, with: Array(text.utf8).span.bytes)
    }
    let file = open(target, O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { throw SystemCallError(.open, .current, path: path) }
    defer { close(file) }
    if let error = StandardStream.writeAll(Array(text.utf8), to: file) {
      throw SystemCallError(.write, error, path: path)
    }
  }
}
