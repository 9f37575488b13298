/// Which offset is the first at or after a time, or the log's first or next?
package struct ListOffsetsRequest: WireRequest {
  package typealias Response = ListOffsetsResponse
  package static var apiNumber: Int16 { 2 }
  package static var versions: ClosedRange<Int16> { 0...9 }
  package static var flexibleSince: Int16 { 6 }

  package var replicaId: Int32 = 0
  /// 0 for read_uncommitted, 1 for read_committed. Since version 2.
  package var isolationLevel: Int8 = 0
  package var topics: [ListOffsetsTopic] = []

  package init() {}

  package init(replicaId: Int32 = 0, isolationLevel: Int8 = 0, topics: [ListOffsetsTopic] = []) {
    self.replicaId = replicaId
    self.isolationLevel = isolationLevel
    self.topics = topics
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.int32(&replicaId)
    if coder.version >= 2 { try coder.int8(&isolationLevel) }
    try coder.array(&topics)
    try coder.endOfStruct()
  }
}

extension ListOffsetsRequest {
  /// One topic's partitions.
  package struct ListOffsetsTopic: WireStruct {
    package var name: String = ""
    package var partitions: [ListOffsetsPartition] = []

    package init() {}

    package init(name: String = "", partitions: [ListOffsetsPartition] = []) {
      self.name = name
      self.partitions = partitions
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.array(&partitions)
      try coder.endOfStruct()
    }
  }

  /// One partition, and the time that is asked for.
  package struct ListOffsetsPartition: WireStruct {
    package var partitionIndex: Int32 = 0
    package var currentLeaderEpoch: Int32 = -1
    /// Milliseconds since 1970; -1 for the next offset, -2 for the first, from version 7 -3 for the
    /// record with the greatest timestamp, from version 8 -4 for the first that is on the broker's
    /// own disk, from version 9 -5 for the last one in a remote storage.
    package var timestamp: Int64 = 0
    /// The most offsets to answer with. Version 0 only: later ones answer with one.
    package var maxNumOffsets: Int32 = 1

    package init() {}

    package init(partitionIndex: Int32 = 0, currentLeaderEpoch: Int32 = -1, timestamp: Int64 = 0) {
      self.partitionIndex = partitionIndex
      self.currentLeaderEpoch = currentLeaderEpoch
      self.timestamp = timestamp
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int32(&partitionIndex)
      if coder.version >= 4 { try coder.int32(&currentLeaderEpoch) }
      try coder.int64(&timestamp)
      if coder.version == 0 { try coder.int32(&maxNumOffsets) }
      try coder.endOfStruct()
    }
  }
}
