import CommitLog
import LinuxIO

/// Performs a data directory's background flushes on a thread of its own, at a bounded rate: the
/// device goes on serving the flushes that appends wait for.
package final class BackgroundFlusher: Sendable {
  package typealias Ended = (flush: BackgroundFlush, result: Result<Void, LogError>)

  package static let defaultBytesPerSecond: Int64 = 256 << 20

  private let bytesPerSecond: Int64
  private let time: TimeSource
  private let thread: WorkerPool
  private let isStopping = Lock(false)
  private let stopped = Semaphore()

  /// `bytesPerSecond`: 0 is without a bound.
  package init(bytesPerSecond: Int64, time: TimeSource = .machine) throws(SystemCallError) {
    self.bytesPerSecond = bytesPerSecond
    self.time = time
    thread = try WorkerPool(threadCount: 1)
  }

  /// Performs the flushes, one after the other, and gives all of them to `then`, on its thread. Pauses
  /// for the rate's sake while `lag` leaves time for that.
  package func perform(
    _ flushes: [BackgroundFlush], _ lag: CheckpointLag,
    then: @escaping @Sendable ([Ended]) -> Void
  ) {
    thread.submit(from: 0) { [self] in
      var due = time.monotonicNanoseconds()
      then(
        flushes.map { flush in
          let result = Result { () throws(LogError) in
            try flush.run { bytes in
              if bytesPerSecond > 0 && lag.leavesTime { pause(bytes, &due) }
            }
          }
          return (flush, result)
        })
    }
  }

  /// Ends when what was submitted is done, which does not pause any more.
  package func stop() {
    isStopping.withLock { $0 = true }
    stopped.signal()
    thread.stop()
  }

  private func pause(_ bytes: Int64, _ due: inout Int64) {
    if isStopping.withLock({ $0 }) { return }
    let now = time.monotonicNanoseconds()
    // What was slow of itself is not made up for.
    due = max(due, now) + Int64(Double(bytes) / Double(bytesPerSecond) * 1e9)
    let left = min(due - now, 1_000_000_000)
    if left > 0 { _ = stopped.wait(seconds: Double(left) / 1e9) }
  }
}
