import LinuxIO

/// The thread that the log belongs to: appends in rounds, so that one flush acknowledges all that waited
/// for it, and does whatever else changes topics.
// SAFETY: `keeper` and `poll` belong to the thread from `start` on; the rest may be used by any.
final class LogThread: @unchecked Sendable {
  enum Work: Sendable {
    case append(ProduceJob)
    case run(@Sendable (LogKeeper) -> Void)
    case stop
  }

  private let mailbox: Mailbox<Work>
  private let poll: EventPoll
  private var thread: WorkerThread<Void>?

  init() throws(SystemCallError) {
    mailbox = try Mailbox()
    poll = try EventPoll()
    try poll.add(mailbox.signal, tag: 0)
  }

  /// Starts the thread with what `make` makes on it; throws what that throws.
  func start(
    _ make: @escaping @Sendable () throws -> LogKeeper
  ) throws {
    let started = StartAnswer()
    let isStarted = try EventSignal()
    let wait = try EventPoll()
    try wait.add(isStarted, tag: 0)
    thread = try WorkerThread { [self] in
      do {
        let keeper = try make()
        started.result.withLock { $0 = .success(()) }
        isStarted.raise()
        loop(keeper)
      } catch {
        started.result.withLock { $0 = .failure(error) }
        isStarted.raise()
      }
    }
    var isOver = false
    while !isOver { try wait.wait(milliseconds: -1) { _, _ in isOver = true } }
    try started.result.withLock { $0 }?.get()
  }

  private final class StartAnswer: Sendable {
    let result = Lock<Result<Void, any Error>?>(nil)
  }

  func append(_ job: ProduceJob) { mailbox.post(.append(job)) }

  func run(_ work: @escaping @Sendable (LogKeeper) -> Void) { mailbox.post(.run(work)) }

  /// Ends when all that was posted before is done and the log is closed.
  func stop() {
    mailbox.post(.stop)
    _ = thread?.join()
    thread = nil
  }

  private func loop(_ keeper: LogKeeper) {
    var isEnding = false
    while true {
      let work = mailbox.take()
      for item in work {
        switch item {
        case .append(let job): keeper.take(job)
        case .run(let body): body(keeper)
        case .stop: isEnding = true
        }
      }
      let isBusy = keeper.endRound(isIdle: work.isEmpty)
      if !work.isEmpty || isBusy { continue }
      if isEnding { return keeper.close() }
      if mailbox.prepareToSleep() {
        try? poll.wait(milliseconds: keeper.millisecondsToTick) { [mailbox] _, _ in mailbox.wake() }
      }
    }
  }
}
