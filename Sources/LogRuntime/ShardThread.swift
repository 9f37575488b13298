import CommitLog
import DequeModule
import LinuxIO

/// Batches on their way to shards.
package protocol AppendJob: AnyObject, Sendable {
  /// Jobs of one source reach a log in the order in which they were given.
  var source: Int { get }
  /// Submits the job's batches for the loop's shard, from this one on: one, and more while the
  /// slice lasts. Where to go on, or nil where that was all.
  func submit(from part: Int, during slice: TimeSlice, to loop: AppendLoop, now: LogTime) -> Int?
}

/// What a shard's thread tells the program; called on that thread.
package protocol ShardObserver: Sendable {
  /// The ends of these partitions have moved.
  func advanced(_ partitions: [LogPartition])
  /// A flush in the background failed: of no append.
  func failed(_ error: LogError)
}

/// One shard's thread: drives its append loop in rounds, so that one flush acknowledges all that
/// waited for it. Work that others ask for is done between rounds, a piece at a time.
///
/// ```
///   a round:  [ one long job, 1 ms ] [ what has come, 1 ms ] [ flushes, completions ]
/// ```
/// A job that its slice cuts off goes on in later rounds, as does what has come behind it: nothing
/// that one client asks for keeps the others' flush waiting.
final class ShardThread: Sendable {
  enum Work: Sendable {
    case append(any AppendJob)
    case run(@Sendable () -> Void)
    /// Has the partition's producers read, where they are not known.
    case loadProducers(LogPartition)
    /// Says who the partition's producers are, when they are known.
    case describeProducers(LogPartition, ProducerInquiry)
    /// What a log needs before its next append has been read.
    case prepared(LogPartition, Result<PreparedLog, LogError>)
    /// When nothing is left to append or to acknowledge.
    case whenIdle(@Sendable () -> Void)
    case stop
  }

  let mailbox: Mailbox<Work>
  /// Of each of a round's two parts that submit.
  private let sliceNanoseconds: Int64
  private let time: TimeSource
  private let thread = Lock<WorkerThread<Void>?>(nil)

  init(sliceNanoseconds: Int64, _ time: TimeSource) throws(SystemCallError) {
    self.time = time
    mailbox = try Mailbox()
    self.sliceNanoseconds = sliceNanoseconds
  }

  /// Starts the thread at its place; the shard belongs to it from then on.
  func start(
    _ shard: LogShard, _ observer: any ShardObserver, _ readers: WorkerPool, at place: Placement
  ) throws(SystemCallError) {
    let poll = try EventPoll()
    try poll.add(mailbox.signal, tag: 0)
    // SAFETY: nobody else uses them from now on.
    nonisolated(unsafe) let (handed, handedPoll) = (shard, poll)
    let started = try WorkerThread { [mailbox, sliceNanoseconds, time] in
      // Before the first memory is touched.
      do throws(SystemCallError) { try place.apply() } catch { observer.failed(.system(error)) }
      let appends = AppendLoop(handed)
      appends.prepare = { partition, preparation in
        // Each partition is a source of its own, so that they are read in order.
        readers.submit(from: partition.id) {
          let found = Result { () throws(LogError) in try preparation.read() }
          mailbox.post(.prepared(partition, found))
        }
      }
      var run = ShardRun(appends, mailbox, handedPoll, observer, sliceNanoseconds, time)
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
    private let sliceNanoseconds: Int64
    private let time: TimeSource
    /// What has come and had no turn yet.
    private var waiting = Deque<Work>()
    /// Jobs of which batches are left, and those that came behind one of the same source, by
    /// source.
    private var long: [Int: Deque<(job: any AppendJob, next: Int)>] = [:]
    /// The sources of those, in turn.
    private var longSources = Deque<Int>()
    private var whenIdle: [@Sendable () -> Void] = []
    private var isEnding = false

    init(
      _ appends: AppendLoop, _ mailbox: Mailbox<Work>, _ poll: EventPoll,
      _ observer: any ShardObserver, _ sliceNanoseconds: Int64, _ time: TimeSource
    ) {
      self.time = time
      self.sliceNanoseconds = sliceNanoseconds
      self.appends = appends
      self.mailbox = mailbox
      self.poll = poll
      self.observer = observer
    }

    mutating func loop() {
      while true {
        waiting.append(contentsOf: mailbox.take())
        let now = LogTime.now(time)
        let isIdle = waiting.isEmpty && long.isEmpty
        goOn(now)
        takeTurns(now)
        let end = appends.round(isIdle: isIdle, now: now)
        let advanced = appends.takeAdvanced()
        if !advanced.isEmpty { observer.advanced(advanced) }
        if let error = appends.takeBackgroundFailure() { observer.failed(error) }
        if !isIdle || end.isWaiting { continue }
        if appends.isParking {
          sleep()
          continue
        }
        if !whenIdle.isEmpty {
          for body in whenIdle { body() }
          whenIdle = []
          continue
        }
        if isEnding { return }
        sleep()
      }
    }

    private mutating func takeTurns(_ now: LogTime) {
      let slice = TimeSlice(nanoseconds: sliceNanoseconds)
      appends.resume(during: slice, now: now)
      if waiting.isEmpty { return }
      repeat { take(waiting.removeFirst(), slice, now) } while !waiting.isEmpty && !slice.isOver
    }

    private mutating func take(_ work: Work, _ slice: TimeSlice, _ now: LogTime) {
      switch work {
      case .append(let job):
        var next: Int? = 0
        let isBehindOther = !long.isEmpty && long[job.source] != nil
        if !isBehindOther {
          next = job.submit(from: 0, during: slice, to: appends, now: now)
        }
        guard let next else { return }
        if !isBehindOther { longSources.append(job.source) }
        long[job.source, default: []].append((job, next))
      case .run(let body):
        body()
        // Topics or settings may have changed.
        appends.tick(by: now.monotonicNanoseconds + 50_000_000)
      case .loadProducers(let partition): appends.loadProducers(of: partition)
      case .describeProducers(let partition, let answer):
        appends.describeProducers(of: partition, to: answer)
      case .prepared(let partition, let found): appends.prepared(partition, found)
      case .whenIdle(let body): whenIdle.append(body)
      case .stop: isEnding = true
      }
    }

    /// Goes on with a long job of the source whose turn it is.
    private mutating func goOn(_ now: LogTime) {
      guard let source = longSources.popFirst(), let first = long[source]?.first else { return }
      let slice = TimeSlice(nanoseconds: sliceNanoseconds)
      let next = first.job.submit(from: first.next, during: slice, to: appends, now: now)
      if let next {
        long[source]?[0].next = next
      } else {
        long[source]?.removeFirst()
      }
      if long[source]?.isEmpty == true {
        long[source] = nil
      } else {
        longSources.append(source)
      }
    }

    private func sleep() {
      guard mailbox.prepareToSleep() else { return }
      let left = max(0, appends.nextTick - time.monotonicNanoseconds())
      try? poll.wait(milliseconds: Int(min(left / 1_000_000 + 1, 1000))) { [mailbox] _, _ in
        mailbox.wake()
      }
    }
  }
}

extension LogTime {
  /// The present.
  package static func now(_ time: TimeSource = .machine) -> LogTime {
    LogTime(
      monotonicNanoseconds: time.monotonicNanoseconds(),
      wallMilliseconds: time.wallMilliseconds())
  }

  /// The present for maintenance, which compares the wall clock with one that counts a suspension;
  /// appends do without that call.
  package static func nowSinceBoot(_ time: TimeSource = .machine) -> LogTime {
    LogTime(
      monotonicNanoseconds: time.monotonicNanoseconds(),
      wallMilliseconds: time.wallMilliseconds(), bootNanoseconds: time.bootNanoseconds())
  }
}
