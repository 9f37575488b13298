import Synchronization

/// How far the recovery points are behind, in bytes: what the logs of a directory have accepted
/// since the flushes of the last checkpoint began.
///
/// The shards' threads count what they accept, the directory's thread says what a checkpoint has
/// covered, and any thread may look. With a limit, appends that promise no durability wait where it
/// is reached (`AppendLoop`): a start after a kill reads what no checkpoint covers.
package final class CheckpointLag: Sendable {
  private let counters: [ByteCounter]
  private let covered = Atomic<Int64>(0)
  private let limit = Atomic<Int64>(.max)

  init(_ counters: [ByteCounter]) { self.counters = counters }

  /// Bytes of batches that all logs have accepted since the directory was opened.
  var appendedBytes: Int64 { counters.reduce(0) { $0 + $1.value } }

  package var bytes: Int64 { appendedBytes - covered.load(ordering: .relaxed) }

  /// Appends wait from so many bytes on.
  package var bytesMax: Int64 { limit.load(ordering: .relaxed) }

  package var isAtLimit: Bool { bytes >= bytesMax }

  /// False where flushes in the background have to hurry.
  package var leavesTime: Bool { bytes <= min(512 << 20, bytesMax / 2) }

  /// A checkpoint covers what had been appended then.
  func cover(_ appendedBytes: Int64) { covered.store(appendedBytes, ordering: .relaxed) }

  package func setLimit(_ bytes: Int64) { limit.store(bytes, ordering: .relaxed) }
}

/// Bytes that one thread counts and others look at.
final class ByteCounter: Sendable {
  private let count = Atomic<Int64>(0)

  var value: Int64 { count.load(ordering: .relaxed) }

  /// The counting thread's.
  func add(_ bytes: Int) { count.wrappingAdd(Int64(bytes), ordering: .relaxed) }
}
