import CommitLog
import LinuxIO
import LogRuntime
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

  package internal(set) var fetchBytesMax = 57_671_680
  package internal(set) var createsTopics = true
  package internal(set) var partitionCount = 1
  package internal(set) var partitionsMax = 100_000
  package internal(set) var deletesTopics = true
  package internal(set) var producerExpirationMilliseconds: Int64 = 86_400_000

  package internal(set) var retentionCheckMilliseconds: Int64 = 300_000
  package internal(set) var recoveryThreads = 2
  package internal(set) var checkpointMilliseconds = CheckpointSchedule().milliseconds
  package internal(set) var checkpointBytes = CheckpointSchedule().bytes
  package internal(set) var checkpointLagMax: Int64 = 512 << 20
  package internal(set) var flushesInBackground = true
  package internal(set) var backgroundFlushRate = BackgroundFlusher.defaultBytesPerSecond
  package internal(set) var retentionClockGraceMilliseconds =
    RetentionClock.defaultGraceMilliseconds

  /// What a topic has that does not say otherwise.
  package internal(set) var topic = {
    var topic = TopicSettings(backend: "buffered")
    topic.retentionMilliseconds = 604_800_000
    return topic
  }()

  package internal(set) var metricsListener: NetworkAddress?
  package internal(set) var logFormat = LogFormat.text
  package internal(set) var logLevel = Logger.Level.info

  /// The names that the program knows.
  let backends: [String]
  let transfers: [String]
  /// Where each setting's value came from, and by which of its names.
  private var sources: [String: (source: SettingSource, rank: Int)] = [:]
  /// Kafka's settings that were given, and change nothing here.
  package private(set) var withoutEffect: [String: SettingSource] = [:]

  /// Every setting at its default. The two lists are what `varve.backend` and `varve.transfer`
  /// accept.
  package init(backends: [String], transfers: [String]) {
    self.backends = backends
    self.transfers = transfers
  }

  /// Every setting's name, in the order of the listing; aliases are not among them.
  package static var names: [String] { table.map(\.name) }

  /// Other names by which settings can be set.
  package static var aliases: [String] { table.flatMap { $0.aliases.map(\.name) } }

  /// By every name that it has.
  private static let byName = Dictionary(
    uniqueKeysWithValues: table.flatMap { setting in setting.names.map { ($0, setting) } })

  /// Sets one setting, by its name or an alias. A value from a source that weighs less than the one
  /// that is there is checked and left. Of two that weigh the same the one by the setting's own
  /// name stays, then the one by its first alias (as with Kafka, where milliseconds go before
  /// hours), then the later one. A setting of Kafka's that is none here is taken where it says what
  /// is true here, or where it changes nothing. After a throw nothing has changed.
  package mutating func set(
    _ name: String, to text: String, from source: SettingSource
  ) throws(SettingsError) {
    guard let setting = Self.byName[name] else { return try setOther(name, text, source) }
    var changed = self
    guard let own = setting.text(text, by: name), setting.apply(&changed, own) else {
      throw .value(source, name, text, expected: setting.expected(by: name, self))
    }
    let rank = setting.names.firstIndex(of: name) ?? 0
    if let known = sources[setting.name],
      (source.weight, rank) < (known.source.weight, known.rank)
    {
      return
    }
    self = changed
    sources[setting.name] = (source, rank)
  }

  private mutating func setOther(
    _ name: String, _ text: String, _ source: SettingSource
  ) throws(SettingsError) {
    switch KafkaSetting.answer(to: name) {
    case .fixed(let fixed):
      if let reason = fixed.reasonToRefuse(text, name) { throw SettingsError(source, reason) }
    case .withoutEffect: withoutEffect[name] = source
    case .refused(let reason):
      throw SettingsError(
        source, "\(name): found \(SettingsError.quoted(text)), expected no such setting: \(reason)")
    case nil:
      throw .unknown(
        source, name, text, nearest: Spelling.near(name, in: Array(Self.byName.keys)))
    }
  }

  func source(of setting: BrokerSetting) -> SettingSource { source(of: setting.name) }

  /// By the setting's own name, not an alias.
  func source(of name: String) -> SettingSource { sources[name]?.source ?? .defaultValue }

  /// Whether the value of a topic's setting was given to this broker.
  func isGiven(_ setting: TopicSetting) -> Bool { !source(of: setting.brokerName).isDefault }

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
    name: String, value: String, source: SettingSource, type: SettingType, documentation: String
  )

  /// Every setting in the table's order. A broker reads them once, at its start.
  package func entries() -> [Entry] {
    Self.table.map { ($0.name, $0.text(self), source(of: $0), $0.type, $0.documentation) }
  }

  /// `name = value (where it came from)`, a line each.
  package func listing() -> String {
    entries().map { entry in
      let value = entry.value.isEmpty ? "" : " \(entry.value)"
      return "\(entry.name) =\(value) (\(entry.source))\n"
    }.joined()
  }

  /// Each setting with its sentence, its default and what it accepts, and what becomes of Kafka's
  /// others: a page of reference.
  package func reference() -> String {
    Self.table.map { setting in
      let aliases = setting.aliases.map { ", also \($0.name)" }.joined()
      return "\(setting.name) = \(setting.text(self))\(aliases)\n  \(setting.documentation)\n"
        + "  Accepts \(setting.expected(self)).\n"
    }.joined() + "\n" + KafkaSetting.reference()
  }
}

// What follows from them.
extension BrokerSettings {
  /// Clients and log lines name the data directory so that it is found from anywhere.
  func withAbsolutePaths() -> BrokerSettings {
    var settings = self
    settings.logDirectory = absolutePath(logDirectory)
    return settings
  }

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
