/// Topics to delete, by name or, since version 6, by id.
package struct DeleteTopicsRequest: WireRequest {
  package typealias Response = DeleteTopicsResponse
  package static var apiNumber: Int16 { 20 }
  package static var versions: ClosedRange<Int16> { 1...6 }
  package static var flexibleSince: Int16 { 4 }

  /// Up to version 5.
  package var topicNames: [String] = []
  /// Since version 6.
  package var topics: [DeleteTopicState] = []
  package var timeoutMs: Int32 = 0

  package init() {}

  package init(
    topicNames: [String] = [], topics: [DeleteTopicState] = [], timeoutMs: Int32 = 0
  ) {
    self.topicNames = topicNames
    self.topics = topics
    self.timeoutMs = timeoutMs
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    if coder.version >= 6 {
      try coder.array(&topics)
    } else {
      try coder.stringArray(&topicNames)
    }
    try coder.int32(&timeoutMs)
    try coder.endOfStruct()
  }
}

extension DeleteTopicsRequest {
  /// A topic that is to go.
  package struct DeleteTopicState: WireStruct {
    /// Empty where the topic is named by its id: null on the wire.
    package var name: String = ""
    /// Zero where it is named by its name.
    package var topicId: UUIDBits = .zero

    package init() {}

    package init(name: String = "", topicId: UUIDBits = .zero) {
      self.name = name
      self.topicId = topicId
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name, emptyIsNullSince: 6)
      try coder.uuid(&topicId)
      try coder.endOfStruct()
    }
  }
}
