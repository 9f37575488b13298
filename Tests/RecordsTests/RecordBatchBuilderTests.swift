import LinuxIO
import Records
import Testing

@Suite struct RecordBatchBuilderTests {
  @Test("the announced size is the exact size, record after record")
  func sizes() throws {
    var generator = SeededGenerator(seed: printedSeed())
    var builder = RecordBatchBuilder(buffer: AlignedBuffer(capacity: 100))
    #expect(builder.byteCount == RecordBatchHeader.byteCount)
    for index in 0..<9000 {
      let key = index % 3 == 0 ? nil : generator.bytes(index % 70)
      let value = index % 5 == 0 ? nil : generator.bytes(index % 140)
      let headers = (0..<(index % 3)).map { RecordHeader(key: "h\($0)", value: nil) }
      let timestamp = Int64.random(in: -100_000...100_000, using: &generator)
      let sizes = RecordSizes(
        key: key?.count, value: value?.count, headerCount: headers.count,
        encodedHeaders: RecordSizes.encodedByteCount(of: headers))
      let before = builder.byteCount
      let announced = builder.byteCount(appending: sizes, timestamp: timestamp)
      try builder.append(
        timestamp: timestamp, key: key?.span.bytes, value: value?.span.bytes, headers: headers)
      #expect(builder.byteCount == announced)
      #expect(builder.byteCount - before <= sizes.recordByteCountMax)
      #expect(builder.recordCount == index + 1)
      let record = Record(timestamp: timestamp, key: key, value: value, headers: headers)
      #expect(RecordSizes(of: record) == sizes)
    }
    let byteCount = builder.byteCount
    let buffer = builder.finish(baseOffset: .zero)
    #expect(buffer.count == byteCount)
    let view = try RecordBatchView(buffer.bytes)
    #expect(view.header.byteCountTotal == byteCount)
    try view.validate()
  }

  @Test("records are as large in the batch as the view says")
  func recordByteCounts() throws {
    let bytes = try batchBytes(
      of: (0..<100).map { Record(timestamp: 0, key: nil, value: [UInt8](0..<$0)) })
    let view = try RecordBatchView(bytes.span.bytes)
    var cursor = try view.records()
    var sum = RecordBatchHeader.byteCount
    while let record = try cursor.next() { sum += record.byteCount }
    #expect(sum == bytes.count)
  }

  @Test("a batch is the same wherever it begins, and begins where it was told to")
  func shifted() throws {
    let value = Array("value".utf8)
    let expected = try batchBytes(
      of: Array(repeating: Record(timestamp: 3, key: nil, value: value), count: 2000))
    for shift in [0, 1, 511, 512, 4095] {
      var builder = RecordBatchBuilder(buffer: AlignedBuffer(capacity: 64), shiftedBy: shift)
      for _ in 0..<2000 { try builder.append(timestamp: 3, key: nil, value: value.span.bytes) }
      let buffer = builder.finish(baseOffset: .zero)
      let isAligned = buffer.isAligned(before: shift, to: AlignedBuffer.alignment)
      #expect(isAligned)
      #expect(buffer.bytes.withUnsafeBytes { [UInt8]($0) } == expected)
    }
  }

  @Test("a used buffer's old bytes do not show, and a buffer is used again")
  func reuse() throws {
    let record = Record(timestamp: 1, key: [1], value: [2, 3])
    var buffer = AlignedBuffer(capacity: 4096)
    buffer.append([UInt8](repeating: 0xff, count: 4000).span.bytes)
    for _ in 0..<3 {
      var builder = RecordBatchBuilder(buffer: buffer)
      try builder.append(record)
      buffer = builder.finish(baseOffset: .zero)
      #expect(buffer.bytes.withUnsafeBytes { [UInt8]($0) } == (try batchBytes(of: [record])))
    }
  }

  @Test("encoded headers give the same bytes as headers")
  func encodedHeaders() throws {
    let headers = [
      RecordHeader(key: "a", value: nil), RecordHeader(key: "b", value: ""),
      RecordHeader(key: "c", value: "text"),
    ]
    var encoded = EncodedHeaders()
    encoded.append(key: [1, 2].span.bytes, value: nil)
    encoded.removeAll()
    for header in headers {
      encoded.append(key: header.key.span.bytes, value: header.value?.span.bytes)
    }
    #expect(encoded.bytes.byteCount == RecordSizes.encodedByteCount(of: headers))
    var builder = RecordBatchBuilder(buffer: AlignedBuffer(capacity: 4096))
    try builder.append(
      timestamp: 1, key: nil, value: nil, encodedHeaders: encoded.bytes,
      headerCount: encoded.count)
    let buffer = builder.finish(baseOffset: .zero)
    let record = Record(timestamp: 1, key: nil, value: nil, headers: headers)
    let expected = try batchBytes(of: [record])
    #expect(buffer.bytes.withUnsafeBytes { [UInt8]($0) } == expected)
    #expect(EncodedHeaders(headers).count == 3)

    // And a record moves from one batch to another with its headers as they lie.
    var copier = RecordBatchBuilder(buffer: AlignedBuffer(capacity: 4096))
    let view = try RecordBatchView(buffer.bytes)
    var cursor = try view.records()
    while let record = try cursor.next() {
      try copier.append(
        timestamp: record.timestamp, key: record.key, value: record.value,
        encodedHeaders: record.encodedHeaders, headerCount: record.headerCount)
    }
    let copy = copier.finish(baseOffset: .zero)
    #expect(copy.bytes.withUnsafeBytes { [UInt8]($0) } == expected)
  }

  @Test("a timestamp too far from the first is refused, and the batch goes on")
  func timestampTooFar() throws {
    var builder = RecordBatchBuilder(buffer: AlignedBuffer(capacity: 4096))
    try builder.append(timestamp: 2, key: nil, value: nil)
    #expect(throws: BatchError.timestampTooFar(Int64.min, base: 2)) {
      try builder.append(timestamp: Int64.min, key: nil, value: nil)
    }
    try builder.append(timestamp: Int64.max, key: nil, value: nil)
    #expect(builder.recordCount == 2)
    let buffer = builder.finish(baseOffset: .zero)
    #expect(try readRecords(buffer.bytes).map(\.record.timestamp) == [2, Int64.max])
  }

  @Test("producer, transaction and control marks are in the header")
  func marks() throws {
    let producer = ProducerStamp(id: 5, epoch: 6, baseSequence: 7)
    var builder = RecordBatchBuilder(
      buffer: AlignedBuffer(capacity: 4096), producer: producer, isTransactional: true,
      isControl: true)
    try builder.append(timestamp: 1, key: [0, 0, 0, 1].span.bytes, value: nil)
    let buffer = builder.finish(baseOffset: Offset(3), leaderEpoch: 8)
    let header = try RecordBatchView(buffer.bytes).header
    #expect(header.producer == producer)
    #expect(header.attributes == BatchAttributes(isTransactional: true, isControl: true))
    #expect(header.baseOffset == Offset(3))
    #expect(header.partitionLeaderEpoch == 8)
  }

  @Test("an unused builder gives its buffer back")
  func discard() {
    let builder = RecordBatchBuilder(buffer: AlignedBuffer(capacity: 10_000))
    let isEmpty = builder.isEmpty
    #expect(isEmpty)
    let buffer = builder.discard()
    #expect(buffer.count == 0)
    #expect(buffer.remainingCapacity >= 10_000)
  }

  @Test("a batch without records is not finished")
  func emptyBatch() async {
    await #expect(processExitsWith: .failure) {
      _ = RecordBatchBuilder(buffer: AlignedBuffer(capacity: 1)).finish(baseOffset: .zero)
    }
  }
}
