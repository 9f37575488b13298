/// Which brokers are there?
package struct DescribeClusterRequest: WireRequest {
  package typealias Response = DescribeClusterResponse
  package static var apiNumber: Int16 { 60 }
  package static var versions: ClosedRange<Int16> { 0...1 }
  package static var flexibleSince: Int16 { 0 }

  package var includeClusterAuthorizedOperations: Bool = false
  /// 1 for brokers, 2 for controllers. Since version 1.
  package var endpointType: Int8 = 1

  package init() {}

  package init(includeClusterAuthorizedOperations: Bool = false, endpointType: Int8 = 1) {
    self.includeClusterAuthorizedOperations = includeClusterAuthorizedOperations
    self.endpointType = endpointType
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.bool(&includeClusterAuthorizedOperations)
    if coder.version >= 1 { try coder.int8(&endpointType) }
    try coder.endOfStruct()
  }
}
