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

/// A topic's settings as configs that any admin client reads and writes.
enum TopicConfigs {
  struct Config: Sendable {
    let name: String
    let value: String
    /// True where the value is what a topic has that does not say otherwise.
    let isDefault: Bool
    let defaultValue: String

    /// As DescribeConfigs numbers kinds.
    var type: Int8 { Int64(defaultValue) == nil ? ConfigType.string : ConfigType.long }
  }

  static func all(_ settings: TopicSettings, _ services: BrokerServices) -> [Config] {
    let defaults = services.settings.topicDefaults()
    return TopicSettings.names.map { name in
      let value = settings.value(of: name) ?? ""
      let usual = defaults.value(of: name) ?? ""
      return Config(name: name, value: value, isDefault: value == usual, defaultValue: usual)
    }
  }

  /// Sets one config; nil is the default.
  static func set(
    _ name: String, _ value: String?, in settings: inout TopicSettings, _ services: BrokerServices
  ) throws(RequestRefusal) {
    let usual = services.settings.topicDefaults().value(of: name)
    var changed = settings
    if let reason = changed.set(name, to: value ?? usual ?? "")
      ?? services.reasonToRefuse(changed)
    {
      throw RequestRefusal(.invalidConfig, reason)
    }
    settings = changed
  }
}
