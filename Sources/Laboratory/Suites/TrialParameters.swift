import LogStorage

/// When the generator sends.
package enum Arrival: String, CaseIterable, Hashable, Sendable, Codable {
  /// The next append follows the last one's end: closed loop. Such a trial has service times and
  /// no response times.
  case max
  /// At a rate, evenly.
  case uniform
  /// At a rate, at random: the times between arrivals are exponential.
  case poisson
}

/// Where consumers begin.
package enum ConsumeFrom: String, CaseIterable, Hashable, Sendable, Codable {
  /// With what is appended during the trial.
  case end
  /// With the log's first record: they have to catch up.
  case start
}

/// What page-cache memory is like when a trial begins.
package enum MemoryState: String, CaseIterable, Hashable, Sendable, Codable {
  /// The host has just backed as many pages as the trial will write.
  case warm
  /// As the machine happens to be.
  case cold
}

/// What the other end of a connection does with what comes.
package enum ReceiverMode: String, CaseIterable, Hashable, Sendable, Codable {
  /// Reads it into memory.
  case read
  /// Has the kernel drop it (MSG_TRUNC), so that the receiver's copy costs nothing.
  case discard
}

/// Where the file to send lies when a trial begins.
package enum CacheState: String, CaseIterable, Hashable, Sendable, Codable {
  /// In the page cache, all of it.
  case hot
  /// On the disk only.
  case cold
}

/// What lies between sender and receiver.
package enum Network: String, CaseIterable, Hashable, Sendable, Codable {
  /// TCP over the loopback device.
  case loopback
  /// A Unix stream socket.
  case unix
  /// TCP over a pair of virtual Ethernet devices between two network namespaces.
  case veth
}

/// What is sent of a log.
package enum Reading: String, CaseIterable, Hashable, Sendable, Codable {
  /// All of it, again and again.
  case whole
  /// What is appended during the trial, as it comes.
  case tail
}

/// When a trial has appended enough: at the first whole batch at or past it.
package enum TrialLength: Hashable, Sendable, Codable {
  case bytes(Int64)
  case batches(Int64)
  case records(Int64)
  /// Of targets that producers load.
  case duration(milliseconds: Int64)
}

/// What a trial measures, by the names in suites.
package enum TargetName {
  /// The log's append, driven by one loop.
  package static let log = "log"
  /// The same writes as bare system calls.
  package static let syscalls = "syscalls"
  /// The log behind its append loop, with producers and consumers.
  package static let embedded = "embedded"
  /// The same, with consumers at the far end of a socket.
  package static let stream = "stream"
  /// Producers alone: what they send is dropped.
  package static let generator = "generator"
  /// A log that is sent through a socket.
  package static let transfer = "transfer"
  /// A plain file that bare system calls send.
  package static let transferSyscalls = "syscalls-transfer"

  /// Opening a log that ended by a crash.
  package static let recover = "recover"
  /// Opening a log that was closed.
  package static let open = "open"

  /// Names that earlier versions wrote, and today's.
  static let former = [
    "bare": syscalls, "null": generator, "socket": stream, "bare-transfer": transferSyscalls,
  ]
}

/// Everything that distinguishes one trial from another: one value for each key of a suite's
/// `defaults`.
package struct TrialParameters: Hashable, Sendable, Codable {
  package var target = TargetName.log
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
  /// Whether what no flush covers is flushed in the background, as a broker does before each
  /// checkpoint.
  package var backgroundFlush = false
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

  /// Threads that send, each on a schedule of its own.
  package var producers = 1
  package var consumers = 0
  /// Batches of one producer that are handed over and not acknowledged yet, at most.
  package var inFlight = 5
  /// How long a batch waits to be filled.
  package var lingerMilliseconds: Int64 = 0
  /// Records per second of all producers together, where arrivals are uniform or Poisson.
  package var rate: Int64 = 10_000
  package var recordSizes = RecordSizeKind.fixed
  package var consumeFrom = ConsumeFrom.end
  /// Retention by size, of each partition, applied every second; 0 for none.
  package var retentionBytes: Int64 = 0
  /// Where threads run, as `Placement` reads it.
  package var placeProducers = TrialParameters.anywhere
  package var placeConsumers = TrialParameters.anywhere
  package var placeLog = TrialParameters.anywhere
  package var logThreads = 1
  /// The target is stopped for so long, once, so long after the start; 0 for never.
  package var stallMilliseconds: Int64 = 0
  package var stallAtMilliseconds: Int64 = 1000
  /// Each round of the target takes so much longer.
  package var slowdownPercent = 0
  /// Bytes that the trial's cgroup may hold, page cache included; 0 for no limit.
  package var memoryLimit: Int64 = 0
  /// A name and nothing else: two variants of a cell are a comparison of it with itself.
  package var variant = ""

  package init() {}

  package static let anywhere = "any"

  /// True where producers and consumers load the target, instead of one loop.
  package var isLoaded: Bool {
    [TargetName.embedded, TargetName.stream, TargetName.generator].contains(target)
  }

  /// True where records have times at which they are to be sent.
  package var isOpenLoop: Bool { isLoaded && arrival != .max }

  /// Records per second that the trial offers; nil in a closed loop.
  package var offeredRecordsPerSecond: Double? { isOpenLoop ? Double(rate) : nil }

  /// How long the trial will take; nil where its length is not one of time.
  package var plannedSeconds: Double? {
    switch length {
    case .duration(let milliseconds): Double(milliseconds) / 1000
    case .bytes, .batches, .records:
      offeredRecordsPerSecond.map { Double(plannedRecords) / $0 }
    }
  }

  /// Records that the trial sends, where its length is not a time in a closed loop.
  package var plannedRecords: Int64 {
    switch length {
    case .records(let count): count
    case .duration(let milliseconds): Int64(min(Double(rate) * Double(milliseconds) / 1000, 9e18))
    case .bytes, .batches: max(1, plannedBytes / Int64(max(recordBytes, 1)))
    }
  }

  /// Batches that are built before the trial and appended again and again: as many as may be under
  /// way, and a few more. A group's round can wait for buffers.
  package var preparedBatchCount: Int {
    max(4, (durability == .group ? min(partitions, 64) : queueDepth) + 2)
  }

  /// The system's own choice.
  package static let systemCongestion = "system"

  /// True where `background_flush` is on, and something is left to it.
  package var flushesInBackground: Bool {
    backgroundFlush && !durability.acknowledgesDurable && !isTransfer && !isReference
  }

  /// True where the trial sends a log, or a file, instead of appending.
  package var isTransfer: Bool {
    target == TargetName.transfer || target == TargetName.transferSyscalls
  }

  /// True where bytes go through a socket.
  package var usesSocket: Bool { isTransfer || target == TargetName.stream }

  /// True where bare calls send a file that no backend wrote.
  var sendsPlainFile: Bool { target == TargetName.transferSyscalls }

  /// The target of system calls alone that this one is judged by.
  package var referenceTarget: String? {
    switch target {
    case TargetName.log: TargetName.syscalls
    case TargetName.transfer: TargetName.transferSyscalls
    default: nil
    }
  }

  /// True for system calls alone.
  package var isReference: Bool {
    target == TargetName.syscalls || target == TargetName.transferSyscalls
  }

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
    case .duration(let milliseconds):
      let bytes = min(bytesPerSecondExpected * Double(milliseconds) / 1000, 1e18)
      return Int64(bytes / Double(size)) + 1
    case .bytes(let bytes): return bytes / size + (bytes % size == 0 ? 0 : 1)
    case .records(let count):
      let (bytes, overflow) = count.multipliedReportingOverflow(by: Int64(max(recordBytes, 1)))
      return overflow ? .max : bytes / size + (bytes % size == 0 ? 0 : 1)
    }
  }

  /// Of a trial that runs for a time. In a closed loop nobody knows; a gigabyte is more than most
  /// disks take.
  private var bytesPerSecondExpected: Double {
    if isOpenLoop { return Double(rate) * Double(max(recordBytes, 1)) }
    return target == TargetName.generator ? 0 : 1e9
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
