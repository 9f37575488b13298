import Glibc

/// A value behind a mutex, for state that is touched seldom.
///
/// A `pthread_mutex_t`, and not the standard library's `Mutex`: ThreadSanitizer knows the one and
/// does not see the other's futex, and what it cannot see it cannot check. Never held across a
/// system call of the data path.
// SAFETY: `value` is only touched between lock and unlock; the mutex never moves, since it has
// memory of its own.
package final class Lock<Value>: @unchecked Sendable {
  private var value: Value
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  package init(_ value: Value) {
    self.value = value
    mutex = .allocate(capacity: 1)
    mutex.initialize(to: pthread_mutex_t())
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  /// Runs `body` with the value to itself. Not reentrant.
  package func withLock<Result: ~Copyable, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&value)
  }
}
