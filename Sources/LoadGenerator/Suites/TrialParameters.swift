import LogStorage

/// When the generator sends.
package enum Arrival: String, CaseIterable, Hashable, Sendable {
  /// The next append follows the last one's end: closed loop. Such a trial has service times and
  /// no response times.
  case max
}

/// What page-cache memory is like when a trial begins.
package enum MemoryState: String, CaseIterable, Hashable, Sendable {
  /// The host has just backed as many pages as the trial will write.
  case warm
  /// As the machine happens to be.
  case cold
}

/// What the other end of a connection does with what comes.
package enum ReceiverMode: String, CaseIterable, Hashable, Sendable {
  /// Reads it into memory.
  case read
  /// Has the kernel drop it (MSG_TRUNC), so that the receiver's copy costs nothing.
  case discard
}

/// Where the file to send lies when a trial begins.
package enum CacheState: String, CaseIterable, Hashable, Sendable {
  /// In the page cache, all of it.
  case hot
  /// On the disk only.
  case cold
}

/// What lies between sender and receiver.
package enum Network: String, CaseIterable, Hashable, Sendable {
  /// TCP over the loopback device.
  case loopback
  /// A Unix stream socket.
  case unix
  /// TCP over a pair of virtual Ethernet devices between two network namespaces.
  case veth
}

/// What is sent of a log.
package enum Reading: String, CaseIterable, Hashable, Sendable {
  /// All of it, again and again.
  case whole
  /// What is appended during the trial, as it comes.
  case tail
}

/// When a trial has appended enough: at the first whole batch at or past it.
package enum TrialLength: Hashable, Sendable {
  case bytes(Int64)
  case batches(Int64)
  case records(Int64)
}

/// Everything that distinguishes one trial from another: one value for each key of a suite's
/// `defaults`.
package struct TrialParameters: Hashable, Sendable {
  package var target = "log"
  /// One of those that the program has.
  package var backend = ""
  package var durability = Durability.none
  package var payload = "synthetic"
  /// Bytes of a synthetic record's value.
  package var recordBytes = 100
  package var batchBytes = 1 << 20
  package var partitions = 1
  /// Nil, `default` in a suite, is the backend's own way; the trial's row names it.
  package var preallocation: Preallocation?
  package var length = TrialLength.bytes(1 << 30)
  package var arrival = Arrival.max
  /// Appends under way at once, where each is acknowledged for itself; under `group` a round over
  /// all partitions is.
  package var queueDepth = 1
  /// Appended before the trial and not measured.
  package var prefillBytes: Int64 = 0
  /// A segment rolls at this size.
  package var segmentBytes: Int64 = 1 << 30
  /// Under the durability `interval`: a flush when either is reached.
  package var intervalMilliseconds: Int64 = 100
  package var intervalBytes: Int64 = 16 << 20
  package var memory = MemoryState.warm
  /// Of a trial that sends a log: one of the paths that the program has.
  package var transfer = ""
  package var receiver = ReceiverMode.read
  package var cache = CacheState.hot
  package var network = Network.loopback
  package var connections = 1
  /// Bytes that one call may move.
  package var callBytes = 1 << 20
  package var reading = Reading.whole
  /// TCP's congestion control, by the kernel's name for it.
  package var congestion = TrialParameters.systemCongestion
  /// Wait before the trial until what earlier ones wrote has reached the disk.
  package var drain = true

  package init() {}

  /// Batches that are built before the trial and appended again and again: as many as may be under
  /// way, and a few more. A group's round can wait for buffers.
  package var preparedBatchCount: Int {
    max(4, (durability == .group ? min(partitions, 64) : queueDepth) + 2)
  }

  /// The system's own choice.
  package static let systemCongestion = "system"

  /// True where the trial sends a log, or a file, instead of appending.
  package var isTransfer: Bool { target == "transfer" || target == "bare-transfer" }

  /// The target of system calls alone that this one is judged by.
  package var referenceTarget: String? {
    switch target {
    case "log": "bare"
    case "transfer": "bare-transfer"
    default: nil
    }
  }

  /// True for system calls alone.
  package var isReference: Bool { target == "bare" || target == "bare-transfer" }

  /// Bytes of the log that is sent, before anything is appended to it during the trial.
  package var sentLogBytes: Int64 { prefillBytes > 0 ? prefillBytes : plannedBytes }

  /// Bytes that the trial leaves in files; nil where no number is large enough.
  package var writtenBytes: Int64? {
    if isTransfer && reading == .whole {
      // A cold log's pages are warmed by a file as large.
      let (both, overflow) = sentLogBytes.multipliedReportingOverflow(by: cache == .cold ? 2 : 1)
      return overflow ? nil : both
    }
    let (sum, overflow) = plannedBytes.addingReportingOverflow(prefillBytes)
    return overflow ? nil : sum
  }

  /// Batches of `batchBytes` in the trial's length, rounded up.
  package var plannedBatches: Int64 {
    let size = Int64(max(batchBytes, 1))
    switch length {
    case .batches(let count): return count
    case .bytes(let bytes): return bytes / size + (bytes % size == 0 ? 0 : 1)
    case .records(let count):
      let (bytes, overflow) = count.multipliedReportingOverflow(by: Int64(max(recordBytes, 1)))
      return overflow ? .max : bytes / size + (bytes % size == 0 ? 0 : 1)
    }
  }

  /// Bytes that the trial appends, prefill aside, up to the last batch's rounding.
  package var plannedBytes: Int64 {
    let (bytes, overflow) = plannedBatches.multipliedReportingOverflow(by: Int64(batchBytes))
    return overflow ? .max : bytes
  }
}

extension Preallocation {
  /// How a suite says that the backend decides.
  static let ownWay = "default"

  /// What a suite may say.
  static var words: [String] { [ownWay] + allCases.map(\.rawValue) }
}
