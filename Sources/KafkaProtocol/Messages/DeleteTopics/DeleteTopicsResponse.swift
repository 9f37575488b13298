/// Which topics were deleted.
package struct DeleteTopicsResponse: WireMessage {
  package static var flexibleSince: Int16 { 4 }

  package var throttleTimeMs: Int32 = 0
  package var responses: [DeletableTopicResult] = []

  package init() {}

  package init(throttleTimeMs: Int32 = 0, responses: [DeletableTopicResult] = []) {
    self.throttleTimeMs = throttleTimeMs
    self.responses = responses
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.int32(&throttleTimeMs)
    try coder.array(&responses)
    try coder.endOfStruct()
  }
}

extension DeleteTopicsResponse {
  /// Whether a topic was deleted.
  package struct DeletableTopicResult: WireStruct {
    /// Empty, since version 6, of a topic that was named by an id which none has: null on the wire.
    package var name: String = ""
    /// Since version 6.
    package var topicId: UUIDBits = .zero
    package var errorCode: Int16 = 0
    package var errorMessage: String? = nil

    package init() {}

    package init(
      name: String = "", topicId: UUIDBits = .zero, errorCode: Int16 = 0,
      errorMessage: String? = nil
    ) {
      self.name = name
      self.topicId = topicId
      self.errorCode = errorCode
      self.errorMessage = errorMessage
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name, emptyIsNullSince: 6)
      if coder.version >= 6 { try coder.uuid(&topicId) }
      try coder.int16(&errorCode)
      if coder.version >= 5 { try coder.nullableString(&errorMessage) }
      try coder.endOfStruct()
    }
  }
}
