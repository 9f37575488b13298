import CLinux
import Glibc

/// The lines of a file, plain or gzip, in one buffer that grows only to the longest of them.
package struct LineSource: ~Copyable {
  package let path: String
  private let file: OpaquePointer
  private let lineBytesMax: Int
  private var buffer: [UInt8]
  /// The bytes read and not handed out.
  private var unread = 0..<0
  /// Bytes at the beginning of `unread` that are known to hold no newline.
  private var searched = 0
  private var isAtEnd = false
  /// Lines handed out so far.
  package private(set) var lineCount = 0

  /// `bufferBytes` is what is read at once, and what the buffer begins with.
  package init(
    path: String, lineBytesMax: Int, bufferBytes: Int = 256 << 10
  ) throws(EventError) {
    self.path = path
    self.lineBytesMax = lineBytesMax
    guard let file = clinux_gzip_open(path, bufferBytes) else {
      throw EventError(path: path, line: 1, column: 0, .unopened(String(cString: strerror(errno))))
    }
    self.file = file
    buffer = [UInt8](repeating: 0, count: bufferBytes)
  }

  deinit { clinux_gzip_close(file) }

  /// Moves to the next line and gives its place in the buffer, without its line end; nil after the
  /// last one. What follows the last newline is a line if there is anything.
  package mutating func next() throws(EventError) -> Range<Int>? {
    while true {
      if let newline = findNewline() {
        let line = unread.lowerBound..<newline
        unread = (newline + 1)..<unread.upperBound
        searched = 0
        return try accept(line)
      }
      searched = unread.count
      // One more for the carriage return.
      if unread.count > lineBytesMax + 1 { throw tooLong() }
      if isAtEnd {
        if unread.isEmpty { return nil }
        let line = unread
        unread = unread.upperBound..<unread.upperBound
        searched = 0
        return try accept(line)
      }
      try fill()
    }
  }

  /// The line's bytes, valid until the next line is asked for.
  @_lifetime(borrow self)
  package func bytes(_ range: Range<Int>) -> RawSpan {
    buffer.span.bytes.extracting(range)
  }

  private mutating func accept(_ line: Range<Int>) throws(EventError) -> Range<Int> {
    var line = line
    if let last = line.last, buffer[last] == UInt8(ascii: "\r") {
      line = line.lowerBound..<last
    }
    if line.count > lineBytesMax { throw tooLong() }
    lineCount += 1
    return line
  }

  private func tooLong() -> EventError {
    EventError(path: path, line: lineCount + 1, column: 0, .lineTooLong(bytesMax: lineBytesMax))
  }

  private func findNewline() -> Int? {
    let from = unread.lowerBound + searched
    let count = unread.upperBound - from
    if count == 0 { return nil }
    return buffer.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress,
        let found = memchr(base + from, 0x0A, count)
      else { return nil }
      return UnsafeRawPointer(found) - base
    }
  }

  /// Reads more behind what is unread, after making room for it.
  private mutating func fill() throws(EventError) {
    if unread.upperBound == buffer.count {
      if unread.lowerBound > 0 {
        let moved = unread
        buffer.withUnsafeMutableBytes { bytes in
          guard let base = bytes.baseAddress else { return }
          memmove(base, base + moved.lowerBound, moved.count)
        }
        unread = 0..<moved.count
      } else {
        buffer.append(contentsOf: repeatElement(0, count: buffer.count))
      }
    }
    let room = unread.upperBound..<buffer.count
    let count = buffer.withUnsafeMutableBytes { bytes in
      clinux_gzip_read(file, bytes.baseAddress.map { $0 + room.lowerBound }, room.count)
    }
    if count < 0 {
      let cause = clinux_gzip_error(file).map { String(cString: $0) } ?? "cannot be read"
      throw EventError(path: path, line: lineCount + 1, column: 0, .unreadable(cause))
    }
    if count == 0 { isAtEnd = true }
    unread = unread.lowerBound..<(room.lowerBound + count)
  }
}
