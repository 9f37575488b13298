import Synchronization

/// Asks a running suite to stop; safe to raise from a signal handler and from any thread.
package final class StopFlag: Sendable {
  // Relaxed: the flag publishes nothing but itself.
  private let raised = Atomic<Bool>(false)

  package init() {}

  package var isRaised: Bool { raised.load(ordering: .relaxed) }

  package func raise() { raised.store(true, ordering: .relaxed) }
}
