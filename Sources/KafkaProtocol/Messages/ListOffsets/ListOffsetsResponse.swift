/// The offsets that were asked for.
package struct ListOffsetsResponse: WireMessage {
  package static var flexibleSince: Int16 { 6 }

  package var throttleTimeMs: Int32 = 0
  package var topics: [ListOffsetsTopicResponse] = []

  package init() {}

  package init(throttleTimeMs: Int32 = 0, topics: [ListOffsetsTopicResponse] = []) {
    self.throttleTimeMs = throttleTimeMs
    self.topics = topics
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    if coder.version >= 2 { try coder.int32(&throttleTimeMs) }
    try coder.array(&topics)
    try coder.endOfStruct()
  }
}

extension ListOffsetsResponse {
  /// One topic's offsets.
  package struct ListOffsetsTopicResponse: WireStruct {
    package var name: String = ""
    package var partitions: [ListOffsetsPartitionResponse] = []

    package init() {}

    package init(name: String = "", partitions: [ListOffsetsPartitionResponse] = []) {
      self.name = name
      self.partitions = partitions
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.array(&partitions)
      try coder.endOfStruct()
    }
  }

  /// One partition's offset.
  package struct ListOffsetsPartitionResponse: WireStruct {
    package var partitionIndex: Int32 = 0
    package var errorCode: Int16 = 0
    /// The offsets. Version 0 only, which has none of the fields below.
    package var oldStyleOffsets: [Int64] = []
    /// The found record's, in milliseconds since 1970; -1 where none was found or asked for.
    package var timestamp: Int64 = -1
    /// -1 where none was found.
    package var offset: Int64 = -1
    package var leaderEpoch: Int32 = -1

    package init() {}

    package init(
      partitionIndex: Int32 = 0, errorCode: Int16 = 0, timestamp: Int64 = -1,
      offset: Int64 = -1, leaderEpoch: Int32 = -1
    ) {
      self.partitionIndex = partitionIndex
      self.errorCode = errorCode
      self.timestamp = timestamp
      self.offset = offset
      self.leaderEpoch = leaderEpoch
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int32(&partitionIndex)
      try coder.int16(&errorCode)
      if coder.version == 0 {
        try coder.int64Array(&oldStyleOffsets)
      } else {
        try coder.int64(&timestamp)
        try coder.int64(&offset)
      }
      if coder.version >= 4 { try coder.int32(&leaderEpoch) }
      try coder.endOfStruct()
    }
  }
}
