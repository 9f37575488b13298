import CLinux
import Glibc

/// `sem_t`.
// SAFETY: the semaphore is made for use by many threads, and its memory never moves.
package final class Semaphore: @unchecked Sendable {
  private let semaphore: UnsafeMutablePointer<sem_t>

  package init() {
    semaphore = .allocate(capacity: 1)
    semaphore.initialize(to: sem_t())
    sem_init(semaphore, 0, 0)
  }

  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  package func signal() { sem_post(semaphore) }

  /// Waits for so long at most; false where the time was up.
  package func wait(seconds: Double) -> Bool {
    clinux_semaphore_wait(semaphore, Int64(seconds * 1e9)) == 0
  }

  package func wait() { while sem_wait(semaphore) != 0 && errno == EINTR {} }
}
