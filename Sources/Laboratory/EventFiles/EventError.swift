/// Why a file of events cannot be read on: where, what was found, what was expected.
package struct EventError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Reason: Hashable, Sendable {
    /// The line is not an event.
    case malformed(expected: String, found: String)
    /// The line has more bytes than the reader takes.
    case lineTooLong(bytesMax: Int)
    /// The file cannot be opened.
    case unopened(String)
    /// The file cannot be read on, or not be decompressed.
    case unreadable(String)
  }

  package let path: String
  /// From 1. For an unreadable file, one more than the whole lines that were read before.
  package let line: Int
  /// From 1, in bytes, not characters; 0 where the whole line or file is meant.
  package let column: Int
  package let reason: Reason

  package init(path: String, line: Int, column: Int, _ reason: Reason) {
    self.path = path
    self.line = line
    self.column = column
    self.reason = reason
  }

  package var description: String {
    switch reason {
    case .malformed(let expected, let found):
      return "\(path):\(line):\(column): expected \(expected), found \(found)"
    case .lineTooLong(let bytesMax):
      return "\(path):\(line): expected a line of at most \(bytesMax) bytes, found a longer one"
    case .unopened(let cause):
      return "\(path): cannot be opened: \(cause)"
    case .unreadable(let cause):
      let count = line - 1
      return "\(path): \(cause) (after \(count) whole \(count == 1 ? "line" : "lines"))"
    }
  }
}

/// A fault within a line, before it is known which line that is.
package struct LineFault: Error {
  /// In bytes from the line's beginning.
  package let position: Int
  package let expected: String
  package let found: String
}
