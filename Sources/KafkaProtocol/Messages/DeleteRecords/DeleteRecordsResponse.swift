/// Where the partitions begin now.
package struct DeleteRecordsResponse: WireMessage {
  package static var flexibleSince: Int16 { 2 }

  package var throttleTimeMs: Int32 = 0
  package var topics: [DeleteRecordsTopicResult] = []

  package init() {}

  package init(throttleTimeMs: Int32 = 0, topics: [DeleteRecordsTopicResult] = []) {
    self.throttleTimeMs = throttleTimeMs
    self.topics = topics
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.int32(&throttleTimeMs)
    try coder.array(&topics)
    try coder.endOfStruct()
  }
}

extension DeleteRecordsResponse {
  /// Where one topic's partitions begin now.
  package struct DeleteRecordsTopicResult: WireStruct {
    package var name: String = ""
    package var partitions: [DeleteRecordsPartitionResult] = []

    package init() {}

    package init(name: String = "", partitions: [DeleteRecordsPartitionResult] = []) {
      self.name = name
      self.partitions = partitions
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.array(&partitions)
      try coder.endOfStruct()
    }
  }

  /// Where one partition begins now.
  package struct DeleteRecordsPartitionResult: WireStruct {
    package var partitionIndex: Int32 = 0
    /// The log's first offset now, -1 where there was an error.
    package var lowWatermark: Int64 = 0
    package var errorCode: Int16 = 0

    package init() {}

    package init(partitionIndex: Int32 = 0, lowWatermark: Int64 = 0, errorCode: Int16 = 0) {
      self.partitionIndex = partitionIndex
      self.lowWatermark = lowWatermark
      self.errorCode = errorCode
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int32(&partitionIndex)
      try coder.int64(&lowWatermark)
      try coder.int16(&errorCode)
      try coder.endOfStruct()
    }
  }
}
