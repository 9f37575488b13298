/// Which topics and brokers were changed.
package struct IncrementalAlterConfigsResponse: WireMessage {
  package static var flexibleSince: Int16 { 1 }

  package var throttleTimeMs: Int32 = 0
  package var responses: [AlterConfigsResourceResponse] = []

  package init() {}

  package init(throttleTimeMs: Int32 = 0, responses: [AlterConfigsResourceResponse] = []) {
    self.throttleTimeMs = throttleTimeMs
    self.responses = responses
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.int32(&throttleTimeMs)
    try coder.array(&responses)
    try coder.endOfStruct()
  }
}

extension IncrementalAlterConfigsResponse {
  /// Whether a topic or broker was changed.
  package struct AlterConfigsResourceResponse: WireStruct {
    package var errorCode: Int16 = 0
    package var errorMessage: String? = nil
    package var resourceType: Int8 = 0
    package var resourceName: String = ""

    package init() {}

    package init(
      errorCode: Int16 = 0, errorMessage: String? = nil, resourceType: Int8 = 0,
      resourceName: String = ""
    ) {
      self.errorCode = errorCode
      self.errorMessage = errorMessage
      self.resourceType = resourceType
      self.resourceName = resourceName
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int16(&errorCode)
      try coder.nullableString(&errorMessage)
      try coder.int8(&resourceType)
      try coder.string(&resourceName)
      try coder.endOfStruct()
    }
  }
}
