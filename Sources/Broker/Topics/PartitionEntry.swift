import CommitLog
import LinuxIO
import LogStorage
import Records
import Synchronization

/// One partition as the broker's threads share it.
// SAFETY: `log`, `ledger`, `isTouched` and `isReported` belong to the log's thread; the rest is atomic
// or never changes.
final class PartitionEntry: @unchecked Sendable {
  /// Never given twice in a process.
  let id: Int
  let partition: TopicPartition
  let published: PublishedLog
  /// The log thread's.
  let log: PartitionLog
  /// The log thread's: what is known about idempotent producers.
  let ledger: ProducerLedger
  /// The log thread's: the end has moved since loops were told.
  var isTouched = false
  /// The log thread's: the operator has been told that it takes no appends.
  var isReported = false

  private let fenced = Atomic(false)
  private let deleted = Atomic(false)
  /// A bit for each event loop that has fetches waiting here.
  private let waiters = Atomic<UInt64>(0)

  init(id: Int, log: PartitionLog, ledger: ProducerLedger) {
    self.id = id
    self.log = log
    self.ledger = ledger
    partition = log.partition
    published = log.published
  }

  /// True where an earlier failure left the end in doubt: it is read, and takes no appends.
  var isFenced: Bool { fenced.load(ordering: .relaxed) }

  func setFenced() { fenced.store(true, ordering: .relaxed) }

  var isDeleted: Bool { deleted.load(ordering: .acquiring) }

  func setDeleted() { deleted.store(true, ordering: .releasing) }

  /// A loop's, before it looks at the log's end a last time and waits. Paired with `takeWaiters`: either
  /// the loop sees the new end, or the log's thread sees the bit.
  func awaitAppends(loop: Int) {
    waiters.bitwiseOr(1 << UInt64(loop), ordering: .sequentiallyConsistent)
    atomicMemoryFence(ordering: .sequentiallyConsistent)
  }

  /// The log thread's, after it has published a new end: which loops have to be told.
  func takeWaiters() -> UInt64 {
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    if waiters.load(ordering: .relaxed) == 0 { return 0 }
    return waiters.exchange(0, ordering: .sequentiallyConsistent)
  }

  /// Bytes of all segments.
  var byteCount: Int64 { published.segments.reduce(0) { $0 + $1.file.end.rawValue } }
}
