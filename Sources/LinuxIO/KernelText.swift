import Glibc

/// The kernel's small text files under /proc and /sys.
package enum KernelText {
  /// The file's text, at most 1 MiB of it; nil where it cannot be read.
  package static func read(_ path: String) -> String? {
    do {
      let file = try FileHandle(LinuxFileIO(), path, FileOpening(.read))
      var text: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 16 << 10)
      while text.count < 1 << 20 {
        var span = chunk.mutableSpan
        var bytes = span.mutableBytes
        // Sizes of such files read as 0, so only an empty read is the end.
        let count = try file.io.read(file.number, into: &bytes, at: Int64(text.count))
        if count == 0 { break }
        text += chunk[..<count]
      }
      return String(decoding: text, as: UTF8.self)
    } catch {
      return nil
    }
  }

  /// The file's first line, without spaces around it; nil where there is none.
  package static func line(_ path: String) -> String? {
    guard let text = read(path) else { return nil }
    let line = text.prefix { $0 != "\n" }.trimmed
    return line.isEmpty ? nil : line
  }

  /// The value of a line `name: value`, its spaces trimmed.
  package static func field(_ name: String, in path: String) -> String? {
    guard let text = read(path) else { return nil }
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2, parts[0].trimmed == name { return parts[1].trimmed }
    }
    return nil
  }

  /// The value of a line `name:  1234 kB`, in bytes.
  package static func bytes(_ name: String, in path: String) -> Int64? {
    field(name, in: path)?.split(separator: " ").first.flatMap { Int64($0) }
      .map { $0 * 1024 }
  }

  /// How many names a folder holds; nil where it cannot be read. For /proc/self/fd the descriptor that
  /// looks is not counted.
  package static func entryCount(_ path: String) -> Int? {
    guard let directory = opendir(path) else { return nil }
    defer { closedir(directory) }
    var count = 0
    while readdir(directory) != nil { count += 1 }
    // Without `.` and `..`.
    return max(0, count - (path == "/proc/self/fd" ? 3 : 2))
  }

  /// `open(2)` for writing, `write(2)`; false where the kernel does not let us.
  package static func write(_ text: String, to path: String) -> Bool {
    let file = open(path, O_WRONLY)
    guard file >= 0 else { return false }
    defer { close(file) }
    var text = text
    return text.withUTF8 { Glibc.write(file, $0.baseAddress, $0.count) == $0.count }
  }
}

extension StringProtocol {
  /// Without spaces, tabs and line ends at either end.
  package var trimmed: String {
    let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" }
    let rest = drop(while: isSpace)
    var end = rest.endIndex
    while end > rest.startIndex, isSpace(rest[rest.index(before: end)]) {
      end = rest.index(before: end)
    }
    return String(rest[rest.startIndex..<end])
  }
}
