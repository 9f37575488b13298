import CommitLog
import KafkaProtocol
import Records

/// The log's first offset, its next one, or the first at or after a time.
enum ListOffsetsHandler: RequestHandler {
  private static let latest: Int64 = -1
  private static let earliest: Int64 = -2
  /// KIP-734.
  private static let greatestTimestamp: Int64 = -3

  static func route(_ call: RequestCall<ListOffsetsRequest>) -> Route {
    // A search by time reads the log.
    let reads = call.request.topics.contains { topic in
      topic.partitions.contains { $0.timestamp != latest && $0.timestamp != earliest }
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
    for topic in call.request.topics {
      var answer = ListOffsetsResponse.ListOffsetsTopicResponse(name: topic.name)
      let known = call.topics.topics[topic.name]
      for asked in topic.partitions {
        var partition = ListOffsetsResponse.ListOffsetsPartitionResponse(
          partitionIndex: asked.partitionIndex)
        if let entry = known?.partition(asked.partitionIndex), !entry.isDeleted {
          find(asked, entry, &partition, call)
        } else {
          partition.errorCode = KafkaError.unknownTopicOrPartition.rawValue
        }
        answer.partitions.append(partition)
      }
      response.topics.append(answer)
    }
    return response
  }

  private static func find(
    _ asked: ListOffsetsRequest.ListOffsetsPartition, _ entry: PartitionEntry,
    _ answer: inout ListOffsetsResponse.ListOffsetsPartitionResponse,
    _ call: RequestCall<ListOffsetsRequest>
  ) {
    guard asked.currentLeaderEpoch <= 0 else {
      answer.errorCode = KafkaError.unknownLeaderEpoch.rawValue
      return
    }
    answer.leaderEpoch = 0
    do throws(LogError) {
      switch asked.timestamp {
      case latest: answer.offset = entry.published.endOffset.rawValue
      case earliest: answer.offset = entry.published.startOffset.rawValue
      case greatestTimestamp:
        guard let newest = try newestTimestamp(entry) else { return }
        try find(newest, entry, &answer)
      case 0...: try find(asked.timestamp, entry, &answer)
      default: answer.errorCode = KafkaError.invalidRequest.rawValue
      }
    } catch {
      answer.errorCode = KafkaError(error).rawValue
      call.services.log.limited("offsets", "offsets of \(entry.partition): \(error)")
    }
  }

  private static func find(
    _ timestamp: Int64, _ entry: PartitionEntry,
    _ answer: inout ListOffsetsResponse.ListOffsetsPartitionResponse
  ) throws(LogError) {
    guard let found = try LogReader(entry.published).offset(at: timestamp) else { return }
    answer.offset = found.offset.rawValue
    answer.timestamp = found.timestamp
  }

  private static func newestTimestamp(_ entry: PartitionEntry) throws(LogError) -> Int64? {
    var newest: Int64?
    for segment in entry.published.segments {
      guard let found = try segment.newestTimestamp() else { continue }
      newest = max(newest ?? found, found)
    }
    return newest
  }
}
