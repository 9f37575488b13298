import KafkaProtocol
import Testing

@Suite struct FrameTests {
  @Test("an unknown API or version has a header all the same")
  func unknownHeaders() throws {
    let cases: [(key: Int16, version: Int16)] = [
      (999, 0), (-1, 3), (APIKey.fetch.rawValue, 18), (APIKey.apiVersions.rawValue, 5),
      (APIKey.apiVersions.rawValue, -1), (APIKey.produce.rawValue, .max),
    ]
    for (key, version) in cases {
      var encoder = PlainEncoder(version: 1, isFlexible: false)
      encoder.put(key)
      encoder.put(version)
      encoder.put(Int32(-5))
      var client = "c"
      encoder.string(&client)
      let frame = encoder.output + [0xff, 0xff, 0xff]
      let header = try RequestHeader.decode(frame.span.bytes).header
      #expect(
        header
          == RequestHeader(apiKey: key, apiVersion: version, correlationId: -5, clientId: "c"))
      #expect(!header.isSupported)
    }
  }

  @Test("a header's client id has a short length in every version, and may be null")
  func clientId() throws {
    for version in [Int16(2), 3] {
      for clientId in [nil, "", "client-é"] {
        let frame = encodeRequest(
          ApiVersionsRequest(), version: version, correlationId: 1, clientId: clientId)
        let body = Array(frame.dropFirst(4))
        let decoded = try ApiVersionsRequest.decodeWhole(body, version: version)
        #expect(decoded.header.clientId == clientId)
        #expect(decoded.header.isSupported)
        let length = UInt16(bitPattern: clientId.map { Int16($0.utf8.count) } ?? -1)
        #expect(UInt16(body[8]) << 8 | UInt16(body[9]) == length)
      }
    }
  }

  @Test("a response's header has tagged fields where the API is flexible, but for ApiVersions")
  func responseHeaders() {
    func start<R: WireRequest>(_ type: R.Type, _ version: Int16) -> [UInt8] {
      let encoded = EncodedResponse(
        R.Response(), to: type, version: version, correlationId: 0x0102_0304)
      return Array(encoded.bytes[4..<9])
    }
    // Metadata's body begins with the throttle time from version 3, which is 0.
    #expect(start(InitProducerIdRequest.self, 4) == [1, 2, 3, 4, 0])
    let errorCode = ApiVersionsResponse(errorCode: 0x0505)
    for version in ApiVersionsRequest.versions {
      let encoded = EncodedResponse(
        errorCode, to: ApiVersionsRequest.self, version: version, correlationId: 1)
      #expect(encoded.bytes[8..<10] == [5, 5])
    }
    let metadata = MetadataRequest.frame(response: MetadataResponse(), version: 9)
    let older = MetadataRequest.frame(response: MetadataResponse(), version: 8)
    // Correlation id, tags, throttle time, two compact empty arrays with a null string between …
    #expect(metadata.count == 4 + 1 + 4 + 1 + 1 + 4 + 1 + 4 + 1)
    #expect(older.count == 4 + 4 + 4 + 2 + 4 + 4 + 4)
  }

  @Test("a fetched batch's place is a gap, which the frame's length counts")
  func gaps() throws {
    func response(_ records: [RecordsField]) -> FetchResponse {
      FetchResponse(responses: [
        .init(
          topic: "t",
          partitions: records.enumerated().map { (index, records) in
            .init(partitionIndex: Int32(index), highWatermark: 9, records: records)
          })
      ])
    }
    let batches: [[UInt8]] = [Array(repeating: 7, count: 300), [], [1, 2, 3]]
    for version in FetchRequest.versions {
      let gapped = EncodedResponse(
        response([.gap(300), .gap(0), .null, .range(5..<8)]), to: FetchRequest.self,
        version: version, correlationId: 1)
      let whole = EncodedResponse(
        response([.bytes(batches[0]), .bytes(batches[1]), .null, .bytes(batches[2])]),
        to: FetchRequest.self, version: version, correlationId: 1)
      #expect(gapped.gaps.map(\.byteCount) == [300, 3])
      #expect(gapped.byteCountTotal == whole.bytes.count)
      #expect(announcedByteCount(gapped.bytes) == whole.bytes.count - 4)
      var filled = gapped.bytes
      for (gap, batch) in zip(gapped.gaps, [batches[0], batches[2]]).reversed() {
        filled.insert(contentsOf: batch, at: gap.position)
      }
      #expect(filled == whole.bytes)
    }
  }

  @Test("decoded records are positions in the frame")
  func recordPositions() throws {
    let batch: [UInt8] = [11, 12, 13]
    let request = ProduceRequest(topicData: [
      .init(name: "t", partitionData: [.init(index: 0, records: .bytes(batch))])
    ])
    for version in ProduceRequest.versions {
      let frame = ProduceRequest.frame(request, version: version)
      let (_, bodyStart) = try RequestHeader.decode(frame.span.bytes)
      let decoded = try ProduceRequest.decode(
        frame.span.bytes, from: bodyStart, version: version)
      guard case .range(let range) = decoded.topicData.first?.partitionData.first?.records else {
        Issue.record("no records")
        return
      }
      #expect(Array(frame[range]) == batch)
    }
  }

  @Test("a gap in a request becomes zeros")
  func gapsInRequests() throws {
    let request = ProduceRequest(topicData: [
      .init(name: "t", partitionData: [.init(records: .gap(3)), .init(records: .range(7..<9))])
    ])
    let frame = encodeRequest(request, version: 9, correlationId: 1, clientId: nil)
    #expect(announcedByteCount(frame) == frame.count - 4)
    let decoded = try ProduceRequest.decodeWhole(Array(frame.dropFirst(4)), version: 9).request
    #expect(
      decoded.topicData.first?.partitionData.map(\.records) == [
        .bytes([0, 0, 0]), .bytes([0, 0]),
      ])
  }
}
