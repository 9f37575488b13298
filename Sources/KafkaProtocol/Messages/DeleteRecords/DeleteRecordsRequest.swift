/// Partitions whose records below an offset are to be deleted.
package struct DeleteRecordsRequest: WireRequest {
  package typealias Response = DeleteRecordsResponse
  package static var apiNumber: Int16 { 21 }
  package static var versions: ClosedRange<Int16> { 0...2 }
  package static var flexibleSince: Int16 { 2 }

  package var topics: [DeleteRecordsTopic] = []
  package var timeoutMs: Int32 = 0

  package init() {}

  package init(topics: [DeleteRecordsTopic] = [], timeoutMs: Int32 = 0) {
    self.topics = topics
    self.timeoutMs = timeoutMs
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.array(&topics)
    try coder.int32(&timeoutMs)
    try coder.endOfStruct()
  }
}

extension DeleteRecordsRequest {
  /// One topic's partitions.
  package struct DeleteRecordsTopic: WireStruct {
    package var name: String = ""
    package var partitions: [DeleteRecordsPartition] = []

    package init() {}

    package init(name: String = "", partitions: [DeleteRecordsPartition] = []) {
      self.name = name
      self.partitions = partitions
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.array(&partitions)
      try coder.endOfStruct()
    }
  }

  /// One partition, and the offset below which its records go.
  package struct DeleteRecordsPartition: WireStruct {
    package var partitionIndex: Int32 = 0
    /// -1 for the high watermark.
    package var offset: Int64 = 0

    package init() {}

    package init(partitionIndex: Int32 = 0, offset: Int64 = 0) {
      self.partitionIndex = partitionIndex
      self.offset = offset
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int32(&partitionIndex)
      try coder.int64(&offset)
      try coder.endOfStruct()
    }
  }
}
