import CommitLog
import Wording

/// One setting's declaration.
struct BrokerSetting: Sendable {
  /// Kafka's, where Kafka has the setting, and `varve.…` elsewhere.
  let name: String
  let aliases: [SettingAlias]
  /// One sentence.
  let documentation: String
  let type: SettingType
  /// What an error says is accepted.
  let expected: @Sendable (BrokerSettings) -> String
  let text: @Sendable (BrokerSettings) -> String
  /// False where the text is not accepted; then nothing was changed.
  let apply: @Sendable (inout BrokerSettings, String) -> Bool

  /// Its default is the property's.
  init<Value>(
    _ name: String, aliases: [String] = [],
    _ property: any WritableKeyPath<BrokerSettings, Value> & Sendable,
    _ kind: SettingKind<Value>, _ documentation: String
  ) {
    self.name = name
    self.aliases = aliases.map { SettingAlias($0) }
    self.documentation = documentation
    type = kind.type
    expected = { _ in kind.expected }
    text = { kind.text($0[keyPath: property]) }
    apply = { settings, text in
      guard let value = kind.parse(text) else { return false }
      settings[keyPath: property] = value
      return true
    }
  }

  /// What topics have that do not say otherwise. `accepted` are the names that the program knows,
  /// where the topic's setting takes any.
  init(
    _ setting: TopicSetting, accepted: (@Sendable (BrokerSettings) -> [String])? = nil
  ) {
    name = setting.brokerName
    aliases = setting.brokerAliases
    documentation = setting.documentation
    type = setting.type
    expected = { accepted?($0).joined(separator: ", ") ?? setting.expected }
    text = { setting.text($0.topic) }
    apply = { settings, text in
      if let accepted, !accepted(settings).contains(text) { return false }
      return setting.apply(&settings.topic, text)
    }
  }

  /// The setting's own text for what `name`, its own or an alias, is set to; nil where that is none.
  func text(_ given: String, by name: String) -> String? {
    if name == self.name { return given }
    return aliases.first { $0.name == name }.flatMap { $0.text(given) }
  }

  /// What is accepted under `name`.
  func expected(by name: String, _ settings: BrokerSettings) -> String {
    let alias = aliases.first { $0.name == name }
    return alias?.expected(expected(settings)) ?? expected(settings)
  }

  /// Its names, the one that weighs least first.
  var names: [String] { aliases.reversed().map(\.name) + [name] }
}

extension BrokerSettings {
  /// Every setting, once, in the order in which they are listed.
  static let table = identity + network + limits + topics + topicDefaults + operation

  /// Milliseconds that are still an Int64 as nanoseconds.
  private static let millisecondsMax = Int64.max / 1_000_000
  private static let int32Max = Int(Int32.max)

  private static let identity: [BrokerSetting] = [
    BrokerSetting(
      "node.id", aliases: ["broker.id"], \.nodeID, .number(0...Int32.max),
      "This broker's number, as clients see it."),
    BrokerSetting(
      "cluster.id", \.clusterID, .clusterID,
      "The cluster's name; where it is empty, one is made and kept in the data directory."),
    BrokerSetting(
      "log.dirs", aliases: ["log.dir"], \.logDirectory, .directory,
      "The data directory."),
  ]

  private static let network: [BrokerSetting] = [
    BrokerSetting(
      "listeners", \.listener, .listener,
      "Where the broker listens; port 0 is a free one, no host every address."),
    BrokerSetting(
      "advertised.listeners", \.advertisedListener, .advertised,
      "Where clients are told to connect; empty is the listener's own address."),
    BrokerSetting(
      "num.network.threads", \.networkThreads, .number(1...64),
      "Threads that run event loops."),
    BrokerSetting(
      "varve.log.threads", \.logThreads, .number(1...64),
      "Threads that append; each partition belongs to one of them."),
    BrokerSetting(
      "varve.log.places", \.logPlaces, .places,
      "Where the threads that append run, and their memory lies: 'any', 'cpu:0-1,3' or 'node:0', in turn "
        + "where several are separated by ';'."),
    BrokerSetting(
      "varve.network.places", \.networkPlaces, .places,
      "The same for the threads that run event loops."),
    BrokerSetting(
      "varve.read.threads", \.readThreads, .number(1...64),
      "Threads that read what is not in the page cache."),
    BrokerSetting(
      "socket.send.buffer.bytes", \.sendBufferBytes, .numberOrNone(1...int32Max),
      "SO_SNDBUF of a connection; -1 leaves it to the kernel."),
    BrokerSetting(
      "socket.receive.buffer.bytes", \.receiveBufferBytes, .numberOrNone(1...int32Max),
      "SO_RCVBUF of a connection; -1 leaves it to the kernel."),
  ]

  private static let limits: [BrokerSetting] = [
    BrokerSetting(
      "max.connections", \.connectionsMax, .number(1...int32Max),
      "The most connections at once; one more is closed when it has been accepted."),
    BrokerSetting(
      "max.connections.per.ip", \.connectionsPerAddressMax, .number(1...int32Max),
      "The most connections at once from one address."),
    BrokerSetting(
      "connections.max.idle.ms", \.connectionIdleMilliseconds, .number(1...millisecondsMax),
      "A connection without a request for so long is closed."),
    BrokerSetting(
      "varve.request.receive.ms", \.requestReceiveMilliseconds, .number(1...millisecondsMax),
      "A request that has begun must have arrived whole within so long."),
    BrokerSetting(
      "socket.request.max.bytes", \.requestBytesMax, .number(1024...int32Max),
      "The largest request; a connection that announces a larger one is closed."),
    BrokerSetting(
      "queued.max.request.bytes", \.queuedRequestBytesMax, .number(1024...(1 << 50)),
      "Memory for requests that are received or served and for responses that are not sent, all connections "
        + "together; those of one address get half of it at most."),
    BrokerSetting(
      "varve.connection.pipeline", \.connectionPipeline, .number(1...1000),
      "Requests of one connection that are under way at once."),
    BrokerSetting(
      "varve.response.queued.max.bytes", \.queuedResponseBytesMax, .number(1024...(1 << 50)),
      "Copied response bytes that one connection may have waiting."),
    BrokerSetting(
      "fetch.max.bytes", \.fetchBytesMax, .number(1024...int32Max),
      "The most record bytes in one fetch response, but for a first batch that is larger."),
  ]

  private static let topics: [BrokerSetting] = [
    BrokerSetting(
      "auto.create.topics.enable", \.createsTopics, .flag,
      "Whether a topic is made when a client asks for one that is not there."),
    BrokerSetting(
      "delete.topic.enable", \.deletesTopics, .flag, "Whether clients may delete topics."),
    BrokerSetting(
      "num.partitions", \.partitionCount, .number(1...TopicSettings.partitionCountMax),
      "Partitions of a topic that does not say how many."),
    BrokerSetting(
      "varve.partitions.max", \.partitionsMax, .number(1...1_000_000),
      "The most partitions of all topics together."),
    BrokerSetting(
      "producer.id.expiration.ms", \.producerExpirationMilliseconds, .number(1...millisecondsMax),
      "A producer that has been silent for so long is forgotten."),
    BrokerSetting(
      "log.retention.check.interval.ms", \.retentionCheckMilliseconds, .number(1...31_536_000_000),
      "How often segments past retention are looked for; once a second at most."),
    BrokerSetting(
      "num.recovery.threads.per.data.dir", \.recoveryThreads, .number(1...64),
      "Threads that open partitions: at the start, and after a failure."),
    BrokerSetting(
      "log.flush.offset.checkpoint.interval.ms", \.checkpointMilliseconds,
      .number(1...millisecondsMax),
      "How often recovery points are written; once a second at most."),
    BrokerSetting(
      "varve.checkpoint.bytes", \.checkpointBytes, .number(1...(1 << 50)),
      "They are written earlier when so many bytes have been appended to all partitions."),
    BrokerSetting(
      "varve.background.flush", \.flushesInBackground, .flag,
      "Whether what 'none' and 'interval' have not flushed is flushed before that: a start after a kill "
        + "reads what no flush covers."),
    BrokerSetting(
      "varve.background.flush.rate", \.backgroundFlushRate, .number(0...(1 << 50)),
      "Bytes that such flushes write back in a second, while they keep up; 0 is without a bound."),
    BrokerSetting(
      "varve.checkpoint.lag.max.bytes", \.checkpointLagMax, .number(1...(1 << 50)),
      "With such flushes, appends under 'none' and 'interval' wait while so many bytes are covered by no "
        + "checkpoint: a disk that is slower than its producers slows them."),
    BrokerSetting(
      "varve.retention.clock.grace.ms", \.retentionClockGraceMilliseconds,
      .number(0...millisecondsMax),
      "Retention believes a wall clock that jumped when it has gone on for so long; 0 is at once."),
  ]

  private static let topicDefaults = TopicSettings.table.map { setting in
    switch setting.name {
    case "varve.backend": BrokerSetting(setting) { $0.backends }
    case "varve.transfer": BrokerSetting(setting) { $0.transfers }
    default: BrokerSetting(setting)
    }
  }

  private static let operation: [BrokerSetting] = [
    BrokerSetting(
      "varve.metrics.listen", \.metricsListener, .bindAddress,
      "Where /metrics and /health are served by HTTP; empty is nowhere."),
    BrokerSetting(
      "varve.log.format", \.logFormat, .word(), "How lines on standard error look."),
    BrokerSetting(
      "varve.log.level", \.logLevel, .word(), "The least severe lines that are written."),
  ]
}
