import CommitLog
import DequeModule
import LinuxIO

/// Batches on their way to shards.
package protocol AppendJob: AnyObject, Sendable {
  /// Jobs of one source reach a log in the order in which they were given.
  var source: Int { get }
  /// Submits the job's batches for the loop's shard, from this one on and `count` at most. Where to go on,
  /// or nil where that was all.
  func submit(from part: Int, count: Int, to loop: AppendLoop, now: LogTime) -> Int?
}

/// What a shard's thread tells the program; called on that thread.
package protocol ShardObserver: Sendable {
  /// The ends of these partitions have moved.
  func advanced(_ partitions: [LogPartition])
  /// A flush in the background failed: of no append.
  func failed(_ error: LogError)
  /// A second has passed on this shard's thread.
  func lookAround(_ shard: Int, _ now: LogTime)
}

/// One shard's thread: drives its append loop in rounds, so that one flush acknowledges all that waited
/// for it. Work that others ask for is done between rounds, a piece at a time.
final class ShardThread: Sendable {
  enum Work: Sendable {
    case append(any AppendJob)
    case run(@Sendable () -> Void)
    /// When nothing is left to append or to acknowledge.
    case whenIdle(@Sendable () -> Void)
    case stop
  }

  /// Batches of one job that are taken at once; the rest of the first long one follows, so many a round.
  private static let partsMax = 64

  let mailbox: Mailbox<Work>
  private let thread = Lock<WorkerThread<Void>?>(nil)

  init() throws(SystemCallError) { mailbox = try Mailbox() }

  /// Starts the thread at its place; the shard belongs to it from then on.
  func start(
    _ shard: LogShard, _ observer: any ShardObserver, at place: Placement
  ) throws(SystemCallError) {
    let poll = try EventPoll()
    try poll.add(mailbox.signal, tag: 0)
    // SAFETY: nobody else uses them from now on.
    nonisolated(unsafe) let (handed, handedPoll) = (shard, poll)
    let started = try WorkerThread { [mailbox] in
      // Before the first memory is touched.
      do throws(SystemCallError) { try place.apply() } catch { observer.failed(.system(error)) }
      var run = ShardRun(AppendLoop(handed), mailbox, handedPoll, observer)
      run.loop()
    }
    thread.withLock { $0 = started }
  }

  /// Ends when all that was posted before is done.
  func stop() {
    let running = thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
    guard let running else { return }
    mailbox.post(.stop)
    _ = running.join()
  }

  /// What the thread has while it runs.
  private struct ShardRun {
    private let appends: AppendLoop
    private let mailbox: Mailbox<Work>
    private let poll: EventPoll
    private let observer: any ShardObserver
    /// Jobs of which batches are left, and those that came behind one of the same source.
    private var long = Deque<(job: any AppendJob, next: Int)>()
    /// How many of them each source has.
    private var longSources: [Int: Int] = [:]
    private var nextLook: Int64 = 0
    private var whenIdle: [@Sendable () -> Void] = []
    private var isEnding = false

    init(
      _ appends: AppendLoop, _ mailbox: Mailbox<Work>, _ poll: EventPoll,
      _ observer: any ShardObserver
    ) {
      self.appends = appends
      self.mailbox = mailbox
      self.poll = poll
      self.observer = observer
    }

    mutating func loop() {
      while true {
        let work = mailbox.take()
        let now = LogTime.now()
        for item in work { take(item, now) }
        goOn(now)
        let isIdle = work.isEmpty && long.isEmpty
        let end = appends.round(isIdle: isIdle, now: now)
        let advanced = appends.takeAdvanced()
        if !advanced.isEmpty { observer.advanced(advanced) }
        if let error = appends.takeBackgroundFailure() { observer.failed(error) }
        if now.monotonicNanoseconds >= nextLook {
          nextLook = now.monotonicNanoseconds + 1_000_000_000
          observer.lookAround(appends.shard.number, now)
        }
        if !isIdle || end.isWaiting { continue }
        if !whenIdle.isEmpty {
          for body in whenIdle { body() }
          whenIdle = []
          continue
        }
        if isEnding { return }
        sleep()
      }
    }

    private mutating func take(_ work: Work, _ now: LogTime) {
      switch work {
      case .append(let job):
        var next: Int? = 0
        if longSources.isEmpty || longSources[job.source] == nil {
          next = job.submit(from: 0, count: Self.partsMax, to: appends, now: now)
        }
        guard let next else { return }
        long.append((job, next))
        longSources[job.source, default: 0] += 1
      case .run(let body):
        body()
        // Topics or settings may have changed.
        appends.tick(by: now.monotonicNanoseconds + 50_000_000)
      case .whenIdle(let body): whenIdle.append(body)
      case .stop: isEnding = true
      }
    }

    private static let partsMax = ShardThread.partsMax

    /// Goes on with the first of the long jobs.
    private mutating func goOn(_ now: LogTime) {
      guard let first = long.first else { return }
      let next = first.job.submit(
        from: first.next, count: Self.partsMax, to: appends, now: now)
      if let next {
        long[0].next = next
        return
      }
      long.removeFirst()
      let left = (longSources[first.job.source] ?? 1) - 1
      longSources[first.job.source] = left > 0 ? left : nil
    }

    private func sleep() {
      guard mailbox.prepareToSleep() else { return }
      let left = max(0, min(appends.nextTick, nextLook) - MonotonicClock.nanoseconds())
      try? poll.wait(milliseconds: Int(min(left / 1_000_000 + 1, 1000))) { [mailbox] _, _ in
        mailbox.wake()
      }
    }
  }
}

extension LogTime {
  /// The present, by this machine's clocks.
  package static func now() -> LogTime {
    LogTime(
      monotonicNanoseconds: MonotonicClock.nanoseconds(),
      wallMilliseconds: WallClock.milliseconds())
  }
}
