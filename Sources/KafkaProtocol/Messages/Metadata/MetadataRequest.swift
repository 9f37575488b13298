/// Which brokers and topics are there? Without topic ids, which version 10 brings.
package struct MetadataRequest: WireRequest {
  package typealias Response = MetadataResponse
  package static var api: APIKey { .metadata }
  package static var versions: ClosedRange<Int16> { 0...9 }
  package static var flexibleSince: Int16 { 9 }

  /// Nil for all topics, and in version 0, which has no null, empty for all.
  package var topics: [MetadataRequestTopic]? = nil
  package var allowAutoTopicCreation: Bool = true
  package var includeClusterAuthorizedOperations: Bool = false
  package var includeTopicAuthorizedOperations: Bool = false

  package init() {}

  package init(
    topics: [MetadataRequestTopic]? = nil, allowAutoTopicCreation: Bool = true,
    includeClusterAuthorizedOperations: Bool = false,
    includeTopicAuthorizedOperations: Bool = false
  ) {
    self.topics = topics
    self.allowAutoTopicCreation = allowAutoTopicCreation
    self.includeClusterAuthorizedOperations = includeClusterAuthorizedOperations
    self.includeTopicAuthorizedOperations = includeTopicAuthorizedOperations
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.nullableArray(&topics, since: 1)
    if coder.version >= 4 { try coder.bool(&allowAutoTopicCreation) }
    if coder.version >= 8 {
      try coder.bool(&includeClusterAuthorizedOperations)
      try coder.bool(&includeTopicAuthorizedOperations)
    }
    try coder.endOfStruct()
  }
}

extension MetadataRequest {
  /// A topic that is asked for.
  package struct MetadataRequestTopic: WireStruct {
    package var name: String = ""

    package init() {}

    package init(name: String = "") {
      self.name = name
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.endOfStruct()
    }
  }
}
