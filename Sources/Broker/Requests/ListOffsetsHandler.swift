import CommitLog
import KafkaProtocol
import LinuxIO
import LogRuntime
import Records

/// The log's first offset, its next one, or the first at or after a time.
///
/// Version 0, which librdkafka 0.11 to 1.7 sends for the first and the next offset, asks for a list
/// of offsets before a time; the answer is a list of the one offset that later versions answer
/// with.
enum ListOffsetsHandler: RequestHandler {
  static func route(_ call: RequestCall<ListOffsetsRequest>) -> Route {
    let lookup = OffsetLookup(call)
    if !lookup.readsLog { return .respond(lookup.finish()) }
    return .onReadThread { lookup.goOn(during: $0) }
  }
}

/// The answer to one request, partition by partition, in pieces: a request may ask for searches of
/// many partitions, and a search goes over many segments.
// SAFETY: its event loop makes it; then it belongs to whoever runs the piece.
private final class OffsetLookup: @unchecked Sendable {
  private typealias Answer = ListOffsetsResponse.ListOffsetsPartitionResponse

  private static let latest: Int64 = -1
  private static let earliest: Int64 = -2
  /// KIP-734.
  private static let greatestTimestamp: Int64 = -3
  /// KIP-405: of what this broker has on its own disk, which is all of it.
  private static let earliestLocal: Int64 = -4
  /// KIP-1005: there is no remote storage, and so no such offset.
  private static let latestRemote: Int64 = -5

  private let call: RequestCall<ListOffsetsRequest>
  /// Those that are asked for more than once are not looked for, as by Kafka: a request must not
  /// cost more reading than there are partitions.
  private let repeated: Set<TopicPartition>
  private var response = ListOffsetsResponse()
  /// Where the partition that is looked at next stands in the request.
  private var topic = 0
  private var partition = 0
  /// That partition's, between two pieces.
  private var search: TimeSearch?

  init(_ call: RequestCall<ListOffsetsRequest>) {
    self.call = call
    var seen: Set<TopicPartition> = []
    var repeated: Set<TopicPartition> = []
    for topic in call.request.topics {
      for asked in topic.partitions {
        let partition = TopicPartition(topic: topic.name, partition: asked.partitionIndex)
        if !seen.insert(partition).inserted { repeated.insert(partition) }
      }
    }
    self.repeated = repeated
  }

  /// True where the request asks for a search by time, which reads the log.
  var readsLog: Bool {
    call.request.topics.contains { topic in
      topic.partitions.contains { $0.timestamp >= 0 || $0.timestamp == Self.greatestTimestamp }
    }
  }

  func finish() -> OutgoingResponse {
    while true {
      if let response = goOn(during: .endless) { return response }
    }
  }

  /// Nil where the slice is over before all partitions are answered: the next call goes on.
  func goOn(during slice: TimeSlice) -> OutgoingResponse? {
    while topic < call.request.topics.count {
      step(slice)
      if slice.isOver && topic < call.request.topics.count { return nil }
    }
    return call.respond(
      response, codes: response.topics.flatMap { $0.partitions.map(\.errorCode) })
  }

  private func step(_ slice: TimeSlice) {
    let asked = call.request.topics[topic]
    if response.topics.count == topic {
      response.topics.append(ListOffsetsResponse.ListOffsetsTopicResponse(name: asked.name))
    }
    if partition < asked.partitions.count {
      guard let answer = answer(asked.partitions[partition], of: asked.name, slice) else { return }
      response.topics[topic].partitions.append(answer)
      partition += 1
    }
    if partition >= asked.partitions.count {
      topic += 1
      partition = 0
    }
  }

  /// Nil where the search goes on.
  private func answer(
    _ asked: ListOffsetsRequest.ListOffsetsPartition, of topic: String, _ slice: TimeSlice
  ) -> Answer? {
    var answer = Answer(partitionIndex: asked.partitionIndex)
    let name = TopicPartition(topic: topic, partition: asked.partitionIndex)
    if repeated.contains(name) {
      answer.errorCode = KafkaError.invalidRequest.rawValue
    } else if let entry = call.cluster[topic]?.partition(asked.partitionIndex), !entry.isDeleted {
      if !find(asked, entry, &answer, slice) { return nil }
    } else {
      // It may have been deleted in the middle of its search.
      search = nil
      answer.errorCode = call.cluster.fault(of: topic, asked.partitionIndex).rawValue
    }
    if call.version == 0, answer.offset >= 0, asked.maxNumOffsets > 0 {
      answer.oldStyleOffsets = [answer.offset]
    }
    return answer
  }

  /// False where the search goes on.
  private func find(
    _ asked: ListOffsetsRequest.ListOffsetsPartition, _ entry: LogPartition,
    _ answer: inout Answer, _ slice: TimeSlice
  ) -> Bool {
    var search = self.search.take()
    let fault = entry.fault(ofLeaderEpoch: asked.currentLeaderEpoch)
    guard fault == .none else {
      answer.errorCode = fault.rawValue
      return true
    }
    answer.leaderEpoch = entry.leaderEpoch
    switch asked.timestamp {
    case Self.latest:
      let isCommittedOnly = call.request.isolationLevel == 1
      let offsets = entry.offsets
      answer.offset = (isCommittedOnly ? offsets.lastStable : offsets.highWatermark).rawValue
    case Self.earliest, Self.earliestLocal: answer.offset = entry.offsets.start.rawValue
    case Self.latestRemote: answer.leaderEpoch = -1
    case Self.greatestTimestamp:
      if search == nil { search = TimeSearch(newestOf: entry.published) }
    case 0...:
      if search == nil { search = TimeSearch(entry.published, at: asked.timestamp) }
    default: answer.errorCode = KafkaError.invalidRequest.rawValue
    }
    guard var search else { return true }
    do throws(LogError) {
      guard case .ended(let found) = try search.goOn(during: slice) else {
        self.search = search
        return false
      }
      if let found {
        answer.offset = found.offset.rawValue
        answer.timestamp = found.timestamp
      }
    } catch {
      answer.errorCode = KafkaError(error).rawValue
      call.services.log.limited(
        "offsets", "offsets of \(entry.partition): \(error)", call.session.fields)
    }
    return true
  }
}
