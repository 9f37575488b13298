import Records
import Testing

/// Batches whose CRC holds and whose contents do not: each says where and what.
@Suite struct RecordFaultTests {
  /// A record's bytes: its length and then `fields`.
  private func record(_ fields: [UInt8]) -> [UInt8] { variable(Int64(fields.count)) + fields }

  private func expect(
    _ body: [UInt8], recordCount: Int32 = 1, index: Int = 0, position: Int, _ expected: RecordFault,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let found = fault(in: handmadeBatch(body: body, recordCount: recordCount))
    #expect(
      found == .malformedRecord(index: index, position: position, fault: expected),
      sourceLocation: sourceLocation)
  }

  // Attributes, timestamp delta 0, offset delta 0, null key, null value, no headers.
  private let least: [UInt8] = [0, 0, 0, 1, 1, 0]

  @Test("the least record is a record")
  func leastRecord() {
    #expect(fault(in: handmadeBatch(body: record(least))) == nil)
  }

  @Test("lengths that leave the record are found where they stand")
  func lengths() {
    expect([0x0e] + least, position: 61, .lengthOutOfRange(.length, found: 7, available: 6))
    expect([0x01] + least, position: 61, .lengthOutOfRange(.length, found: -1, available: 6))
    expect([0x00] + least, position: 62, .endsInside(.attributes))
    let key = record([0, 0, 0, 8, 1, 0])
    expect(key, position: 65, .lengthOutOfRange(.keyLength, found: 4, available: 2))
    let negativeKey = record([0, 0, 0, 3, 1, 0])
    expect(negativeKey, position: 65, .lengthOutOfRange(.keyLength, found: -2, available: 2))
    let value = record([0, 0, 0, 1, 4, 0])
    expect(value, position: 66, .lengthOutOfRange(.valueLength, found: 2, available: 1))
    let negativeValue = record([0, 0, 0, 1, 5, 0])
    expect(negativeValue, position: 66, .lengthOutOfRange(.valueLength, found: -3, available: 1))
    let greatest = record([0, 0, 0] + variable(Int64(Int32.max)) + [1, 0])
    expect(
      greatest, position: 65, .lengthOutOfRange(.keyLength, found: Int32.max, available: 2))
    let cut = record([0, 0, 0, 1, 1])
    expect(cut, position: 67, .endsInside(.headerCount))
  }

  @Test("header counts and lengths that leave the record are found where they stand")
  func headers() {
    let tooMany = record([0, 0, 0, 1, 1, 4, 0, 0])
    expect(tooMany, position: 67, .lengthOutOfRange(.headerCount, found: 2, available: 2))
    let negative = record([0, 0, 0, 1, 1, 1])
    expect(negative, position: 67, .lengthOutOfRange(.headerCount, found: -1, available: 0))
    let greatest = record([0, 0, 0, 1, 1] + variable(Int64(Int32.max)))
    expect(
      greatest, position: 67, .lengthOutOfRange(.headerCount, found: Int32.max, available: 0))
    let nullKey = record([0, 0, 0, 1, 1, 2, 1, 1])
    expect(nullKey, position: 68, .lengthOutOfRange(.headerKeyLength, found: -1, available: 1))
    let value = record([0, 0, 0, 1, 1, 2, 0, 8])
    expect(value, position: 69, .lengthOutOfRange(.headerValueLength, found: 4, available: 0))
    let nullValue = record([0, 0, 0, 1, 1, 2, 0, 1])
    #expect(fault(in: handmadeBatch(body: nullValue)) == nil)
  }

  @Test("bytes left over, in a record or in the batch, are found")
  func trailing() {
    expect(record(least + [9, 9]), position: 68, .trailingBytes(2))
    #expect(
      fault(in: handmadeBatch(body: record(least) + [0, 0, 0])) == .trailingBytes(3, position: 68))
    #expect(
      fault(in: handmadeBatch(body: [1], recordCount: 0)) == .trailingBytes(1, position: 61))
  }

  @Test("fewer records than the header counts are found")
  func tooFew() {
    expect(record(least), recordCount: 2, index: 1, position: 68, .endsInside(.length))
  }

  @Test("integers that are too long are found")
  func overlong() {
    let endless = [UInt8](repeating: 0xff, count: 12)
    expect(endless, position: 61, .overlong(.length))
    expect(record([0] + endless), position: 63, .overlong(.timestampDelta))
    expect(record([0, 0] + endless), position: 64, .overlong(.offsetDelta))
    expect(record([0, 0x80]), position: 63, .endsInside(.timestampDelta))
  }

  @Test("offset deltas must grow, and stay within the batch's last")
  func offsetDeltas() {
    func delta(_ value: Int64) -> [UInt8] { record([0, 0] + variable(value) + [1, 1, 0]) }
    expect(delta(-1), position: 64, .offsetDeltaOutOfRange(found: -1, expected: 0...0))
    expect(
      delta(0) + delta(0), recordCount: 2, index: 1, position: 71,
      .offsetDeltaOutOfRange(found: 0, expected: 1...1))
    expect(
      delta(0) + delta(2), recordCount: 2, index: 1, position: 71,
      .offsetDeltaOutOfRange(found: 2, expected: 1...1))
    expect(
      delta(1) + delta(2), recordCount: 2, index: 1, position: 71,
      .noOffsetLeft(found: 2, last: 1))
    let compacted = handmadeBatch(body: delta(3) + delta(8), recordCount: 2) {
      $0.lastOffsetDelta = 9
    }
    #expect(fault(in: compacted) == nil)
    #expect((try? readRecords(compacted.span.bytes))?.map(\.offset) == [3, 8])
  }

  @Test("a batch that compaction has emptied has no records and keeps its offsets")
  func emptied() throws {
    let batch = handmadeBatch(body: [], recordCount: 0) { $0.lastOffsetDelta = 9 }
    #expect(try readRecords(batch.span.bytes) == [])
    #expect(try header(batch).nextOffset == Offset(10))
  }

  @Test("a timestamp that does not fit 64 bits is found, unless the batch is of append time")
  func timestampOverflow() throws {
    let body = record([0] + variable(Int64.max) + [0, 1, 1, 0])
    expect(body, position: 63, .timestampOutOfRange(base: 1000, delta: Int64.max))
    let stamped = handmadeBatch(body: body) {
      $0.attributes = BatchAttributes(timestampType: .appendTime)
      $0.maxTimestamp = 77
    }
    #expect(try readRecords(stamped.span.bytes).map(\.record.timestamp) == [77])
  }

  @Test("a cursor that has thrown throws the same again")
  func throwsAgain() throws {
    let batch = handmadeBatch(body: record(least) + record(least), recordCount: 2)
    let view = try RecordBatchView(batch.span.bytes)
    var cursor = try view.records()
    _ = try cursor.next()
    var found: [BatchError] = []
    for _ in 0..<2 {
      do throws(BatchError) { _ = try cursor.next() } catch { found.append(error) }
    }
    #expect(found.count == 2 && found[0] == found[1])
  }
}
