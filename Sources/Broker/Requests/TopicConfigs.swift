import CommitLog
import KafkaProtocol
import Wording

/// Where a config's value comes from, as DescribeConfigs numbers it.
enum ConfigSource {
  static let topic: Int8 = 1
  static let `static`: Int8 = 4
  static let `default`: Int8 = 5
}

extension SettingType {
  /// As DescribeConfigs numbers kinds (KIP-569).
  var wireNumber: Int8 {
    switch self {
    case .boolean: 1
    case .string: 2
    case .int: 3
    case .long: 5
    case .double: 6
    case .list: 7
    }
  }
}

/// A topic's settings as clients give them: what it goes by, and what of that is its own.
struct GivenSettings: Sendable {
  private(set) var settings: TopicSettings
  /// The names of the settings that the topic was given; the others follow the broker's.
  private(set) var own: Set<String>
  private var isSpaceGiven = false

  /// Nothing is given yet.
  init(_ services: BrokerServices) {
    settings = services.settings.topic
    own = []
  }

  /// What a topic has.
  init(_ topic: Topic) {
    settings = topic.settings
    own = topic.ownSettings ?? Self.all
  }

  /// What a topic has at the start of this broker, whatever another's settings were.
  init(following topic: Topic, _ services: BrokerServices) {
    guard let own = topic.ownSettings else {
      self.init(topic)
      return
    }
    self.init(services)
    self.own = own
    for name in own {
      // A value that it has is one that it takes.
      if let value = topic.settings.value(of: name) { _ = settings.set(name, to: value) }
    }
    followSpace(services)
  }

  private static let all = Set(TopicSettings.names)

  /// As a topic's file has it: nil is all.
  var ownNames: Set<String>? { own == Self.all ? nil : own }

  /// Gives one config; nil takes it away. `settle` when all are given.
  mutating func set(
    _ name: String, _ value: String?, _ services: BrokerServices
  ) throws(RequestRefusal) {
    if let fixed = FixedConfig.ofTopic(name) {
      if let reason = value.flatMap({ fixed.reasonToRefuse($0, name) }) {
        throw RequestRefusal(.invalidConfig, reason)
      }
      return
    }
    let usual = services.settings.topic.value(of: name)
    if let reason = settings.set(name, to: value ?? usual ?? "") {
      throw RequestRefusal(.invalidConfig, reason)
    }
    if value == nil { own.remove(name) } else { own.insert(name) }
    if name == "varve.backend" || name == Self.space { isSpaceGiven = true }
  }

  /// Throws where the settings cannot be together, or not here.
  mutating func settle(_ administrator: LogAdministrator) throws(RequestRefusal) {
    let services = administrator.services
    if let reason = services.reasonToRefuse(settings) {
      throw RequestRefusal(.invalidConfig, reason)
    }
    followSpace(services)
    guard isSpaceGiven else { return }
    if let reason = services.parts.reasonToRefuseSpace(settings)
      ?? administrator.reasonToRefuse(settings)
    {
      throw RequestRefusal(.invalidConfig, reason)
    }
  }

  private static let space = "varve.preallocation"

  /// The broker's preallocation is chosen for the broker's backend: where a topic's cannot do it,
  /// the topic's does as it does by itself. One that is the topic's own stays as it is.
  private mutating func followSpace(_ services: BrokerServices) {
    if own.contains(Self.space) { return }
    settings.preallocation = services.settings.topic.preallocation
    if services.parts.reasonToRefuseSpace(settings) != nil { settings.preallocation = nil }
  }

  /// The elements of a config that is a list; nil for any other.
  func list(_ name: String) -> [String]? {
    let fixed = FixedConfig.ofTopic(name)
    guard (fixed?.type ?? TopicSettings.setting(name)?.type) == .list else { return nil }
    let value = fixed?.value ?? settings.value(of: name) ?? ""
    return value.split(separator: ",").map(String.init)
  }

  /// All of it, as any admin client reads it.
  func configs(_ services: BrokerServices) -> [ShownConfig] {
    let fixed = FixedConfig.all.compactMap { config in
      config.topicName.map { ShownConfig(fixed: config, $0) }
    }
    return fixed
      + TopicSettings.table.map { setting in
        let value = setting.text(settings)
        var synonyms = services.topicConfigs.synonyms(of: setting.name)
        if own.contains(setting.name) {
          synonyms.insert(
            ConfigSynonym(name: setting.name, value: value, source: ConfigSource.topic), at: 0)
        }
        return ShownConfig(
          name: setting.name, value: value, synonyms: synonyms, type: setting.type,
          documentation: setting.documentation)
      }
  }
}

/// One config of a topic or of this broker, as DescribeConfigs shows it.
struct ShownConfig: Sendable {
  let name: String
  let value: String
  /// What the value is taken from: the first that there is. The last is what is built in.
  let synonyms: [ConfigSynonym]
  let type: SettingType
  let documentation: String?
  var isReadOnly = false

  var source: Int8 { synonyms.first { $0.value == value }?.source ?? ConfigSource.default }
}

extension ShownConfig {
  init(fixed config: FixedConfig, _ name: String) {
    self.init(
      name: name, value: config.value,
      synonyms: [ConfigSynonym(name: name, value: config.value, source: ConfigSource.default)],
      type: config.type, documentation: nil)
  }
}

/// Where a config has a value, by the name that it has there.
struct ConfigSynonym: Sendable {
  let name: String
  let value: String
  let source: Int8
}

/// What a topic goes by that was not given another: what was set for this broker, and what is built
/// in.
struct InheritedConfigs: Sendable {
  private let byName: [String: [ConfigSynonym]]

  init(_ settings: BrokerSettings) {
    let builtIn = BrokerSettings(backends: [], transfers: []).topic
    var byName: [String: [ConfigSynonym]] = [:]
    for setting in TopicSettings.table {
      var synonyms: [ConfigSynonym] = []
      if settings.isGiven(setting) {
        synonyms.append(
          ConfigSynonym(
            name: setting.brokerName, value: setting.text(settings.topic),
            source: ConfigSource.static))
      }
      synonyms.append(
        ConfigSynonym(
          name: setting.brokerName, value: setting.text(builtIn), source: ConfigSource.default))
      byName[setting.name] = synonyms
    }
    self.byName = byName
  }

  func synonyms(of name: String) -> [ConfigSynonym] { byName[name] ?? [] }
}
