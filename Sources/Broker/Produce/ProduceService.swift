import CommitLog
import KafkaProtocol
import LinuxIO
import LogRuntime
import Records

/// Produce requests of one event loop: checked here, appended by the shards' threads. Belongs to
/// the loop's thread.
final class ProduceService {
  /// What a part takes beside its batch: decoded, checked, and in the answer.
  private static let partBytes = 512
  private static let partsUncounted = 64

  private let context: LoopContext
  private let connections: ConnectionSet

  init(_ context: LoopContext, _ connections: ConnectionSet) {
    self.context = context
    self.connections = connections
  }

  func begin(
    _ held: HeldRequest, _ connection: Connection, _ slot: Int
  ) throws(WireError) {
    let request: ProduceRequest = try held.decode()
    guard var frame = held.frame.take() else { return }
    let parts = check(request, &frame, version: held.header.apiVersion)
    // Most requests have a few parts, with batches that are larger than what is known of them.
    if parts.count > Self.partsUncounted {
      held.charge.set(held.charge.bytes + parts.count * Self.partBytes)
    }
    let job = ProduceJob(
      loop: context, connection: connection.id, slot: slot, header: held.header, request: request,
      frame: frame, charge: held.charge, parts: parts)
    if job.shards != 0 {
      context.services.runtime.append(job, to: job.shards)
    } else {
      job.letFrameGo(to: context.frames)
      connection.fill(slot, job.outcome())
    }
  }

  func finish(_ job: ProduceJob) {
    job.letFrameGo(to: context.frames)
    guard let connection = connections[job.connection] else { return }
    connection.fill(job.slot, job.outcome())
    connections.schedule(connection)
  }

  /// Writes the records' newest timestamp into the batch's header.
  private static func correct(
    _ frame: inout AlignedBuffer, _ range: Range<Int>, _ maxTimestamp: Int64
  ) throws(RequestRefusal) {
    do throws(BatchError) {
      try frame.withMutableBytes { (bytes) throws(BatchError) in
        var batch = bytes._mutatingExtracting(range)
        try RecordBatchHeader.stampMaxTimestamp(&batch, milliseconds: maxTimestamp)
      }
    } catch { throw RequestRefusal(.corruptMessage, "\(error)") }
  }

  private static func refusal(ofUnserved fault: KafkaError) -> RequestRefusal {
    RequestRefusal(
      fault,
      fault == .kafkaStorageError
        ? "the partition is offline: its log could not be opened, and the broker's log says why"
        : "there is no such partition here")
  }

  private func check(
    _ request: ProduceRequest, _ frame: inout AlignedBuffer, version: Int16
  ) -> [ProducePart] {
    let snapshot = context.cluster()
    let wall = context.services.parts.time.wallMilliseconds()
    var parts: [ProducePart] = []
    var named: Set<Int> = []
    let refusal = refusal(of: request, version)
    for (topicIndex, topic) in request.topicData.enumerated() {
      let known = snapshot[topic.name]
      for (partitionIndex, data) in topic.partitionData.enumerated() {
        let entry = known?.partition(data.index)
        var part = ProducePart(
          topicIndex: topicIndex, partitionIndex: partitionIndex, entry: entry)
        do throws(RequestRefusal) {
          if let refusal { throw refusal }
          guard let known, let entry, !entry.isDeleted else {
            // No names: a request may repeat one a hundred thousand times.
            throw Self.refusal(ofUnserved: snapshot.fault(of: topic.name, data.index))
          }
          guard named.insert(entry.id).inserted else {
            throw RequestRefusal(
              .invalidRequest, "the request names this partition twice, expected once")
          }
          let checks = ProduceChecks(settings: known.topic.settings, now: wall)
          guard case .range(let range) = data.records, !range.isEmpty else {
            throw RequestRefusal(.invalidRecord, "no batch, expected one for each partition")
          }
          part.range = range
          let checked = try frame.withBytes { (bytes) throws(RequestRefusal) in
            try checks.check(bytes.extracting(range))
          }
          part.batch = checked.header
          if checked.isOtherMaxTimestamp {
            try Self.correct(&frame, range, checked.header.maxTimestamp)
          }
        } catch {
          part.error = error.code
          part.message = error.message
        }
        parts.append(part)
      }
    }
    return parts
  }

  /// What is wrong with the request as a whole.
  private func refusal(of request: ProduceRequest, _ version: Int16) -> RequestRefusal? {
    guard (-1...1).contains(request.acks) else {
      return RequestRefusal(
        .invalidRequiredAcks, "acks: found \(request.acks), expected -1 (all), 0 or 1")
    }
    if version < 3 {
      return RequestRefusal(
        .unsupportedVersion,
        "Produce version \(version) carries message formats before 2, which are not served")
    }
    if request.transactionalId != nil {
      return RequestRefusal(.unsupportedVersion, "transactions are not served")
    }
    return nil
  }
}
