/// Batches to read, in the order of the partitions here.
package struct FetchRequest: WireRequest {
  package typealias Response = FetchResponse
  package static var apiNumber: Int16 { 1 }
  package static var versions: ClosedRange<Int16> { 4...12 }
  package static var flexibleSince: Int16 { 12 }

  package var clusterId: String? = nil
  /// -1 for a consumer.
  package var replicaId: Int32 = -1
  package var maxWaitMs: Int32 = 0
  /// The response waits for so many bytes, at most `maxWaitMs` long.
  package var minBytes: Int32 = 0
  package var maxBytes: Int32 = .max
  /// 0 for read_uncommitted, 1 for read_committed.
  package var isolationLevel: Int8 = 0
  /// 0 for none. Since version 7.
  package var sessionId: Int32 = 0
  /// -1 for no session, 0 for a new one. Since version 7.
  package var sessionEpoch: Int32 = -1
  package var topics: [FetchTopic] = []
  package var forgottenTopicsData: [ForgottenTopic] = []
  package var rackId: String = ""

  package init() {}

  package init(
    clusterId: String? = nil, replicaId: Int32 = -1, maxWaitMs: Int32 = 0, minBytes: Int32 = 0,
    maxBytes: Int32 = .max, isolationLevel: Int8 = 0, sessionId: Int32 = 0,
    sessionEpoch: Int32 = -1, topics: [FetchTopic] = [],
    forgottenTopicsData: [ForgottenTopic] = [], rackId: String = ""
  ) {
    self.clusterId = clusterId
    self.replicaId = replicaId
    self.maxWaitMs = maxWaitMs
    self.minBytes = minBytes
    self.maxBytes = maxBytes
    self.isolationLevel = isolationLevel
    self.sessionId = sessionId
    self.sessionEpoch = sessionEpoch
    self.topics = topics
    self.forgottenTopicsData = forgottenTopicsData
    self.rackId = rackId
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.int32(&replicaId)
    try coder.int32(&maxWaitMs)
    try coder.int32(&minBytes)
    try coder.int32(&maxBytes)
    try coder.int8(&isolationLevel)
    if coder.version >= 7 {
      try coder.int32(&sessionId)
      try coder.int32(&sessionEpoch)
    }
    try coder.array(&topics)
    if coder.version >= 7 { try coder.array(&forgottenTopicsData) }
    if coder.version >= 11 { try coder.string(&rackId) }
    try coder.endOfStruct([
      TaggedField(0, isSet: clusterId != nil)
    ]) { (tag, coder) throws(WireError) in
      switch tag {
      case 0: try coder.nullableString(&clusterId)
      default: break
      }
    }
  }
}

extension FetchRequest {
  /// What to read of one topic.
  package struct FetchTopic: WireStruct {
    package var topic: String = ""
    package var partitions: [FetchPartition] = []

    package init() {}

    package init(topic: String = "", partitions: [FetchPartition] = []) {
      self.topic = topic
      self.partitions = partitions
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&topic)
      try coder.array(&partitions)
      try coder.endOfStruct()
    }
  }

  /// Partitions that leave a fetch session.
  package struct ForgottenTopic: WireStruct {
    package var topic: String = ""
    package var partitions: [Int32] = []

    package init() {}

    package init(topic: String = "", partitions: [Int32] = []) {
      self.topic = topic
      self.partitions = partitions
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&topic)
      try coder.int32Array(&partitions)
      try coder.endOfStruct()
    }
  }

  /// What to read of one partition.
  package struct FetchPartition: WireStruct {
    package var partition: Int32 = 0
    /// -1 where it is not known. Since version 9.
    package var currentLeaderEpoch: Int32 = -1
    package var fetchOffset: Int64 = 0
    package var lastFetchedEpoch: Int32 = -1
    package var logStartOffset: Int64 = -1
    package var partitionMaxBytes: Int32 = 0

    package init() {}

    package init(
      partition: Int32 = 0, currentLeaderEpoch: Int32 = -1, fetchOffset: Int64 = 0,
      lastFetchedEpoch: Int32 = -1, logStartOffset: Int64 = -1, partitionMaxBytes: Int32 = 0
    ) {
      self.partition = partition
      self.currentLeaderEpoch = currentLeaderEpoch
      self.fetchOffset = fetchOffset
      self.lastFetchedEpoch = lastFetchedEpoch
      self.logStartOffset = logStartOffset
      self.partitionMaxBytes = partitionMaxBytes
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int32(&partition)
      if coder.version >= 9 { try coder.int32(&currentLeaderEpoch) }
      try coder.int64(&fetchOffset)
      if coder.version >= 12 { try coder.int32(&lastFetchedEpoch) }
      if coder.version >= 5 { try coder.int64(&logStartOffset) }
      try coder.int32(&partitionMaxBytes)
      try coder.endOfStruct()
    }
  }
}
