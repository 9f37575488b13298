/// Where leader epochs end.
package struct OffsetForLeaderEpochResponse: WireMessage {
  package static var flexibleSince: Int16 { 4 }

  package var throttleTimeMs: Int32 = 0
  package var topics: [OffsetForLeaderTopicResult] = []

  package init() {}

  package init(throttleTimeMs: Int32 = 0, topics: [OffsetForLeaderTopicResult] = []) {
    self.throttleTimeMs = throttleTimeMs
    self.topics = topics
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.int32(&throttleTimeMs)
    try coder.array(&topics)
    try coder.endOfStruct()
  }
}

extension OffsetForLeaderEpochResponse {
  /// One topic's partitions.
  package struct OffsetForLeaderTopicResult: WireStruct {
    package var topic: String = ""
    package var partitions: [EpochEndOffset] = []

    package init() {}

    package init(topic: String = "", partitions: [EpochEndOffset] = []) {
      self.topic = topic
      self.partitions = partitions
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&topic)
      try coder.array(&partitions)
      try coder.endOfStruct()
    }
  }

  /// Where a leader epoch ends in one partition.
  package struct EpochEndOffset: WireStruct {
    package var errorCode: Int16 = 0
    package var partition: Int32 = 0
    /// The greatest epoch that is not above the one asked for.
    package var leaderEpoch: Int32 = -1
    /// -1 where it is not known.
    package var endOffset: Int64 = -1

    package init() {}

    package init(
      errorCode: Int16 = 0, partition: Int32 = 0, leaderEpoch: Int32 = -1,
      endOffset: Int64 = -1
    ) {
      self.errorCode = errorCode
      self.partition = partition
      self.leaderEpoch = leaderEpoch
      self.endOffset = endOffset
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int16(&errorCode)
      try coder.int32(&partition)
      try coder.int32(&leaderEpoch)
      try coder.int64(&endOffset)
      try coder.endOfStruct()
    }
  }
}
