// LogRuntime: the log at work. What the broker runs is what the laboratory measures.
//
// Belongs here: the loop that appends in rounds and acknowledges (AppendLoop), a partition as the
// threads of a program share it (LogPartition), the threads that shards belong to (LogRuntime), and
// the proof that a backend works where it is to (BackendProof). Does not: how bytes are kept
// (CommitLog), requests (Broker), producers and their measurement (the laboratory). The loop has no
// thread, no clock and no I/O of its own: a thread drives it in the broker and in the laboratory,
// the simulator in the crash laboratory.
//
// ```
//   submit ─> idempotence ─> PartitionLog.append ─┬─ acknowledged at once ─> appendEnded
//                                                 └─ waits ─┐
//   round  ─> flushes (batch), commit (group), completions ─┴─> appendEnded
//          └> flushes that are due (interval)
// ```
import CommitLog
import LinuxIO

/// The threads that the shards of one data directory belong to. A partition belongs to one shard.
package final class LogRuntime: LogThreads {
  private let threads: [ShardThread]
  /// Read what logs need before their first append, so that no other log's appends wait for it.
  private let readers: WorkerPool
  /// False before the threads are started and after they have ended: then whoever has the directory
  /// has its shards, too.
  private let isRunning = Lock(false)

  /// For so many shards, 1 to 64. `sliceNanoseconds`: how long a round submits what has come, and
  /// how long it goes on with a long job, before it flushes.
  package init(
    shards count: Int, sliceNanoseconds: Int64 = 1_000_000, time: TimeSource = .machine
  ) throws(SystemCallError) {
    var threads: [ShardThread] = []
    for _ in 0..<count {
      threads.append(try ShardThread(sliceNanoseconds: sliceNanoseconds, time))
    }
    self.threads = threads
    readers = try WorkerPool(threadCount: 2)
  }

  /// Starts a thread for each of the shards, which belong to them from then on, up to `stop`. The
  /// threads get the places in turn.
  package func start(
    _ shards: [LogShard], _ observer: any ShardObserver, at places: [Placement] = [.any]
  ) throws(SystemCallError) {
    precondition(shards.count == threads.count)
    isRunning.withLock { $0 = true }
    do throws(SystemCallError) {
      for (number, (thread, shard)) in zip(threads, shards).enumerated() {
        try thread.start(shard, observer, readers, at: places[number % places.count])
      }
    } catch {
      stop()
      throw error
    }
  }

  /// Hands a job to the shards whose bits are set.
  package func append(_ job: any AppendJob, to shards: UInt64) {
    var left = shards
    while left != 0 {
      threads[left.trailingZeroBitCount].mailbox.post(.append(job))
      left &= left - 1
    }
  }

  /// See `LogThreads`. Not for a shard's own thread.
  package func run(on shard: Int, _ body: () -> Void) {
    if !isRunning.withLock({ $0 }) { return body() }
    withoutActuallyEscaping(body) { body in
      let call = HandedCall(body)
      threads[shard].mailbox.post(.run { call.run() })
      call.wait()
    }
  }

  /// Has something done on a shard's thread, between two rounds, and does not wait for it.
  package func post(on shard: Int, _ body: @escaping @Sendable () -> Void) {
    if !isRunning.withLock({ $0 }) { return body() }
    threads[shard].mailbox.post(.run(body))
  }

  /// Has the partition's producers read, where they are not known; its appends wait for that, and
  /// no other's. Returns at once.
  package func loadProducers(of partition: LogPartition) {
    threads[partition.shard].mailbox.post(.loadProducers(partition))
  }

  /// Has `answer` told who the partition's producers are, on its shard's thread. Returns at once.
  package func describeProducers(
    of partition: LogPartition, to answer: @escaping ProducerInquiry
  ) {
    threads[partition.shard].mailbox.post(.describeProducers(partition, answer))
  }

  /// Waits until every shard has appended and acknowledged all that it was given. For a stop: the
  /// logs are closed after it, and nobody may hand in more.
  package func drain() {
    if !isRunning.withLock({ $0 }) { return }
    for thread in threads {
      let done = Semaphore()
      thread.mailbox.post(.whenIdle { done.signal() })
      done.wait()
    }
  }

  /// Ends the threads when all that was handed to them before is done.
  package func stop() {
    for thread in threads { thread.stop() }
    readers.stop()
    isRunning.withLock { $0 = false }
  }
}

/// What one thread has another one do while it waits.
// SAFETY: `body` is the other thread's until the semaphore is signalled, and gone then.
package final class HandedCall: @unchecked Sendable {
  private var body: (() -> Void)?
  private let done = Semaphore()

  package init(_ body: @escaping () -> Void) { self.body = body }

  /// The other thread's, once.
  package func run() {
    runOnce()
    done.signal()
  }

  /// Holds on to nothing of the caller's when it returns.
  private func runOnce() { body.take()?() }

  package func wait() { done.wait() }
}
