/// What became of each partition's batches.
package struct ProduceResponse: WireMessage {
  package static var flexibleSince: Int16 { 9 }

  package var responses: [TopicProduceResponse] = []
  package var throttleTimeMs: Int32 = 0

  package init() {}

  package init(responses: [TopicProduceResponse] = [], throttleTimeMs: Int32 = 0) {
    self.responses = responses
    self.throttleTimeMs = throttleTimeMs
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.array(&responses)
    if coder.version >= 1 { try coder.int32(&throttleTimeMs) }
    try coder.endOfStruct()
  }
}

extension ProduceResponse {
  /// What became of one topic's batches.
  package struct TopicProduceResponse: WireStruct {
    package var name: String = ""
    package var partitionResponses: [PartitionProduceResponse] = []

    package init() {}

    package init(name: String = "", partitionResponses: [PartitionProduceResponse] = []) {
      self.name = name
      self.partitionResponses = partitionResponses
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.array(&partitionResponses)
      try coder.endOfStruct()
    }
  }

  /// What became of one partition's batches.
  package struct PartitionProduceResponse: WireStruct {
    package var index: Int32 = 0
    package var errorCode: Int16 = 0
    /// The first record's offset.
    package var baseOffset: Int64 = 0
    /// Milliseconds since 1970 under LogAppendTime, -1 under CreateTime. Since version 2.
    package var logAppendTimeMs: Int64 = -1
    package var logStartOffset: Int64 = -1
    package var recordErrors: [BatchIndexAndErrorMessage] = []
    package var errorMessage: String? = nil

    package init() {}

    package init(
      index: Int32 = 0, errorCode: Int16 = 0, baseOffset: Int64 = 0,
      logAppendTimeMs: Int64 = -1, logStartOffset: Int64 = -1,
      recordErrors: [BatchIndexAndErrorMessage] = [], errorMessage: String? = nil
    ) {
      self.index = index
      self.errorCode = errorCode
      self.baseOffset = baseOffset
      self.logAppendTimeMs = logAppendTimeMs
      self.logStartOffset = logStartOffset
      self.recordErrors = recordErrors
      self.errorMessage = errorMessage
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int32(&index)
      try coder.int16(&errorCode)
      try coder.int64(&baseOffset)
      if coder.version >= 2 { try coder.int64(&logAppendTimeMs) }
      if coder.version >= 5 { try coder.int64(&logStartOffset) }
      if coder.version >= 8 {
        try coder.array(&recordErrors)
        try coder.nullableString(&errorMessage)
      }
      try coder.endOfStruct()
    }
  }

  /// A record for which its batch was refused.
  package struct BatchIndexAndErrorMessage: WireStruct {
    package var batchIndex: Int32 = 0
    package var batchIndexErrorMessage: String? = nil

    package init() {}

    package init(batchIndex: Int32 = 0, batchIndexErrorMessage: String? = nil) {
      self.batchIndex = batchIndex
      self.batchIndexErrorMessage = batchIndexErrorMessage
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int32(&batchIndex)
      try coder.nullableString(&batchIndexErrorMessage)
      try coder.endOfStruct()
    }
  }
}
