import Records

/// Checks the batches of one append and gives them their offsets, in place.
struct BatchStamper {
  let next: Offset
  let check: BatchCheck
  /// Milliseconds, where the topic's timestamps are of append time.
  let appendTime: Int64?

  /// Whole batches and nothing else, or a throw; what was stamped before a throw does not matter,
  /// since the next append stamps anew.
  func stamp(_ bytes: inout MutableRawSpan) throws(BatchError) -> AppendBatches {
    var offset = next
    let first = try stampOne(&bytes, at: 0, offset)
    offset = first.nextOffset
    var position = first.byteCountTotal
    var others: [RecordBatchHeader] = []
    while position < bytes.byteCount {
      let header = try stampOne(&bytes, at: position, offset)
      others.append(header)
      offset = header.nextOffset
      position += header.byteCountTotal
    }
    return AppendBatches(first: first, others: others)
  }

  private func stampOne(
    _ bytes: inout MutableRawSpan, at position: Int, _ offset: Offset
  ) throws(BatchError) -> RecordBatchHeader {
    var header = try check(bytes.bytes.extracting(position..<bytes.byteCount))
    let (last, overflow) = offset.rawValue.addingReportingOverflow(Int64(header.lastOffsetDelta))
    guard !overflow, last < Int64.max else {
      throw .offsetOutOfRange(base: offset.rawValue, lastOffsetDelta: header.lastOffsetDelta)
    }
    var batch = bytes._mutatingExtracting(position..<bytes.byteCount)
    header.baseOffset = offset
    RecordBatchHeader.stamp(&batch, baseOffset: offset, leaderEpoch: 0)
    if let appendTime {
      try RecordBatchHeader.stampAppendTime(&batch, milliseconds: appendTime)
      header.maxTimestamp = appendTime
    }
    return header
  }

  private func check(_ bytes: RawSpan) throws(BatchError) -> RecordBatchHeader {
    let view = try RecordBatchView(bytes)
    if check == .checksum { try view.verifyChecksum() }
    return view.header
  }
}
