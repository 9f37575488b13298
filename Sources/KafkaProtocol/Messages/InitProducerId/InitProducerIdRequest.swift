/// A producer's question for its id, with which its batches are numbered.
package struct InitProducerIdRequest: WireRequest {
  package typealias Response = InitProducerIdResponse
  package static var apiNumber: Int16 { 22 }
  package static var versions: ClosedRange<Int16> { 0...4 }
  package static var flexibleSince: Int16 { 2 }

  /// Nil for a producer without transactions.
  package var transactionalId: String? = nil
  package var transactionTimeoutMs: Int32 = 0
  package var producerId: Int64 = -1
  package var producerEpoch: Int16 = -1

  package init() {}

  package init(
    transactionalId: String? = nil, transactionTimeoutMs: Int32 = 0, producerId: Int64 = -1,
    producerEpoch: Int16 = -1
  ) {
    self.transactionalId = transactionalId
    self.transactionTimeoutMs = transactionTimeoutMs
    self.producerId = producerId
    self.producerEpoch = producerEpoch
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.nullableString(&transactionalId)
    try coder.int32(&transactionTimeoutMs)
    if coder.version >= 3 {
      try coder.int64(&producerId)
      try coder.int16(&producerEpoch)
    }
    try coder.endOfStruct()
  }
}
