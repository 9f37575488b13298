/// The cluster's brokers.
package struct DescribeClusterResponse: WireMessage {
  package static var flexibleSince: Int16 { 0 }

  package var throttleTimeMs: Int32 = 0
  package var errorCode: Int16 = 0
  package var errorMessage: String? = nil
  /// 1 for brokers, 2 for controllers. Since version 1.
  package var endpointType: Int8 = 1
  package var clusterId: String = ""
  package var controllerId: Int32 = -1
  package var brokers: [DescribeClusterBroker] = []
  /// A bit for each operation; the least integer where it was not asked for.
  package var clusterAuthorizedOperations: Int32 = .min

  package init() {}

  package init(
    throttleTimeMs: Int32 = 0, errorCode: Int16 = 0, errorMessage: String? = nil,
    endpointType: Int8 = 1, clusterId: String = "", controllerId: Int32 = -1,
    brokers: [DescribeClusterBroker] = [], clusterAuthorizedOperations: Int32 = .min
  ) {
    self.throttleTimeMs = throttleTimeMs
    self.errorCode = errorCode
    self.errorMessage = errorMessage
    self.endpointType = endpointType
    self.clusterId = clusterId
    self.controllerId = controllerId
    self.brokers = brokers
    self.clusterAuthorizedOperations = clusterAuthorizedOperations
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.int32(&throttleTimeMs)
    try coder.int16(&errorCode)
    try coder.nullableString(&errorMessage)
    if coder.version >= 1 { try coder.int8(&endpointType) }
    try coder.string(&clusterId)
    try coder.int32(&controllerId)
    try coder.array(&brokers)
    try coder.int32(&clusterAuthorizedOperations)
    try coder.endOfStruct()
  }
}

extension DescribeClusterResponse {
  /// A broker, and where it listens.
  package struct DescribeClusterBroker: WireStruct {
    package var brokerId: Int32 = 0
    package var host: String = ""
    package var port: Int32 = 0
    package var rack: String? = nil

    package init() {}

    package init(brokerId: Int32 = 0, host: String = "", port: Int32 = 0, rack: String? = nil) {
      self.brokerId = brokerId
      self.host = host
      self.port = port
      self.rack = rack
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int32(&brokerId)
      try coder.string(&host)
      try coder.int32(&port)
      try coder.nullableString(&rack)
      try coder.endOfStruct()
    }
  }
}
