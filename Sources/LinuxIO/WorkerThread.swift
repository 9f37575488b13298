import Glibc

/// A thread of the operating system, with a result that may be waited for.
package final class WorkerThread<Result: Sendable>: Sendable {
  private let result: Lock<Result?>
  private let thread: Lock<pthread_t?>

  /// Starts it; what `body` holds belongs to it from then on.
  package init(_ body: sending @escaping () -> Result) throws(SystemCallError) {
    let result = Lock<Result?>(nil)
    let start = ThreadStart {
      let value = body()
      result.withLock { $0 = value }
    }
    // SAFETY: retained here; released by the thread, or below where there is none.
    let context = Unmanaged.passRetained(start)
    var thread = pthread_t()
    let error = pthread_create(
      &thread, nil,
      { context in
        if let context {
          Unmanaged<ThreadStart>.fromOpaque(context).takeRetainedValue().body()
        }
        return nil
      }, context.toOpaque())
    if error != 0 {
      context.release()
      throw SystemCallError(.pthreadCreate, ErrorNumber(rawValue: error), path: "")
    }
    self.result = result
    self.thread = Lock(thread)
  }

  /// A thread that nobody waits for goes on, and gives back what it has when it ends.
  deinit { thread.withLock { if let handle = $0 { pthread_detach(handle) } } }

  /// Waits for the thread's end; its result, to the first who asks.
  package func join() -> Result? {
    let handle = thread.withLock { slot -> pthread_t? in
      defer { slot = nil }
      return slot
    }
    if let handle { pthread_join(handle, nil) }
    return result.withLock { value in
      defer { value = nil }
      return value
    }
  }
}

private final class ThreadStart {
  let body: () -> Void
  init(_ body: @escaping () -> Void) { self.body = body }
}
