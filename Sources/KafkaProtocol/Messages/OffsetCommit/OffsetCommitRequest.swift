/// Commits a consumer group's offsets.
package struct OffsetCommitRequest: WireRequest {
  package typealias Response = OffsetCommitResponse
  package static var apiNumber: Int16 { 8 }
  package static var versions: ClosedRange<Int16> { 0...9 }
  package static var flexibleSince: Int16 { 8 }

  package var groupId: String = ""
  /// -1 for a consumer that is no member. Since version 1.
  package var generationIdOrMemberEpoch: Int32 = -1
  /// Since version 1.
  package var memberId: String = ""
  /// A static member's own name. Since version 7.
  package var groupInstanceId: String? = nil
  /// -1 for the broker's. Versions 2 to 4.
  package var retentionTimeMs: Int64 = -1
  package var topics: [OffsetCommitRequestTopic] = []

  package init() {}

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.string(&groupId)
    if coder.version >= 1 {
      try coder.int32(&generationIdOrMemberEpoch)
      try coder.string(&memberId)
    }
    if coder.version >= 7 { try coder.nullableString(&groupInstanceId) }
    if (2...4).contains(coder.version) { try coder.int64(&retentionTimeMs) }
    try coder.array(&topics)
    try coder.endOfStruct()
  }
}

extension OffsetCommitRequest {
  /// One topic's offsets.
  package struct OffsetCommitRequestTopic: WireStruct {
    package var name: String = ""
    package var partitions: [OffsetCommitRequestPartition] = []

    package init() {}

    package init(name: String, partitions: [OffsetCommitRequestPartition]) {
      self.name = name
      self.partitions = partitions
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.array(&partitions)
      try coder.endOfStruct()
    }
  }

  /// The offset to read next in one partition.
  package struct OffsetCommitRequestPartition: WireStruct {
    package var partitionIndex: Int32 = 0
    package var committedOffset: Int64 = 0
    /// -1 where it is not known. Since version 6.
    package var committedLeaderEpoch: Int32 = -1
    /// Milliseconds since 1970; -1 for now. Version 1 only.
    package var commitTimestamp: Int64 = -1
    /// Any text of the consumer's.
    package var committedMetadata: String? = ""

    package init() {}

    package init(partitionIndex: Int32, committedOffset: Int64) {
      self.partitionIndex = partitionIndex
      self.committedOffset = committedOffset
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int32(&partitionIndex)
      try coder.int64(&committedOffset)
      if coder.version >= 6 { try coder.int32(&committedLeaderEpoch) }
      if coder.version == 1 { try coder.int64(&commitTimestamp) }
      try coder.nullableString(&committedMetadata)
      try coder.endOfStruct()
    }
  }
}
