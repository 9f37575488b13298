import Glibc
import Synchronization

/// The thread that something belongs to, so that debug builds find out who else uses it.
package final class ThreadOwner: Sendable {
  /// 0 while it belongs to nobody.
  private let thread = Atomic<UInt>(0)

  package init() {}

  /// It belongs to the calling thread from now on.
  package func take() { thread.store(UInt(pthread_self()), ordering: .relaxed) }

  /// In debug builds: stops the program where another thread than the owner calls.
  package func check() { assert(isOwned, "used by a thread that it does not belong to") }

  /// True for the owner's thread, and for every thread while there is no owner.
  package var isOwned: Bool {
    let owner = thread.load(ordering: .relaxed)
    return owner == 0 || owner == UInt(pthread_self())
  }
}
