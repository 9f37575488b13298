/// Topics to create.
package struct CreateTopicsRequest: WireRequest {
  package typealias Response = CreateTopicsResponse
  package static var apiNumber: Int16 { 19 }
  package static var versions: ClosedRange<Int16> { 2...7 }
  package static var flexibleSince: Int16 { 5 }

  package var topics: [CreatableTopic] = []
  package var timeoutMs: Int32 = 60000
  package var validateOnly: Bool = false

  package init() {}

  package init(
    topics: [CreatableTopic] = [], timeoutMs: Int32 = 60000, validateOnly: Bool = false
  ) {
    self.topics = topics
    self.timeoutMs = timeoutMs
    self.validateOnly = validateOnly
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.array(&topics)
    try coder.int32(&timeoutMs)
    try coder.bool(&validateOnly)
    try coder.endOfStruct()
  }
}

extension CreateTopicsRequest {
  /// A topic to create.
  package struct CreatableTopic: WireStruct {
    package var name: String = ""
    /// -1 for the broker's default, or where `assignments` says it.
    package var numPartitions: Int32 = 0
    /// -1 for the broker's default, or where `assignments` says it.
    package var replicationFactor: Int16 = 0
    /// Empty for the broker's choice.
    package var assignments: [CreatableReplicaAssignment] = []
    package var configs: [CreatableTopicConfig] = []

    package init() {}

    package init(
      name: String = "", numPartitions: Int32 = 0, replicationFactor: Int16 = 0,
      assignments: [CreatableReplicaAssignment] = [], configs: [CreatableTopicConfig] = []
    ) {
      self.name = name
      self.numPartitions = numPartitions
      self.replicationFactor = replicationFactor
      self.assignments = assignments
      self.configs = configs
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.int32(&numPartitions)
      try coder.int16(&replicationFactor)
      try coder.array(&assignments)
      try coder.array(&configs)
      try coder.endOfStruct()
    }
  }

  /// Which brokers have a partition.
  package struct CreatableReplicaAssignment: WireStruct {
    package var partitionIndex: Int32 = 0
    package var brokerIds: [Int32] = []

    package init() {}

    package init(partitionIndex: Int32 = 0, brokerIds: [Int32] = []) {
      self.partitionIndex = partitionIndex
      self.brokerIds = brokerIds
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int32(&partitionIndex)
      try coder.int32Array(&brokerIds)
      try coder.endOfStruct()
    }
  }

  /// A setting of a new topic.
  package struct CreatableTopicConfig: WireStruct {
    package var name: String = ""
    package var value: String? = nil

    package init() {}

    package init(name: String = "", value: String? = nil) {
      self.name = name
      self.value = value
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.nullableString(&value)
      try coder.endOfStruct()
    }
  }
}
