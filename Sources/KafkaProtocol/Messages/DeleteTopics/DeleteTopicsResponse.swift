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
    package var name: String = ""
    package var errorCode: Int16 = 0
    package var errorMessage: String? = nil

    package init() {}

    package init(name: String = "", errorCode: Int16 = 0, errorMessage: String? = nil) {
      self.name = name
      self.errorCode = errorCode
      self.errorMessage = errorMessage
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.int16(&errorCode)
      if coder.version >= 5 { try coder.nullableString(&errorMessage) }
      try coder.endOfStruct()
    }
  }
}
