import LinuxIO
import Synchronization

/// One batch on its way from a producer to the target and back: buffers, and the times that tell how
/// long each record took.
///
/// Belongs to the producer until `queue`, to the target until `finish`, and then to the producer again:
/// the state's release and acquire hand everything else over.
// SAFETY: only the side that the state names touches what is not atomic.
package final class BatchSlot: @unchecked Sendable {
  package enum State: UInt8 { case free, queued, ended }

  package var buffer: AlignedBuffer?
  package var partition = 0
  package var recordCount = 0
  package var byteCount = 0
  /// When each record was to be sent; empty in a closed loop.
  package var intended: [Int64] = []
  /// When the producer handed it over, and when it was acknowledged or failed.
  package var sentAt: Int64 = 0
  package var endedAt: Int64 = 0
  package var failure: (any Error)?
  private let stateBits = Atomic<UInt8>(State.free.rawValue)

  /// A batch of about `batchBytes`, with room for `recordsMax` intended times.
  package init(batchBytes: Int, recordsMax: Int) {
    buffer = AlignedBuffer(capacity: batchBytes + 4096)
    intended.reserveCapacity(recordsMax)
  }

  package var state: State { State(rawValue: stateBits.load(ordering: .acquiring)) ?? .free }

  /// The producer's: the target may take it.
  package func queue() { stateBits.store(State.queued.rawValue, ordering: .releasing) }

  /// The target's: acknowledged, or failed with `failure`. The buffer is back.
  package func finish(at time: Int64, _ error: (any Error)? = nil) {
    endedAt = time
    failure = error
    stateBits.store(State.ended.rawValue, ordering: .releasing)
  }

  /// The producer's, when it has read the times.
  package func reuse() {
    intended.removeAll(keepingCapacity: true)
    recordCount = 0
    byteCount = 0
    stateBits.store(State.free.rawValue, ordering: .relaxed)
  }
}
