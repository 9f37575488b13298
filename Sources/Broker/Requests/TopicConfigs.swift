import CommitLog
import KafkaProtocol

/// Where a config's value comes from, as DescribeConfigs numbers it.
enum ConfigSource {
  static let topic: Int8 = 1
  static let `static`: Int8 = 4
  static let `default`: Int8 = 5
}

/// What DescribeConfigs says of a value's kind (KIP-569).
enum ConfigType {
  static let boolean: Int8 = 1
  static let string: Int8 = 2
  static let int: Int8 = 3
  static let long: Int8 = 5
  static let double: Int8 = 6
  static let list: Int8 = 7
}

/// A topic's settings as clients give them: what it goes by, and what of that is its own.
struct GivenSettings: Sendable {
  private(set) var settings: TopicSettings
  /// The names of the settings that the topic was given; the others follow the broker's.
  private(set) var own: Set<String>
  private var isSpaceGiven = false

  /// Nothing is given yet.
  init(_ services: BrokerServices) {
    settings = services.settings.topicDefaults()
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
    if let fixed = FixedTopicConfig.named(name) {
      if let reason = value.flatMap(fixed.reasonToRefuse) {
        throw RequestRefusal(.invalidConfig, reason)
      }
      return
    }
    let usual = services.settings.topicDefaults().value(of: name)
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
    settings.preallocation = services.settings.preallocation
    if services.parts.reasonToRefuseSpace(settings) != nil { settings.preallocation = nil }
  }

  /// All of it, as any admin client reads it.
  func configs(_ services: BrokerServices) -> [TopicConfig] {
    let fixed = FixedTopicConfig.all.map { config in
      let builtIn = ConfigSynonym(
        name: config.name, value: config.value, source: ConfigSource.default)
      return TopicConfig(
        name: config.name, value: config.value, synonyms: [builtIn], type: config.type)
    }
    return fixed
      + TopicSettings.names.map { name in
        let value = settings.value(of: name) ?? ""
        var synonyms = services.topicConfigs.synonyms(of: name)
        if own.contains(name) {
          synonyms.insert(
            ConfigSynonym(name: name, value: value, source: ConfigSource.topic), at: 0)
        }
        // What is built in says of which kind it is.
        let isNumber = Int64(synonyms.last?.value ?? "") != nil
        return TopicConfig(
          name: name, value: value, synonyms: synonyms,
          type: isNumber ? ConfigType.long : ConfigType.string)
      }
  }
}

/// One setting of a topic.
struct TopicConfig: Sendable {
  let name: String
  let value: String
  /// What the value is taken from: the first that there is. The last is what is built in.
  let synonyms: [ConfigSynonym]
  /// As DescribeConfigs numbers kinds.
  let type: Int8

  var source: Int8 { synonyms.first { $0.value == value }?.source ?? ConfigSource.default }
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
    let defaults = settings.topicDefaults()
    let builtIn = BrokerSettings(backends: [], transfers: []).topicDefaults()
    var byName: [String: [ConfigSynonym]] = [:]
    for name in TopicSettings.names {
      let brokerName = BrokerSettings.name(ofTopicSetting: name)
      var synonyms: [ConfigSynonym] = []
      if !settings.source(of: brokerName).isDefault {
        synonyms.append(
          ConfigSynonym(
            name: brokerName, value: defaults.value(of: name) ?? "", source: ConfigSource.static))
      }
      synonyms.append(
        ConfigSynonym(
          name: brokerName, value: builtIn.value(of: name) ?? "", source: ConfigSource.default))
      byName[name] = synonyms
    }
    self.byName = byName
  }

  func synonyms(of name: String) -> [ConfigSynonym] { byName[name] ?? [] }
}
