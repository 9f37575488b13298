/// The offsets that a consumer group has committed.
package struct OffsetFetchResponse: WireMessage {
  package static var flexibleSince: Int16 { 6 }

  package var throttleTimeMs: Int32 = 0
  package var topics: [OffsetFetchResponseTopic] = []
  /// The group's, since version 2.
  package var errorCode: Int16 = 0

  package init() {}

  package init(
    throttleTimeMs: Int32 = 0, topics: [OffsetFetchResponseTopic] = [], errorCode: Int16 = 0
  ) {
    self.throttleTimeMs = throttleTimeMs
    self.topics = topics
    self.errorCode = errorCode
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    if coder.version >= 3 { try coder.int32(&throttleTimeMs) }
    try coder.array(&topics)
    if coder.version >= 2 { try coder.int16(&errorCode) }
    try coder.endOfStruct()
  }
}

extension OffsetFetchResponse {
  /// One topic's committed offsets.
  package struct OffsetFetchResponseTopic: WireStruct {
    package var name: String = ""
    package var partitions: [OffsetFetchResponsePartition] = []

    package init() {}

    package init(name: String = "", partitions: [OffsetFetchResponsePartition] = []) {
      self.name = name
      self.partitions = partitions
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.array(&partitions)
      try coder.endOfStruct()
    }
  }

  /// One partition's committed offset.
  package struct OffsetFetchResponsePartition: WireStruct {
    package var partitionIndex: Int32 = 0
    /// -1 where the group has committed none.
    package var committedOffset: Int64 = -1
    /// -1 where it is not known. Since version 5.
    package var committedLeaderEpoch: Int32 = -1
    /// The text that the consumer committed with the offset.
    package var metadata: String? = ""
    package var errorCode: Int16 = 0

    package init() {}

    package init(
      partitionIndex: Int32 = 0, committedOffset: Int64 = -1, committedLeaderEpoch: Int32 = -1,
      metadata: String? = "", errorCode: Int16 = 0
    ) {
      self.partitionIndex = partitionIndex
      self.committedOffset = committedOffset
      self.committedLeaderEpoch = committedLeaderEpoch
      self.metadata = metadata
      self.errorCode = errorCode
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int32(&partitionIndex)
      try coder.int64(&committedOffset)
      if coder.version >= 5 { try coder.int32(&committedLeaderEpoch) }
      try coder.nullableString(&metadata)
      try coder.int16(&errorCode)
      try coder.endOfStruct()
    }
  }
}
