import Glibc

/// A file that a user names, read from its beginning to its end: a regular file, a pipe or a
/// terminal.
package enum InputFile {
  /// The whole file (`open(2)`, `read(2)`). Throws ENOENT where there is none, EISDIR of a folder,
  /// EFBIG where it has more than `bytesMax`. Waits for whoever writes into a pipe.
  package static func bytes(of path: String, bytesMax: Int) throws(SystemCallError) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw SystemCallError(.open, .current, path: path) }
    defer { close(file) }
    return try read(file, path, bytesMax)
  }

  /// What is left of standard input.
  package static func standardInput(bytesMax: Int) throws(SystemCallError) -> [UInt8] {
    try read(STDIN_FILENO, "standard input", bytesMax)
  }

  private static func read(
    _ file: Int32, _ path: String, _ bytesMax: Int
  ) throws(SystemCallError) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = Glibc.read(file, &chunk, chunk.count)
      if count == 0 { return bytes }
      if count < 0 {
        if errno == EINTR { continue }
        throw SystemCallError(.read, .current, path: path)
      }
      bytes += chunk[..<count]
      if bytes.count > bytesMax { throw SystemCallError(.read, .fileTooLarge, path: path) }
    }
  }

  /// Without the UTF-8 byte order mark that some editors write first.
  package static func withoutByteOrderMark(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
    bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
  }

  /// The whole file as text, without a byte order mark; nil where it is not UTF-8.
  package static func text(of path: String, bytesMax: Int) throws(SystemCallError) -> String? {
    String(validating: withoutByteOrderMark(try bytes(of: path, bytesMax: bytesMax)), as: UTF8.self)
  }

  /// True of a regular file, of which any part can be read.
  package static func isRegular(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// Whether `path` names a folder; nil where it names nothing.
  package static func isFolder(_ path: String) -> Bool? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return status.st_mode & S_IFMT == S_IFDIR
  }
}

/// The path from the root, whether or not there is a file; a leading `./` is left out. The path
/// itself where the current folder is gone.
package func absolutePath(_ path: String) -> String {
  if path.hasPrefix("/") { return path }
  guard let folder = getcwd(nil, 0) else { return path }
  defer { free(folder) }
  let below = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
  return "\(String(cString: folder))/\(below)"
}

/// `realpath(3)`: without links, `.` and `..`; nil where the file does not exist.
package func canonicalPath(_ path: String) -> String? {
  guard let real = realpath(path, nil) else { return nil }
  defer { free(real) }
  return String(cString: real)
}
