import CommitLog
import KafkaProtocol
import LinuxIO
import Records

/// What a producer's batch must be, looked at where it lies in the request: on the event loop, so
/// that the shards' threads need not read the bytes to believe them.
struct ProduceChecks {
  let settings: TopicSettings
  /// Milliseconds since 1970.
  let now: Int64

  /// A batch that may be appended.
  struct Checked {
    var header: RecordBatchHeader
    /// The header said another max timestamp than the records have, which is in `header` now, and
    /// is to be written into the batch: searches by time and retention go by it.
    var isOtherMaxTimestamp = false
  }

  /// The one batch that `records` must be (KIP-98: one batch for each partition).
  func check(_ records: RawSpan) throws(RequestRefusal) -> Checked {
    guard records.byteCount <= settings.messageBytesMax else {
      throw RequestRefusal(
        .messageTooLarge,
        "a batch of \(records.byteCount) bytes, expected at most \(settings.messageBytesMax) "
          + "(max.message.bytes)")
    }
    var header: RecordBatchHeader
    let newest: Int64?
    do throws(BatchError) {
      let batch = try RecordBatchView(records)
      header = batch.header
      newest = try batch.validate()
    } catch { throw refusal(error) }
    guard header.byteCountTotal == records.byteCount else {
      throw RequestRefusal(
        .invalidRecord,
        "\(records.byteCount) bytes hold more than one batch, expected one for each partition")
    }
    try checkKind(header)
    let isOther =
      settings.timestampSource == .createTime && newest.map { $0 != header.maxTimestamp } ?? false
    if let newest { header.maxTimestamp = newest }
    try checkTimestamps(header)
    return Checked(header: header, isOtherMaxTimestamp: isOther)
  }

  private func checkKind(_ header: RecordBatchHeader) throws(RequestRefusal) {
    if header.attributes.isControl {
      throw RequestRefusal(.invalidRecord, "a control batch comes from no producer")
    }
    if header.attributes.isTransactional {
      throw RequestRefusal(.invalidTxnState, "transactions are not served")
    }
    guard header.recordCount > 0, header.recordCount == header.lastOffsetDelta &+ 1 else {
      throw RequestRefusal(
        .invalidRecord,
        "\(header.recordCount) records with a last offset delta of \(header.lastOffsetDelta), "
          + "expected one offset for each record")
    }
    if header.producerID >= 0 && (header.producerEpoch < 0 || header.baseSequence < 0) {
      throw RequestRefusal(
        .invalidRecord,
        "producer \(header.producerID) with epoch \(header.producerEpoch) and sequence "
          + "\(header.baseSequence), expected 0 or more for both")
    }
    if header.attributes.hasDeleteHorizon {
      throw RequestRefusal(.invalidRecord, "a delete horizon is the log's to set, not a producer's")
    }
  }

  private func checkTimestamps(_ header: RecordBatchHeader) throws(RequestRefusal) {
    // The log sets its own time; what the producer wrote does not count.
    if settings.timestampSource == .appendTime { return }
    if header.attributes.timestampType == .appendTime {
      throw RequestRefusal(.invalidTimestamp, "append time in a batch for a topic of create time")
    }
    let newest = header.maxTimestamp
    if newest < 0 { return }
    let (ahead, isFar) = newest.subtractingReportingOverflow(now)
    if isFar ? newest > now : ahead > settings.timestampAfterMaxMilliseconds {
      throw RequestRefusal(
        .invalidTimestamp,
        "timestamp \(newest) lies more than \(settings.timestampAfterMaxMilliseconds) ms ahead of "
          + "\(now) (message.timestamp.after.max.ms)")
    }
    let (age, isOld) = now.subtractingReportingOverflow(newest)
    if isOld ? newest < now : age > settings.timestampBeforeMaxMilliseconds {
      throw RequestRefusal(
        .invalidTimestamp,
        "timestamp \(newest) lies more than \(settings.timestampBeforeMaxMilliseconds) ms before "
          + "\(now) (message.timestamp.before.max.ms)")
    }
  }

  private func refusal(_ error: BatchError) -> RequestRefusal {
    switch error {
    case .unsupportedMagic:
      RequestRefusal(.unsupportedForMessageFormat, "\(error)")
    case .malformedRecord, .trailingBytes, .recordCountOutOfRange:
      RequestRefusal(.invalidRecord, "\(error)")
    case .unknownCompression:
      RequestRefusal(.unsupportedCompressionType, "\(error)")
    case .truncated, .lengthOutOfRange, .offsetOutOfRange, .negativeLastOffsetDelta,
      .unknownAttributes, .checksumMismatch, .compressed, .batchTooLarge, .timestampTooFar:
      RequestRefusal(.corruptMessage, "\(error)")
    }
  }
}
