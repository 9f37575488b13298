import KafkaProtocol
import Testing

/// Lengths and counts that are not what they should be. The bodies are a DeleteTopics request's:
/// an array of strings and an int32, compact from version 4.
@Suite struct BoundsTests {
  private func expectError(
    _ expected: WireError, version: Int16 = 1, _ body: [UInt8],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(throws: expected, sourceLocation: sourceLocation) {
      try DeleteTopicsRequest.decode(body.span.bytes, from: 0, version: version)
    }
  }

  private func bigEndian(_ value: Int32) -> [UInt8] {
    stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  @Test("a count of more elements than bytes are left is an error, and a negative one too")
  func counts() {
    for count in [Int32.max, 9, Int32.min, -2] {
      expectError(
        .lengthOutOfRange(.array, position: 0, found: Int64(count), maximum: 8),
        bigEndian(count) + Array(repeating: 0, count: 8))
    }
    expectError(.unexpectedNull(.array, position: 0), bigEndian(-1) + bigEndian(0))
  }

  @Test("a compact count or length has at most 32 bits, and is null where it is 0")
  func compactCounts() {
    expectError(
      .lengthOutOfRange(.array, position: 0, found: 0xffff_fffe, maximum: 5), version: 4,
      [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0, 0])
    expectError(
      .overlongInteger(.varint, position: 0), version: 4,
      [0xff, 0xff, 0xff, 0xff, 0x10, 0, 0, 0, 0, 0])
    expectError(
      .overlongInteger(.varint, position: 0), version: 4,
      [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0, 0, 0])
    expectError(.unexpectedNull(.array, position: 0), version: 4, [0, 0, 0, 0, 0, 0])
    expectError(.unexpectedNull(.string, position: 1), version: 4, [2, 0, 0, 0, 0, 0, 0])
  }

  @Test("a message has at most 200,000 elements")
  func elements() throws {
    func body(_ count: Int) -> [UInt8] {
      bigEndian(Int32(count)) + Array(repeating: 0, count: 2 * count) + bigEndian(0)
    }
    expectError(
      .tooManyElements(position: 0, found: 200_001, maximum: 200_000), body(200_001))
    let allowed = body(200_000)
    let request = try DeleteTopicsRequest.decode(allowed.span.bytes, from: 0, version: 1)
    #expect(request.topicNames.count == 200_000)
  }

  @Test("the elements of all arrays count together")
  func nestedElements() {
    // 450 topics of 450 partitions each: 202,950 elements.
    let topics = (0..<450).map { _ in
      OffsetForLeaderEpochRequest.OffsetForLeaderTopic(
        topic: "t", partitions: Array(repeating: .init(), count: 450))
    }
    let frame = OffsetForLeaderEpochRequest.frame(
      OffsetForLeaderEpochRequest(topics: topics), version: 3)
    #expect(throws: WireError.self) {
      try OffsetForLeaderEpochRequest.decodeWhole(frame, version: 3)
    }
    let fewer = OffsetForLeaderEpochRequest.frame(
      OffsetForLeaderEpochRequest(topics: Array(topics.prefix(400))), version: 3)
    #expect(throws: Never.self) {
      try OffsetForLeaderEpochRequest.decodeWhole(fewer, version: 3)
    }
  }

  @Test("a string is at most 32,767 bytes of UTF-8")
  func strings() {
    let one = bigEndian(1)
    expectError(
      .lengthOutOfRange(.string, position: 4, found: -2, maximum: 4),
      one + [0xff, 0xfe] + bigEndian(0))
    expectError(.unexpectedNull(.string, position: 4), one + [0xff, 0xff] + bigEndian(0))
    expectError(
      .endOfBytes(.string, position: 6, needed: 5, available: 4), one + [0, 5] + bigEndian(0))
    expectError(.invalidUTF8(position: 6, byteCount: 1), one + [0, 1, 0xff] + bigEndian(0))
    // A surrogate.
    expectError(
      .invalidUTF8(position: 6, byteCount: 3), one + [0, 3, 0xed, 0xa0, 0x80] + bigEndian(0))
    expectError(
      .lengthOutOfRange(.string, position: 1, found: 32_768, maximum: 32_767), version: 4,
      [2, 0x81, 0x80, 0x02] + Array(repeating: 0x61, count: 32_768) + [0, 0, 0, 0, 0])
  }

  @Test("tagged fields end within the frame, and a known one where its size says")
  func taggedFields() {
    let start: [UInt8] = [1, 0, 0, 0, 0]
    expectError(
      .lengthOutOfRange(.taggedFields, position: 5, found: 0xffff_ffff, maximum: 1), version: 4,
      start + [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0])
    expectError(
      .endOfBytes(.taggedFields, position: 8, needed: 3, available: 2), version: 4,
      start + [1, 9, 3, 0, 0])

    // A fetch's cluster id, which takes two bytes, in a field of one and of three.
    let fetch = FetchRequest.frame(FetchRequest(clusterId: "c"), version: 12)
    let field = fetch.suffix(5)
    #expect(field == [1, 0, 2, 2, 0x63])
    let short = Array(fetch.dropLast(5)) + [1, 0, 1, 2, 0x63]
    #expect(
      throws: WireError.endOfBytes(.string, position: short.count - 1, needed: 1, available: 0)
    ) {
      try FetchRequest.decodeWhole(short, version: 12)
    }
    let long = Array(fetch.dropLast(5)) + [1, 0, 3, 2, 0x63, 0]
    #expect(
      throws: WireError.taggedFieldNotUsedUp(
        tag: 0, position: long.count - 3, found: 2, expected: 3)
    ) {
      try FetchRequest.decodeWhole(long, version: 12)
    }
  }

  @Test("records end within the frame")
  func records() {
    let request = ProduceRequest(topicData: [
      .init(name: "t", partitionData: [.init(index: 0, records: .bytes([1, 2, 3]))])
    ])
    let frame = ProduceRequest.frame(request, version: 3)
    for length in [Int32.max, Int32.min, -2, 4] {
      let damaged = Array(frame.dropLast(7)) + bigEndian(length) + [1, 2, 3]
      #expect(throws: WireError.self) { try ProduceRequest.decodeWhole(damaged, version: 3) }
    }
  }

  @Test("a body that begins outside of its frame, or has a version not spoken, is an error")
  func callers() {
    let body: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0]
    for start in [-1, 9, Int.max, Int.min] {
      #expect(throws: WireError.self) {
        try DeleteTopicsRequest.decode(body.span.bytes, from: start, version: 1)
      }
    }
    for version in [Int16.min, -1, 0, 7, .max] {
      #expect(
        throws: WireError.unsupportedVersion(
          DeleteTopicsRequest.api, found: version, expected: 1...6)
      ) {
        try DeleteTopicsRequest.decode(body.span.bytes, from: 0, version: version)
      }
      #expect(throws: WireError.self) {
        try DeleteTopicsRequest.decodeResponse(body.span.bytes, version: version)
      }
    }
  }
}
