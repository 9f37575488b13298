import CommitLog
import LinuxIO
import LogRuntime

/// The background flushes of a trial's log, as a broker makes them: on a thread of their own, with the
/// broker's schedule and rate. Belongs to the log's thread.
final class TrialFlushes {
  private static let turnNanoseconds: Int64 = 50_000_000

  private let directory: LogDirectory
  private let flusher: BackgroundFlusher
  /// Those that have ended; the flusher's thread adds to them.
  private let ended: Lock<[BackgroundFlusher.Ended]>
  private var nextTurn: Int64 = 0

  init(_ directory: LogDirectory) throws(SystemCallError) {
    let flusher = try BackgroundFlusher(bytesPerSecond: BackgroundFlusher.defaultBytesPerSecond)
    let ended = Lock<[BackgroundFlusher.Ended]>([])
    self.directory = directory
    self.flusher = flusher
    self.ended = ended
    let lag = directory.lag
    directory.flushInBackground = { flushes in
      flusher.perform(flushes, lag) { done in ended.withLock { $0 += done } }
    }
  }

  deinit { flusher.stop() }

  /// Between appends: takes note of what was flushed, and begins a checkpoint that is due.
  func turn(_ now: LogTime) throws(LogError) {
    if now.monotonicNanoseconds < nextTurn { return }
    nextTurn = now.monotonicNanoseconds + Self.turnNanoseconds
    let done = ended.withLock { ended in
      defer { ended = [] }
      return ended
    }
    if !done.isEmpty { try directory.ended(done) }
    try directory.checkpointIfDue(now)
  }
}
