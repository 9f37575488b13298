/// The cluster's brokers and topics.
package struct MetadataResponse: WireMessage {
  package static var flexibleSince: Int16 { 9 }

  package var throttleTimeMs: Int32 = 0
  package var brokers: [MetadataResponseBroker] = []
  package var clusterId: String? = nil
  package var controllerId: Int32 = -1
  package var topics: [MetadataResponseTopic] = []
  /// A bit for each operation; the least integer where it was not asked for. Since version 8.
  package var clusterAuthorizedOperations: Int32 = .min

  package init() {}

  package init(
    throttleTimeMs: Int32 = 0, brokers: [MetadataResponseBroker] = [], clusterId: String? = nil,
    controllerId: Int32 = -1, topics: [MetadataResponseTopic] = [],
    clusterAuthorizedOperations: Int32 = .min
  ) {
    self.throttleTimeMs = throttleTimeMs
    self.brokers = brokers
    self.clusterId = clusterId
    self.controllerId = controllerId
    self.topics = topics
    self.clusterAuthorizedOperations = clusterAuthorizedOperations
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    if coder.version >= 3 { try coder.int32(&throttleTimeMs) }
    try coder.array(&brokers)
    if coder.version >= 2 { try coder.nullableString(&clusterId) }
    if coder.version >= 1 { try coder.int32(&controllerId) }
    try coder.array(&topics)
    if (8...10).contains(coder.version) { try coder.int32(&clusterAuthorizedOperations) }
    try coder.endOfStruct()
  }
}

extension MetadataResponse {
  /// A broker, and where it listens.
  package struct MetadataResponseBroker: WireStruct {
    package var nodeId: Int32 = 0
    package var host: String = ""
    package var port: Int32 = 0
    package var rack: String? = nil

    package init() {}

    package init(nodeId: Int32 = 0, host: String = "", port: Int32 = 0, rack: String? = nil) {
      self.nodeId = nodeId
      self.host = host
      self.port = port
      self.rack = rack
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int32(&nodeId)
      try coder.string(&host)
      try coder.int32(&port)
      if coder.version >= 1 { try coder.nullableString(&rack) }
      try coder.endOfStruct()
    }
  }

  /// A topic.
  package struct MetadataResponseTopic: WireStruct {
    package var errorCode: Int16 = 0
    /// Empty, from version 12 on, for an id that is not known: null on the wire.
    package var name: String = ""
    /// Since version 10.
    package var topicId: UUIDBits = .zero
    package var isInternal: Bool = false
    package var partitions: [MetadataResponsePartition] = []
    /// A bit for each operation; the least integer where it was not asked for. Since version 8.
    package var topicAuthorizedOperations: Int32 = .min

    package init() {}

    package init(
      errorCode: Int16 = 0, name: String = "", topicId: UUIDBits = .zero,
      isInternal: Bool = false, partitions: [MetadataResponsePartition] = [],
      topicAuthorizedOperations: Int32 = .min
    ) {
      self.errorCode = errorCode
      self.name = name
      self.topicId = topicId
      self.isInternal = isInternal
      self.partitions = partitions
      self.topicAuthorizedOperations = topicAuthorizedOperations
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int16(&errorCode)
      try coder.string(&name, emptyIsNullSince: 12)
      if coder.version >= 10 { try coder.uuid(&topicId) }
      if coder.version >= 1 { try coder.bool(&isInternal) }
      try coder.array(&partitions)
      if coder.version >= 8 { try coder.int32(&topicAuthorizedOperations) }
      try coder.endOfStruct()
    }
  }

  /// A partition, and where it is.
  package struct MetadataResponsePartition: WireStruct {
    package var errorCode: Int16 = 0
    package var partitionIndex: Int32 = 0
    package var leaderId: Int32 = 0
    package var leaderEpoch: Int32 = -1
    package var replicaNodes: [Int32] = []
    package var isrNodes: [Int32] = []
    package var offlineReplicas: [Int32] = []

    package init() {}

    package init(
      errorCode: Int16 = 0, partitionIndex: Int32 = 0, leaderId: Int32 = 0,
      leaderEpoch: Int32 = -1, replicaNodes: [Int32] = [], isrNodes: [Int32] = [],
      offlineReplicas: [Int32] = []
    ) {
      self.errorCode = errorCode
      self.partitionIndex = partitionIndex
      self.leaderId = leaderId
      self.leaderEpoch = leaderEpoch
      self.replicaNodes = replicaNodes
      self.isrNodes = isrNodes
      self.offlineReplicas = offlineReplicas
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int16(&errorCode)
      try coder.int32(&partitionIndex)
      try coder.int32(&leaderId)
      if coder.version >= 7 { try coder.int32(&leaderEpoch) }
      try coder.int32Array(&replicaNodes)
      try coder.int32Array(&isrNodes)
      if coder.version >= 5 { try coder.int32Array(&offlineReplicas) }
      try coder.endOfStruct()
    }
  }
}
