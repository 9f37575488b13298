import LinuxIO
import LogRuntime

/// The thread on which topics are made, changed and deleted, and what is due each second is done.
// SAFETY: `administrator` and `poll` belong to the thread from `start` on; the rest may be used by any.
final class AdministrationThread: @unchecked Sendable {
  enum Work: Sendable {
    case run(@Sendable (LogAdministrator) -> Void)
    case stop
  }

  private let mailbox: Mailbox<Work>
  private let poll: EventPoll
  private let time: TimeSource
  private var thread: WorkerThread<Void>?

  init(_ time: TimeSource) throws(SystemCallError) {
    self.time = time
    mailbox = try Mailbox()
    poll = try EventPoll()
    try poll.add(mailbox.signal, tag: 0)
  }

  /// Starts the thread, which `administrator` belongs to from then on.
  func start(_ administrator: LogAdministrator) throws(SystemCallError) {
    // SAFETY: nobody else uses it from now on.
    nonisolated(unsafe) let handed = administrator
    thread = try WorkerThread { [self] in loop(handed) }
  }

  func run(_ work: @escaping @Sendable (LogAdministrator) -> Void) { mailbox.post(.run(work)) }

  /// Ends when all that was posted before is done, and the log is closed.
  func stop() {
    mailbox.post(.stop)
    _ = thread?.join()
    thread = nil
  }

  private func loop(_ administrator: LogAdministrator) {
    var isEnding = false
    var nextSecond: Int64 = 0
    var nextLook: Int64 = 0
    while true {
      let work = mailbox.take()
      for item in work {
        switch item {
        case .run(let body): body(administrator)
        case .stop: isEnding = true
        }
      }
      if time.monotonicNanoseconds() >= nextSecond {
        nextSecond = time.monotonicNanoseconds() + 1_000_000_000
        administrator.maintain()
      }
      if time.monotonicNanoseconds() >= nextLook {
        nextLook = time.monotonicNanoseconds() + 100_000_000
        administrator.lookAtLag()
      }
      if !work.isEmpty { continue }
      if isEnding { return administrator.close() }
      if mailbox.prepareToSleep() {
        let left = max(0, min(nextSecond, nextLook) - time.monotonicNanoseconds()) / 1_000_000 + 1
        try? poll.wait(milliseconds: Int(left)) { [mailbox] _, _ in mailbox.wake() }
      }
    }
  }
}
