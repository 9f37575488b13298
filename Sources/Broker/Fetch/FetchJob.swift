import CommitLog
import KafkaProtocol
import LinuxIO
import LogStorage
import Records

/// One partition that a fetch asks for.
struct FetchTarget: Sendable {
  let topicIndex: Int
  let partition: Int32
  let entry: PartitionEntry?
  let transfer: String
  let offset: Int64
  let bytesMax: Int
  /// What is known to be wrong before the log is asked.
  let error: KafkaError
}

/// A fetch on its way. Looked up by its event loop where that waits for no disk, else by a read thread.
// SAFETY: `readers` is used by one thread at a time, the others do not change.
final class FetchJob: @unchecked Sendable {
  let connection: Int
  let slot: Int
  let header: RequestHeader
  let request: FetchRequest
  let targets: [FetchTarget]
  let readers: FetchReaders
  /// Monotonic, in nanoseconds: the answer leaves then, with what there is.
  let deadline: Int64
  let bytesMax: Int

  init(
    connection: Int, slot: Int, header: RequestHeader, request: FetchRequest,
    targets: [FetchTarget], readers: FetchReaders, deadline: Int64, bytesMax: Int
  ) {
    self.connection = connection
    self.slot = slot
    self.header = header
    self.request = request
    self.targets = targets
    self.readers = readers
    self.deadline = deadline
    self.bytesMax = bytesMax
  }
}

/// What a partition has for a fetch.
struct FetchedPartition: Sendable {
  var error: KafkaError
  /// The log's end before it was looked at: what was appended since then is yet to be seen.
  var endBefore: Int64 = -1
  var highWatermark: Int64 = -1
  var startOffset: Int64 = -1
  var slice: LogSlice?
}

/// What all partitions have.
struct FetchResult: Sendable {
  var partitions: [FetchedPartition] = []
  var byteCount = 0
  var hasError = false
  /// For the operator.
  var failures: [String] = []

  /// True where the answer does not wait for more.
  func suffices(_ job: FetchJob) -> Bool {
    hasError || byteCount >= Int(job.request.minBytes) || job.request.maxWaitMs <= 0
      || job.targets.isEmpty
  }
}

extension FetchJob {
  /// Looks up what there is. Nil, with `waitingAllowed` false, where that could wait for a disk.
  func lookUp(waitingAllowed: Bool) -> FetchResult? {
    var result = FetchResult()
    result.partitions.reserveCapacity(targets.count)
    for target in targets {
      guard let found = lookUp(target, &result, waitingAllowed) else { return nil }
      result.partitions.append(found)
    }
    return result
  }

  private func lookUp(
    _ target: FetchTarget, _ result: inout FetchResult, _ waitingAllowed: Bool
  ) -> FetchedPartition? {
    guard target.error == .none, let entry = target.entry, !entry.isDeleted else {
      result.hasError = true
      let error = target.error == .none ? KafkaError.unknownTopicOrPartition : target.error
      return FetchedPartition(error: error)
    }
    var found = FetchedPartition(error: .none)
    found.endBefore = entry.published.endOffset.rawValue
    do throws(LogError) {
      let offset = Offset(target.offset)
      let isPossible = try readers.withReader(entry) { (reader) throws(LogError) in
        if !waitingAllowed && Self.mayWait(reader, offset) { return false }
        try read(&reader, offset, target, &found, &result)
        return true
      }
      if !isPossible { return nil }
    } catch {
      result.hasError = true
      found.error = KafkaError(error)
      if found.error == .kafkaStorageError { result.failures.append("\(error)") }
    }
    // After the read, so that they cover it.
    found.highWatermark = entry.published.endOffset.rawValue
    found.startOffset = entry.published.startOffset.rawValue
    return found
  }

  private func read(
    _ reader: inout LogReader, _ offset: Offset, _ target: FetchTarget,
    _ found: inout FetchedPartition, _ result: inout FetchResult
  ) throws(LogError) {
    let room = max(0, min(target.bytesMax, bytesMax - result.byteCount))
    guard let read = try reader.read(from: offset, bytesMax: room) else { return }
    // The first batch of a response is whole, however large; later ones must fit.
    if result.byteCount > 0 && read.firstBatch.byteCountTotal > room { return }
    found.slice = read.slice
    result.byteCount += read.slice.count
  }

  /// True where the next read touches bytes that may not be in memory.
  private static func mayWait(_ reader: LogReader, _ offset: Offset) -> Bool {
    switch reader.place(of: offset) {
    case .end: return false
    case .known(let file, let position):
      guard let kernelFile = file.kernelFile else { return true }
      let end = position.rawValue + Int64(RecordBatchHeader.byteCount)
      return !kernelFile.isCached(position.rawValue..<end)
    case .unknown: return true
    }
  }

  /// The response, with a gap for each slice.
  func respond(_ result: FetchResult) -> OutgoingResponse {
    var response = FetchResponse()
    var slices: [OutgoingSlice] = []
    for topic in request.topics {
      var answer = FetchResponse.FetchableTopicResponse()
      answer.topic = topic.topic
      response.responses.append(answer)
    }
    for (target, found) in zip(targets, result.partitions) {
      var partition = FetchResponse.PartitionData()
      partition.partitionIndex = target.partition
      partition.errorCode = found.error.rawValue
      partition.highWatermark = found.highWatermark
      // Without transactions everything that is readable is stable.
      partition.lastStableOffset = found.highWatermark
      partition.logStartOffset = found.startOffset
      partition.abortedTransactions = request.isolationLevel == 1 ? [] : nil
      partition.records = .bytes([])
      if let slice = found.slice, slice.count > 0 {
        partition.records = .gap(slice.count)
        slices.append(OutgoingSlice(slice: slice, transfer: target.transfer))
      }
      response.responses[target.topicIndex].partitions.append(partition)
    }
    let encoded = EncodedResponse(
      response, to: FetchRequest.self, version: header.apiVersion,
      correlationId: header.correlationId)
    return OutgoingResponse(encoded, slices: slices, hasError: result.hasError)
  }
}
