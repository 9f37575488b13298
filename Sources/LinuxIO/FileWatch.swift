/// A call that can hold a log up, as a `FileWatch` is told of it.
package enum WatchedCall: Hashable, Sendable {
  /// A file that did not exist before was created.
  case create(path: String)
  case remove(path: String)
  case rename(from: String, to: String)
  case allocate
  case synchronize
}

/// Is told how long calls took that can hold a log up: what gives a spike in a plot its name. From any
/// thread.
package protocol FileWatch: Sendable {
  /// `start` is of the monotonic clock; both are nanoseconds.
  func ended(_ call: WatchedCall, start: Int64, nanoseconds: Int64)
}

extension FileWatch {
  /// Runs `body`, and tells how long it took, also where it threw.
  func time<Result, Failure: Error>(
    _ call: WatchedCall, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let start = MonotonicClock.nanoseconds()
    defer { ended(call, start: start, nanoseconds: MonotonicClock.nanoseconds() - start) }
    return try body()
  }
}
