/// The SASL mechanisms that the broker accepts.
package struct SaslHandshakeResponse: WireMessage {
  package static var flexibleSince: Int16 { .max }

  /// A `KafkaError`.
  package var errorCode: Int16 = 0
  package var mechanisms: [String] = []

  package init() {}

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.int16(&errorCode)
    try coder.stringArray(&mechanisms)
    try coder.endOfStruct()
  }
}
