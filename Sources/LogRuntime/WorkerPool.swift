import LinuxIO

/// Threads for whatever may wait for a disk to read.
// SAFETY: `threads` changes in init and `stop` only, which are its owner's.
package final class WorkerPool: @unchecked Sendable {
  package typealias Work = @Sendable () -> Void

  private let queue = WorkQueue()
  private var threads: [WorkerThread<Void>] = []

  package init(threadCount: Int) throws(SystemCallError) {
    for _ in 0..<max(1, threadCount) {
      let queue = queue
      threads.append(
        try WorkerThread {
          while let work = queue.next() { work() }
        })
    }
  }

  package func submit(_ work: @escaping Work) { queue.add(work) }

  /// Work that was submitted is done before this returns.
  package func stop() {
    queue.end(threadCount: threads.count)
    for thread in threads { _ = thread.join() }
    threads = []
  }
}

/// Work for any of some threads, in order.
private final class WorkQueue: Sendable {
  private struct Waiting {
    /// The next is last: taking is cheap.
    var outgoing: [WorkerPool.Work] = []
    var incoming: [WorkerPool.Work] = []

    mutating func take() -> WorkerPool.Work? {
      if outgoing.isEmpty {
        outgoing = incoming.reversed()
        incoming.removeAll(keepingCapacity: true)
      }
      return outgoing.popLast()
    }
  }

  private let waiting = Lock(Waiting())
  private let count = Semaphore()

  func add(_ work: @escaping WorkerPool.Work) {
    waiting.withLock { $0.incoming.append(work) }
    count.signal()
  }

  /// Waits for work; nil when there will be none.
  func next() -> WorkerPool.Work? {
    count.wait()
    return waiting.withLock { $0.take() }
  }

  func end(threadCount: Int) { for _ in 0..<threadCount { count.signal() } }
}
