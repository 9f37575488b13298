import LinuxIO
import Records

/// A record as the cursor gives it, copied.
struct WalkedRecord: Equatable {
  let record: Record
  let offset: Int64
  let attributes: Int8
  let byteCount: Int
  let encodedHeaders: [UInt8]
  let headerCount: Int
}

/// Everything that a batch's cursor says.
struct Walk: Equatable {
  private(set) var records: [WalkedRecord] = []
  private(set) var error: BatchError?
  /// What the cursor throws when it is asked once more after a throw.
  private(set) var errorAgain: BatchError?

  /// `batch` is a whole batch whose header parses.
  init(_ batch: [UInt8]) throws(FuzzViolation) {
    do throws(BatchError) {
      let view = try RecordBatchView(batch.span.bytes)
      var cursor = try view.records()
      do throws(BatchError) {
        while let view = try cursor.next() {
          let record = Record(copying: view)
          records.append(
            WalkedRecord(
              record: record, offset: view.offset.rawValue, attributes: view.attributes,
              byteCount: view.byteCount,
              encodedHeaders: view.encodedHeaders.withUnsafeBytes { Array($0) },
              headerCount: view.headerCount))
        }
      } catch {
        self.error = error
        do throws(BatchError) {
          if try cursor.next() != nil { records = [] }
        } catch { errorAgain = error }
      }
    } catch {
      self.error = error
      errorAgain = error
    }
    for record in records where record.record.headers.count != record.headerCount {
      throw FuzzViolation(
        "\(record.record.headers.count) headers of \(record.headerCount) can be read")
    }
  }
}

/// The records that were read, built into a batch again: they read back the same, and where every
/// integer was in its shortest form and the header says what the builder would, so do the bytes.
struct BatchRebuild {
  private let batch: [UInt8]
  private let header: RecordBatchHeader
  private let records: [WalkedRecord]

  init(_ batch: [UInt8], _ header: RecordBatchHeader, _ records: [WalkedRecord]) {
    self.batch = batch
    self.header = header
    self.records = records
  }

  func run() throws(FuzzViolation) {
    // The builder knows no gaps, and no batch without records.
    guard !records.isEmpty, records.count == Int(header.lastOffsetDelta) + 1,
      let rebuilt = try build()
    else { return }
    let walk = try Walk(rebuilt)
    try require(walk.error, equals: nil, "the records, built again")
    try require(walk.records.map(\.record) == records.map(\.record), "records built again differ")
    try require(walk.records.map(\.offset) == records.map(\.offset), "offsets built again differ")
    if isCanonical {
      let start = RecordBatchHeader.Position.records
      try require(rebuilt[start...] == batch[start...], "canonical records built again differ")
      try checkHeader(rebuilt)
    }
  }

  /// Nil where the times lie too far apart for the first of them to be the base.
  private func build() throws(FuzzViolation) -> [UInt8]? {
    let attributes = header.attributes
    let isStamped = attributes.timestampType == .appendTime
    var builder = RecordBatchBuilder(
      buffer: AlignedBuffer(capacity: 16),
      timestamps: isStamped ? .appendTime(milliseconds: header.maxTimestamp) : .createTime,
      producer: header.producer, isTransactional: attributes.isTransactional,
      isControl: attributes.isControl)
    for (index, walked) in records.enumerated() {
      let record = walked.record
      let sizes = RecordSizes(of: record)
      try require(
        sizes.encodedHeaders <= walked.encodedHeaders.count, "headers grow when they are encoded")
      let expected = builder.byteCount(appending: sizes, timestamp: record.timestamp)
      do throws(BatchError) {
        if index % 2 == 0 || sizes.encodedHeaders != walked.encodedHeaders.count {
          try builder.append(record)
        } else {
          try builder.append(
            timestamp: record.timestamp, key: record.key?.span.bytes,
            value: record.value?.span.bytes, encodedHeaders: walked.encodedHeaders.span.bytes,
            headerCount: walked.headerCount)
        }
      } catch .timestampTooFar {
        _ = builder.discard()
        return nil
      } catch { throw FuzzViolation("a record that was read is not built: \(error)") }
      try require(builder.byteCount, equals: expected, "the size that was foretold")
    }
    let finished = builder.finish(
      baseOffset: header.baseOffset, leaderEpoch: header.partitionLeaderEpoch)
    return finished.withBytes { bytes in bytes.withUnsafeBytes { Array($0) } }
  }

  /// True where the records' bytes leave the builder no choice.
  private var isCanonical: Bool {
    guard header.attributes.timestampType == .createTime,
      records[0].record.timestamp == header.baseTimestamp
    else { return false }
    for (index, walked) in records.enumerated() {
      let delta = walked.record.timestamp &- header.baseTimestamp
      let shortest = RecordSizes(of: walked.record)
        .recordByteCount(timestampDelta: delta, offsetDelta: index)
      if walked.byteCount != shortest || walked.attributes != 0 { return false }
    }
    return true
  }

  private func checkHeader(_ rebuilt: [UInt8]) throws(FuzzViolation) {
    guard let found = try? RecordBatchHeader(parsing: rebuilt.span.bytes) else {
      throw FuzzViolation("a batch that was built does not parse")
    }
    let newest = records.reduce(Int64.min) { max($0, $1.record.timestamp) }
    var expected = header
    expected.maxTimestamp = newest
    expected.crc = found.crc
    expected.attributes = BatchAttributes(
      isTransactional: header.attributes.isTransactional, isControl: header.attributes.isControl)
    try require(found, equals: expected, "a header built again")
    if header.maxTimestamp == newest, header.attributes == expected.attributes {
      try require(
        PlainSegment.batch(in: batch, at: 0) == nil || rebuilt == batch, "a batch built again")
    }
  }
}
