/// Where do these leader epochs end? A consumer finds out so whether the log was cut.
package struct OffsetForLeaderEpochRequest: WireRequest {
  package typealias Response = OffsetForLeaderEpochResponse
  package static var apiNumber: Int16 { 23 }
  package static var versions: ClosedRange<Int16> { 2...4 }
  package static var flexibleSince: Int16 { 4 }

  /// -1 for a consumer. Since version 3.
  package var replicaId: Int32 = -2
  package var topics: [OffsetForLeaderTopic] = []

  package init() {}

  package init(replicaId: Int32 = -2, topics: [OffsetForLeaderTopic] = []) {
    self.replicaId = replicaId
    self.topics = topics
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    if coder.version >= 3 { try coder.int32(&replicaId) }
    try coder.array(&topics)
    try coder.endOfStruct()
  }
}

extension OffsetForLeaderEpochRequest {
  /// One topic's partitions.
  package struct OffsetForLeaderTopic: WireStruct {
    package var topic: String = ""
    package var partitions: [OffsetForLeaderPartition] = []

    package init() {}

    package init(topic: String = "", partitions: [OffsetForLeaderPartition] = []) {
      self.topic = topic
      self.partitions = partitions
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&topic)
      try coder.array(&partitions)
      try coder.endOfStruct()
    }
  }

  /// One partition, and the leader epoch that is asked for.
  package struct OffsetForLeaderPartition: WireStruct {
    package var partition: Int32 = 0
    package var currentLeaderEpoch: Int32 = -1
    package var leaderEpoch: Int32 = 0

    package init() {}

    package init(partition: Int32 = 0, currentLeaderEpoch: Int32 = -1, leaderEpoch: Int32 = 0) {
      self.partition = partition
      self.currentLeaderEpoch = currentLeaderEpoch
      self.leaderEpoch = leaderEpoch
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int32(&partition)
      try coder.int32(&currentLeaderEpoch)
      try coder.int32(&leaderEpoch)
      try coder.endOfStruct()
    }
  }
}
