/// Topics to delete, by name. Topic ids come with version 6.
package struct DeleteTopicsRequest: WireRequest {
  package typealias Response = DeleteTopicsResponse
  package static var api: APIKey { .deleteTopics }
  package static var versions: ClosedRange<Int16> { 1...5 }
  package static var flexibleSince: Int16 { 4 }

  package var topicNames: [String] = []
  package var timeoutMs: Int32 = 0

  package init() {}

  package init(topicNames: [String] = [], timeoutMs: Int32 = 0) {
    self.topicNames = topicNames
    self.timeoutMs = timeoutMs
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.stringArray(&topicNames)
    try coder.int32(&timeoutMs)
    try coder.endOfStruct()
  }
}
