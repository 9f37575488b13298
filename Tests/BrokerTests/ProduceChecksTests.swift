import KafkaProtocol
import Records
import TestSupport
import Testing

/// What a producer's batch must be.
@Suite("Batches that are not appended") struct ProduceChecksTests {
  private func answer(
    _ bytes: [UInt8], _ configs: [String: String] = [:]
  ) throws -> Int16? {
    let running = try RunningBroker()
    let client = try running.client()
    #expect(try client.create("t", partitions: 1, configs) == 0)
    let answer = try client.produce(bytes, to: "t", 0)?.errorCode
    // Nothing of it is in the log.
    if answer != 0 { #expect(try client.fetch("t", 0, from: 0).bytes.isEmpty) }
    return answer
  }

  @Test("a changed byte is a corrupt message")
  func corrupt() throws {
    var bytes = try batch("value")
    bytes[bytes.count - 1] ^= 1
    #expect(try answer(bytes) == KafkaError.corruptMessage.rawValue)
  }

  @Test("a batch of an older format is unsupported")
  func magic() throws {
    var bytes = try batch("value")
    bytes[RecordBatchHeader.Position.magic] = 1
    #expect(try answer(bytes) == KafkaError.unsupportedForMessageFormat.rawValue)
  }

  @Test("two batches for one partition are refused")
  func two() throws {
    let bytes = try batch("value") + batch("value")
    #expect(try answer(bytes) == KafkaError.invalidRecord.rawValue)
  }

  @Test("a batch past max.message.bytes is too large")
  func large() throws {
    let bytes = try batch(String(repeating: "v", count: 200))
    let limit = ["max.message.bytes": "100"]
    #expect(try answer(bytes, limit) == KafkaError.messageTooLarge.rawValue)
  }

  @Test("a timestamp past message.timestamp.after.max.ms is refused, unless the log sets its own")
  func ahead() throws {
    let bytes = try batch("value", timestamp: 4_102_444_800_000)
    #expect(try answer(bytes) == KafkaError.invalidTimestamp.rawValue)
    #expect(try answer(bytes, ["message.timestamp.type": "LogAppendTime"]) == 0)
  }

  @Test("a batch that says less of its records than they say is refused")
  func counts() throws {
    var bytes = try batch("value")
    // One record, and offsets for two.
    bytes[RecordBatchHeader.Position.lastOffsetDelta + 3] = 1
    let covered = Array(bytes[RecordBatchHeader.Position.attributes...])
    let crc = CRC32C.checksum(covered.span.bytes)
    for index in 0..<4 {
      bytes[RecordBatchHeader.Position.crc + index] = UInt8(crc >> UInt32(24 - 8 * index) & 0xff)
    }
    #expect(try answer(bytes) == KafkaError.invalidRecord.rawValue)
  }

  /// A batch of one record whose header says another newest timestamp.
  private func batchThatSays(
    recordsOf timestamp: Int64, headerOf maxTimestamp: Int64
  ) throws -> [UInt8] {
    var bytes = try batch("value", timestamp: timestamp)
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    try RecordBatchHeader.stampMaxTimestamp(&raw, milliseconds: maxTimestamp)
    return bytes
  }

  @Test(
    "records past message.timestamp.after.max.ms are refused, whatever their batch's header says",
    arguments: [-1, 1_000, 4_102_444_800_001])
  func hidden(_ maxTimestamp: Int64) throws {
    let bytes = try batchThatSays(recordsOf: 4_102_444_800_000, headerOf: maxTimestamp)
    #expect(try answer(bytes) == KafkaError.invalidTimestamp.rawValue)
  }

  @Test(
    "a batch that is appended has its records' newest timestamp",
    arguments: [-1, 999, 1_000, 4_102_444_800_000])
  func corrected(_ maxTimestamp: Int64) throws {
    let running = try RunningBroker()
    let client = try running.client()
    #expect(try client.create("t", partitions: 1) == 0)
    let bytes = try batchThatSays(recordsOf: 1_000, headerOf: maxTimestamp)
    #expect(try client.produce(bytes, to: "t", 0)?.errorCode == 0)
    let stored = try client.fetch("t", 0, from: 0).bytes
    let view = try RecordBatchView(stored.span.bytes)
    try view.validate()
    #expect(view.header.maxTimestamp == 1_000)
  }
}
