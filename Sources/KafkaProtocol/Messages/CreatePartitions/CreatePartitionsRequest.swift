/// Topics to give more partitions.
package struct CreatePartitionsRequest: WireRequest {
  package typealias Response = CreatePartitionsResponse
  package static var apiNumber: Int16 { 37 }
  package static var versions: ClosedRange<Int16> { 0...3 }
  package static var flexibleSince: Int16 { 2 }

  package var topics: [CreatePartitionsTopic] = []
  package var timeoutMs: Int32 = 0
  package var validateOnly: Bool = false

  package init() {}

  package init(
    topics: [CreatePartitionsTopic] = [], timeoutMs: Int32 = 0, validateOnly: Bool = false
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

extension CreatePartitionsRequest {
  /// A topic to give more partitions.
  package struct CreatePartitionsTopic: WireStruct {
    package var name: String = ""
    /// How many there are to be in all.
    package var count: Int32 = 0
    /// Nil for the broker's choice.
    package var assignments: [CreatePartitionsAssignment]? = nil

    package init() {}

    package init(
      name: String = "", count: Int32 = 0, assignments: [CreatePartitionsAssignment]? = nil
    ) {
      self.name = name
      self.count = count
      self.assignments = assignments
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.int32(&count)
      try coder.nullableArray(&assignments)
      try coder.endOfStruct()
    }
  }

  /// Which brokers have a new partition.
  package struct CreatePartitionsAssignment: WireStruct {
    package var brokerIds: [Int32] = []

    package init() {}

    package init(brokerIds: [Int32] = []) {
      self.brokerIds = brokerIds
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int32Array(&brokerIds)
      try coder.endOfStruct()
    }
  }
}
