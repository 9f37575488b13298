/// A topic config of Apache Kafka 4 to which there is one answer here. Tools set many of them out
/// of habit: that answer is accepted and shown, and any other is refused with the reason.
struct FixedTopicConfig: Sendable {
  let name: String
  let value: String
  let type: Int8
  private let reason: String

  private init(_ name: String, _ value: String, _ type: Int8, because reason: String) {
    self.name = name
    self.value = value
    self.type = type
    self.reason = reason
  }

  /// Nil where a topic may have this value.
  func reasonToRefuse(_ wanted: String) -> String? {
    let isSame = Double(wanted).map { $0 == Double(value) } ?? (wanted.lowercased() == value)
    return isSame ? nil : "\(name): found '\(wanted)', expected '\(value)': \(reason)"
  }

  static func named(_ name: String) -> FixedTopicConfig? { byName[name] }

  private static let byName = Dictionary(
    all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

  static let all: [FixedTopicConfig] = [
    FixedTopicConfig("min.insync.replicas", "1", ConfigType.int, because: oneReplica),
    FixedTopicConfig(
      "unclean.leader.election.enable", "false", ConfigType.boolean, because: oneReplica),
    FixedTopicConfig(
      "leader.replication.throttled.replicas", "", ConfigType.list, because: oneReplica),
    FixedTopicConfig(
      "follower.replication.throttled.replicas", "", ConfigType.list, because: oneReplica),
    FixedTopicConfig(
      "preallocate", "false", ConfigType.boolean,
      because: "varve.preallocation says how segments come by their space"),
    FixedTopicConfig(
      "flush.messages", "9223372036854775807", ConfigType.long,
      because: "flushes go by varve.durability, flush.ms and varve.flush.bytes"),
    FixedTopicConfig(
      "segment.jitter.ms", "0", ConfigType.long, because: "a segment ends when it is due"),
    FixedTopicConfig(
      "segment.index.bytes", "10485760", ConfigType.int,
      because: "an index is as large as its segment needs"),
    FixedTopicConfig(
      "file.delete.delay.ms", "0", ConfigType.long, because: "files are removed at once"),
    FixedTopicConfig(
      "delete.retention.ms", "86400000", ConfigType.long, because: noCompaction),
    FixedTopicConfig(
      "min.cleanable.dirty.ratio", "0.5", ConfigType.double, because: noCompaction),
    FixedTopicConfig("min.compaction.lag.ms", "0", ConfigType.long, because: noCompaction),
    FixedTopicConfig(
      "max.compaction.lag.ms", "9223372036854775807", ConfigType.long, because: noCompaction),
    FixedTopicConfig("compression.gzip.level", "-1", ConfigType.int, because: noCompression),
    FixedTopicConfig("compression.lz4.level", "9", ConfigType.int, because: noCompression),
    FixedTopicConfig("compression.zstd.level", "3", ConfigType.int, because: noCompression),
    FixedTopicConfig(
      "remote.storage.enable", "false", ConfigType.boolean, because: noRemoteStorage),
    FixedTopicConfig(
      "remote.log.copy.disable", "false", ConfigType.boolean, because: noRemoteStorage),
    FixedTopicConfig(
      "remote.log.delete.on.disable", "false", ConfigType.boolean, because: noRemoteStorage),
    FixedTopicConfig("local.retention.ms", "-2", ConfigType.long, because: noRemoteStorage),
    FixedTopicConfig("local.retention.bytes", "-2", ConfigType.long, because: noRemoteStorage),
  ]

  private static let oneReplica = "each partition has one replica"
  private static let noCompaction = "nothing is compacted"
  private static let noCompression = "batches stay as their producer made them"
  private static let noRemoteStorage = "there is no remote storage"
}
