import LinuxIO
import Records

/// A batch in place: whatever the bytes are, parsing ends, reads nothing outside, says the same twice,
/// and what it accepts holds together.
struct BatchTarget {
  private let input: [UInt8]

  init(_ input: [UInt8]) { self.input = input }

  func run() throws(FuzzViolation) {
    try checkIntegers()
    guard let header = try parseHeader() else { return }
    try checkTruncations(header)
    guard header.byteCountTotal <= input.count else { return }
    let batch = Array(input.prefix(header.byteCountTotal))
    let isIntact = try checkChecksum(batch, header)
    let walk = try Walk(batch)
    try require(walk == Walk(batch), "a second walk finds something else")
    try check(walk, header)
    try checkValidation(batch, walk, isIntact: isIntact)
    if walk.error == nil { try BatchRebuild(batch, header, walk.records).run() }
    try checkStamps(batch, walk)
  }

  // MARK: - Headers

  private func parse(_ bytes: ArraySlice<UInt8>) -> Result<RecordBatchHeader, BatchError> {
    Result { () throws(BatchError) in try RecordBatchHeader(parsing: bytes.span.bytes) }
  }

  private func open(_ bytes: ArraySlice<UInt8>) -> BatchError? {
    do throws(BatchError) { _ = try RecordBatchView(bytes.span.bytes) } catch { return error }
    return nil
  }

  private func parseHeader() throws(FuzzViolation) -> RecordBatchHeader? {
    let parsed = parse(input[...])
    try require(parsed == parse(input[...]), "a header parses differently the second time")
    switch parsed {
    case .failure(let error):
      try require(open(input[...]), equals: error, "the view of a bad header")
      _ = "\(error)"
      return nil
    case .success(let header):
      try check(header)
      return header
    }
  }

  private func check(_ header: RecordBatchHeader) throws(FuzzViolation) {
    let total = header.byteCountTotal
    try require((61...Int(Int32.max)).contains(total), "a batch of \(total) bytes is accepted")
    try require(
      header.baseOffset >= .zero && header.lastOffset >= header.baseOffset,
      "offsets \(header.baseOffset) to \(header.lastOffset) are accepted")
    try require(
      (0...(Int64(header.lastOffsetDelta) + 1)).contains(Int64(header.recordCount)),
      "\(header.recordCount) records are accepted")
    try require(header.lastSequence >= -1, "last sequence \(header.lastSequence)")
    var written = [UInt8](repeating: 0xAA, count: RecordBatchHeader.byteCount)
    var span = written.mutableSpan
    var bytes = span.mutableBytes
    header.write(to: &bytes)
    try require(written, equals: Array(input.prefix(61)), "a header written again")
  }

  /// Of a batch's beginning it is always said how much is missing.
  private func checkTruncations(_ header: RecordBatchHeader) throws(FuzzViolation) {
    let total = header.byteCountTotal
    if total > input.count {
      let error = BatchError.truncated(needed: total, available: input.count)
      try require(open(input[...]), equals: error, "an unfinished batch")
      return
    }
    try require(open(input[...]), equals: nil, "a whole batch")
    for count in [0, 16, 60, total - 1] where count < total {
      let needed = count < RecordBatchHeader.byteCount ? RecordBatchHeader.byteCount : total
      let error = BatchError.truncated(needed: needed, available: count)
      try require(open(input.prefix(count)), equals: error, "\(count) bytes of a batch")
    }
  }

  // MARK: - Checksum and records

  private func checkChecksum(
    _ batch: [UInt8], _ header: RecordBatchHeader
  ) throws(FuzzViolation) -> Bool {
    let covered = batch[RecordBatchHeader.Position.attributes...]
    let expected = PlainCRC.castagnoli.checksum(covered)
    let start = covered.startIndex
    let middle = start + covered.count / 2
    let bytes = batch.span.bytes
    let inParts = CRC32C.checksum(
      bytes.extracting(middle..<batch.count),
      continuing: CRC32C.checksum(bytes.extracting(start..<middle)))
    try require(inParts, equals: expected, "a CRC in two parts")
    var fault: BatchError?
    do throws(BatchError) { try RecordBatchView(batch.span.bytes).verifyChecksum() } catch {
      fault = error
    }
    let mismatch = BatchError.checksumMismatch(stored: header.crc, computed: expected)
    try require(fault, equals: header.crc == expected ? nil : mismatch, "the CRC")
    return fault == nil
  }

  private func check(_ walk: Walk, _ header: RecordBatchHeader) throws(FuzzViolation) {
    try require(walk.error == walk.errorAgain, "a cursor that threw throws something else")
    var end = RecordBatchHeader.byteCount
    var previous = header.baseOffset.rawValue - 1
    for record in walk.records {
      end += record.byteCount
      try require(
        record.offset > previous && record.offset <= header.lastOffset.rawValue,
        "offset \(record.offset) after \(previous), in a batch up to \(header.lastOffset)")
      previous = record.offset
      let isStamped = header.attributes.timestampType == .appendTime
      try require(
        !isStamped || record.record.timestamp == header.maxTimestamp, "an append-time record's time"
      )
    }
    let total = header.byteCountTotal
    switch walk.error {
    case nil:
      try require(walk.records.count, equals: Int(header.recordCount), "the records")
      try require(end, equals: total, "the records' bytes")
    case .malformedRecord(let index, let position, let fault):
      try require(index, equals: walk.records.count, "the malformed record's index")
      try require((end...total).contains(position), "a fault at byte \(position): \(fault)")
    case .trailingBytes(let count, let position):
      try require(position == end && count == total - end, "bytes left over")
    case .compressed(let codec):
      try require(codec, equals: header.attributes.compression, "the compression")
    case .some(let error): throw FuzzViolation("the records throw \(error)")
    }
  }

  private func checkValidation(
    _ batch: [UInt8], _ walk: Walk, isIntact: Bool
  ) throws(FuzzViolation) {
    var found: BatchError?
    do throws(BatchError) { try RecordBatchView(batch.span.bytes).validate() } catch {
      found = error
      _ = "\(error)"
    }
    if !isIntact {
      guard case .checksumMismatch = found else {
        throw FuzzViolation(
          "a batch whose CRC is wrong validates with \(String(describing: found))")
      }
    } else if case .compressed = walk.error {
      try require(found, equals: nil, "the validation of a compressed batch")
    } else {
      try require(found, equals: walk.error, "the validation")
    }
  }

  // MARK: - Stamps

  private func checkStamps(_ batch: [UInt8], _ walk: Walk) throws(FuzzViolation) {
    try checkStamp(batch, "another sequence", from: 17) { bytes throws(BatchError) in
      try RecordBatchHeader.restampSequence(
        &bytes, producer: ProducerStamp(id: 7, epoch: 3, baseSequence: 9))
    }
    let stamped = try checkStamp(batch, "append time", from: 17) { bytes throws(BatchError) in
      try RecordBatchHeader.stampAppendTime(&bytes, milliseconds: 1234)
    }
    let again = try Walk(stamped)
    // A time out of range counts for nothing any more.
    if walk.error == nil {
      try require(again.error, equals: nil, "the records under append time")
      try require(again.records.allSatisfy { $0.record.timestamp == 1234 }, "append time")
    }
    try checkPlace(batch)
  }

  /// A place in a log is written beside what the CRC covers.
  private func checkPlace(_ batch: [UInt8]) throws(FuzzViolation) {
    var placed = batch
    var span = placed.mutableSpan
    var bytes = span.mutableBytes
    RecordBatchHeader.stamp(&bytes, baseOffset: Offset(42), leaderEpoch: 5)
    try require(
      placed[8..<12] == batch[8..<12] && placed[16...] == batch[16...], "a place changes more")
    guard let header = try? RecordBatchHeader(parsing: placed.span.bytes) else { return }
    try require(header.baseOffset, equals: Offset(42), "the place")
    try require(
      (PlainSegment.batch(in: placed, at: 0) != nil)
        == (PlainSegment.batch(in: batch, at: 0) != nil),
      "a place changes whether the CRC holds")
  }

  /// What a stamp makes of a whole batch is a whole batch with its CRC.
  @discardableResult
  private func checkStamp(
    _ batch: [UInt8], _ name: String, from first: Int,
    _ stamp: (inout MutableRawSpan) throws(BatchError) -> Void
  ) throws(FuzzViolation) -> [UInt8] {
    var stamped = batch
    do throws(BatchError) {
      var span = stamped.mutableSpan
      var bytes = span.mutableBytes
      try stamp(&bytes)
    } catch { throw FuzzViolation("\(name): \(error)") }
    try require(stamped.prefix(first) == batch.prefix(first), "\(name) changes what it must not")
    try require(
      stamped.dropFirst(61) == batch.dropFirst(61) && stamped.count == batch.count,
      "\(name) changes the records")
    try require(
      PlainSegment.batch(in: stamped, at: 0) != nil, "\(name): the batch does not hold any more")
    return stamped
  }

  // MARK: - Integers

  /// Variable-length integers anywhere in the input: what is read is written again in as many bytes or
  /// fewer, and read again as the same.
  private func checkIntegers() throws(FuzzViolation) {
    for start in 0..<min(input.count, 32) {
      var end = start
      let bytes = input.span.bytes
      if let value = try? VariableLengthInteger.decodeVarlong(bytes, at: &end, end: input.count) {
        try check(value, byteCount: end - start, byteCountMax: 10)
        try require(end <= input.count, "a varlong read past the end")
      }
      end = start
      if let value = try? VariableLengthInteger.decodeVarint(bytes, at: &end, end: input.count) {
        try check(Int64(value), byteCount: end - start, byteCountMax: 5)
        try require(end <= input.count, "a varint read past the end")
      } else {
        try require(end, equals: start, "the place after a throw")
      }
    }
    let partition = Murmur2.partition(for: input.span.bytes, of: 7)
    try require((0..<7).contains(partition), "partition \(partition) of 7")
  }

  private func check(
    _ value: Int64, byteCount: Int, byteCountMax: Int
  ) throws(FuzzViolation) {
    var encoded: [UInt8] = []
    VariableLengthInteger.encode(value, into: &encoded)
    try require(
      encoded.count, equals: VariableLengthInteger.byteCount(of: value), "\(value)'s size")
    try require(
      encoded.count <= byteCount && byteCount <= byteCountMax, "\(value) in \(byteCount) bytes")
    var end = 0
    let again = try? VariableLengthInteger.decodeVarlong(
      encoded.span.bytes, at: &end, end: encoded.count)
    try require(again, equals: value, "an integer read again")
  }
}
