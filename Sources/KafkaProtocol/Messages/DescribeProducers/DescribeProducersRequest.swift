/// Which producers have written to these partitions? (KIP-664)
package struct DescribeProducersRequest: WireRequest {
  package typealias Response = DescribeProducersResponse
  package static var apiNumber: Int16 { 61 }
  package static var versions: ClosedRange<Int16> { 0...0 }
  package static var flexibleSince: Int16 { 0 }

  package var topics: [TopicRequest] = []

  package init() {}

  package init(topics: [TopicRequest] = []) { self.topics = topics }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.array(&topics)
    try coder.endOfStruct()
  }
}

extension DescribeProducersRequest {
  /// One topic's partitions.
  package struct TopicRequest: WireStruct {
    package var name: String = ""
    package var partitionIndexes: [Int32] = []

    package init() {}

    package init(name: String = "", partitionIndexes: [Int32] = []) {
      self.name = name
      self.partitionIndexes = partitionIndexes
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.int32Array(&partitionIndexes)
      try coder.endOfStruct()
    }
  }
}
