import LinuxIO

// Which time retention goes by, over the directory's processes: what was noted is compared, and
// noted.
extension LogDirectory {
  /// True while the wall clock has jumped, and retention by time does not go by it alone.
  package var doubtsWallClock: Bool { clock?.isInDoubt ?? isNoteUnread }

  /// A clock that compares with the last time that an earlier process noted. Read at the first look
  /// and not before: a directory opens with the calls that it always did. A file that does not hold
  /// stops nothing. Nil where it cannot be read now; the next look tries again.
  private func makeClock() -> RetentionClock? {
    do throws(SystemCallError) {
      let found = try files.readWallTime()
      isNoteUnread = false
      if case .time(let milliseconds) = found {
        return RetentionClock(notedMilliseconds: milliseconds)
      }
      if found == .damaged {
        postNoCheckpoint(
          LogFiles.wallTimeName, "retention by time believes the wall clock as it is")
      }
      return RetentionClock()
    } catch {
      if isNoteUnread { return nil }
      isNoteUnread = true
      notices.post(
        LogNotice(
          path: "\(path)/\(LogFiles.wallTimeName)",
          "could not be read: \(error); until it can, retention by time takes nothing away"))
      return nil
    }
  }

  /// `now` as retention goes by it, and a notice where that changes.
  func observe(_ now: LogTime) -> LogTime {
    guard var clock = self.clock ?? makeClock() else {
      // The earliest time there is: nothing is old.
      return LogTime(
        monotonicNanoseconds: now.monotonicNanoseconds, wallMilliseconds: 0,
        bootNanoseconds: now.bootNanoseconds)
    }
    defer { self.clock = clock }
    if let change = clock.observe(now, graceMilliseconds: clockGraceMilliseconds) {
      untoldClockChange = change
    }
    if let change = untoldClockChange, clockNotices.allows(now) {
      notices.post(LogNotice(path: path, "\(change)"))
      untoldClockChange = nil
    }
    return clock.believed(now)
  }

  /// Notes what a later process is to compare its clock with. What fails costs that comparison, and
  /// nothing else: told once, until it works again.
  func noteTime() {
    guard let note = clock?.noteMilliseconds, note != writtenNote else { return }
    do throws(SystemCallError) {
      try files.writeWallTime(note)
      writtenNote = note
      isNoteFailureTold = false
    } catch {
      if isNoteFailureTold { return }
      isNoteFailureTold = true
      notices.post(
        LogNotice(
          path: "\(path)/\(LogFiles.wallTimeName)",
          "could not be written: \(error); a start compares the clock with an earlier time"))
    }
  }
}

/// A few notices, and then no more for the rest of the hour: of a clock that jumps there and back.
struct NoticeBudget {
  private static let countMax = 6
  private static let nanoseconds: Int64 = 3_600_000_000_000
  private var began: Int64?
  private var count = 0

  /// True where one may go out now, which is counted.
  mutating func allows(_ now: LogTime) -> Bool {
    if began.map({ now.monotonicNanoseconds.minus($0) >= Self.nanoseconds }) ?? true {
      began = now.monotonicNanoseconds
      count = 0
    }
    guard count < Self.countMax else { return false }
    count += 1
    return true
  }
}
