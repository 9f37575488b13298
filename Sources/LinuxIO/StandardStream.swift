import Glibc

/// Standard output or standard error. A write that fails does not end the process: the stream
/// remembers the error, drops what follows, and the program ends with a status that says so.
///
/// Safe from any thread; the texts of two calls do not mix.
package final class StandardStream: Sendable {
  package static let output = StandardStream(STDOUT_FILENO, name: "standard output")
  package static let error = StandardStream(STDERR_FILENO, name: "standard error")

  private let number: Int32
  private let name: String
  private let failure = Lock<ErrorNumber?>(nil)

  package init(_ number: Int32, name: String) {
    self.number = number
    self.name = name
  }

  /// Why text was lost; nil while all of it was written.
  package var loss: String? {
    failure.withLock { $0 }.map {
      "\(name): write failed: \($0); what this run printed is incomplete"
    }
  }

  package var isTerminal: Bool { isatty(number) == 1 }

  /// `write(2)` until all of the text is written. Does nothing after a failure.
  package func write(_ text: String) {
    let bytes = Array(text.utf8)
    failure.withLock { failure in
      if failure == nil { failure = Self.writeAll(bytes, to: number) }
    }
  }

  /// `write(2)` until all is written; the error that kept it from that.
  static func writeAll(_ bytes: [UInt8], to number: Int32) -> ErrorNumber? {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
        continue
      }
      switch count == 0 ? EIO : errno {
      case EINTR: continue
      case EAGAIN:
        // Whoever shares the terminal or the pipe has made it non-blocking.
        var waiting = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
        poll(&waiting, 1, -1)
      case let error: return ErrorNumber(rawValue: error)
      }
    }
    return nil
  }

  /// Fills descriptors 0 to 2 where they are closed, so that no file of the program's gets one of
  /// these numbers and is written into. Reading or writing there fails as before: each is opened on a
  /// directory. Call it before anything else opens a file.
  package static func fillClosedDescriptors() {
    for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(number, F_GETFD) < 0 {
      // open(2) takes the lowest free number, which is this one.
      _ = open("/", O_RDONLY | O_DIRECTORY)
    }
  }
}
