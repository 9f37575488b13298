import CommitLog
import LogRuntime

/// One append of a history, and what the loop told of it.
package final class HistoryAppend: AppendOwner {
  /// Nil while the append waits.
  package private(set) var end: AppendEnd?
  private let failures: ToldFailures

  init(_ failures: ToldFailures) { self.failures = failures }

  package func appendEnded(_ part: Int, _ end: AppendEnd) {
    self.end = end
    if case .failed(let error) = end { failures.note(error) }
  }

  /// True where its producer may rely on it.
  var isAcknowledged: Bool {
    if case .acknowledged = end { return true }
    return false
  }
}

/// The first error that appends ended with since somebody looked.
final class ToldFailures {
  private var error: LogError?

  func note(_ error: LogError) { self.error = self.error ?? error }

  func rethrow() throws(LogError) {
    defer { error = nil }
    if let error { throw error }
  }
}
