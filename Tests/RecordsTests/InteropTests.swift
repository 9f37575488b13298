import Foundation
import LinuxIO
import Records
import Testing

/// kafka-python's record module, run as a program: an implementation that shares nothing with this
/// one.
private enum KafkaPython {
  private static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  private static let script = root.appending(path: "Tests/Interop/record_batches.py")
  private static let python =
    ProcessInfo.processInfo.environment["VARVE_PYTHON"].map { URL(filePath: $0) }
    ?? root.appending(path: ".build/python/bin/python3")

  static let isInstalled =
    (try? run(["-c", "import kafka.record.default_records"], quietly: true)) != nil

  static var remedy: String {
    "kafka-python 3.0.12 is not installed for \(python.path(percentEncoded: false)); "
      + "install it there, or set VARVE_PYTHON to an interpreter that has it"
  }

  struct Failure: Error { let status: Int32 }

  /// The lines that the script prints.
  static func script(_ command: String, _ file: URL) throws -> [Data] {
    try run([script.path(percentEncoded: false), command, file.path(percentEncoded: false)]).split(
      separator: UInt8(ascii: "\n")
    ).map {
      Data($0)
    }
  }

  private static func run(_ arguments: [String], quietly: Bool = false) throws -> Data {
    let process = Process()
    process.executableURL = python
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    if quietly { process.standardError = Foundation.FileHandle.nullDevice }
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure(status: process.terminationStatus) }
    return data
  }
}

/// A batch as the script describes it.
private struct BatchDescription: Decodable {
  var byteCount: Int
  var baseOffset: Int64
  var leaderEpoch: Int32
  var crc: UInt32
  var attributes: UInt16
  var codec: UInt8
  var isAppendTime: Bool
  var isTransactional: Bool
  var isControl: Bool
  var lastOffset: Int64
  var baseTimestamp: Int64
  var maxTimestamp: Int64
  var producerID: Int64
  var producerEpoch: Int16
  var baseSequence: Int32
  var lastSequence: Int32
  var recordCount: Int32

  func expectMatches(_ header: RecordBatchHeader, _ comment: Comment) {
    #expect(header.byteCountTotal == byteCount, comment)
    #expect(header.baseOffset == Offset(baseOffset), comment)
    #expect(header.partitionLeaderEpoch == leaderEpoch, comment)
    #expect(header.crc == crc, comment)
    #expect(header.attributes.rawValue == attributes, comment)
    #expect(header.attributes.compression.rawValue == codec, comment)
    #expect((header.attributes.timestampType == .appendTime) == isAppendTime, comment)
    #expect(header.attributes.isTransactional == isTransactional, comment)
    #expect(header.attributes.isControl == isControl, comment)
    #expect(header.lastOffset == Offset(lastOffset), comment)
    #expect(header.baseTimestamp == baseTimestamp, comment)
    #expect(header.maxTimestamp == maxTimestamp, comment)
    #expect(
      header.producer
        == ProducerStamp(id: producerID, epoch: producerEpoch, baseSequence: baseSequence), comment)
    #expect(header.lastSequence == lastSequence, comment)
    #expect(header.recordCount == recordCount, comment)
  }
}

/// A record as the script describes it. `Data` decodes from base64.
private struct RecordDescription: Decodable {
  struct Header: Decodable {
    var key: String
    var value: Data?
  }
  var offset: Int64
  var timestamp: Int64
  var key: Data?
  var value: Data?
  var headers: [Header]

  var read: ReadRecord {
    ReadRecord(
      offset: offset,
      record: Record(
        timestamp: timestamp, key: key.map { [UInt8]($0) }, value: value.map { [UInt8]($0) },
        headers: headers.map {
          RecordHeader(key: Array($0.key.utf8), value: $0.value.map { [UInt8]($0) })
        }))
  }
}

@Suite(.enabled(if: KafkaPython.isInstalled, Comment(rawValue: KafkaPython.remedy)))
struct InteropTests {
  private func withFile<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let file = FileManager.default.temporaryDirectory.appending(
      path: "varve-records-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    return try body(file)
  }

  @Test("batches that kafka-python wrote are read, to the last byte")
  func readsTheirs() throws {
    struct Line: Decodable {
      var name: String
      var records: [RecordDescription]
    }
    let (lines, data) = try withFile { file in
      let lines = try KafkaPython.script("write", file)
      return (lines, [UInt8](try Data(contentsOf: file)))
    }
    #expect(lines.count == 11)
    var position = 0
    for line in lines {
      let described = try JSONDecoder().decode(BatchDescription.self, from: line)
      let contents = try JSONDecoder().decode(Line.self, from: line)
      let comment = Comment(rawValue: contents.name)
      let batch = try RecordBatchView(data.span.bytes.extracting(position..<data.count))
      position += batch.header.byteCountTotal
      described.expectMatches(batch.header, comment)
      #expect(throws: Never.self, comment) { try batch.validate() }
      let codec = batch.header.attributes.compression
      if codec == .none {
        let read = try readRecords(batch.bytes)
        #expect(read == contents.records.map(\.read), comment)
        #expect(!read.isEmpty, comment)
      } else {
        #expect(throws: BatchError.compressed(codec), comment) { try readRecords(batch.bytes) }
      }
    }
    #expect(position == data.count)
  }

  /// What is written for kafka-python to read.
  private func ours() -> [(name: String, records: [Record], batch: (Offset) throws -> [UInt8])] {
    let time: Int64 = 1_357_016_400_000
    let plain = (0..<3).map {
      Record(timestamp: time + Int64($0), key: Array("N\($0)".utf8), value: Array("v\($0)".utf8))
    }
    let parts: [[UInt8]?] = [nil, [], Array("x".utf8)]
    let nulls = parts.flatMap { key in
      parts.map { Record(timestamp: time, key: key, value: $0) }
    }
    let headers = [
      Record(
        timestamp: time, key: nil, value: [1],
        headers: [
          RecordHeader(key: "null", value: nil), RecordHeader(key: "", value: ""),
          RecordHeader(key: "ünïcöde ✈", value: "🛫"),
        ]),
      Record(
        timestamp: time, key: nil, value: nil,
        headers: (0..<70).map { RecordHeader(key: "h\($0)", value: "\($0)") }),
    ]
    let many = (0..<3000).map {
      Record(
        timestamp: time + Int64($0), key: $0 % 5 == 0 ? nil : Array("\($0 % 101)".utf8),
        value: [UInt8](repeating: 0x76, count: $0 % 200))
    }
    let times = [0, -1, 63, 64, -64, -65, 8191, 8192, -8193, -time, 1 << 40].map {
      Record(timestamp: time + $0, key: nil, value: Array("\($0)".utf8))
    }
    let sizes = [1, 63, 64, 127, 128, 8191, 8192, 60_000].map {
      Record(
        timestamp: time, key: [UInt8](repeating: 1, count: $0),
        value: [UInt8](repeating: 2, count: $0))
    }
    let producer = ProducerStamp(id: 4_000_000_000, epoch: 7, baseSequence: Int32.max - 1)
    var cases: [(name: String, records: [Record], batch: (Offset) throws -> [UInt8])] = []
    for (name, records) in [
      ("plain", plain), ("nulls", nulls), ("headers", headers), ("many", many), ("times", times),
      ("sizes", sizes),
    ] {
      cases.append((name, records, { try batchBytes(of: records, baseOffset: $0.rawValue) }))
    }
    let appended = plain.map {
      Record(timestamp: time + 86_400_000, key: $0.key, value: $0.value)
    }
    cases.append(
      (
        "append time", appended,
        {
          try batchBytes(
            of: plain, baseOffset: $0.rawValue,
            timestamps: .appendTime(milliseconds: time + 86_400_000))
        }
      ))
    cases.append(
      (
        "transactional", plain,
        { offset in
          var builder = RecordBatchBuilder(
            buffer: AlignedBuffer(capacity: 4096), producer: producer, isTransactional: true)
          for record in plain { try builder.append(record) }
          let buffer = builder.finish(baseOffset: offset, leaderEpoch: 5)
          return buffer.bytes.withUnsafeBytes { [UInt8]($0) }
        }
      ))
    cases.append(
      (
        "restamped", plain,
        { offset in
          var bytes = try batchBytes(of: plain)
          var span = bytes.mutableSpan
          var raw = span.mutableBytes
          try RecordBatchHeader.restampSequence(&raw, producer: producer)
          RecordBatchHeader.stamp(&raw, baseOffset: offset, leaderEpoch: 6)
          return bytes
        }
      ))
    return cases
  }

  @Test("kafka-python reads the batches that are written here, and their CRCs hold for it")
  func theyReadOurs() throws {
    struct Line: Decodable { var batch: Int }
    var data: [UInt8] = []
    var headers: [RecordBatchHeader] = []
    var expected: [ReadRecord] = []
    var offset = Offset.zero
    for written in ours() {
      let batch = try written.batch(offset)
      headers.append(try header(batch))
      data += batch
      for record in written.records {
        expected.append(ReadRecord(offset: offset.rawValue, record: record))
        offset = offset.advanced(by: 1)
      }
    }
    let lines = try withFile { file in
      try Data(data).write(to: file)
      return try KafkaPython.script("read", file)
    }
    #expect(lines.count == expected.count)
    var described = -1
    for (line, record) in zip(lines, expected) {
      let read = try JSONDecoder().decode(RecordDescription.self, from: line).read
      #expect(read == record)
      let batch = try JSONDecoder().decode(Line.self, from: line).batch
      guard batch != described else { continue }
      described = batch
      let theirs = try JSONDecoder().decode(BatchDescription.self, from: line)
      theirs.expectMatches(headers[batch], "batch \(batch)")
    }
    #expect(described == headers.count - 1)
  }

  @Test("kafka-python refuses a batch of ours with a flipped bit, as this implementation does")
  func theyRefuseDamage() throws {
    var batch = try batchBytes(of: [Record(timestamp: 1, key: nil, value: [1, 2, 3])])
    batch[batch.count - 2] ^= 4
    #expect(fault(in: batch) != nil)
    try withFile { file in
      try Data(batch).write(to: file)
      #expect(throws: KafkaPython.Failure.self) { try KafkaPython.script("read", file) }
    }
  }
}
