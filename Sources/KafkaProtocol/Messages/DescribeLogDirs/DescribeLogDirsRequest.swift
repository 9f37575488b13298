/// How large are these partitions' logs?
package struct DescribeLogDirsRequest: WireRequest {
  package typealias Response = DescribeLogDirsResponse
  package static var apiNumber: Int16 { 35 }
  package static var versions: ClosedRange<Int16> { 1...4 }
  package static var flexibleSince: Int16 { 2 }

  /// Nil for all.
  package var topics: [DescribableLogDirTopic]? = nil

  package init() {}

  package init(topics: [DescribableLogDirTopic]? = nil) {
    self.topics = topics
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.nullableArray(&topics)
    try coder.endOfStruct()
  }
}

extension DescribeLogDirsRequest {
  /// One topic's partitions.
  package struct DescribableLogDirTopic: WireStruct {
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
}
