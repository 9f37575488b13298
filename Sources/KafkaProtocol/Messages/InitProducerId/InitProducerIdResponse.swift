/// A producer's id and epoch.
package struct InitProducerIdResponse: WireMessage {
  package static var flexibleSince: Int16 { 2 }

  package var throttleTimeMs: Int32 = 0
  package var errorCode: Int16 = 0
  package var producerId: Int64 = -1
  package var producerEpoch: Int16 = 0

  package init() {}

  package init(
    throttleTimeMs: Int32 = 0, errorCode: Int16 = 0, producerId: Int64 = -1,
    producerEpoch: Int16 = 0
  ) {
    self.throttleTimeMs = throttleTimeMs
    self.errorCode = errorCode
    self.producerId = producerId
    self.producerEpoch = producerEpoch
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.int32(&throttleTimeMs)
    try coder.int16(&errorCode)
    try coder.int64(&producerId)
    try coder.int16(&producerEpoch)
    try coder.endOfStruct()
  }
}
