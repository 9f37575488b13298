/// Whether each offset is committed.
package struct OffsetCommitResponse: WireMessage {
  package static var flexibleSince: Int16 { 8 }

  package var throttleTimeMs: Int32 = 0
  package var topics: [OffsetCommitResponseTopic] = []

  package init() {}

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    if coder.version >= 3 { try coder.int32(&throttleTimeMs) }
    try coder.array(&topics)
    try coder.endOfStruct()
  }
}

extension OffsetCommitResponse {
  /// One topic's partitions.
  package struct OffsetCommitResponseTopic: WireStruct {
    package var name: String = ""
    package var partitions: [OffsetCommitResponsePartition] = []

    package init() {}

    package init(name: String, partitions: [OffsetCommitResponsePartition]) {
      self.name = name
      self.partitions = partitions
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.array(&partitions)
      try coder.endOfStruct()
    }
  }

  /// One partition's outcome.
  package struct OffsetCommitResponsePartition: WireStruct {
    package var partitionIndex: Int32 = 0
    package var errorCode: Int16 = 0

    package init() {}

    package init(partitionIndex: Int32, errorCode: Int16) {
      self.partitionIndex = partitionIndex
      self.errorCode = errorCode
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int32(&partitionIndex)
      try coder.int16(&errorCode)
      try coder.endOfStruct()
    }
  }
}
