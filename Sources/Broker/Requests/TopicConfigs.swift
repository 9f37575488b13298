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
}

/// A topic's settings as clients give them: what it goes by, and what of that is its own.
struct GivenSettings: Sendable {
  private(set) var settings: TopicSettings
  /// The names of the settings that the topic was given; the others follow the broker's.
  private(set) var own: Set<String>

  /// Nothing is given yet.
  init(_ services: BrokerServices) {
    settings = services.settings.topicDefaults()
    own = []
  }

  /// What a topic has. Of one that no broker made, what differs from this broker's defaults is its own.
  init(_ topic: Topic, _ services: BrokerServices) {
    let defaults = services.settings.topicDefaults()
    settings = topic.settings
    own =
      topic.ownSettings
      ?? Set(TopicSettings.names.filter { topic.settings.value(of: $0) != defaults.value(of: $0) })
  }

  /// Gives one config; nil takes it away.
  mutating func set(
    _ name: String, _ value: String?, _ services: BrokerServices
  ) throws(RequestRefusal) {
    let usual = services.settings.topicDefaults().value(of: name)
    var changed = settings
    if let reason = changed.set(name, to: value ?? usual ?? "")
      ?? services.reasonToRefuse(changed)
    {
      throw RequestRefusal(.invalidConfig, reason)
    }
    settings = changed
    if value == nil { own.remove(name) } else { own.insert(name) }
  }

  /// All of it, as any admin client reads it.
  func configs(_ services: BrokerServices) -> [TopicConfig] {
    let defaults = services.settings.topicDefaults()
    let builtIn = BrokerSettings(backends: [], transfers: []).topicDefaults()
    return TopicSettings.names.map { name in
      let usual = defaults.value(of: name) ?? ""
      return TopicConfig(
        name: name, value: settings.value(of: name) ?? "", isOwn: own.contains(name),
        defaultValue: usual,
        defaultSource: usual == builtIn.value(of: name) ? ConfigSource.default : ConfigSource.static
      )
    }
  }
}

/// One setting of a topic.
struct TopicConfig: Sendable {
  let name: String
  let value: String
  /// False where the topic was not given it, and goes by what the broker has.
  let isOwn: Bool
  let defaultValue: String
  /// Whether that was set for this broker, or is built in.
  let defaultSource: Int8

  var source: Int8 { isOwn ? ConfigSource.topic : defaultSource }

  /// As DescribeConfigs numbers kinds.
  var type: Int8 { Int64(defaultValue) == nil ? ConfigType.string : ConfigType.long }
}
