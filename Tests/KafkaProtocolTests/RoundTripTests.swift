import KafkaProtocol
import LinuxIO
import Testing

@Suite struct RoundTripTests {
  private static let seeds: ClosedRange<UInt64> = 1...20

  private func expectRequest<R: WireRequest>(
    _ type: R.Type, version: Int16, seed: UInt64
  ) throws {
    let comment = Comment(rawValue: "\(R.self) version \(version), seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let request = try random(R.self, version: version, &generator)
    let frame = encodeRequest(request, version: version, correlationId: 5, clientId: "me")
    #expect(announcedByteCount(frame) == frame.count - 4, comment)
    let (header, decoded) = try R.decodeWhole(Array(frame.dropFirst(4)), version: version)
    #expect(decoded == request, comment)
    #expect(
      header
        == RequestHeader(
          apiKey: R.api.rawValue, apiVersion: version, correlationId: 5, clientId: "me"),
      comment)
    #expect(
      try frame.suffix(plainBody(request, version: version).count)
        == plainBody(request, version: version)[...], comment)
  }

  private func expectResponse<R: WireRequest>(
    _ type: R.Type, version: Int16, seed: UInt64
  ) throws {
    let comment = Comment(rawValue: "\(R.Response.self) version \(version), seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let response = try random(R.Response.self, version: version, &generator)
    let encoded = EncodedResponse(response, to: R.self, version: version, correlationId: 5)
    #expect(announcedByteCount(encoded.bytes) == encoded.bytes.count - 4, comment)
    let (correlationId, decoded) = try R.decodeWholeResponse(
      Array(encoded.bytes.dropFirst(4)), version: version)
    #expect(decoded == response, comment)
    #expect(correlationId == 5, comment)
    #expect(
      try encoded.bytes.suffix(plainBody(response, version: version).count)
        == plainBody(response, version: version)[...], comment)
  }

  @Test("requests of every version come back as they were encoded", arguments: APIKey.allCases)
  func requests(api: APIKey) throws {
    for version in api.versions {
      for seed in Self.seeds { try expectRequest(api.request, version: version, seed: seed) }
    }
  }

  @Test("responses of every version come back as they were encoded", arguments: APIKey.allCases)
  func responses(api: APIKey) throws {
    for version in api.versions {
      for seed in Self.seeds { try expectResponse(api.request, version: version, seed: seed) }
    }
  }

  @Test("a field that a version lacks is left out, and has its default when decoded")
  func absentFields() throws {
    var request = ProduceRequest(transactionalId: "t", acks: -1, timeoutMs: 10)
    let frame = ProduceRequest.frame(request, version: 2)
    request.transactionalId = nil
    #expect(try ProduceRequest.decodeWhole(frame, version: 2).request == request)
  }

  @Test("in metadata version 0 there is no null: all topics are an empty list")
  func metadataVersion0() throws {
    let frame = MetadataRequest.frame(MetadataRequest(topics: nil), version: 0)
    #expect(try MetadataRequest.decodeWhole(frame, version: 0).request.topics == [])
    let null = Array(frame.dropLast(4)) + [0xff, 0xff, 0xff, 0xff]
    #expect(throws: WireError.unexpectedNull(.array, position: frame.count - 4)) {
      try MetadataRequest.decodeWhole(null, version: 0)
    }
    #expect(
      try MetadataRequest.decodeWhole(
        MetadataRequest.frame(MetadataRequest(topics: nil), version: 1), version: 1
      ).request.topics == nil)
  }

  @Test("an overlong string is cut at the end of a character's encoding")
  func overlongString() throws {
    let response = DeleteTopicsResponse(responses: [
      .init(name: "t", errorCode: 1, errorMessage: "x" + String(repeating: "€", count: 20_000))
    ])
    let frame = DeleteTopicsRequest.frame(response: response, version: 5)
    let decoded = try DeleteTopicsRequest.decodeWholeResponse(frame, version: 5).response
    #expect(
      decoded.responses.first?.errorMessage == "x" + String(repeating: "€", count: 10_922))
  }
}
