import LinuxIO

/// At most so many lines of a kind in a second. A second begins with the first line after the last
/// one is over. From any thread.
final class LineLimiter: Sendable {
  struct Admission: Equatable {
    let isAdmitted: Bool
    /// Of seconds before this one.
    let leftOut: Int
  }

  private struct Second {
    var start: Int64
    var admitted = 0
    var leftOut = 0
  }

  private let perSecond: Int
  /// By kind; kinds are words in the code, so there are few.
  private let seconds = Lock<[String: Second]>([:])

  init(perSecond: Int) { self.perSecond = perSecond }

  /// `now` in monotonic nanoseconds.
  func admit(_ kind: String, now: Int64) -> Admission {
    seconds.withLock { seconds in
      var second = seconds[kind] ?? Second(start: now)
      var leftOut = 0
      if Self.isOver(second, now) {
        leftOut = second.leftOut
        second = Second(start: now)
      }
      let isAdmitted = second.admitted < perSecond
      if isAdmitted { second.admitted += 1 } else { second.leftOut += 1 }
      seconds[kind] = second
      return Admission(isAdmitted: isAdmitted, leftOut: leftOut)
    }
  }

  /// What was left out in seconds that are over; it is not told again.
  func takeLeftOut(now: Int64) -> [(kind: String, count: Int)] {
    seconds.withLock { seconds in
      let told = seconds.filter { $0.value.leftOut > 0 && Self.isOver($0.value, now) }
      for kind in told.keys { seconds[kind]?.leftOut = 0 }
      return told.map { (kind: $0.key, count: $0.value.leftOut) }.sorted { $0.kind < $1.kind }
    }
  }

  private static func isOver(_ second: Second, _ now: Int64) -> Bool {
    now &- second.start >= 1_000_000_000
  }
}
