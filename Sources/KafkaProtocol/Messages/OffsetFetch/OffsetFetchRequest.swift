/// Asks for the offsets that a consumer group has committed.
package struct OffsetFetchRequest: WireRequest {
  package typealias Response = OffsetFetchResponse
  package static var apiNumber: Int16 { 9 }
  package static var versions: ClosedRange<Int16> { 0...7 }
  package static var flexibleSince: Int16 { 6 }

  package var groupId: String = ""
  /// Nil for every partition that the group has an offset for, since version 2.
  package var topics: [OffsetFetchRequestTopic]? = []
  /// True to wait for open transactions instead of reading past them. Since version 7.
  package var requireStable: Bool = false

  package init() {}

  package init(
    groupId: String = "", topics: [OffsetFetchRequestTopic]? = [], requireStable: Bool = false
  ) {
    self.groupId = groupId
    self.topics = topics
    self.requireStable = requireStable
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.string(&groupId)
    try coder.nullableArray(&topics, since: 2)
    if coder.version >= 7 { try coder.bool(&requireStable) }
    try coder.endOfStruct()
  }
}

extension OffsetFetchRequest {
  /// One topic's partitions.
  package struct OffsetFetchRequestTopic: WireStruct {
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
