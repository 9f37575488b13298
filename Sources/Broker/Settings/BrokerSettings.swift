import CommitLog
import LinuxIO
import LogStorage
import Logging
import Wording

/// What a broker is told before it starts, each value with where it came from. A value: nothing
/// here changes while a broker runs.
///
/// What each setting means, and what is accepted, is in its declaration (`BrokerSettings.table`).
/// Bytes are bytes and milliseconds are milliseconds; nil is Kafka's -1, or an empty text.
package struct BrokerSettings: Sendable {
  /// One thread for every four processors, 8 at most: appending takes less of one than the checks
  /// of requests do.
  package static let defaultLogThreads: Int = {
    let processors = (try? CurrentPlace.processors().numbers.count) ?? 1
    return min(8, max(1, processors / 4))
  }()

  package internal(set) var nodeID: Int32 = 0
  package internal(set) var clusterID = ""
  package internal(set) var logDirectory = "./data"

  package internal(set) var listener = NetworkAddress(host: "127.0.0.1", port: 9092)
  package internal(set) var advertisedListener: NetworkAddress?
  package internal(set) var networkThreads = 2
  package internal(set) var readThreads = 2
  package internal(set) var logThreads = defaultLogThreads
  package internal(set) var logPlaces = "any"
  package internal(set) var networkPlaces = "any"
  package internal(set) var requestBytesMax = 104_857_600
  package internal(set) var sendBufferBytes: Int?
  package internal(set) var receiveBufferBytes: Int?
  package internal(set) var connectionsMax = 10_000
  package internal(set) var connectionsPerAddressMax = 5_000
  package internal(set) var connectionIdleMilliseconds: Int64 = 600_000
  package internal(set) var requestReceiveMilliseconds: Int64 = 30_000
  package internal(set) var queuedRequestBytesMax = 268_435_456
  package internal(set) var connectionPipeline = 64
  package internal(set) var queuedResponseBytesMax = 16 << 20

  package internal(set) var messageBytesMax = 1_048_588
  package internal(set) var fetchBytesMax = 57_671_680
  package internal(set) var createsTopics = true
  package internal(set) var partitionCount = 1
  package internal(set) var partitionsMax = 100_000
  package internal(set) var deletesTopics = true
  package internal(set) var producerExpirationMilliseconds: Int64 = 86_400_000

  package internal(set) var segmentBytes = 1 << 30
  package internal(set) var segmentMilliseconds: Int64 = 604_800_000
  package internal(set) var retentionMilliseconds: Int64? = 604_800_000
  package internal(set) var retentionBytes: Int64?
  package internal(set) var retentionCheckMilliseconds: Int64 = 300_000
  package internal(set) var flushMilliseconds: Int64 = 1000
  package internal(set) var flushBytes: Int64 = 64 << 20
  package internal(set) var timestampSource = TimestampSource.createTime
  package internal(set) var backend = "buffered"
  package internal(set) var durability = Durability.none
  package internal(set) var transfer = "sendfile"
  package internal(set) var preallocation: Preallocation?

  package internal(set) var metricsListener: NetworkAddress?
  package internal(set) var logFormat = LogFormat.text
  package internal(set) var logLevel = Logger.Level.info

  /// The names that the program knows.
  let backends: [String]
  let transfers: [String]
  private var sources: [String: SettingSource] = [:]

  /// Every setting at its default. The two lists are what `varve.backend` and `varve.transfer`
  /// accept.
  package init(backends: [String], transfers: [String]) {
    self.backends = backends
    self.transfers = transfers
  }

  /// Every setting's name, in the order of the listing; aliases are not among them.
  package static var names: [String] { table.map(\.name) }

  /// Other names by which settings can be set.
  package static var aliases: [String] { table.flatMap(\.aliases) }

  /// Sets one setting, by its name or an alias. A value from a source that weighs less than the one
  /// that is there is checked and left; of two that weigh the same the later one stays. After a
  /// throw nothing has changed.
  package mutating func set(
    _ name: String, to text: String, from source: SettingSource
  ) throws(SettingsError) {
    guard let setting = Self.table.first(where: { $0.answers(to: name) }) else {
      let known = Self.table.flatMap { [$0.name] + $0.aliases }
      throw .unknown(source, name, text, nearest: Spelling.near(name, in: known))
    }
    var changed = self
    guard setting.apply(&changed, text) else {
      throw .value(source, name, text, expected: setting.expected(self))
    }
    if source.weight < self.source(of: setting).weight { return }
    self = changed
    sources[setting.name] = source
  }

  func source(of setting: BrokerSetting) -> SettingSource { source(of: setting.name) }

  /// By the setting's own name, not an alias.
  func source(of name: String) -> SettingSource { sources[name] ?? .defaultValue }

  /// What only several settings together can be wrong in; to be called when all have been read.
  package func check() throws(SettingsError) {
    if advertisedListener == nil && listener.isWildcard {
      throw SettingsError(
        source(of: "listeners"),
        "listeners: \(listener) is every address of this machine, expected advertised.listeners "
          + "(--advertise) to say which one clients connect to")
    }
    if queuedRequestBytesMax < requestBytesMax {
      // The one that was set is the one to blame.
      let names = ["queued.max.request.bytes", "socket.request.max.bytes"]
      let blamed = Self.table.filter { names.contains($0.name) }.map { source(of: $0) }
      throw SettingsError(
        blamed.max { $0.weight < $1.weight } ?? .defaultValue,
        "queued.max.request.bytes is \(queuedRequestBytesMax), expected at least "
          + "socket.request.max.bytes, which is \(requestBytesMax)")
    }
  }
}

// What is said of them.
extension BrokerSettings {
  package typealias Entry = (
    name: String, value: String, source: SettingSource, documentation: String, isReadOnly: Bool
  )

  /// Every setting in the table's order. All are read-only: a broker reads them once.
  package func entries() -> [Entry] {
    Self.table.map { ($0.name, $0.text(self), source(of: $0), $0.documentation, true) }
  }

  /// `name = value (where it came from)`, a line each.
  package func listing() -> String {
    entries().map { entry in
      let value = entry.value.isEmpty ? "" : " \(entry.value)"
      return "\(entry.name) =\(value) (\(entry.source))\n"
    }.joined()
  }

  /// Each setting with its sentence, its default and what it accepts: a page of reference.
  package func reference() -> String {
    Self.table.map { setting in
      let aliases = setting.aliases.map { ", also \($0)" }.joined()
      return "\(setting.name) = \(setting.text(self))\(aliases)\n  \(setting.documentation)\n"
        + "  Accepts \(setting.expected(self)).\n"
    }.joined()
  }
}

// What follows from them.
extension BrokerSettings {
  /// The places that a setting names, on this machine.
  func places(
    _ setting: String, _ text: String
  ) throws(SettingsError) -> [Placement] {
    do {
      let topology = try ProcessorTopology.current()
      var places: [Placement] = []
      for place in text.split(separator: ";") {
        places.append(try Placement(parsing: String(place), on: topology))
      }
      return places
    } catch { throw SettingsError(source(of: setting), "\(setting): \(error)") }
  }

  /// What a topic has that does not say otherwise.
  package func topicDefaults() -> TopicSettings {
    var topic = TopicSettings(backend: backend)
    topic.segmentBytes = segmentBytes
    topic.segmentMilliseconds = segmentMilliseconds
    topic.retentionMilliseconds = retentionMilliseconds
    topic.retentionBytes = retentionBytes
    topic.timestampSource = timestampSource
    topic.durability = durability
    topic.flushMilliseconds = flushMilliseconds
    topic.flushBytes = flushBytes
    topic.preallocation = preallocation
    topic.messageBytesMax = messageBytesMax
    topic.transfer = transfer
    return topic
  }

  /// The broker's setting that a topic's follows; its own name where the broker has none.
  static func name(ofTopicSetting name: String) -> String {
    switch name {
    case "segment.bytes": "log.segment.bytes"
    case "segment.ms": "log.roll.ms"
    case "retention.ms": "log.retention.ms"
    case "retention.bytes": "log.retention.bytes"
    case "flush.ms": "log.flush.interval.ms"
    case "message.timestamp.type": "log.message.timestamp.type"
    case "max.message.bytes": "message.max.bytes"
    default: name
    }
  }

  /// Where clients are told to connect, once the listener has `port`; nil where it listens on every
  /// address and `advertised.listeners` does not say which one clients can reach. An advertised
  /// port of 0 is the listener's.
  package func advertised(port: UInt16) -> NetworkAddress? {
    guard let address = advertisedListener else {
      return listener.isWildcard ? nil : NetworkAddress(host: listener.host, port: port)
    }
    return NetworkAddress(host: address.host, port: address.port == 0 ? port : address.port)
  }
}
