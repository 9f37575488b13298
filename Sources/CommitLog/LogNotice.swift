import LinuxIO

/// Something that the log found and mended by itself, for the operator to read: which file, what
/// was wrong, what was done.
package struct LogNotice: Hashable, Sendable, CustomStringConvertible {
  package let path: String
  package let text: String

  package init(path: String, _ text: String) {
    self.path = path
    self.text = text
  }

  package var description: String { "\(path): \(text)" }
}

/// Where notices gather, from any thread, until somebody takes them.
package final class LogNotices: Sendable {
  private let pending = Lock<[LogNotice]>([])

  package init() {}

  package func post(_ notice: LogNotice) { pending.withLock { $0.append(notice) } }

  /// The notices since the last call.
  package func take() -> [LogNotice] {
    pending.withLock { notices in
      defer { notices = [] }
      return notices
    }
  }
}
