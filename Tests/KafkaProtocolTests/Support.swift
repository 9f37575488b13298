import KafkaProtocol
import Testing

/// Puts the bytes of the frame that a message was decoded from in the place of their positions.
private struct RecordsResolver: FieldCoder {
  let version: Int16
  let isFlexible: Bool
  /// Without the length.
  let frame: [UInt8]

  mutating func bool(_ value: inout Bool) {}
  mutating func int8(_ value: inout Int8) {}
  mutating func int16(_ value: inout Int16) {}
  mutating func int32(_ value: inout Int32) {}
  mutating func int64(_ value: inout Int64) {}
  mutating func uuid(_ value: inout UUIDBits) {}
  mutating func string(_ value: inout String) {}
  mutating func nullableString(_ value: inout String?) {}
  mutating func bytes(_ value: inout [UInt8]) {}
  mutating func nullableBytes(_ value: inout [UInt8]?) {}
  mutating func int32Array(_ value: inout [Int32]) {}
  mutating func int64Array(_ value: inout [Int64]) {}
  mutating func stringArray(_ value: inout [String]) {}
  mutating func nullableStringArray(_ value: inout [String]?) {}

  mutating func records(_ value: inout RecordsField) {
    if case .range(let range) = value { value = .bytes([UInt8](frame[range])) }
  }

  mutating func array<Element: WireStruct>(_ value: inout [Element]) throws(WireError) {
    for index in value.indices { try value[index].fields(&self) }
  }

  mutating func nullableArray<Element: WireStruct>(
    _ value: inout [Element]?
  ) throws(WireError) {
    guard var present = value else { return }
    try array(&present)
    value = present
  }

  mutating func endOfStruct(
    _ known: [TaggedField],
    _ field: (_ tag: UInt32, _ coder: inout RecordsResolver) throws(WireError) -> Void
  ) throws(WireError) {}
}

private func resolved<Message: WireMessage>(
  _ message: Message, version: Int16, in frame: [UInt8]
) throws(WireError) -> Message {
  var message = message
  var coder = RecordsResolver(
    version: version, isFlexible: version >= Message.flexibleSince, frame: frame)
  try message.fields(&coder)
  return message
}

extension WireRequest {
  /// Decodes header and body of a frame without its length, as a broker would. Records are bytes.
  static func decodeWhole(
    _ frame: [UInt8], version: Int16
  ) throws(WireError) -> (header: RequestHeader, request: Self) {
    let (header, bodyStart) = try RequestHeader.decode(frame.span.bytes)
    let request = try decode(frame.span.bytes, from: bodyStart, version: version)
    return (header, try resolved(request, version: version, in: frame))
  }

  /// Decodes a response's frame without its length. Records are bytes.
  static func decodeWholeResponse(
    _ frame: [UInt8], version: Int16
  ) throws(WireError) -> (correlationId: Int32, response: Response) {
    let (correlationId, response) = try decodeResponse(frame.span.bytes, version: version)
    return (correlationId, try resolved(response, version: version, in: frame))
  }

  static func frame(_ request: Self, version: Int16) -> [UInt8] {
    Array(
      encodeRequest(request, version: version, correlationId: 7, clientId: "client")
        .dropFirst(4))
  }

  static func frame(response: Response, version: Int16) -> [UInt8] {
    let encoded = EncodedResponse(response, to: Self.self, version: version, correlationId: 7)
    #expect(encoded.gaps.isEmpty)
    return Array(encoded.bytes.dropFirst(4))
  }
}

/// Every API in every version that is spoken.
let allVersions: [(api: APIKey, version: Int16)] =
  APIKey.allCases.flatMap { api in api.versions.map { (api, $0) } }

/// The length that a frame begins with.
func announcedByteCount(_ frame: [UInt8]) -> Int {
  frame.prefix(4).reduce(0) { $0 << 8 | Int($1) }
}
