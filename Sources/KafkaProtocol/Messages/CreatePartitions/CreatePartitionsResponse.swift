/// Which topics were given more partitions.
package struct CreatePartitionsResponse: WireMessage {
  package static var flexibleSince: Int16 { 2 }

  package var throttleTimeMs: Int32 = 0
  package var results: [CreatePartitionsTopicResult] = []

  package init() {}

  package init(throttleTimeMs: Int32 = 0, results: [CreatePartitionsTopicResult] = []) {
    self.throttleTimeMs = throttleTimeMs
    self.results = results
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.int32(&throttleTimeMs)
    try coder.array(&results)
    try coder.endOfStruct()
  }
}

extension CreatePartitionsResponse {
  /// Whether a topic was given more partitions.
  package struct CreatePartitionsTopicResult: WireStruct {
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
      try coder.nullableString(&errorMessage)
      try coder.endOfStruct()
    }
  }
}
