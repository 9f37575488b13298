import CommitLog
import KafkaProtocol
import LogRuntime
import Records

/// The log's first offset, its next one, or the first at or after a time.
///
/// Version 0, which librdkafka 0.11 to 1.7 sends for the first and the next offset, asks for a list
/// of offsets before a time; the answer is a list of the one offset that later versions answer
/// with.
enum ListOffsetsHandler: RequestHandler {
  private static let latest: Int64 = -1
  private static let earliest: Int64 = -2
  /// KIP-734.
  private static let greatestTimestamp: Int64 = -3
  /// KIP-405: of what this broker has on its own disk, which is all of it.
  private static let earliestLocal: Int64 = -4
  /// KIP-1005: there is no remote storage, and so no such offset.
  private static let latestRemote: Int64 = -5

  static func route(_ call: RequestCall<ListOffsetsRequest>) -> Route {
    // A search by time reads the log.
    let reads = call.request.topics.contains { topic in
      topic.partitions.contains { $0.timestamp >= 0 || $0.timestamp == greatestTimestamp }
    }
    if reads { return .onReadThread { answer(call) } }
    return .respond(answer(call))
  }

  private static func answer(_ call: RequestCall<ListOffsetsRequest>) -> OutgoingResponse {
    let response = response(call)
    return call.respond(
      response, codes: response.topics.flatMap { $0.partitions.map(\.errorCode) })
  }

  private static func response(_ call: RequestCall<ListOffsetsRequest>) -> ListOffsetsResponse {
    var response = ListOffsetsResponse()
    let repeated = repeated(call.request)
    for topic in call.request.topics {
      var answer = ListOffsetsResponse.ListOffsetsTopicResponse(name: topic.name)
      let known = call.cluster[topic.name]
      for asked in topic.partitions {
        var partition = ListOffsetsResponse.ListOffsetsPartitionResponse(
          partitionIndex: asked.partitionIndex)
        if repeated.contains(TopicPartition(topic: topic.name, partition: asked.partitionIndex)) {
          partition.errorCode = KafkaError.invalidRequest.rawValue
        } else if let entry = known?.partition(asked.partitionIndex), !entry.isDeleted {
          find(asked, entry, &partition, call)
        } else {
          partition.errorCode =
            call.cluster.fault(of: topic.name, asked.partitionIndex).rawValue
        }
        if call.version == 0, partition.offset >= 0, asked.maxNumOffsets > 0 {
          partition.oldStyleOffsets = [partition.offset]
        }
        answer.partitions.append(partition)
      }
      response.topics.append(answer)
    }
    return response
  }

  /// Those that are asked for more than once are not looked for, as by Kafka: a request must not
  /// cost more reading than there are partitions.
  private static func repeated(_ request: ListOffsetsRequest) -> Set<TopicPartition> {
    var seen: Set<TopicPartition> = []
    var repeated: Set<TopicPartition> = []
    for topic in request.topics {
      for asked in topic.partitions {
        let partition = TopicPartition(topic: topic.name, partition: asked.partitionIndex)
        if !seen.insert(partition).inserted { repeated.insert(partition) }
      }
    }
    return repeated
  }

  private static func find(
    _ asked: ListOffsetsRequest.ListOffsetsPartition, _ entry: LogPartition,
    _ answer: inout ListOffsetsResponse.ListOffsetsPartitionResponse,
    _ call: RequestCall<ListOffsetsRequest>
  ) {
    let fault = entry.fault(ofLeaderEpoch: asked.currentLeaderEpoch)
    guard fault == .none else {
      answer.errorCode = fault.rawValue
      return
    }
    answer.leaderEpoch = entry.leaderEpoch
    do throws(LogError) {
      switch asked.timestamp {
      case latest:
        let isCommittedOnly = call.request.isolationLevel == 1
        let offsets = entry.offsets
        answer.offset = (isCommittedOnly ? offsets.lastStable : offsets.highWatermark).rawValue
      case earliest, earliestLocal: answer.offset = entry.offsets.start.rawValue
      case latestRemote: answer.leaderEpoch = -1
      case greatestTimestamp:
        note(try LogReader(entry.published).newestRecord(), &answer)
      case 0...: note(try LogReader(entry.published).offset(at: asked.timestamp), &answer)
      default: answer.errorCode = KafkaError.invalidRequest.rawValue
      }
    } catch {
      answer.errorCode = KafkaError(error).rawValue
      call.services.log.limited(
        "offsets", "offsets of \(entry.partition): \(error)", call.session.fields)
    }
  }

  private static func note(
    _ found: (offset: Offset, timestamp: Int64)?,
    _ answer: inout ListOffsetsResponse.ListOffsetsPartitionResponse
  ) {
    guard let found else { return }
    answer.offset = found.offset.rawValue
    answer.timestamp = found.timestamp
  }
}
