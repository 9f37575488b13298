import LogStorage
import SimulatedStorage

/// A log's settings and everything that happens to it: a value, so that it can be run again, and run
/// without some of its steps.
package struct History: Hashable, Sendable {
  package let seed: UInt64
  package var setup: HistorySetup
  package var steps: [HistoryStep]

  package init(
    seed: UInt64, setup: HistorySetup, steps: [HistoryStep]
  ) {
    self.seed = seed
    self.setup = setup
    self.steps = steps
  }

  /// True where the wall clock jumps.
  package var setsClock: Bool {
    steps.contains { if case .setClock = $0 { true } else { false } }
  }

  /// True where other backends than the setup's append too.
  package var changesBackend: Bool {
    steps.contains { if case .changeBackend = $0 { true } else { false } }
  }
}

/// What a history's log and disk are.
package struct HistorySetup: Hashable, Sendable {
  /// By its place in the list of backends.
  package var backend: Int
  package var durability: Durability
  /// Nil is the backend's own.
  package var preallocation: Preallocation?
  package var partitionCount: Int
  package var segmentBytes: Int
  package var indexIntervalBytes: Int
  package var retentionBytes: Int64?
  package var retentionMilliseconds: Int64?
  package var flushMilliseconds: Int64
  package var flushBytes: Int64
  package var queueDepth: Int
  package var granule: SimulatedDiskOptions.Granule
  package var directOffsetAlignment: Int
  /// For the order in which a ring's operations run.
  package var diskSeed: UInt64

  package init(
    backend: Int, durability: Durability, preallocation: Preallocation? = nil, partitionCount: Int,
    segmentBytes: Int, indexIntervalBytes: Int, retentionBytes: Int64? = nil,
    retentionMilliseconds: Int64? = nil, flushMilliseconds: Int64, flushBytes: Int64,
    queueDepth: Int, granule: SimulatedDiskOptions.Granule, directOffsetAlignment: Int,
    diskSeed: UInt64
  ) {
    self.backend = backend
    self.durability = durability
    self.preallocation = preallocation
    self.partitionCount = partitionCount
    self.segmentBytes = segmentBytes
    self.indexIntervalBytes = indexIntervalBytes
    self.retentionBytes = retentionBytes
    self.retentionMilliseconds = retentionMilliseconds
    self.flushMilliseconds = flushMilliseconds
    self.flushBytes = flushBytes
    self.queueDepth = queueDepth
    self.granule = granule
    self.directOffsetAlignment = directOffsetAlignment
    self.diskSeed = diskSeed
  }
}

extension HistorySetup: CustomStringConvertible {
  package var description: String {
    var parts = [
      "\(durability)", "preallocation \(preallocation?.rawValue ?? "default")",
      "\(partitionCount) partitions", "segment.bytes \(segmentBytes)",
      "index.interval.bytes \(indexIntervalBytes)", "flush.ms \(flushMilliseconds)",
      "varve.flush.bytes \(flushBytes)", "queue depth \(queueDepth)",
      "torn by \(granule)s", "O_DIRECT by \(directOffsetAlignment) bytes",
    ]
    if let retentionBytes { parts.append("retention.bytes \(retentionBytes)") }
    if let retentionMilliseconds { parts.append("retention.ms \(retentionMilliseconds)") }
    return parts.joined(separator: ", ")
  }
}
