import CommitLog
import KafkaProtocol
import LogRuntime
import Records

// Topics are made, deleted and given more partitions; records are deleted. One topic's failure is
// no other's, and each is durable when the answer leaves.

enum CreateTopicsHandler: RequestHandler {
  static func route(_ call: RequestCall<CreateTopicsRequest>) -> Route {
    .onAdministrationThread { administrator in
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
          let (partitions, settings) = try plan(topic, administrator)
          result.numPartitions = Int32(partitions)
          result.replicationFactor = 1
          if call.request.validateOnly {
            try refusing { () throws(LogError) in
              try administrator.checkRoom(topic.name, partitions: partitions, besides: planned)
            }
            planned += partitions
          } else {
            let entry = try refusing { () throws(LogError) in
              try administrator.create(topic.name, partitions: partitions, settings: settings)
            }
            result.topicId = entry.wireID
            call.tell("topic created", topic.name)
          }
          result.configs = settings.configs(administrator.services).map { config in
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
    _ topic: CreateTopicsRequest.CreatableTopic, _ administrator: LogAdministrator
  ) throws(RequestRefusal) -> (partitions: Int, GivenSettings) {
    let services = administrator.services
    guard Topic.isValid(name: topic.name) else {
      throw RequestRefusal(
        .invalidTopicException, "\(LogError.invalidTopicName(topic.name))")
    }
    if services.registry.snapshot[topic.name] != nil {
      throw RequestRefusal(.topicAlreadyExists, "topic '\(topic.name)' exists already")
    }
    if let reason = administrator.directory.offlineTopics[topic.name] {
      throw RequestRefusal(LogError.topicOffline(topic.name, reason: "\(reason)"))
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
    try settings.settle(administrator)
    return (partitions, settings)
  }
}

enum DeleteTopicsHandler: RequestHandler {
  typealias Result = DeleteTopicsResponse.DeletableTopicResult

  static func route(_ call: RequestCall<DeleteTopicsRequest>) -> Route {
    .onAdministrationThread { administrator in
      let isAllowed = administrator.services.settings.deletesTopics
      let snapshot = administrator.services.registry.snapshot
      let asked = asked(call, snapshot)
      var named: Set<String> = []
      let names =
        isAllowed
        ? asked.filter { $0.errorCode == 0 && named.insert($0.name).inserted }.map(\.name) : []
      let errors = Dictionary(
        zip(names, administrator.delete(names)), uniquingKeysWith: { first, _ in first })
      var response = DeleteTopicsResponse()
      var answered: Set<String> = []
      for topic in asked {
        var result = topic
        do throws(RequestRefusal) {
          if topic.errorCode != 0 {
            throw RequestRefusal(
              .invalidRequest, "a topic has a name and an id here, expected one of them")
          }
          guard isAllowed else {
            throw RequestRefusal(
              .topicDeletionDisabled, "delete.topic.enable is false at this broker")
          }
          if topic.name.isEmpty && topic.topicId != .zero {
            throw RequestRefusal(.unknownTopicId, "no topic has this id")
          }
          guard answered.insert(topic.name).inserted else {
            throw RequestRefusal(.invalidRequest, "topic '\(topic.name)' is in the request twice")
          }
          if case .some(.some(let error)) = errors[topic.name] { throw RequestRefusal(error) }
          call.tell("topic deleted", topic.name)
        } catch {
          result.errorCode = error.code.rawValue
          result.errorMessage = error.message
        }
        response.responses.append(result)
      }
      return call.respond(response, codes: response.responses.map(\.errorCode))
    }
  }

  /// The topics with their names and ids, as far as there are any (KIP-516).
  private static func asked(
    _ call: RequestCall<DeleteTopicsRequest>, _ snapshot: ClusterSnapshot
  ) -> [Result] {
    if call.version < 6 { return call.request.topicNames.map { Result(name: $0) } }
    let names = snapshot.namesByID(call.request.topics.lazy.map(\.topicId))
    return call.request.topics.map { topic in
      if !topic.name.isEmpty && topic.topicId != .zero {
        return Result(
          name: topic.name, topicId: topic.topicId,
          errorCode: KafkaError.invalidRequest.rawValue)
      }
      let name = topic.name.isEmpty ? names[topic.topicId] ?? "" : topic.name
      return Result(name: name, topicId: snapshot[name]?.wireID ?? topic.topicId)
    }
  }
}

enum CreatePartitionsHandler: RequestHandler {
  static func route(_ call: RequestCall<CreatePartitionsRequest>) -> Route {
    .onAdministrationThread { administrator in
      var response = CreatePartitionsResponse()
      for topic in call.request.topics {
        var result = CreatePartitionsResponse.CreatePartitionsTopicResult()
        result.name = topic.name
        do throws(RequestRefusal) {
          let entry = try refusing { () throws(LogError) in try administrator.entry(topic.name) }
          let limit = administrator.services.settings.partitionsMax
          let others =
            administrator.services.registry.snapshot.partitionCount - entry.slots.count
          guard Int(topic.count) > entry.slots.count, Int(topic.count) <= limit - others else {
            throw RequestRefusal(
              .invalidPartitions,
              "partitions: found \(topic.count), expected more than the \(entry.slots.count) "
                + "that there are, and at most \(limit) of all topics (varve.partitions.max)")
          }
          if !call.request.validateOnly {
            try refusing { () throws(LogError) in
              try administrator.addPartitions(topic.name, to: Int(topic.count))
            }
            call.tell("topic has \(topic.count) partitions", topic.name)
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
    .onAdministrationThread { administrator in
      var response = DeleteRecordsResponse()
      var named: Set<TopicPartition> = []
      var wanted: [LogDirectory.RecordDeletion] = []
      /// Where the answer of each of `wanted` belongs.
      var places: [(topic: Int, partition: Int)] = []
      for topic in call.request.topics {
        var answer = DeleteRecordsResponse.DeleteRecordsTopicResult()
        answer.name = topic.name
        for asked in topic.partitions {
          var partition = DeleteRecordsResponse.DeleteRecordsPartitionResult()
          partition.partitionIndex = asked.partitionIndex
          partition.lowWatermark = -1
          let name = TopicPartition(topic: topic.name, partition: asked.partitionIndex)
          if asked.offset < -1 {
            partition.errorCode = KafkaError.offsetOutOfRange.rawValue
          } else if !named.insert(name).inserted {
            // Each is made durable and written down: one many times would keep its appends waiting.
            partition.errorCode = KafkaError.invalidRequest.rawValue
          } else {
            places.append((response.topics.count, answer.partitions.count))
            wanted.append(
              LogDirectory.RecordDeletion(
                name, before: asked.offset == -1 ? nil : Offset(asked.offset)))
          }
          answer.partitions.append(partition)
        }
        response.topics.append(answer)
      }
      let results = administrator.directory.deleteRecords(wanted)
      for (index, (place, result)) in zip(places, results).enumerated() {
        switch result {
        case .success(let start):
          call.tell(
            "records deleted below offset \(start.rawValue)",
            "\(wanted[index].partition)")
          response.topics[place.topic].partitions[place.partition].lowWatermark = start.rawValue
        case .failure(let error):
          response.topics[place.topic].partitions[place.partition].errorCode =
            KafkaError(error).rawValue
        }
      }
      return call.respond(
        response, codes: response.topics.flatMap { $0.partitions.map(\.errorCode) })
    }
  }
}
