import LinuxIO

/// Builds one uncompressed batch, record after record, in the memory that a backend will write.
///
/// `append` encodes straight into the buffer. It allocates only where the buffer has to grow; a
/// caller on a data path asks `byteCount(appending:)` first and stays within the capacity.
/// One batch a builder: `finish` gives the buffer back.
package struct RecordBatchBuilder: ~Copyable {
  /// What the batch's timestamps will mean.
  package enum Timestamps: Hashable, Sendable {
    case createTime
    /// The batch is stamped with this time, in milliseconds since 1970, from the start.
    case appendTime(milliseconds: Int64)
  }

  private var buffer: AlignedBuffer
  private let timestamps: Timestamps
  private let producer: ProducerStamp
  private let isTransactional: Bool
  private let isControl: Bool
  private var baseTimestamp: Int64 = 0
  private var latestTimestamp: Int64 = Int64.min
  /// The records appended so far.
  package private(set) var recordCount = 0
  /// The batch's size so far, its header included.
  package private(set) var byteCount = RecordBatchHeader.byteCount

  /// Takes `buffer`, empties it, and lets the batch begin `shift` bytes past an aligned address
  /// (see `AlignedBuffer.clear(shiftedBy:)`).
  package init(
    buffer: consuming AlignedBuffer, shiftedBy shift: Int = 0,
    timestamps: Timestamps = .createTime, producer: ProducerStamp = .none,
    isTransactional: Bool = false, isControl: Bool = false
  ) {
    self.buffer = buffer
    self.timestamps = timestamps
    self.producer = producer
    self.isTransactional = isTransactional
    self.isControl = isControl
    self.buffer.clear(shiftedBy: shift)
    self.buffer.resize(to: RecordBatchHeader.byteCount)
  }

  package var isEmpty: Bool { recordCount == 0 }

  /// Appends a record. The first one's timestamp becomes the batch's base timestamp; later ones
  /// may lie before it.
  ///
  /// - Parameters:
  ///   - timestamp: in milliseconds since 1970.
  ///   - key: nil for null.
  ///   - value: nil for null.
  ///   - headers: none cost nothing; on a data path use the encoded form.
  /// - Throws: `.timestampTooFar`, `.batchTooLarge`; the batch is then as it was before.
  package mutating func append(
    timestamp: Int64, key: RawSpan?, value: RawSpan?, headers: [RecordHeader] = []
  ) throws(BatchError) {
    let sizes = RecordSizes(
      key: key?.byteCount, value: value?.byteCount, headerCount: headers.count,
      encodedHeaders: RecordSizes.encodedByteCount(of: headers))
    var position = try begin(timestamp: timestamp, sizes)
    var span = buffer.mutableBytes
    span.encode(key, at: &position)
    span.encode(value, at: &position)
    VariableLengthInteger.encode(Int64(headers.count), into: &span, at: &position)
    for header in headers {
      span.encode(header.key.span.bytes, at: &position)
      span.encode(header.value?.span.bytes, at: &position)
    }
    end(timestamp: timestamp, at: position)
  }

  /// Appends a record whose headers are encoded already: by an `EncodedHeaders`, or in another
  /// batch (`RecordView.encodedHeaders`). They must be `headerCount` well-formed headers: they are
  /// copied and not looked at.
  package mutating func append(
    timestamp: Int64, key: RawSpan?, value: RawSpan?, encodedHeaders: RawSpan, headerCount: Int
  ) throws(BatchError) {
    let sizes = RecordSizes(
      key: key?.byteCount, value: value?.byteCount, headerCount: headerCount,
      encodedHeaders: encodedHeaders.byteCount)
    var position = try begin(timestamp: timestamp, sizes)
    var span = buffer.mutableBytes
    span.encode(key, at: &position)
    span.encode(value, at: &position)
    VariableLengthInteger.encode(Int64(headerCount), into: &span, at: &position)
    span.copy(encodedHeaders, to: position)
    end(timestamp: timestamp, at: position + encodedHeaders.byteCount)
  }

  /// Appends a copy of `record`.
  package mutating func append(_ record: Record) throws(BatchError) {
    try append(
      timestamp: record.timestamp, key: record.key?.span.bytes, value: record.value?.span.bytes,
      headers: record.headers)
  }

  /// The batch's exact size after a record with these parts were appended, to be compared with a
  /// limit before it is. A nil size is null's. (`timestamp` matters: its delta's size does.)
  package func byteCount(
    appending sizes: RecordSizes, timestamp: Int64
  ) -> Int {
    byteCount
      + sizes.recordByteCount(
        timestampDelta: delta(of: timestamp).partialValue,
        offsetDelta: recordCount)
  }

  /// Ends the batch: writes the header with its CRC, and gives the buffer back with the batch as
  /// its only bytes.
  ///
  /// At least one record must have been appended: Kafka knows an empty batch only as what
  /// compaction leaves of one. `discard` gives back the buffer of a batch without records.
  package consuming func finish(baseOffset: Offset, leaderEpoch: Int32 = 0) -> AlignedBuffer {
    precondition(!isEmpty, "a batch without records is discarded, not finished")
    let maxTimestamp =
      switch timestamps {
      case .createTime: latestTimestamp
      case .appendTime(let milliseconds): milliseconds
      }
    let header = RecordBatchHeader(
      baseOffset: baseOffset,
      batchLength: Int32(byteCount - RecordBatchHeader.prefixByteCount),
      partitionLeaderEpoch: leaderEpoch, crc: 0,
      attributes: BatchAttributes(
        timestampType: timestamps == .createTime ? .createTime : .appendTime,
        isTransactional: isTransactional, isControl: isControl),
      lastOffsetDelta: Int32(recordCount - 1), baseTimestamp: baseTimestamp,
      maxTimestamp: maxTimestamp, producer: producer, recordCount: Int32(recordCount))
    let byteCount = byteCount
    var finished = buffer
    var span = finished.mutableBytes
    header.write(to: &span)
    RecordBatchHeader.storeChecksum(&span, byteCountTotal: byteCount)
    return finished
  }

  /// Gives the buffer back, empty, and forgets the records.
  package consuming func discard() -> AlignedBuffer {
    var discarded = buffer
    discarded.clear()
    return discarded
  }

  private func delta(of timestamp: Int64) -> (partialValue: Int64, overflow: Bool) {
    isEmpty ? (0, false) : timestamp.subtractingReportingOverflow(baseTimestamp)
  }

  /// Makes room for a record and writes it up to its offset delta; where its key goes is returned.
  private mutating func begin(
    timestamp: Int64, _ sizes: RecordSizes
  ) throws(BatchError) -> Int {
    let offsetDelta = recordCount
    let (delta, overflow) = delta(of: timestamp)
    guard !overflow else { throw .timestampTooFar(timestamp, base: baseTimestamp) }
    let bodyByteCount = sizes.bodyByteCount(timestampDelta: delta, offsetDelta: offsetDelta)
    let newCount =
      byteCount + VariableLengthInteger.byteCount(of: Int64(bodyByteCount)) + bodyByteCount
    guard newCount <= RecordBatchHeader.byteCountTotalMax else {
      throw .batchTooLarge(byteCount: newCount)
    }
    buffer.resize(to: newCount)
    var position = byteCount
    var span = buffer.mutableBytes
    VariableLengthInteger.encode(Int64(bodyByteCount), into: &span, at: &position)
    span.storeBytes(of: 0, toByteOffset: position, as: UInt8.self)
    position += 1
    VariableLengthInteger.encode(delta, into: &span, at: &position)
    VariableLengthInteger.encode(Int64(offsetDelta), into: &span, at: &position)
    return position
  }

  private mutating func end(timestamp: Int64, at position: Int) {
    assert(position == buffer.count, "a record's size was computed wrongly")
    if isEmpty { baseTimestamp = timestamp }
    latestTimestamp = max(latestTimestamp, timestamp)
    recordCount += 1
    byteCount = position
  }
}

extension MutableRawSpan {
  /// Writes a length, -1 for nil, and the bytes, and moves `position` past them.
  @inline(__always)
  fileprivate mutating func encode(_ part: RawSpan?, at position: inout Int) {
    guard let part else {
      VariableLengthInteger.encode(-1, into: &self, at: &position)
      return
    }
    VariableLengthInteger.encode(Int64(part.byteCount), into: &self, at: &position)
    copy(part, to: position)
    position += part.byteCount
  }
}
