/// Batches to append. With `acks` 0 there is no response.
package struct ProduceRequest: WireRequest {
  package typealias Response = ProduceResponse
  package static var apiNumber: Int16 { 0 }
  package static var versions: ClosedRange<Int16> { 0...9 }
  package static var flexibleSince: Int16 { 9 }

  package var transactionalId: String? = nil
  /// 0 for none, 1 for the leader, -1 for all replicas in sync.
  package var acks: Int16 = 0
  package var timeoutMs: Int32 = 0
  package var topicData: [TopicProduceData] = []

  package init() {}

  package init(
    transactionalId: String? = nil, acks: Int16 = 0, timeoutMs: Int32 = 0,
    topicData: [TopicProduceData] = []
  ) {
    self.transactionalId = transactionalId
    self.acks = acks
    self.timeoutMs = timeoutMs
    self.topicData = topicData
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    if coder.version >= 3 { try coder.nullableString(&transactionalId) }
    try coder.int16(&acks)
    try coder.int32(&timeoutMs)
    try coder.array(&topicData)
    try coder.endOfStruct()
  }
}

extension ProduceRequest {
  /// The batches for one topic.
  package struct TopicProduceData: WireStruct {
    package var name: String = ""
    package var partitionData: [PartitionProduceData] = []

    package init() {}

    package init(name: String = "", partitionData: [PartitionProduceData] = []) {
      self.name = name
      self.partitionData = partitionData
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.array(&partitionData)
      try coder.endOfStruct()
    }
  }

  /// The batches for one partition.
  package struct PartitionProduceData: WireStruct {
    package var index: Int32 = 0
    /// In versions 3 and above exactly one batch of format 2.
    package var records: RecordsField = .null

    package init() {}

    package init(index: Int32 = 0, records: RecordsField = .null) {
      self.index = index
      self.records = records
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int32(&index)
      try coder.records(&records)
      try coder.endOfStruct()
    }
  }
}
