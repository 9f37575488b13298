/// A client's choice of a SASL mechanism (KIP-43).
package struct SaslHandshakeRequest: WireRequest {
  package typealias Response = SaslHandshakeResponse
  package static var apiNumber: Int16 { 17 }
  package static var versions: ClosedRange<Int16> { 0...1 }
  package static var flexibleSince: Int16 { .max }

  package var mechanism: String = ""

  package init() {}

  package init(mechanism: String) { self.mechanism = mechanism }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.string(&mechanism)
    try coder.endOfStruct()
  }
}
