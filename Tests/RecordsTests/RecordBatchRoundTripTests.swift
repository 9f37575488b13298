import LinuxIO
import Records
import Testing

@Suite struct RecordBatchRoundTripTests {
  private func expectRoundTrip(
    _ records: [Record], baseOffset: Int64 = 42, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let bytes = try batchBytes(of: records, baseOffset: baseOffset)
    let read = try readRecords(bytes.span.bytes)
    let expected = records.enumerated().map { index, record in
      ReadRecord(offset: baseOffset + Int64(index), record: record)
    }
    #expect(read == expected, sourceLocation: sourceLocation)
    #expect(fault(in: bytes) == nil, sourceLocation: sourceLocation)
  }

  @Test("null and empty keys and values come back as what they were")
  func nullAndEmpty() throws {
    let parts: [[UInt8]?] = [nil, [], [0], Array("text".utf8)]
    let records = parts.flatMap { key in
      parts.map { Record(timestamp: 5, key: key, value: $0) }
    }
    try expectRoundTrip(records)
  }

  @Test("headers come back in order, with null and empty values, unicode and repeated names")
  func headers() throws {
    let headers = [
      RecordHeader(key: "source", value: "nycflights13"), RecordHeader(key: "null", value: nil),
      RecordHeader(key: "", value: ""), RecordHeader(key: "source", value: "again"),
      RecordHeader(key: "ünïcöde ✈", value: "🛫"),
    ]
    let many = (0..<100).map { RecordHeader(key: "h\($0)", value: "\($0)") }
    try expectRoundTrip([
      Record(timestamp: 1, key: nil, value: nil, headers: headers),
      Record(timestamp: 2, key: [1], value: [2], headers: many),
      Record(timestamp: 3, key: [1], value: [2]),
    ])
  }

  @Test("a value of a megabyte and one beyond a buffer's first capacity come back")
  func largeValues() throws {
    let value = [UInt8]((0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
    try expectRoundTrip([
      Record(timestamp: 1, key: nil, value: value),
      Record(timestamp: 1, key: value, value: value + value),
    ])
  }

  @Test("timestamps before the first, before 1970 and far from it come back")
  func timestamps() throws {
    let times: [Int64] = [
      1_357_016_400_000, 1_357_016_399_999, 0, -1, -1_000_000, Int64.max, 1_357_016_400_064,
    ]
    try expectRoundTrip(times.map { Record(timestamp: $0, key: nil, value: nil) })
    let header = try header(
      batchBytes(of: times.map { Record(timestamp: $0, key: nil, value: nil) }))
    #expect(header.baseTimestamp == times[0])
    #expect(header.maxTimestamp == Int64.max)
    try expectRoundTrip(
      [0, Int64.min, Int64.max].map { Record(timestamp: $0, key: nil, value: nil) })
    try expectRoundTrip([Record(timestamp: Int64.min, key: nil, value: nil)])
  }

  @Test("the last offsets that there are come back")
  func lastOffsets() throws {
    let records = (0..<3).map { Record(timestamp: Int64($0), key: nil, value: [UInt8($0)]) }
    try expectRoundTrip(records, baseOffset: Int64.max - 2)
  }

  @Test("random batches come back")
  func random() throws {
    var generator = SeededGenerator(seed: printedSeed())
    func part() -> [UInt8]? {
      switch Int.random(in: 0..<8, using: &generator) {
      case 0: nil
      case 1: []
      case 2: generator.bytes(Int.random(in: 0..<9000, using: &generator))
      default: generator.bytes(Int.random(in: 0..<130, using: &generator))
      }
    }
    for _ in 0..<200 {
      let records = (0..<Int.random(in: 1..<100, using: &generator)).map { _ in
        let headers = (0..<Int.random(in: 0..<4, using: &generator)).map { _ in
          RecordHeader(key: part() ?? [], value: part())
        }
        return Record(
          timestamp: Int64.random(in: -10_000...10_000, using: &generator), key: part(),
          value: part(), headers: headers)
      }
      try expectRoundTrip(records, baseOffset: Int64.random(in: 0..<(1 << 40), using: &generator))
    }
  }

  @Test("a view takes its own batch out of bytes that go on")
  func moreBytesFollow() throws {
    let first = try batchBytes(of: [Record(timestamp: 1, key: nil, value: [1])])
    let second = try batchBytes(
      of: [Record(timestamp: 2, key: nil, value: [2, 3])], baseOffset: 1)
    let both = first + second
    let view = try RecordBatchView(both.span.bytes)
    #expect(view.bytes.byteCount == first.count)
    #expect(view.header.nextOffset == Offset(1))
    try view.validate()
    let rest = both.span.bytes.extracting(view.header.byteCountTotal..<both.count)
    #expect(try readRecords(rest).map(\.offset) == [1])
  }

  @Test("a header written and read again is the same")
  func headerRoundTrip() throws {
    let header = RecordBatchHeader(
      baseOffset: Offset(1 << 40), batchLength: 1000, partitionLeaderEpoch: -1, crc: 0xdead_beef,
      attributes: BatchAttributes(
        compression: .zstd, timestampType: .appendTime, isTransactional: true, isControl: true,
        hasDeleteHorizon: true),
      lastOffsetDelta: 77, baseTimestamp: -5, maxTimestamp: 1 << 41,
      producer: ProducerStamp(id: 1 << 33, epoch: 3, baseSequence: Int32.max), recordCount: 12)
    var bytes = [UInt8](repeating: 0, count: RecordBatchHeader.byteCount)
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    header.write(to: &raw)
    #expect(try RecordBatchHeader(parsing: raw.bytes) == header)
    #expect(header.byteCountTotal == 1012)
    #expect(header.lastOffset == Offset((1 << 40) + 77))
    #expect(header.lastSequence == 76)
    #expect(header.attributes.rawValue == 0x7c)
  }
}
