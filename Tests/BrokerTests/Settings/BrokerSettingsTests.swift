import Broker
import CommitLog
import LogStorage
import Testing

@Suite("Broker settings")
struct BrokerSettingsTests {
  private func fresh() -> BrokerSettings {
    BrokerSettings(backends: ["buffered", "direct"], transfers: ["copy", "sendfile"])
  }

  private func refusal(_ body: (inout BrokerSettings) throws(SettingsError) -> Void) -> String? {
    var settings = fresh()
    do {
      try body(&settings)
      return nil
    } catch {
      return error.description
    }
  }

  @Test("no name or alias is there twice, and each default is accepted as its own text")
  func tableIsSound() throws {
    var settings = fresh()
    let names = BrokerSettings.names + BrokerSettings.aliases
    #expect(Set(names).count == names.count)
    let before = settings.entries()
    for entry in before { try settings.set(entry.name, to: entry.value, from: .flag("--set")) }
    #expect(settings.entries().map(\.value) == before.map(\.value))
    #expect(before.allSatisfy { $0.documentation.hasSuffix(".") })
    try settings.check()
  }

  @Test("each setting reaches its own property")
  func properties() throws {
    // Values that differ from each other and from every default.
    let values = [
      "node.id": "7", "cluster.id": "abc_-9", "log.dirs": "/srv/log", "listeners": ":19092",
      "advertised.listeners": "broker.example:9", "varve.durability": "group",
      "varve.backend": "direct", "varve.transfer": "copy", "varve.preallocation": "recycle",
      "log.message.timestamp.type": "LogAppendTime", "auto.create.topics.enable": "FALSE",
      "delete.topic.enable": "false", "varve.metrics.listen": "localhost:0",
      "varve.log.format": "json", "varve.log.level": "warning", "varve.log.places": "cpu:3;any",
      "varve.network.places": "node:2", "varve.background.flush": "false",
    ]
    var number = 2000
    // Of these there is one value.
    let fixed = ["log.cleanup.policy", "compression.type"]
    for name in BrokerSettings.names where !fixed.contains(name) {
      var settings = fresh()
      let others = Set(BrokerSettings.names).subtracting([name])
      number += 1
      let small = name.contains(".threads") || name == "varve.connection.pipeline"
      let text = values[name] ?? (small ? "\(number % 50 + 5)" : "\(number)")
      try settings.set(name, to: text, from: .flag("--set"))
      let entry = try #require(settings.entries().first { $0.name == name })
      let default_ = try #require(fresh().entries().first { $0.name == name })
      #expect(entry.value != default_.value, "\(name) stayed \(entry.value)")
      #expect(entry.source == .flag("--set"))
      for other in settings.entries() where others.contains(other.name) {
        #expect(other.source == .defaultValue)
        #expect(fresh().entries().contains { $0.name == other.name && $0.value == other.value })
      }
    }
  }

  @Test("flags outweigh the environment, that the file, and that the default, in any order")
  func precedence() throws {
    let file = "num.partitions = 2\nnum.network.threads = 3\nnode.id = 4\n"
    let environment = ["VARVE_NUM_PARTITIONS": "5", "VARVE_NUM_NETWORK_THREADS": "6"]
    var settings = fresh()
    try settings.set(assignment: "num.partitions=7")
    try settings.readEnvironment(environment)
    try settings.readFile(text: file, path: "server.properties")
    #expect(settings.partitionCount == 7)
    #expect(settings.networkThreads == 6)
    #expect(settings.nodeID == 4)
    var other = fresh()
    try other.readFile(text: file, path: "server.properties")
    try other.readEnvironment(environment)
    try other.set(assignment: "num.partitions=7")
    #expect(other.listing() == settings.listing())
    // Of two that weigh the same the later one stays.
    try other.set("num.partitions", to: "8", from: .flag("--partitions"))
    #expect(other.partitionCount == 8)
  }

  @Test("the listing says every value and where it came from")
  func listing() throws {
    var settings = fresh()
    try settings.readFile(text: "# ours\n\nlog.dir=/srv/log\n", path: "server.properties")
    try settings.readEnvironment(["VARVE_BACKEND": "direct", "VARVE_STRICT": "1", "HOME": "/"])
    try settings.set("listeners", to: "0.0.0.0:1", from: .flag("--listen"))
    let lines = settings.listing().split(separator: "\n").map(String.init)
    #expect(lines.count == BrokerSettings.names.count)
    #expect(lines.contains("num.network.threads = 2 (default)"))
    #expect(lines.contains("log.dirs = /srv/log (server.properties:3)"))
    #expect(lines.contains("varve.backend = direct (VARVE_BACKEND)"))
    #expect(lines.contains("listeners = PLAINTEXT://0.0.0.0:1 (--listen)"))
    #expect(lines.contains("cluster.id = (default)"))
    #expect(lines.contains("log.retention.bytes = -1 (default)"))
    #expect(settings.reference().contains("log.dirs = /srv/log, also log.dir\n"))
  }

  @Test("an alias is the setting, by file, environment and flag; the name itself wins over it")
  func aliases() throws {
    var settings = fresh()
    try settings.readFile(text: "broker.id=1", path: "f")
    #expect(settings.nodeID == 1)
    try settings.readEnvironment(["VARVE_BROKER_ID": "2"])
    #expect(settings.nodeID == 2)
    try settings.readEnvironment(["VARVE_BROKER_ID": "3", "VARVE_NODE_ID": "4"])
    #expect(settings.nodeID == 4)
    try settings.readEnvironment(["VARVE_VARVE_TRANSFER": "copy"])
    #expect(settings.topic.transfer == "copy")
  }

  @Test("a refusal names the place, the setting, the value and what is expected")
  func refusals() {
    #expect(
      refusal { s throws(SettingsError) in
        try s.readFile(text: "\nnum.partitions = many", path: "dir/server.properties")
      } == "dir/server.properties:2: num.partitions: found 'many', expected a whole number "
        + "from 1 to 100000")
    #expect(
      refusal { s throws(SettingsError) in
        try s.readEnvironment(["VARVE_DURABILITY": "always"])
      } == "VARVE_DURABILITY: varve.durability: found 'always', expected none, interval, batch, "
        + "group")
    #expect(
      refusal { s throws(SettingsError) in try s.set(assignment: "varve.backend=mmap") }
        == "--set: varve.backend: found 'mmap', expected buffered, direct")
    #expect(
      refusal { s throws(SettingsError) in try s.set(assignment: "num.partitons=3") }
        == "--set: unknown setting 'num.partitons' with the value '3' "
        + "(nearest: 'num.partitions')")
    #expect(
      refusal { s throws(SettingsError) in try s.set(assignment: "num.partitions") }
        == "--set: found 'num.partitions', expected name=value")
    #expect(
      refusal { s throws(SettingsError) in try s.set("brokr.id", to: "1", from: .flag("--set")) }?
        .contains("nearest: 'broker.id'") == true)
  }

  @Test(
    "values outside are refused and change nothing",
    arguments: [
      ("node.id", "-1"), ("node.id", "2147483648"), ("node.id", ""), ("node.id", "1 "),
      ("node.id", "99999999999999999999999"), ("num.network.threads", "0"),
      ("num.network.threads", "65"), ("socket.send.buffer.bytes", "-2"),
      ("socket.send.buffer.bytes", "0"), ("connections.max.idle.ms", "9223372036854775807"),
      ("varve.connection.pipeline", "1001"), ("auto.create.topics.enable", "yes"),
      ("log.dirs", ""), ("log.dirs", "/a,/b"), ("log.dirs", "a\u{0}b"), ("cluster.id", "a b"),
      ("listeners", "SSL://127.0.0.1:9092"), ("listeners", "PLAINTEXT://a.example:9092"),
      ("listeners", "127.0.0.1"), ("listeners", "127.0.0.1:65536"), ("listeners", ""),
      ("listeners", "127.0.0.1:1,127.0.0.1:2"), ("listeners", "127.0.0.1:+1"),
      ("listeners", "127.0.0:1"), ("listeners", "127.0.0.256:1"), ("listeners", "127.0.0.01:1"),
      ("listeners", "[::1]:9092"), ("advertised.listeners", "0.0.0.0:9092"),
      ("advertised.listeners", "PLAINTEXT://:9092"), ("varve.metrics.listen", "host.example:1"),
      ("varve.preallocation", "often"), ("varve.log.level", "loud"),
      ("log.message.timestamp.type", "createTime"),
    ])
  func outside(_ name: String, _ text: String) {
    var settings = fresh()
    #expect(throws: SettingsError.self) { try settings.set(name, to: text, from: .flag("--set")) }
    #expect(settings.listing() == fresh().listing())
  }

  @Test("a message shows no control characters and not all of a long value")
  func quoting() throws {
    let text = try #require(
      refusal { s throws(SettingsError) in
        let value = "\u{1b}[31m\n" + String(repeating: "x", count: 5000)
        try s.set("node.id", to: value, from: .flag("--set"))
      })
    #expect(text.utf8.count < 250)
    #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 })
  }

  @Test("requests that may never fit into the memory for them are refused, by who set it")
  func check() throws {
    var settings = fresh()
    try settings.readFile(text: "queued.max.request.bytes=1000000", path: "f")
    let error = #expect(throws: SettingsError.self) { try settings.check() }
    #expect(error?.source == .file(path: "f", line: 1))
  }

  @Test("topics get the broker's defaults")
  func topicDefaults() throws {
    var settings = fresh()
    let text = """
      log.segment.bytes=4096
      log.roll.ms=11
      log.retention.ms=-1
      log.retention.bytes=13
      log.flush.interval.ms=14
      varve.flush.bytes=15
      log.message.timestamp.type=LogAppendTime
      varve.durability=batch
      varve.backend=direct
      varve.preallocation=fallocate-extend
      """
    try settings.readFile(text: text, path: "f")
    let topic = settings.topic
    #expect(topic.segmentBytes == 4096)
    #expect(topic.segmentMilliseconds == 11)
    #expect(topic.retentionMilliseconds == nil)
    #expect(topic.retentionBytes == 13)
    #expect(topic.flushMilliseconds == 14)
    #expect(topic.flushBytes == 15)
    #expect(topic.timestampSource == .appendTime)
    #expect(topic.durability == .batch)
    #expect(topic.backend == "direct")
    #expect(topic.preallocation == .fallocateExtend)
  }

  @Test func `every broker setting of Kafka 4 is accepted, or refused on purpose`() throws {
    for name in KafkaNames.brokerSettings {
      let reason = refusal { s throws(SettingsError) in
        try s.set(name, to: "no such value", from: .flag("--set"))
      }
      if let reason { #expect(!reason.contains("unknown setting"), "\(reason)") }
    }
  }

  @Test func `the server.properties of a Kafka starts a Varve, and what changes nothing is told`()
    throws
  {
    let text = """
      process.roles=broker,controller
      node.id=1
      controller.quorum.bootstrap.servers=localhost:9093
      listeners=PLAINTEXT://:9092
      inter.broker.listener.name=PLAINTEXT
      advertised.listeners=PLAINTEXT://localhost:9092
      controller.listener.names=CONTROLLER
      listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
      num.network.threads=3
      num.io.threads=8
      socket.send.buffer.bytes=102400
      socket.receive.buffer.bytes=102400
      socket.request.max.bytes=104857600
      log.dirs=/tmp/kraft-combined-logs
      num.partitions=1
      num.recovery.threads.per.data.dir=2
      offsets.topic.replication.factor=1
      share.coordinator.state.topic.replication.factor=1
      transaction.state.log.replication.factor=1
      transaction.state.log.min.isr=1
      log.retention.hours=168
      log.segment.bytes=1073741824
      log.retention.check.interval.ms=300000
      """
    var settings = fresh()
    try settings.readFile(text: text, path: "f")
    try settings.check()
    #expect(settings.topic.retentionMilliseconds == 604_800_000)
    let notices = KafkaSetting.notices(settings.withoutEffect)
    #expect(notices.count == 4)
    #expect(
      notices.contains(
        "num.io.threads (f:10): without effect, since Varve has other threads, and other queues between them"
      ))
  }

  @Test(
    arguments: [
      ("min.insync.replicas", "2", "one replica"), ("log.cleanup.policy", "compact", "compaction"),
      ("ssl.keystore.location", "k", "not encrypted"), ("sasl.jaas.config", "", "authenticated"),
      ("authorizer.class.name", "Acl", "ACLs"), ("log.preallocate", "true", "varve.preallocation"),
      ("log.retention.hours", "soon", "a number of hours; in milliseconds -1 or a whole number"),
      ("log.retention.hours", "9223372036854775807", "a number of hours"),
    ])
  func `what asks for something that is not here is refused with the reason`(
    name: String, value: String, reason: String
  ) {
    let found = refusal { s throws(SettingsError) in
      try s.set(name, to: value, from: .file(path: "f", line: 3))
    }
    #expect(found?.hasPrefix("f:3: \(name): found '\(value)', expected ") == true, "\(found ?? "")")
    #expect(found?.contains(reason) == true, "\(found ?? "")")
  }

  @Test func `hours and minutes are milliseconds, which go before them in any order`() throws {
    var settings = fresh()
    try settings.readFile(text: "log.retention.hours=2\nlog.roll.hours=3", path: "f")
    #expect(settings.topic.retentionMilliseconds == 7_200_000)
    #expect(settings.topic.segmentMilliseconds == 10_800_000)
    try settings.readFile(text: "log.retention.minutes=1\nlog.retention.hours=5", path: "f")
    #expect(settings.topic.retentionMilliseconds == 60_000)
    try settings.readFile(text: "log.retention.ms=7\nlog.retention.minutes=9", path: "f")
    #expect(settings.topic.retentionMilliseconds == 7)
    try settings.readEnvironment(["VARVE_LOG_RETENTION_HOURS": "-1"])
    #expect(settings.topic.retentionMilliseconds == nil)
  }

  @Test("clients are told an address that they can reach, or none")
  func advertised() throws {
    var settings = fresh()
    #expect(settings.advertised(port: 5)?.description == "127.0.0.1:5")
    try settings.set(assignment: "listeners=PLAINTEXT://:0")
    #expect(settings.listener.bindHost == "0.0.0.0")
    #expect(settings.advertised(port: 5) == nil)
    try settings.set(assignment: "advertised.listeners=PLAINTEXT://b.example:0")
    #expect(settings.advertised(port: 5)?.description == "b.example:5")
    try settings.set(assignment: "advertised.listeners=b.example:6")
    #expect(settings.advertised(port: 5)?.description == "b.example:6")
  }
}
