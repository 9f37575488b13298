import LogStorage
import Records

/// The present, as the log is told it: it reads no clock.
package struct LogTime: Hashable, Sendable {
  /// For durations: never jumps.
  package let monotonicNanoseconds: Int64
  /// For timestamps and retention: since 1970.
  package let wallMilliseconds: Int64
  /// For comparing with the wall clock: never jumps, and goes on while the machine is suspended, as
  /// the wall clock does. Where nobody asked for it, `monotonicNanoseconds`.
  package let bootNanoseconds: Int64

  package init(
    monotonicNanoseconds: Int64, wallMilliseconds: Int64, bootNanoseconds: Int64? = nil
  ) {
    self.monotonicNanoseconds = monotonicNanoseconds
    self.wallMilliseconds = wallMilliseconds
    self.bootNanoseconds = bootNanoseconds ?? monotonicNanoseconds
  }
}

/// An accepted append: the offsets it was given. Ask the partition for its `status`.
package struct AppendReceipt: Hashable, Sendable {
  package let baseOffset: Offset
  /// One past the last record's.
  package let nextOffset: Offset
  /// Failures that the partition had seen before.
  let generation: Int
}

/// Where an accepted append stands.
package enum AppendStatus: Hashable, Sendable {
  /// Not yet what the topic's durability asks for.
  case pending
  /// Written, or durable, as the topic's durability says; and readable.
  case acknowledged
  /// It is not in the log, and its offsets will be given again.
  case failed(LogError)
}

/// How far the log trusts the bytes that it is given.
package enum BatchCheck: Hashable, Sendable {
  /// The headers only: for batches that this process built.
  case header
  /// The CRC too: for bytes from outside.
  case checksum
}

/// A batch, or a few in one buffer, on their way.
struct PendingAppend {
  let ticket: AppendTicket
  let batches: AppendBatches
  let position: FilePosition
  var isWritten: Bool
}

/// The headers of an append's batches, offsets given; nearly always one.
struct AppendBatches {
  let first: RecordBatchHeader
  let others: [RecordBatchHeader]

  var nextOffset: Offset { (others.last ?? first).nextOffset }
  var byteCount: Int { others.reduce(first.byteCountTotal) { $0 + $1.byteCountTotal } }
  var newestTimestamp: Int64 {
    others.reduce(first.maxTimestamp) { max($0, $1.maxTimestamp) }
  }
}
