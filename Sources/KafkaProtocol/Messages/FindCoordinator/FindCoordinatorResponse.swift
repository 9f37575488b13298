/// The coordinator; a list of them from version 4.
package struct FindCoordinatorResponse: WireMessage {
  package static var flexibleSince: Int16 { 3 }

  package var throttleTimeMs: Int32 = 0
  package var errorCode: Int16 = 0
  package var errorMessage: String? = nil
  package var nodeId: Int32 = 0
  package var host: String = ""
  package var port: Int32 = 0
  /// Since version 4. The fields before it end with version 3.
  package var coordinators: [Coordinator] = []

  package init() {}

  package init(
    throttleTimeMs: Int32 = 0, errorCode: Int16 = 0, errorMessage: String? = nil,
    nodeId: Int32 = 0, host: String = "", port: Int32 = 0, coordinators: [Coordinator] = []
  ) {
    self.throttleTimeMs = throttleTimeMs
    self.errorCode = errorCode
    self.errorMessage = errorMessage
    self.nodeId = nodeId
    self.host = host
    self.port = port
    self.coordinators = coordinators
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    if coder.version >= 1 { try coder.int32(&throttleTimeMs) }
    if coder.version <= 3 { try coder.int16(&errorCode) }
    if (1...3).contains(coder.version) { try coder.nullableString(&errorMessage) }
    if coder.version <= 3 {
      try coder.int32(&nodeId)
      try coder.string(&host)
      try coder.int32(&port)
    }
    if coder.version >= 4 { try coder.array(&coordinators) }
    try coder.endOfStruct()
  }
}

extension FindCoordinatorResponse {
  /// The coordinator of one group or transaction.
  package struct Coordinator: WireStruct {
    package var key: String = ""
    package var nodeId: Int32 = 0
    package var host: String = ""
    package var port: Int32 = 0
    package var errorCode: Int16 = 0
    package var errorMessage: String? = nil

    package init() {}

    package init(
      key: String = "", nodeId: Int32 = 0, host: String = "", port: Int32 = 0,
      errorCode: Int16 = 0, errorMessage: String? = nil
    ) {
      self.key = key
      self.nodeId = nodeId
      self.host = host
      self.port = port
      self.errorCode = errorCode
      self.errorMessage = errorMessage
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&key)
      try coder.int32(&nodeId)
      try coder.string(&host)
      try coder.int32(&port)
      try coder.int16(&errorCode)
      try coder.nullableString(&errorMessage)
      try coder.endOfStruct()
    }
  }
}
