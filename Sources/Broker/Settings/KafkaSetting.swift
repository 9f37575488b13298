/// What becomes of a broker setting of Apache Kafka 4 that is none of `BrokerSettings.table`, so that
/// a Kafka's `server.properties` starts a Varve, or says why not.
package enum KafkaSetting {
  enum Answer {
    /// There is one value that is true here.
    case fixed(FixedConfig)
    /// Any value is taken, since it is of something that is not here; the operator is told.
    case withoutEffect(String)
    /// It asks for what clients rely on, and is not here.
    case refused(String)
  }

  /// Nil for what is no setting of Kafka's either.
  static func answer(to name: String) -> Answer? {
    if let fixed = FixedConfig.ofBroker(name) { return .fixed(fixed) }
    if let reason = reason(refused, name) { return .refused(reason) }
    return reason(withoutEffect, name).map { .withoutEffect($0) }
  }

  private typealias Group = (reason: String, names: [String])

  private static func reason(_ groups: [Group], _ name: String) -> String? {
    groups.first { $0.names.contains { matches($0, name) } }?.reason
  }

  /// A pattern that ends with a dot stands for all names that begin with it.
  private static func matches(_ pattern: String, _ name: String) -> Bool {
    pattern.hasSuffix(".") ? name.hasPrefix(pattern) : name == pattern
  }

  private static let refused: [Group] = [
    ("connections are not encrypted", ["ssl."]),
    (
      "clients are not authenticated",
      [
        "sasl.", "delegation.token.", "connection.failed.authentication.delay.ms",
        "principal.builder.class",
      ]
    ),
    ("there is no ZooKeeper", ["zookeeper."]),
  ]

  private static let withoutEffect: [Group] = [
    (
      "consumer groups and share groups are not served",
      ["group.", "offset.metadata.max.bytes", "offsets.", "share."]
    ),
    (
      "transactions are not served",
      ["add.partitions.to.txn.", "transaction.", "transactional.id.expiration.ms"]
    ),
    (
      "this broker is the only one, and its own controller",
      [
        "auto.leader.rebalance.enable", "broker.heartbeat.interval.ms",
        "broker.session.timeout.ms", "controlled.shutdown.enable", "controller.",
        "early.start.listeners", "initial.broker.registration.timeout.ms", "internal.metadata.",
        "leader.imbalance.check.interval.seconds", "listener.security.protocol.map", "metadata.",
        "process.roles", "request.timeout.ms", "socket.connection.setup.",
      ]
    ),
    (
      "each partition has one replica",
      [
        "alter.log.dirs.", "follower.replication.", "leader.replication.", "num.replica.",
        "replica.", "replication.quota.", "unclean.leader.election.interval.ms",
      ]
    ),
    ("nothing is compacted", ["log.cleaner."]),
    ("there is no remote storage", ["remote."]),
    ("there are no quotas", ["quota."]),
    ("there are no fetch sessions", ["max.incremental.fetch.session.cache.slots"]),
    ("clients' telemetry is not collected", ["telemetry."]),
    (
      "metrics are served where varve.metrics.listen says",
      ["kafka.metrics.", "metric.", "metrics."]
    ),
    (
      "Varve has other threads, and other queues between them",
      [
        "background.threads", "delete.records.purgatory.purge.interval.requests",
        "fetch.purgatory.purge.interval.requests", "max.request.partition.size.limit",
        "num.io.threads", "producer.purgatory.purge.interval.requests", "queued.max.requests",
        "server.max.startup.time.ms", "socket.listen.backlog.size",
      ]
    ),
    (
      "this work is done when it is due",
      [
        "log.dir.failure.timeout.ms", "log.flush.scheduler.interval.ms",
        "log.flush.start.offset.checkpoint.interval.ms",
        "log.initial.task.delay.ms", "producer.id.expiration.check.interval.ms",
      ]
    ),
  ]

  /// What the operator is told of settings that were given and change nothing, a line for each
  /// reason.
  package static func notices(_ given: [String: SettingSource]) -> [String] {
    withoutEffect.compactMap { group in
      let names = given.filter { reason(withoutEffect, $0.key) == group.reason }
        .map { "\($0.key) (\($0.value))" }.sorted()
      if names.isEmpty { return nil }
      return "\(names.joined(separator: ", ")): without effect, since \(group.reason)"
    }
  }

  /// All of it, for people. `ssl.…` is every name that begins so.
  static func reference() -> String {
    let fixed = FixedConfig.all.compactMap { config in
      config.brokerName.map { "  \($0)=\(config.value)\n" }
    }
    func lines(_ groups: [Group]) -> [String] {
      groups.map { group in
        let names = group.names.map { $0.hasSuffix(".") ? "\($0)…" : $0 }
        return "  \(names.joined(separator: ", ")): \(group.reason)\n"
      }
    }
    return
      (["Kafka's settings that are accepted with one value:\n"] + fixed
      + ["Kafka's settings that are accepted, and change nothing:\n"] + lines(withoutEffect)
      + ["Kafka's settings that are refused:\n"] + lines(refused)).joined()
  }
}
