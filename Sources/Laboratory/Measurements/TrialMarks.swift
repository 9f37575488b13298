import LinuxIO

/// What can hold a log up, so that a spike in a plot has a name.
package enum MarkKind: String, CaseIterable, Hashable, Sendable, Codable {
  /// A segment's file was created.
  case roll
  /// fdatasync, of one file or of a group.
  case flush
  /// fallocate.
  case preallocation
  /// A segment's file was deleted.
  case retention
  /// The target was stopped on purpose.
  case stall
}

/// Counts such events by the second in which they ended, from any thread.
package final class TrialMarks: FileWatch {
  package struct Count: Hashable, Sendable, Codable {
    package var count = 0
    package var nanosecondsMax: Int64 = 0
  }

  private struct State {
    /// Nil before the trial: nothing is counted then.
    var start: Int64?
    var seconds: [[MarkKind: Count]] = []
  }

  private let state = Lock(State())

  package init() {}

  /// Counts from now on, in seconds from `start`.
  package func begin(at start: Int64) { state.withLock { $0 = State(start: start) } }

  /// Counts no more.
  package func end() { state.withLock { $0.start = nil } }

  /// By second, as many as had any.
  package var seconds: [[MarkKind: Count]] { state.withLock { $0.seconds } }

  package func ended(_ call: WatchedCall, start: Int64, nanoseconds: Int64) {
    switch call {
    // Indexes come and go with their segment.
    case .create(let path): if path.hasSuffix(".log") { add(.roll, start, nanoseconds) }
    case .remove(let path): if path.contains(".log") { add(.retention, start, nanoseconds) }
    // A segment that is recycled, and one that will be.
    case .rename(_, let to) where to.hasSuffix(".log"): add(.roll, start, nanoseconds)
    case .rename(let from, _) where from.hasSuffix(".log"): add(.retention, start, nanoseconds)
    case .rename: break
    case .allocate: add(.preallocation, start, nanoseconds)
    case .synchronize: add(.flush, start, nanoseconds)
    }
  }

  package func add(_ kind: MarkKind, _ begin: Int64, _ nanoseconds: Int64) {
    state.withLock { state in
      guard let start = state.start, begin >= start else { return }
      let second = Int((begin - start + nanoseconds) / 1_000_000_000)
      while state.seconds.count <= min(second, 7200) { state.seconds.append([:]) }
      let index = min(second, state.seconds.count - 1)
      state.seconds[index][kind, default: Count()].count += 1
      let longest = state.seconds[index][kind]?.nanosecondsMax ?? 0
      state.seconds[index][kind]?.nanosecondsMax = max(longest, nanoseconds)
    }
  }
}
