import LogStorage
import Wording

/// One setting of a topic: its names, what it accepts, and where it is kept. `TopicSettings.table`
/// has all of them; files, clients' requests and a broker's own settings go by it.
package struct TopicSetting: Sendable {
  /// Kafka's, where Kafka has the setting, and `varve.…` elsewhere.
  package let name: String
  /// The broker's setting that topics without their own follow.
  package let brokerName: String
  /// Other names of that one.
  package let brokerAliases: [SettingAlias]
  /// One sentence.
  package let documentation: String
  package let type: SettingType
  /// What an error says is accepted.
  package let expected: String
  /// True where a topic's file has it only if it is not what a topic without it has. Files from
  /// before there was the setting stay true, and the file of a topic that does not use it stays as
  /// it was.
  let isLeftOut: Bool
  package let text: @Sendable (TopicSettings) -> String
  /// False where the text is not accepted; then nothing was changed.
  package let apply: @Sendable (inout TopicSettings, String) -> Bool

  init<Value>(
    _ name: String, broker: String? = nil, aliases: [SettingAlias] = [],
    _ property: any WritableKeyPath<TopicSettings, Value> & Sendable, _ kind: SettingKind<Value>,
    isLeftOut: Bool = false, _ documentation: String
  ) {
    self.name = name
    brokerName = broker ?? name
    brokerAliases = aliases
    self.documentation = documentation
    self.isLeftOut = isLeftOut
    type = kind.type
    expected = kind.expected
    text = { kind.text($0[keyPath: property]) }
    apply = { settings, text in
      guard let value = kind.parse(text) else { return false }
      settings[keyPath: property] = value
      return true
    }
  }
}

extension TopicSettings {
  /// Every setting, once, in the order in which files have them.
  package static let table: [TopicSetting] = [
    TopicSetting(
      "segment.bytes", broker: "log.segment.bytes", \.segmentBytes,
      .number(1024...Int(Int32.max)), "A segment ends before it grows past this."),
    TopicSetting(
      "segment.ms", broker: "log.roll.ms", aliases: [.hours("log.roll.hours")],
      \.segmentMilliseconds,
      .number(1...Int64.max), "A segment ends when a batch is so much younger than its first one."),
    TopicSetting(
      "index.interval.bytes", broker: "log.index.interval.bytes", \.indexIntervalBytes,
      .number(0...Int(Int32.max)), "The offset index has about one entry for so many bytes."),
    TopicSetting(
      "retention.ms", broker: "log.retention.ms",
      aliases: [.minutes("log.retention.minutes"), .hours("log.retention.hours")],
      \.retentionMilliseconds,
      .numberOrNone(0...Int64.max),
      "Segments whose newest record is older are deleted; -1 keeps them."),
    TopicSetting(
      "retention.bytes", broker: "log.retention.bytes", \.retentionBytes,
      .numberOrNone(0...Int64.max),
      "The oldest segments are deleted while a partition is larger; -1 keeps them."),
    TopicSetting(
      "message.timestamp.type", broker: "log.message.timestamp.type", \.timestampSource, .word(),
      "Whose clock records are stamped by: the producer's or the broker's."),
    TopicSetting(
      "varve.durability", \.durability, .word(),
      "When a batch is acknowledged, and so what a power cut may take."),
    TopicSetting(
      "flush.ms", broker: "log.flush.interval.ms", \.flushMilliseconds, .number(1...Int64.max),
      "Under the durability interval, the longest that a batch stays unflushed."),
    TopicSetting(
      "varve.flush.bytes", \.flushBytes, .number(1...Int64.max),
      "Under the durability interval, the most bytes that stay unflushed."),
    TopicSetting(
      "varve.backend", \.backend, .name("a backend's name"), "The way of appends to the disk."),
    TopicSetting(
      "varve.preallocation", \.preallocation, .wordOrNone(ownWay),
      "How a segment comes by its space; default is the backend's own way."),
    TopicSetting(
      "max.message.bytes", broker: "message.max.bytes", \.messageBytesMax,
      .number(0...Int(Int32.max)), isLeftOut: true, "The largest record batch."),
    TopicSetting(
      "varve.transfer", \.transfer, .name("a transfer path's name"), isLeftOut: true,
      "The way of records to the socket."),
    TopicSetting(
      "cleanup.policy", broker: "log.cleanup.policy", \.cleanupPolicy,
      .word(.list, note: "there is no log compaction here"), isLeftOut: true,
      "What becomes of old segments."),
    TopicSetting(
      "compression.type", \.compression,
      .word(note: "batches stay as their producer made them"), isLeftOut: true,
      "How batches are compressed."),
    TopicSetting(
      "message.timestamp.before.max.ms", broker: "log.message.timestamp.before.max.ms",
      \.timestampBeforeMaxMilliseconds, .number(0...Int64.max), isLeftOut: true,
      "By how much a record's timestamp may lie in the past."),
    TopicSetting(
      "message.timestamp.after.max.ms", broker: "log.message.timestamp.after.max.ms",
      \.timestampAfterMaxMilliseconds, .number(0...Int64.max), isLeftOut: true,
      "By how much a record's timestamp may lie in the future."),
  ]

  /// The backend decides.
  private static let ownWay = "default"

  private static let byName = Dictionary(uniqueKeysWithValues: table.map { ($0.name, $0) })

  /// Every setting's name, in the order in which they are written.
  package static let names = table.map(\.name)

  /// Nil for an unknown name.
  package static func setting(_ name: String) -> TopicSetting? { byName[name] }

  /// The setting's value as text; nil for an unknown name.
  package func value(of name: String) -> String? { Self.setting(name).map { $0.text(self) } }

  /// Sets one setting from text. What was wrong, or nil.
  package mutating func set(_ name: String, to text: String) -> String? {
    guard let setting = Self.setting(name) else {
      return "unknown setting '\(name)'; expected one of \(Self.names.joined(separator: ", "))"
    }
    return setting.apply(&self, text)
      ? nil : "\(name): found '\(text)', expected \(setting.expected)"
  }

  /// Sets what a file leaves out to what it then means, whatever a server's defaults are.
  mutating func setWhatIsLeftOut() {
    let builtIn = TopicSettings(backend: backend)
    for setting in Self.table where setting.isLeftOut {
      _ = setting.apply(&self, setting.text(builtIn))
    }
  }

  /// `name=value`, a line each, as a topic's file has them.
  var fileText: String {
    let builtIn = TopicSettings(backend: backend)
    return Self.table.filter { !$0.isLeftOut || $0.text(self) != $0.text(builtIn) }
      .map { "\($0.name)=\($0.text(self))\n" }.joined()
  }

  /// Why the topic's backend, which can come by its space in the `accepted` ways, does not do so as
  /// the settings say; or nil.
  package func reasonToRefuseSpace(_ accepted: [Preallocation]?) -> String? {
    guard let preallocation, let accepted, !accepted.contains(preallocation) else { return nil }
    let ways = [Self.ownWay] + accepted.map(\.rawValue)
    return "varve.preallocation: found '\(preallocation.rawValue)', and the backend '\(backend)' "
      + "takes \(ways.joined(separator: ", "))"
  }
}
