import CommitLog
import KafkaProtocol
import LinuxIO
import LogRuntime
import Records
import Synchronization

/// One partition's share of a produce request.
struct ProducePart: Sendable {
  /// Where it stands in the request.
  let topicIndex: Int
  let partitionIndex: Int
  let entry: LogPartition?
  /// The batch in the request's frame.
  var range: Range<Int> = 0..<0
  /// The batch's header, where it holds.
  var batch: RecordBatchHeader?
  var error = KafkaError.none
  var message: String?
  var baseOffset: Int64 = -1
  /// Milliseconds, where the topic's timestamps are of append time.
  var appendTime: Int64 = -1

  var isForLog: Bool { error == .none && batch != nil && entry != nil }

  mutating func refuse(_ refusal: RequestRefusal) {
    error = refusal.code
    message = refusal.message
  }
}

/// A produce request on its way: checked by its event loop, appended by the threads of the shards
/// that its partitions belong to, answered by the loop. Its frame goes with it, so that the batches
/// are copied once, into the backend's buffer.
// SAFETY: the loop's until it is handed over, and again when `unfinished` is 0. Between, a part
// belongs to the thread of its partition's shard, and the rest does not change.
final class ProduceJob: @unchecked Sendable {
  let connection: Int
  let slot: Int
  let header: RequestHeader
  let request: ProduceRequest
  let source: Int
  private let services: BrokerServices
  /// The loop's.
  private let mailbox: Mailbox<LoopMessage>
  private var frame: AlignedBuffer?
  /// For the frame.
  private var charge: MemoryAccount.Charge?
  /// Memory of its own and not an array: threads write to different parts at once.
  private let parts: UnsafeMutableBufferPointer<ProducePart>
  /// Parts that are to be appended, and have not ended.
  private let unfinished: Atomic<Int>
  /// A bit for each shard that has some of them.
  let shards: UInt64

  init(
    loop: LoopContext, connection: Int, slot: Int, header: RequestHeader, request: ProduceRequest,
    frame: consuming AlignedBuffer, charge: MemoryAccount.Charge, parts: [ProducePart]
  ) {
    services = loop.services
    mailbox = loop.mailbox
    source = loop.source(ofConnection: connection)
    self.connection = connection
    self.slot = slot
    self.header = header
    self.request = request
    self.frame = .some(frame)
    self.charge = charge
    self.parts = .allocate(capacity: parts.count)
    _ = self.parts.initialize(from: parts)
    var count = 0
    var shards: UInt64 = 0
    for part in parts where part.isForLog {
      count += 1
      if let entry = part.entry { shards |= 1 << UInt64(entry.shard) }
    }
    unfinished = Atomic(count)
    self.shards = shards
  }

  deinit {
    parts.deinitialize()
    parts.deallocate()
  }

  /// The batches are where they belong: the request's memory is somebody else's from here.
  func letFrameGo(to pool: FramePool) {
    if let frame = frame.take() { pool.giveBack(frame) }
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
        partition.baseOffset = part.error == .none ? part.baseOffset : -1
        partition.logAppendTimeMs = part.error == .none ? part.appendTime : -1
        partition.logStartOffset = part.entry?.published.startOffset.rawValue ?? -1
        answer.partitionResponses.append(partition)
        next += 1
      }
      response.responses.append(answer)
    }
    return response
  }
}

extension ProduceJob: AppendJob {
  func submit(
    from part: Int, during slice: TimeSlice, to loop: AppendLoop, now: LogTime
  ) -> Int? {
    var hasSubmitted = false
    for index in part..<parts.count {
      // In this order: another shard's parts are not this thread's to look at.
      guard let entry = parts[index].entry, entry.shard == loop.shard.number,
        parts[index].isForLog, let batch = parts[index].batch
      else { continue }
      if hasSubmitted && slice.isOver { return index }
      hasSubmitted = true
      let range = parts[index].range
      var buffer = loop.takeBuffer(for: entry, byteCount: range.count)
      frame?.withBytes { buffer.append($0.extracting(range)) }
      loop.submit(buffer, batch, to: entry, for: self, part: index, now: now)
    }
    return nil
  }

  /// On the thread of the part's shard. With the last part the job goes back to its loop.
  func appendEnded(_ index: Int, _ end: AppendEnd) {
    switch end {
    case .acknowledged(let batch):
      parts[index].baseOffset = batch.baseOffset.rawValue
      parts[index].appendTime = batch.appendTime ?? -1
      if let header = parts[index].batch, !batch.isDuplicate {
        services.metrics.appended(
          batches: 1, records: Int(header.recordCount), bytes: header.byteCountTotal)
      }
    case .failed(let error):
      parts[index].refuse(RequestRefusal(error))
      if let entry = parts[index].entry {
        services.log.limited("append", "append to \(entry.partition): \(error)")
        if entry.log.failure != nil { entry.setFenced() }
      }
    case .refused(let fault):
      if let header = parts[index].batch { parts[index].refuse(RequestRefusal(fault, header)) }
    }
    let left = unfinished.subtract(1, ordering: .acquiringAndReleasing).newValue
    if left == 0 { mailbox.post(.produced(self)) }
  }
}

extension ProduceJob: AppendOwner {}
