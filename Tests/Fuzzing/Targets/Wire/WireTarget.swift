import KafkaProtocol
import LinuxIO

/// Bytes from a client, by the input's first byte: to the decoders of messages, or as frames to a broker.
struct WireTarget {
  private let isForBroker: Bool
  private let rest: [UInt8]

  init(_ input: [UInt8]) {
    var input = FuzzInput(input)
    isForBroker = input.bit()
    rest = input.rest()
  }

  func run() throws(FuzzViolation) {
    if isForBroker {
      try WireBroker.shared.serve(WireScript(rest))
    } else {
      try WireMessages(rest).run()
    }
  }

  /// What the input stands for.
  var description: String {
    if !isForBroker { return "\(WireMessages(rest))" }
    return WireScript(rest).frames.map { "\($0)" }.joined(separator: "\n")
  }
}

/// Messages: what decodes is encoded again to bytes that decode to the same, as a request and as a
/// response; decoding and encoding end, whatever the bytes are.
struct WireMessages: CustomStringConvertible {
  private let api: APIKey
  private let version: Int16
  private let bytes: [UInt8]

  init(_ input: [UInt8]) {
    var input = FuzzInput(input)
    api = input.api()
    // One past each end is a version that is not spoken.
    let versions = api.versions
    version = versions.lowerBound - 1 + Int16(input.below(versions.count + 2))
    bytes = input.rest()
  }

  var description: String { "\(api) version \(version): \(bytes)" }

  func run() throws(FuzzViolation) {
    checkHeader()
    try check(api.request)
  }

  /// A header of any bytes is one, or an error with a text.
  private func checkHeader() {
    do throws(WireError) { _ = try RequestHeader.decode(bytes.span.bytes) } catch { _ = "\(error)" }
  }

  private func check<R: WireRequest>(_ type: R.Type) throws(FuzzViolation) {
    if let request = try decoded({ () throws(WireError) in
      try R.decode(bytes.span.bytes, from: 0, version: version)
    }) {
      let found = WireRecords.inPlace(request, version: version, of: bytes)
      let frame = encodeRequest(found, version: version, correlationId: 7, clientId: "again")
      try require(try decodedRequest(R.self, frame), equals: found, "a request encoded again")
    }
    if let (number, response) = try decoded({ () throws(WireError) in
      try R.decodeResponse(bytes.span.bytes, version: version)
    }) {
      let found = WireRecords.inPlace(response, version: version, of: bytes)
      let frame = EncodedResponse(found, to: R.self, version: version, correlationId: number)
      try require(frame.gaps.isEmpty, "bytes have become a gap")
      try require(
        try decodedResponse(R.self, frame.bytes, version: version), equals: found,
        "a response encoded again")
    }
  }

  /// Nil where the bytes are no message; a version that is not spoken never is one.
  private func decoded<Value>(
    _ body: () throws(WireError) -> Value
  ) throws(FuzzViolation) -> Value? {
    let value: Value
    do throws(WireError) { value = try body() } catch {
      _ = "\(error)"
      return nil
    }
    try require(api.versions.contains(version), "\(api) version \(version) was decoded")
    return value
  }

  private func decodedRequest<R: WireRequest>(
    _ type: R.Type, _ frame: [UInt8]
  ) throws(FuzzViolation) -> R {
    let bytes = Array(frame.dropFirst(4))
    try require(WireFrame.announced(frame[...]), equals: bytes.count, "the frame's length")
    let header: RequestHeader
    let request: R
    do throws(WireError) {
      let start: Int
      (header, start) = try RequestHeader.decode(bytes.span.bytes)
      request = try R.decode(bytes.span.bytes, from: start, version: version)
    } catch {
      throw FuzzViolation("\(R.self) version \(version) does not decode again: \(error)")
    }
    try require(header.correlationId == 7 && header.clientId == "again", "another header")
    return WireRecords.inPlace(request, version: version, of: bytes)
  }
}

/// A response's body out of a whole frame, with its records.
func decodedResponse<R: WireRequest>(
  _ type: R.Type, _ frame: [UInt8], version: Int16
) throws(FuzzViolation) -> R.Response {
  let bytes = Array(frame.dropFirst(4))
  try require(WireFrame.announced(frame[...]), equals: bytes.count, "the frame's length")
  do throws(WireError) {
    let response = try R.decodeResponse(bytes.span.bytes, version: version).response
    return WireRecords.inPlace(response, version: version, of: bytes)
  } catch {
    throw FuzzViolation("a \(R.Response.self) version \(version) does not decode: \(error)")
  }
}
