import CommitLog
import KafkaProtocol

// Configs of topics, read and written, and of this broker, read.

/// What a config belongs to, as the protocol numbers it.
struct ConfigResource: Hashable {
  static let topic: Int8 = 2
  static let broker: Int8 = 4

  let type: Int8
  let name: String

  init(_ type: Int8, _ name: String) {
    self.type = type
    self.name = name
  }
}

enum DescribeConfigsHandler: RequestHandler {
  typealias Response = DescribeConfigsResponse

  static func route(_ call: RequestCall<DescribeConfigsRequest>) -> Route {
    var response = Response()
    // Each once: what is asked for in a few bytes is answered in thousands.
    var answered: Set<ConfigResource> = []
    for resource in call.request.resources
    where answered.insert(ConfigResource(resource.resourceType, resource.resourceName)).inserted {
      var result = Response.DescribeConfigsResult()
      result.resourceType = resource.resourceType
      result.resourceName = resource.resourceName
      do throws(RequestRefusal) {
        let configs = try describe(resource, call)
        result.configs = configs.filter { config in
          resource.configurationKeys?.contains(config.name) ?? true
        }
      } catch {
        result.errorCode = error.code.rawValue
        result.errorMessage = error.message
      }
      response.results.append(result)
    }
    return .respond(call.respond(response, codes: response.results.map(\.errorCode)))
  }

  private static func describe(
    _ resource: DescribeConfigsRequest.DescribeConfigsResource,
    _ call: RequestCall<DescribeConfigsRequest>
  ) throws(RequestRefusal) -> [Response.DescribeConfigsResourceResult] {
    switch resource.resourceType {
    case ConfigResource.topic:
      guard let entry = call.cluster[resource.resourceName] else {
        let fault = call.cluster.fault(ofUnserved: resource.resourceName)
        throw RequestRefusal(
          fault,
          fault == .kafkaStorageError
            ? "topic '\(resource.resourceName)' is offline: the broker's log says why"
            : "there is no topic '\(resource.resourceName)'")
      }
      return GivenSettings(entry.topic).configs(call.services).map { shown($0, call) }
    case ConfigResource.broker:
      let name = resource.resourceName
      guard name.isEmpty || name == "\(call.services.settings.nodeID)" else {
        throw RequestRefusal(
          .invalidRequest,
          "broker: found '\(name)', expected '\(call.services.settings.nodeID)'")
      }
      return call.services.brokerConfigs.map { shown($0, call) }
    default:
      throw RequestRefusal(
        .invalidRequest,
        "resource type: found \(resource.resourceType), expected 2 (topic) or 4 (broker)")
    }
  }

  private static func shown(
    _ config: ShownConfig, _ call: RequestCall<DescribeConfigsRequest>
  ) -> Response.DescribeConfigsResourceResult {
    var shown = Response.DescribeConfigsResourceResult()
    shown.name = config.name
    shown.value = config.value
    shown.readOnly = config.isReadOnly
    shown.configSource = config.source
    shown.configType = config.type.wireNumber
    if call.request.includeDocumentation { shown.documentation = config.documentation }
    if call.request.includeSynonyms {
      shown.synonyms = config.synonyms.map { synonym in
        Response.DescribeConfigsSynonym(
          name: synonym.name, value: synonym.value, source: synonym.source)
      }
    }
    return shown
  }
}

/// Replaces all configs of a topic: those that are not named get their defaults.
enum AlterConfigsHandler: RequestHandler {
  static func route(_ call: RequestCall<AlterConfigsRequest>) -> Route {
    .onAdministrationThread { administrator in
      var response = AlterConfigsResponse()
      var seen: Set<ConfigResource> = []
      for resource in call.request.resources {
        var result = AlterConfigsResponse.AlterConfigsResourceResponse()
        result.resourceType = resource.resourceType
        result.resourceName = resource.resourceName
        do throws(RequestRefusal) {
          let asked = ConfigResource(resource.resourceType, resource.resourceName)
          _ = try TopicAlteration.topic(asked, &seen, administrator)
          var settings = GivenSettings(administrator.services)
          for config in resource.configs {
            try settings.set(config.name, config.value, administrator.services)
          }
          try settings.settle(administrator)
          if !call.request.validateOnly {
            try TopicAlteration.apply(settings, resource.resourceName, administrator)
            call.tell("topic's configs changed", resource.resourceName)
          }
        } catch {
          result.errorCode = error.code.rawValue
          result.errorMessage = error.message
        }
        response.responses.append(result)
      }
      return call.respond(response, codes: response.responses.map(\.errorCode))
    }
  }
}

/// Changes configs one by one (KIP-339).
enum IncrementalAlterConfigsHandler: RequestHandler {
  private static let set: Int8 = 0
  private static let delete: Int8 = 1
  private static let append: Int8 = 2
  private static let subtract: Int8 = 3

  static func route(_ call: RequestCall<IncrementalAlterConfigsRequest>) -> Route {
    .onAdministrationThread { administrator in
      var response = IncrementalAlterConfigsResponse()
      var seen: Set<ConfigResource> = []
      for resource in call.request.resources {
        var result = IncrementalAlterConfigsResponse.AlterConfigsResourceResponse()
        result.resourceType = resource.resourceType
        result.resourceName = resource.resourceName
        do throws(RequestRefusal) {
          let asked = ConfigResource(resource.resourceType, resource.resourceName)
          let topic = try TopicAlteration.topic(asked, &seen, administrator)
          var settings = GivenSettings(topic.topic)
          for config in resource.configs {
            try change(config, &settings, administrator)
          }
          try settings.settle(administrator)
          if !call.request.validateOnly {
            try TopicAlteration.apply(settings, resource.resourceName, administrator)
            call.tell("topic's configs changed", resource.resourceName)
          }
        } catch {
          result.errorCode = error.code.rawValue
          result.errorMessage = error.message
        }
        response.responses.append(result)
      }
      return call.respond(response, codes: response.responses.map(\.errorCode))
    }
  }

  private static func change(
    _ config: IncrementalAlterConfigsRequest.AlterableConfig, _ settings: inout GivenSettings,
    _ administrator: LogAdministrator
  ) throws(RequestRefusal) {
    switch config.configOperation {
    case set: try settings.set(config.name, config.value, administrator.services)
    case delete: try settings.set(config.name, nil, administrator.services)
    case append, subtract:
      guard let list = settings.list(config.name) else {
        // A name that is none is refused as such.
        try settings.set(config.name, config.value, administrator.services)
        throw RequestRefusal(
          .invalidConfig,
          "\(config.name): APPEND and SUBTRACT are for lists, and this is none; expected SET or "
            + "DELETE")
      }
      let named = (config.value ?? "").split { $0 == "," || $0 == " " }.map(String.init)
      let changed =
        config.configOperation == append
        ? list + named.filter { !list.contains($0) } : list.filter { !named.contains($0) }
      try settings.set(
        config.name, changed.joined(separator: ","), administrator.services)
    default:
      throw RequestRefusal(
        .invalidRequest,
        "\(config.name): operation: found \(config.configOperation), expected 0 (SET), 1 (DELETE), "
          + "2 (APPEND) or 3 (SUBTRACT)")
    }
  }
}

/// What both ways of changing a topic's configs share.
enum TopicAlteration {
  /// The topic whose configs are to change; `seen` are the request's resources before it. Each
  /// change is made durable, so that one topic many times would hold up everybody's appends.
  static func topic(
    _ asked: ConfigResource, _ seen: inout Set<ConfigResource>, _ administrator: LogAdministrator
  ) throws(RequestRefusal) -> TopicEntry {
    guard asked.type == ConfigResource.topic else {
      throw RequestRefusal(
        .invalidRequest,
        "resource type: found \(asked.type), expected 2 (topic): this broker's own settings are "
          + "read at its start")
    }
    guard seen.insert(asked).inserted else {
      throw RequestRefusal(.invalidRequest, "topic '\(asked.name)' is in the request twice")
    }
    return try refusing { () throws(LogError) in try administrator.entry(asked.name) }
  }

  static func apply(
    _ settings: GivenSettings, _ name: String, _ administrator: LogAdministrator
  ) throws(RequestRefusal) {
    try refusing { () throws(LogError) in try administrator.alter(name, settings) }
  }
}
