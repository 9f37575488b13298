import CommitLog
import LinuxIO
import LogStorage
import Records
import Synchronization

/// Takes what a partition knows of its producers, on the log's thread; nil where they are more than
/// `AppendLoop.describedProducersMax`.
package typealias ProducerInquiry = @Sendable (Result<[KnownProducer]?, LogError>) -> Void

/// One partition as the threads of a program share it: its log, which one thread appends to, and
/// what the others see of it.
// SAFETY: `log`, `ledger` and the flags that say so belong to the log's thread; the rest is atomic
// or never changes.
package final class LogPartition: @unchecked Sendable {
  /// Never given twice in a process.
  package let id: Int
  package let partition: TopicPartition
  package let published: PublishedLog
  /// The number of the shard whose thread is the log's.
  package let shard: Int
  /// The log thread's.
  package let log: PartitionLog
  /// The log thread's: what is known about idempotent producers.
  package let ledger: ProducerLedger
  /// The log thread's: appends of this round wait for a flush.
  var owesFlush = false
  /// The log thread's: the end has moved since readers were told.
  var hasAdvanced = false
  /// The log thread's: appends that wait while what they need is read; nil while nothing is.
  var parked: [ParkedAppend]?
  /// The log thread's: who asks for its producers, and waits while they are read.
  var inquiries: [ProducerInquiry] = []
  /// The log thread's: how often that was begun anew.
  var preparationTries = 0
  /// The log thread's: the operator has been told that it takes no appends.
  package var isReported = false

  private let fenced = Atomic(false)
  private let deleted = Atomic(false)
  /// A bit for each thread whose readers wait here.
  private let waiters = Atomic<UInt64>(0)

  package init(id: Int, log: PartitionLog) {
    self.id = id
    self.log = log
    ledger = ProducerLedger(log)
    partition = log.partition
    published = log.published
    shard = log.shard
  }

  /// True where an earlier failure left the end in doubt: it is read, and takes no appends.
  package var isFenced: Bool { fenced.load(ordering: .relaxed) }

  package func setFenced() { fenced.store(true, ordering: .relaxed) }

  /// Its topic was deleted, or, where it is fenced, it is opened anew: as another object.
  package var isDeleted: Bool { deleted.load(ordering: .acquiring) }

  package func setDeleted() { deleted.store(true, ordering: .releasing) }

  /// A reading thread's, before it looks at the log's end a last time and waits. Paired with
  /// `takeWaiters`: either the reader sees the new end, or the log's thread sees the bit. `thread`
  /// is below 64.
  package func awaitAppends(thread: Int) {
    waiters.bitwiseOr(1 << UInt64(thread), ordering: .sequentiallyConsistent)
    atomicMemoryFence(ordering: .sequentiallyConsistent)
  }

  /// The log thread's, after it has published a new end: which threads have to be told.
  package func takeWaiters() -> UInt64 {
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    if waiters.load(ordering: .relaxed) == 0 { return 0 }
    return waiters.exchange(0, ordering: .sequentiallyConsistent)
  }

  /// The log thread's: what an append is told when the partition is deleted, or is opened anew.
  var goneError: LogError {
    if let failure = log.failure { return .fenced(partition, failure) }
    return .unknownTopic(partition.topic)
  }

  /// Bytes of all segments.
  package var byteCount: Int64 { published.segments.reduce(0) { $0 + $1.file.end.rawValue } }
}
