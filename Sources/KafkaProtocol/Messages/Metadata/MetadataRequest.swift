/// Which brokers and topics are there? From version 10 topics have ids too.
package struct MetadataRequest: WireRequest {
  package typealias Response = MetadataResponse
  package static var apiNumber: Int16 { 3 }
  package static var versions: ClosedRange<Int16> { 0...12 }
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
    if (8...10).contains(coder.version) { try coder.bool(&includeClusterAuthorizedOperations) }
    if coder.version >= 8 { try coder.bool(&includeTopicAuthorizedOperations) }
    try coder.endOfStruct()
  }
}

extension MetadataRequest {
  /// A topic that is asked for.
  package struct MetadataRequestTopic: WireStruct {
    /// Since version 10; zero where the topic is asked for by name.
    package var topicId: UUIDBits = .zero
    /// Empty, from version 10 on, where the topic is asked for by its id: null on the wire.
    package var name: String = ""

    package init() {}

    package init(topicId: UUIDBits = .zero, name: String = "") {
      self.topicId = topicId
      self.name = name
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      if coder.version >= 10 { try coder.uuid(&topicId) }
      try coder.string(&name, emptyIsNullSince: 10)
      try coder.endOfStruct()
    }
  }
}
