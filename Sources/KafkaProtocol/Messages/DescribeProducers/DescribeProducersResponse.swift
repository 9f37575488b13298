/// What partitions know of their producers.
package struct DescribeProducersResponse: WireMessage {
  package static var flexibleSince: Int16 { 0 }

  package var throttleTimeMs: Int32 = 0
  package var topics: [TopicResponse] = []

  package init() {}

  package init(throttleTimeMs: Int32 = 0, topics: [TopicResponse] = []) {
    self.throttleTimeMs = throttleTimeMs
    self.topics = topics
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.int32(&throttleTimeMs)
    try coder.array(&topics)
    try coder.endOfStruct()
  }
}

extension DescribeProducersResponse {
  /// One topic's partitions.
  package struct TopicResponse: WireStruct {
    package var name: String = ""
    package var partitions: [PartitionResponse] = []

    package init() {}

    package init(name: String = "", partitions: [PartitionResponse] = []) {
      self.name = name
      self.partitions = partitions
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.array(&partitions)
      try coder.endOfStruct()
    }
  }

  /// The producers of a partition.
  package struct PartitionResponse: WireStruct {
    package var partitionIndex: Int32 = 0
    package var errorCode: Int16 = 0
    package var errorMessage: String? = nil
    package var activeProducers: [ProducerState] = []

    package init() {}

    package init(
      partitionIndex: Int32 = 0, errorCode: Int16 = 0, errorMessage: String? = nil,
      activeProducers: [ProducerState] = []
    ) {
      self.partitionIndex = partitionIndex
      self.errorCode = errorCode
      self.errorMessage = errorMessage
      self.activeProducers = activeProducers
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int32(&partitionIndex)
      try coder.int16(&errorCode)
      try coder.nullableString(&errorMessage)
      try coder.array(&activeProducers)
      try coder.endOfStruct()
    }
  }

  /// A producer, as its last batch left it.
  package struct ProducerState: WireStruct {
    package var producerId: Int64 = 0
    package var producerEpoch: Int32 = 0
    package var lastSequence: Int32 = -1
    /// Milliseconds since 1970.
    package var lastTimestamp: Int64 = -1
    package var coordinatorEpoch: Int32 = 0
    /// -1 where no transaction is open.
    package var currentTxnStartOffset: Int64 = -1

    package init() {}

    package init(
      producerId: Int64 = 0, producerEpoch: Int32 = 0, lastSequence: Int32 = -1,
      lastTimestamp: Int64 = -1, coordinatorEpoch: Int32 = 0, currentTxnStartOffset: Int64 = -1
    ) {
      self.producerId = producerId
      self.producerEpoch = producerEpoch
      self.lastSequence = lastSequence
      self.lastTimestamp = lastTimestamp
      self.coordinatorEpoch = coordinatorEpoch
      self.currentTxnStartOffset = currentTxnStartOffset
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int64(&producerId)
      try coder.int32(&producerEpoch)
      try coder.int32(&lastSequence)
      try coder.int64(&lastTimestamp)
      try coder.int32(&coordinatorEpoch)
      try coder.int64(&currentTxnStartOffset)
      try coder.endOfStruct()
    }
  }
}
