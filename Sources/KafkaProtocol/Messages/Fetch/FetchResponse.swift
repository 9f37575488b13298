/// What was read.
package struct FetchResponse: WireMessage {
  package static var flexibleSince: Int16 { 12 }

  package var throttleTimeMs: Int32 = 0
  package var errorCode: Int16 = 0
  /// 0 for no session. Since version 7.
  package var sessionId: Int32 = 0
  package var responses: [FetchableTopicResponse] = []

  package init() {}

  package init(
    throttleTimeMs: Int32 = 0, errorCode: Int16 = 0, sessionId: Int32 = 0,
    responses: [FetchableTopicResponse] = []
  ) {
    self.throttleTimeMs = throttleTimeMs
    self.errorCode = errorCode
    self.sessionId = sessionId
    self.responses = responses
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.int32(&throttleTimeMs)
    if coder.version >= 7 {
      try coder.int16(&errorCode)
      try coder.int32(&sessionId)
    }
    try coder.array(&responses)
    try coder.endOfStruct()
  }
}

extension FetchResponse {
  /// What was read of one topic.
  package struct FetchableTopicResponse: WireStruct {
    package var topic: String = ""
    package var partitions: [PartitionData] = []

    package init() {}

    package init(topic: String = "", partitions: [PartitionData] = []) {
      self.topic = topic
      self.partitions = partitions
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&topic)
      try coder.array(&partitions)
      try coder.endOfStruct()
    }
  }

  /// What was read of one partition.
  package struct PartitionData: WireStruct {
    package var partitionIndex: Int32 = 0
    package var errorCode: Int16 = 0
    package var highWatermark: Int64 = 0
    /// The end of what a reader of committed records may see.
    package var lastStableOffset: Int64 = -1
    package var logStartOffset: Int64 = -1
    package var divergingEpoch: EpochEndOffset = EpochEndOffset()
    package var currentLeader: LeaderIdAndEpoch = LeaderIdAndEpoch()
    package var snapshotId: SnapshotId = SnapshotId()
    /// Nil for a reader that does not ask for committed records only.
    package var abortedTransactions: [AbortedTransaction]? = []
    package var preferredReadReplica: Int32 = -1
    package var records: RecordsField = .null

    package init() {}

    package init(
      partitionIndex: Int32 = 0, errorCode: Int16 = 0, highWatermark: Int64 = 0,
      lastStableOffset: Int64 = -1, logStartOffset: Int64 = -1,
      divergingEpoch: EpochEndOffset = EpochEndOffset(),
      currentLeader: LeaderIdAndEpoch = LeaderIdAndEpoch(),
      snapshotId: SnapshotId = SnapshotId(), abortedTransactions: [AbortedTransaction]? = [],
      preferredReadReplica: Int32 = -1, records: RecordsField = .null
    ) {
      self.partitionIndex = partitionIndex
      self.errorCode = errorCode
      self.highWatermark = highWatermark
      self.lastStableOffset = lastStableOffset
      self.logStartOffset = logStartOffset
      self.divergingEpoch = divergingEpoch
      self.currentLeader = currentLeader
      self.snapshotId = snapshotId
      self.abortedTransactions = abortedTransactions
      self.preferredReadReplica = preferredReadReplica
      self.records = records
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int32(&partitionIndex)
      try coder.int16(&errorCode)
      try coder.int64(&highWatermark)
      try coder.int64(&lastStableOffset)
      if coder.version >= 5 { try coder.int64(&logStartOffset) }
      try coder.nullableArray(&abortedTransactions)
      if coder.version >= 11 { try coder.int32(&preferredReadReplica) }
      try coder.records(&records)
      try coder.endOfStruct([
        TaggedField(0, isSet: divergingEpoch != EpochEndOffset()),
        TaggedField(1, isSet: currentLeader != LeaderIdAndEpoch()),
        TaggedField(2, isSet: snapshotId != SnapshotId()),
      ]) { (tag, coder) throws(WireError) in
        switch tag {
        case 0: try coder.structure(&divergingEpoch)
        case 1: try coder.structure(&currentLeader)
        case 2: try coder.structure(&snapshotId)
        default: break
        }
      }
    }
  }

  /// Where a follower's log goes apart from its leader's.
  package struct EpochEndOffset: WireStruct {
    package var epoch: Int32 = -1
    package var endOffset: Int64 = -1

    package init() {}

    package init(epoch: Int32 = -1, endOffset: Int64 = -1) {
      self.epoch = epoch
      self.endOffset = endOffset
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int32(&epoch)
      try coder.int64(&endOffset)
      try coder.endOfStruct()
    }
  }

  /// The partition's leader.
  package struct LeaderIdAndEpoch: WireStruct {
    package var leaderId: Int32 = -1
    package var leaderEpoch: Int32 = -1

    package init() {}

    package init(leaderId: Int32 = -1, leaderEpoch: Int32 = -1) {
      self.leaderId = leaderId
      self.leaderEpoch = leaderEpoch
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int32(&leaderId)
      try coder.int32(&leaderEpoch)
      try coder.endOfStruct()
    }
  }

  /// The snapshot that a follower of the metadata log is to fetch.
  package struct SnapshotId: WireStruct {
    package var endOffset: Int64 = -1
    package var epoch: Int32 = -1

    package init() {}

    package init(endOffset: Int64 = -1, epoch: Int32 = -1) {
      self.endOffset = endOffset
      self.epoch = epoch
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int64(&endOffset)
      try coder.int32(&epoch)
      try coder.endOfStruct()
    }
  }

  /// A transaction whose records a reader of committed ones leaves out.
  package struct AbortedTransaction: WireStruct {
    package var producerId: Int64 = 0
    package var firstOffset: Int64 = 0

    package init() {}

    package init(producerId: Int64 = 0, firstOffset: Int64 = 0) {
      self.producerId = producerId
      self.firstOffset = firstOffset
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int64(&producerId)
      try coder.int64(&firstOffset)
      try coder.endOfStruct()
    }
  }
}
