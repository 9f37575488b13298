import LinuxIO
import Synchronization

/// What threads hand to one other thread: messages in order, and a wake-up where it sleeps.
///
/// Posting takes a mutex for an array's append, and a system call (`eventfd`) only where the owner
/// sleeps or is about to. A message carries a whole request or more, never a record.
package final class Mailbox<Message: Sendable>: Sendable {
  /// For the owner's `EventPoll`.
  package let signal: EventSignal
  private let messages = Lock<[Message]>([])
  private let isAwaited = Atomic(false)

  package init() throws(SystemCallError) { signal = try EventSignal() }

  package func post(_ message: Message) {
    messages.withLock { $0.append(message) }
    if isAwaited.exchange(false, ordering: .sequentiallyConsistent) { signal.raise() }
  }

  /// The owner's: everything that has come.
  package func take() -> [Message] {
    messages.withLock { waiting in
      if waiting.isEmpty { return [] }
      defer { waiting = [] }
      return waiting
    }
  }

  /// The owner's, before it sleeps: false where something has come meanwhile, and it must not.
  package func prepareToSleep() -> Bool {
    isAwaited.store(true, ordering: .sequentiallyConsistent)
    // Whoever posts after this look finds the flag: both look under the mutex.
    if messages.withLock({ $0.isEmpty }) { return true }
    isAwaited.store(false, ordering: .relaxed)
    return false
  }

  /// The owner's, when it has slept.
  package func wake() {
    isAwaited.store(false, ordering: .relaxed)
    signal.clear()
  }
}
