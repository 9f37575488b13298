import CommitLog
import KafkaProtocol
import LinuxIO
import Records

/// One partition's share of a produce request.
struct ProducePart: Sendable {
  /// Where it stands in the request.
  let topicIndex: Int
  let partitionIndex: Int
  let entry: PartitionEntry?
  /// The batch in the request's frame.
  var range: Range<Int> = 0..<0
  /// The batch's header, where it holds.
  var batch: RecordBatchHeader?
  var error = KafkaError.none
  var message: String?
  var baseOffset: Int64 = -1
  /// Milliseconds, where the topic's timestamps are of append time.
  var appendTime: Int64 = -1
}

/// A produce request on its way: checked by its event loop, appended by the log's thread, answered by the
/// loop. Its frame goes with it, so that the batches are copied once, into the backend's buffer.
// SAFETY: one thread at a time: it changes hands through mailboxes.
final class ProduceJob: @unchecked Sendable {
  let loop: EventLoop
  let connection: Int
  let slot: Int
  let header: RequestHeader
  let request: ProduceRequest
  var frame: AlignedBuffer?
  /// For the frame.
  private var charge: MemoryBudget.Charge?
  var parts: [ProducePart]
  /// Parts that are appended and not acknowledged.
  var unfinished = 0

  init(
    loop: EventLoop, connection: Int, slot: Int, header: RequestHeader, request: ProduceRequest,
    frame: consuming AlignedBuffer, charge: MemoryBudget.Charge, parts: [ProducePart]
  ) {
    self.loop = loop
    self.connection = connection
    self.slot = slot
    self.header = header
    self.request = request
    self.frame = .some(frame)
    self.charge = charge
    self.parts = parts
  }

  /// The batches are where they belong: the request's memory is somebody else's from here.
  func letFrameGo() {
    frame = nil
    charge = nil
  }

  /// What the request comes to, when all parts are done.
  func outcome() -> Outcome {
    if request.acks == 0 {
      guard let failed = parts.first(where: { $0.error != .none }) else { return .nothing }
      // Nobody waits for an answer: the client learns of it by the connection's end, as with Kafka.
      return .close("a produce request with acks=0 failed: \(failed.message ?? "\(failed.error)")")
    }
    return .respond(
      OutgoingResponse(
        EncodedResponse(
          response(), to: ProduceRequest.self, version: header.apiVersion,
          correlationId: header.correlationId),
        hasError: parts.contains { $0.error != .none }))
  }

  private func response() -> ProduceResponse {
    var response = ProduceResponse()
    var next = parts.startIndex
    for (topicIndex, topic) in request.topicData.enumerated() {
      var answer = ProduceResponse.TopicProduceResponse()
      answer.name = topic.name
      while next < parts.endIndex, parts[next].topicIndex == topicIndex {
        let part = parts[next]
        var partition = ProduceResponse.PartitionProduceResponse()
        partition.index = topic.partitionData[part.partitionIndex].index
        partition.errorCode = part.error.rawValue
        partition.errorMessage = part.message
        partition.baseOffset = part.baseOffset
        partition.logAppendTimeMs = part.appendTime
        partition.logStartOffset = part.entry?.published.startOffset.rawValue ?? -1
        answer.partitionResponses.append(partition)
        next += 1
      }
      response.responses.append(answer)
    }
    return response
  }
}
