import LinuxIO
import Records
import Testing

@Suite struct RecordBatchStampingTests {
  private let records = (0..<3).map {
    Record(timestamp: 1000 + Int64($0), key: [UInt8($0)], value: Array("value".utf8))
  }

  private func changed(
    _ bytes: [UInt8], _ change: (inout MutableRawSpan) throws(BatchError) -> Void
  ) throws(BatchError) -> [UInt8] {
    var bytes = bytes
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    try change(&raw)
    return bytes
  }

  @Test("a base offset and an epoch are stamped without touching the CRC")
  func stamp() throws {
    let batch = try batchBytes(of: records)
    let stamped = try changed(batch) { (span) throws(BatchError) in
      RecordBatchHeader.stamp(&span, baseOffset: Offset(1 << 50), leaderEpoch: 9)
    }
    #expect(try header(stamped).crc == header(batch).crc)
    #expect(try header(stamped).partitionLeaderEpoch == 9)
    #expect(try readRecords(stamped.span.bytes).map(\.offset) == (0..<3).map { (1 << 50) + $0 })
    #expect(fault(in: stamped) == nil)
  }

  @Test("an append time is every record's time, and the batch holds")
  func stampAppendTime() throws {
    let follower = [UInt8](repeating: 0xaa, count: 10)
    let batch = try batchBytes(of: records) + follower
    let stamped = try changed(batch) { (span) throws(BatchError) in
      try RecordBatchHeader.stampAppendTime(&span, milliseconds: 5_000_000)
    }
    #expect(fault(in: stamped) == nil)
    #expect(Array(stamped.suffix(10)) == follower)
    #expect(try header(stamped).attributes == BatchAttributes(timestampType: .appendTime))
    let times = try readRecords(stamped.span.bytes).map(\.record.timestamp)
    #expect(times == [5_000_000, 5_000_000, 5_000_000])
    let built = try batchBytes(of: records, timestamps: .appendTime(milliseconds: 5_000_000))
    #expect(built == Array(stamped.dropLast(10)))
  }

  @Test("a prebuilt batch takes a new producer stamp, and holds")
  func restamp() throws {
    let producer = ProducerStamp(id: 12, epoch: 3, baseSequence: 400)
    let batch = try batchBytes(of: records)
    let stamped = try changed(batch) { (span) throws(BatchError) in
      try RecordBatchHeader.restampSequence(&span, producer: producer)
    }
    #expect(fault(in: stamped) == nil)
    #expect(try header(stamped).producer == producer)
    #expect(stamped == (try batchBytes(of: records, producer: producer)))
  }

  @Test("a batch that is not all there is not stamped, and not changed")
  func cutShort() throws {
    let batch = try batchBytes(of: records)
    let cut = Array(batch.dropLast())
    let expected = BatchError.truncated(needed: batch.count, available: cut.count)
    #expect(throws: expected) {
      _ = try changed(cut) { (span) throws(BatchError) in
        try RecordBatchHeader.stampAppendTime(&span, milliseconds: 1)
      }
    }
    #expect(throws: expected) {
      _ = try changed(cut) { (span) throws(BatchError) in
        try RecordBatchHeader.restampSequence(&span, producer: .none)
      }
    }
  }
}
