import Wording

/// A config of Apache Kafka 4, of topics or of brokers, to which there is one answer here. Tools set
/// many of them out of habit: that answer is accepted and shown, and any other is refused with the
/// reason.
struct FixedConfig: Sendable {
  /// Nil where topics have no such config.
  let topicName: String?
  /// Nil where brokers have none.
  let brokerName: String?
  let value: String
  let type: SettingType
  private let reason: String

  private init(
    topic: String? = nil, broker: String? = nil, _ value: String, _ type: SettingType,
    because reason: String
  ) {
    topicName = topic
    brokerName = broker
    self.value = value
    self.type = type
    self.reason = reason
  }

  private init(both name: String, _ value: String, _ type: SettingType, because reason: String) {
    self.init(topic: name, broker: name, value, type, because: reason)
  }

  /// Nil where it may be set to this.
  func reasonToRefuse(_ wanted: String, _ name: String) -> String? {
    let isSame =
      Double(wanted).map { $0 == Double(value) } ?? (wanted.lowercased() == value.lowercased())
    return isSame
      ? nil : "\(name): found \(SettingsError.quoted(wanted)), expected '\(value)': \(reason)"
  }

  static func ofTopic(_ name: String) -> FixedConfig? { topicConfigs[name] }
  static func ofBroker(_ name: String) -> FixedConfig? { brokerConfigs[name] }

  private static let topicConfigs = Dictionary(
    uniqueKeysWithValues: all.compactMap { config in config.topicName.map { ($0, config) } })
  private static let brokerConfigs = Dictionary(
    uniqueKeysWithValues: all.compactMap { config in config.brokerName.map { ($0, config) } })

  static let all = replication + segments + compaction + compression + remote + security + others

  private static let replication = [
    FixedConfig(both: "min.insync.replicas", "1", .int, because: oneReplica),
    FixedConfig(both: "unclean.leader.election.enable", "false", .boolean, because: oneReplica),
    FixedConfig(broker: "default.replication.factor", "1", .int, because: oneReplica),
    FixedConfig(
      topic: "leader.replication.throttled.replicas", "", .list, because: oneReplica),
    FixedConfig(
      topic: "follower.replication.throttled.replicas", "", .list, because: oneReplica),
  ]

  private static let segments = [
    FixedConfig(
      topic: "preallocate", broker: "log.preallocate", "false", .boolean,
      because: "varve.preallocation says how segments come by their space"),
    FixedConfig(
      topic: "flush.messages", broker: "log.flush.interval.messages", "9223372036854775807", .long,
      because: "flushes go by varve.durability, flush.ms and varve.flush.bytes"),
    FixedConfig(
      topic: "segment.jitter.ms", broker: "log.roll.jitter.ms", "0", .long, because: noJitter),
    FixedConfig(broker: "log.roll.jitter.hours", "0", .int, because: noJitter),
    FixedConfig(
      topic: "segment.index.bytes", broker: "log.index.size.max.bytes", "10485760", .int,
      because: "an index is as large as its segment needs"),
    FixedConfig(
      topic: "file.delete.delay.ms", broker: "log.segment.delete.delay.ms", "0", .long,
      because: "files are removed at once"),
  ]

  private static let compaction = [
    FixedConfig(
      topic: "delete.retention.ms", broker: "log.cleaner.delete.retention.ms", "86400000", .long,
      because: noCompaction),
    FixedConfig(
      topic: "min.cleanable.dirty.ratio", broker: "log.cleaner.min.cleanable.ratio", "0.5",
      .double, because: noCompaction),
    FixedConfig(
      topic: "min.compaction.lag.ms", broker: "log.cleaner.min.compaction.lag.ms", "0", .long,
      because: noCompaction),
    FixedConfig(
      topic: "max.compaction.lag.ms", broker: "log.cleaner.max.compaction.lag.ms",
      "9223372036854775807", .long, because: noCompaction),
  ]

  private static let compression = [
    FixedConfig(both: "compression.gzip.level", "-1", .int, because: noCompression),
    FixedConfig(both: "compression.lz4.level", "9", .int, because: noCompression),
    FixedConfig(both: "compression.zstd.level", "3", .int, because: noCompression),
  ]

  private static let remote = [
    FixedConfig(topic: "remote.storage.enable", "false", .boolean, because: noRemoteStorage),
    FixedConfig(topic: "remote.log.copy.disable", "false", .boolean, because: noRemoteStorage),
    FixedConfig(topic: "remote.log.delete.on.disable", "false", .boolean, because: noRemoteStorage),
    FixedConfig(
      topic: "local.retention.ms", broker: "log.local.retention.ms", "-2", .long,
      because: noRemoteStorage),
    FixedConfig(
      topic: "local.retention.bytes", broker: "log.local.retention.bytes", "-2", .long,
      because: noRemoteStorage),
    FixedConfig(
      broker: "remote.log.storage.system.enable", "false", .boolean, because: noRemoteStorage),
  ]

  private static let security = [
    FixedConfig(
      broker: "security.inter.broker.protocol", "PLAINTEXT", .string, because: oneListener),
    FixedConfig(broker: "inter.broker.listener.name", "PLAINTEXT", .string, because: oneListener),
    FixedConfig(broker: "authorizer.class.name", "", .string, because: "there are no ACLs here"),
    FixedConfig(broker: "connections.max.reauth.ms", "0", .long, because: noAuthentication),
    FixedConfig(broker: "create.topic.policy.class.name", "", .string, because: noClasses),
    FixedConfig(broker: "alter.config.policy.class.name", "", .string, because: noClasses),
    FixedConfig(broker: "client.quota.callback.class", "", .string, because: noClasses),
    FixedConfig(broker: "security.providers", "", .string, because: noClasses),
  ]

  private static let others = [
    FixedConfig(broker: "broker.rack", "", .string, because: "clients are told no rack"),
    FixedConfig(
      broker: "max.connection.creation.rate", "2147483647", .int,
      because: "new connections are not limited by rate; max.connections.per.ip limits their number"
    ),
    FixedConfig(
      broker: "max.connections.per.ip.overrides", "", .string,
      because: "one limit holds for every address (max.connections.per.ip)"),
    FixedConfig(
      broker: "transaction.two.phase.commit.enable", "false", .boolean,
      because: "transactions are not served"),
    FixedConfig(
      broker: "unstable.api.versions.enable", "false", .boolean,
      because: "only versions that Kafka has released are spoken"),
    FixedConfig(
      broker: "unstable.feature.versions.enable", "false", .boolean,
      because: "only versions that Kafka has released are spoken"),
  ]

  private static let oneReplica = "each partition has one replica"
  private static let oneListener = "there is one listener, and no other broker"
  private static let noJitter = "a segment ends when it is due"
  private static let noCompaction = "nothing is compacted"
  private static let noCompression = "batches stay as their producer made them"
  private static let noRemoteStorage = "there is no remote storage"
  private static let noAuthentication = "clients are not authenticated"
  private static let noClasses = "no Java class can be loaded"
}
