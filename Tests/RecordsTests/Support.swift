import LinuxIO
import Records

/// SplitMix64: the same numbers from the same seed, on every machine.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
  }
}

/// A seed of its own for each run, printed, so that a failing run can be had again: put the
/// printed number in place of the call.
func printedSeed(_ test: String = #function) -> UInt64 {
  let seed = UInt64.random(in: 0..<(1 << 32))
  print("seed \(seed) in \(test)")
  return seed
}

/// A batch of `records`, as bytes.
func batchBytes(
  of records: [Record], baseOffset: Int64 = 0,
  timestamps: RecordBatchBuilder.Timestamps = .createTime, producer: ProducerStamp = .none
) throws -> [UInt8] {
  var builder = RecordBatchBuilder(
    buffer: AlignedBuffer(capacity: 1), timestamps: timestamps, producer: producer)
  for record in records { try builder.append(record) }
  let buffer = builder.finish(baseOffset: Offset(baseOffset))
  return buffer.bytes.withUnsafeBytes { [UInt8]($0) }
}

/// What a walk over a batch's records gives.
struct ReadRecord: Hashable {
  var offset: Int64
  var record: Record
}

/// Reads all records of the batch that `bytes` begin with.
func readRecords(_ bytes: RawSpan) throws(BatchError) -> [ReadRecord] {
  let batch = try RecordBatchView(bytes)
  try batch.verifyChecksum()
  var records: [ReadRecord] = []
  var cursor = try batch.records()
  while let record = try cursor.next() {
    records.append(ReadRecord(offset: record.offset.rawValue, record: Record(copying: record)))
  }
  return records
}

func header(_ bytes: [UInt8]) throws(BatchError) -> RecordBatchHeader {
  try RecordBatchHeader(parsing: bytes.span.bytes)
}

/// The error that `validate` throws for the batch that `bytes` begin with, if any.
func fault(in bytes: [UInt8]) -> BatchError? {
  do throws(BatchError) {
    try RecordBatchView(bytes.span.bytes).validate()
    return nil
  } catch {
    return error
  }
}

/// `batch` with `change` made to it and the CRC made anew.
func resealed(_ batch: [UInt8], _ change: (inout [UInt8]) -> Void) -> [UInt8] {
  var bytes = batch
  change(&bytes)
  let covered = Array(bytes[RecordBatchHeader.Position.attributes...])
  store(CRC32C.checksum(covered.span.bytes), at: RecordBatchHeader.Position.crc, in: &bytes)
  return bytes
}

/// Writes `value` big-endian.
func store<Value: FixedWidthInteger>(_ value: Value, at position: Int, in bytes: inout [UInt8]) {
  for index in 0..<(Value.bitWidth / 8) {
    bytes[position + index] = UInt8(
      truncatingIfNeeded: value >> Value(Value.bitWidth - 8 * (index + 1)))
  }
}

/// A batch whose records part is `body` and whose header, but for `change`, suits `recordCount`.
func handmadeBatch(
  body: [UInt8], recordCount: Int32 = 1,
  _ change: (inout RecordBatchHeader) -> Void = { _ in }
) -> [UInt8] {
  var header = RecordBatchHeader(
    baseOffset: .zero, batchLength: RecordBatchHeader.batchLengthMin + Int32(body.count),
    partitionLeaderEpoch: 0, crc: 0, attributes: BatchAttributes(),
    lastOffsetDelta: max(0, recordCount - 1), baseTimestamp: 1000, maxTimestamp: 1000,
    producer: .none, recordCount: recordCount)
  change(&header)
  let bytes = [UInt8](repeating: 0, count: RecordBatchHeader.byteCount) + body
  return resealed(bytes) { bytes in
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    header.write(to: &raw)
  }
}

/// The encoding of an integer.
func variable(_ value: Int64) -> [UInt8] {
  var bytes: [UInt8] = []
  VariableLengthInteger.encode(value, into: &bytes)
  return bytes
}
