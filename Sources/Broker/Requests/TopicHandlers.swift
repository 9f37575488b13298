import CommitLog
import KafkaProtocol
import Records

// Topics are made, deleted and given more partitions; records are deleted. One topic's failure is no
// other's, and each is durable when the answer leaves.

enum CreateTopicsHandler: RequestHandler {
  static func route(_ call: RequestCall<CreateTopicsRequest>) -> Route {
    .onLogThread { keeper in
      var response = CreateTopicsResponse()
      var seen: Set<String> = []
      var planned = 0
      for topic in call.request.topics {
        var result = CreateTopicsResponse.CreatableTopicResult()
        result.name = topic.name
        do throws(RequestRefusal) {
          guard seen.insert(topic.name).inserted else {
            throw RequestRefusal(.invalidRequest, "topic '\(topic.name)' is in the request twice")
          }
          let (partitions, settings) = try plan(topic, keeper)
          result.numPartitions = Int32(partitions)
          result.replicationFactor = 1
          if call.request.validateOnly {
            try refusing { () throws(LogError) in
              try keeper.checkRoom(topic.name, partitions: partitions, besides: planned)
            }
            planned += partitions
          } else {
            let entry = try refusing { () throws(LogError) in
              try keeper.create(topic.name, partitions: partitions, settings: settings)
            }
            result.topicId = UUIDBits(high: entry.topic.id.high, low: entry.topic.id.low)
          }
          result.configs = settings.configs(keeper.services).map { config in
            var shown = CreateTopicsResponse.CreatableTopicConfigs()
            shown.name = config.name
            shown.value = config.value
            shown.configSource = config.source
            return shown
          }
        } catch {
          result.errorCode = error.code.rawValue
          result.errorMessage = error.message
        }
        response.topics.append(result)
      }
      return call.respond(response, codes: response.topics.map(\.errorCode))
    }
  }

  /// What the topic would be.
  private static func plan(
    _ topic: CreateTopicsRequest.CreatableTopic, _ keeper: LogKeeper
  ) throws(RequestRefusal) -> (partitions: Int, GivenSettings) {
    let services = keeper.services
    guard Topic.isValid(name: topic.name) else {
      throw RequestRefusal(
        .invalidTopicException, "\(LogError.invalidTopicName(topic.name))")
    }
    if services.registry.snapshot.topics[topic.name] != nil {
      throw RequestRefusal(.topicAlreadyExists, "topic '\(topic.name)' exists already")
    }
    var partitions = Int(topic.numPartitions)
    if topic.assignments.isEmpty {
      // -1 is the broker's choice (KIP-464).
      if partitions == -1 { partitions = services.settings.partitionCount }
      guard topic.replicationFactor == 1 || topic.replicationFactor == -1 else {
        throw RequestRefusal(
          .invalidReplicationFactor,
          "replication factor: found \(topic.replicationFactor), expected 1: there is one broker")
      }
    } else {
      partitions = topic.assignments.count
      let numbers = Set(topic.assignments.map(\.partitionIndex))
      let isHere = topic.assignments.allSatisfy { $0.brokerIds == [services.settings.nodeID] }
      guard isHere, numbers == Set(0..<Int32(partitions)) else {
        throw RequestRefusal(
          .invalidReplicaAssignment,
          "assignments: expected partitions from 0 on, each of broker \(services.settings.nodeID)")
      }
    }
    guard (1...TopicSettings.partitionCountMax).contains(partitions) else {
      throw RequestRefusal(.invalidPartitions, "\(LogError.invalidPartitionCount(partitions))")
    }
    var settings = GivenSettings(services)
    for config in topic.configs { try settings.set(config.name, config.value, services) }
    try settings.settle(services)
    return (partitions, settings)
  }
}

enum DeleteTopicsHandler: RequestHandler {
  static func route(_ call: RequestCall<DeleteTopicsRequest>) -> Route {
    .onLogThread { keeper in
      var response = DeleteTopicsResponse()
      for name in call.request.topicNames {
        var result = DeleteTopicsResponse.DeletableTopicResult()
        result.name = name
        do throws(RequestRefusal) {
          guard keeper.services.settings.deletesTopics else {
            throw RequestRefusal(
              .topicDeletionDisabled, "delete.topic.enable is false at this broker")
          }
          try refusing { () throws(LogError) in try keeper.delete(name) }
        } catch {
          result.errorCode = error.code.rawValue
          result.errorMessage = error.message
        }
        response.responses.append(result)
      }
      return call.respond(response, codes: response.responses.map(\.errorCode))
    }
  }
}

enum CreatePartitionsHandler: RequestHandler {
  static func route(_ call: RequestCall<CreatePartitionsRequest>) -> Route {
    .onLogThread { keeper in
      var response = CreatePartitionsResponse()
      for topic in call.request.topics {
        var result = CreatePartitionsResponse.CreatePartitionsTopicResult()
        result.name = topic.name
        do throws(RequestRefusal) {
          let entry = try refusing { () throws(LogError) in try keeper.entry(topic.name) }
          let limit = keeper.services.settings.partitionsMax
          let others = keeper.services.registry.snapshot.partitionCount - entry.partitions.count
          guard Int(topic.count) > entry.partitions.count, Int(topic.count) <= limit - others else {
            throw RequestRefusal(
              .invalidPartitions,
              "partitions: found \(topic.count), expected more than the \(entry.partitions.count) "
                + "that there are, and at most \(limit) of all topics (varve.partitions.max)")
          }
          if !call.request.validateOnly {
            try refusing { () throws(LogError) in
              try keeper.addPartitions(topic.name, to: Int(topic.count))
            }
          }
        } catch {
          result.errorCode = error.code.rawValue
          result.errorMessage = error.message
        }
        response.results.append(result)
      }
      return call.respond(response, codes: response.results.map(\.errorCode))
    }
  }
}

/// Moves logs' starts up (KIP-107); -1 is the log's end.
enum DeleteRecordsHandler: RequestHandler {
  static func route(_ call: RequestCall<DeleteRecordsRequest>) -> Route {
    .onLogThread { keeper in
      var response = DeleteRecordsResponse()
      for topic in call.request.topics {
        var answer = DeleteRecordsResponse.DeleteRecordsTopicResult()
        answer.name = topic.name
        for asked in topic.partitions {
          var partition = DeleteRecordsResponse.DeleteRecordsPartitionResult()
          partition.partitionIndex = asked.partitionIndex
          partition.lowWatermark = -1
          do throws(LogError) {
            let name = TopicPartition(topic: topic.name, partition: asked.partitionIndex)
            let bounds = try keeper.directory.log(name).published
            let (start, end) = (bounds.startOffset, bounds.endOffset)
            guard asked.offset >= -1 else {
              throw .offsetOutOfRange(Offset(asked.offset), start: start, end: end, name)
            }
            let before = asked.offset == -1 ? end : Offset(asked.offset)
            partition.lowWatermark =
              try keeper.directory.deleteRecords(name, before: before).rawValue
          } catch {
            partition.errorCode = KafkaError(error).rawValue
          }
          answer.partitions.append(partition)
        }
        response.topics.append(answer)
      }
      return call.respond(
        response, codes: response.topics.flatMap { $0.partitions.map(\.errorCode) })
    }
  }
}
