import DequeModule
import LinuxIO

/// Threads for whatever may wait for a disk to read. Sources of work take turns, so nobody who asks
/// for much keeps the others waiting.
///
/// ```
///   turns:   A  B  C         a turn is one job, or one piece of a long job
///   A's jobs: [ search, 2nd piece ] [ lookup ]
/// ```
/// A job that is not done within its slice goes on behind the other jobs of its source, at that
/// source's next turn. The first job of a source therefore waits for at most one piece of each
/// other source that has work, divided among the threads.
// SAFETY: `threads` changes in init and `stop` only, which are its owner's.
package final class WorkerPool: @unchecked Sendable {
  /// What a piece of a long job leaves.
  package enum Progress: Sendable {
    case done
    /// The job has another piece.
    case more
  }
  /// A piece of a job: one step at least, and more while the slice lasts.
  package typealias Piece = @Sendable (_ slice: TimeSlice) -> Progress

  private let queue = WorkQueue()
  private var threads: [WorkerThread<Void>] = []

  /// `sliceNanoseconds`: how long a piece of a job may go on.
  package init(
    threadCount: Int, sliceNanoseconds: Int64 = 1_000_000
  ) throws(SystemCallError) {
    for _ in 0..<max(1, threadCount) {
      let queue = queue
      threads.append(
        try WorkerThread {
          while let job = queue.next() {
            switch job.piece(TimeSlice(nanoseconds: sliceNanoseconds)) {
            case .done: break
            case .more: queue.add(job)
            }
          }
        })
    }
  }

  /// Runs `work` when it is the source's turn, as one piece.
  package func submit(from source: Int, _ work: @escaping @Sendable () -> Void) {
    queue.add(
      WorkQueue.Job(source: source) { _ in
        work()
        return .done
      })
  }

  /// Runs `piece` at turns of its source until it says that it is done: never on two threads at
  /// once, and each time after all that the piece before it has done.
  package func submit(from source: Int, inPieces piece: @escaping Piece) {
    queue.add(WorkQueue.Job(source: source, piece: piece))
  }

  /// Work that was submitted is done before this returns, jobs in pieces to their end.
  package func stop() {
    queue.end(threadCount: threads.count)
    for thread in threads { _ = thread.join() }
    threads = []
  }
}

/// Work for any of some threads: each source's in order, and the sources in turn.
private final class WorkQueue: Sendable {
  struct Job: Sendable {
    let source: Int
    let piece: WorkerPool.Piece
  }

  private struct Waiting {
    /// By source; of those that have any.
    private var pieces: [Int: Deque<WorkerPool.Piece>] = [:]
    /// The sources that have work, each once.
    private var turns = Deque<Int>()

    mutating func add(_ job: Job) {
      if pieces[job.source] == nil { turns.append(job.source) }
      pieces[job.source, default: []].append(job.piece)
    }

    mutating func take() -> Job? {
      guard let source = turns.popFirst(), let piece = pieces[source]?.popFirst() else {
        return nil
      }
      if pieces[source]?.isEmpty == true {
        pieces[source] = nil
      } else {
        turns.append(source)
      }
      return Job(source: source, piece: piece)
    }
  }

  private let waiting = Lock(Waiting())
  private let count = Semaphore()

  func add(_ job: Job) {
    waiting.withLock { $0.add(job) }
    count.signal()
  }

  /// Waits for work; nil when there will be none.
  func next() -> Job? {
    count.wait()
    return waiting.withLock { $0.take() }
  }

  /// Each thread that finds nothing left ends: it adds itself what is left of a job of its own.
  func end(threadCount: Int) { for _ in 0..<threadCount { count.signal() } }
}
