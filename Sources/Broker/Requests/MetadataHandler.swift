import CommitLog
import KafkaProtocol
import LogRuntime
import Records

/// Which topics there are, and where: all of them here.
enum MetadataHandler: RequestHandler {
  typealias Response = MetadataResponse

  static func route(_ call: RequestCall<MetadataRequest>) -> Route {
    let missing = topicsToCreate(call)
    if missing.isEmpty { return .respond(answer(call, call.cluster, [:])) }
    return .onAdministrationThread { administrator in
      var errors: [String: KafkaError] = [:]
      for name in missing {
        do throws(LogError) {
          // The broker's own were checked together at its start.
          _ = try administrator.create(
            name, partitions: administrator.services.settings.partitionCount,
            settings: GivenSettings(administrator.services))
          call.tell("topic created, since it was asked for", name)
        } catch .topicExists {
          // Somebody else was quicker.
        } catch {
          errors[name] = KafkaError(error)
          administrator.services.log.limited("create", "topic '\(name)' was not made: \(error)")
        }
      }
      return answer(call, administrator.services.registry.snapshot, errors)
    }
  }

  /// Topics that are asked for by name, are not there, and may be made (auto.create.topics.enable).
  private static func topicsToCreate(_ call: RequestCall<MetadataRequest>) -> [String] {
    guard call.services.settings.createsTopics else { return [] }
    if call.version >= 4 && !call.request.allowAutoTopicCreation { return [] }
    let names = (call.request.topics ?? []).map(\.name)
    let cluster = call.cluster
    return names.filter {
      cluster[$0] == nil && cluster.offlineTopics[$0] == nil && Topic.isValid(name: $0)
    }
  }

  private static func answer(
    _ call: RequestCall<MetadataRequest>, _ snapshot: ClusterSnapshot,
    _ errors: [String: KafkaError]
  ) -> OutgoingResponse {
    let response = response(call, snapshot, errors)
    return call.respond(response, codes: response.topics.map(\.errorCode))
  }

  private static func response(
    _ call: RequestCall<MetadataRequest>, _ snapshot: ClusterSnapshot,
    _ errors: [String: KafkaError]
  ) -> Response {
    var response = Response()
    response.brokers = snapshot.info.brokers.map { known in
      var broker = Response.MetadataResponseBroker()
      broker.nodeId = known.id
      broker.host = known.address.host
      broker.port = Int32(known.address.port)
      return broker
    }
    response.clusterId = snapshot.info.id
    response.controllerId = snapshot.info.controllerID
    if call.request.includeClusterAuthorizedOperations {
      response.clusterAuthorizedOperations = AuthorizedOperations.ofCluster
    }
    // Nil is all; so was an empty list in version 0.
    let wanted = call.request.topics
    if let wanted, call.version > 0 || !wanted.isEmpty {
      // Each once: a name of few bytes can stand for thousands of partitions.
      var answered: Set<String> = []
      let names = snapshot.namesByID(wanted.lazy.map(\.topicId))
      for asked in wanted {
        let name = asked.name.isEmpty ? names[asked.topicId] ?? "" : asked.name
        if name.isEmpty && asked.topicId != .zero {
          var unknown = Response.MetadataResponseTopic()
          unknown.topicId = asked.topicId
          unknown.errorCode = KafkaError.unknownTopicId.rawValue
          response.topics.append(unknown)
        }
        guard answered.insert(name).inserted, !name.isEmpty || asked.topicId == .zero else {
          continue
        }
        if let entry = snapshot[name] {
          response.topics.append(topic(entry, call))
        } else {
          var unknown = Response.MetadataResponseTopic()
          unknown.name = name
          let isNamed = Topic.isValid(name: name)
          let error =
            errors[name]
            ?? (isNamed ? snapshot.fault(ofUnserved: name) : .invalidTopicException)
          unknown.errorCode = error.rawValue
          response.topics.append(unknown)
        }
      }
    } else {
      response.topics = snapshot.sorted.map { topic($0, call) }
    }
    return response
  }

  private static func topic(
    _ entry: TopicEntry, _ call: RequestCall<MetadataRequest>
  ) -> Response.MetadataResponseTopic {
    let node = call.services.settings.nodeID
    var topic = Response.MetadataResponseTopic()
    topic.name = entry.name
    topic.topicId = entry.wireID
    if call.request.includeTopicAuthorizedOperations {
      topic.topicAuthorizedOperations = AuthorizedOperations.ofTopic
    }
    topic.partitions = entry.slots.enumerated().map { number, slot in
      var partition = Response.MetadataResponsePartition()
      partition.partitionIndex = Int32(number)
      partition.leaderId = node
      partition.replicaNodes = [node]
      partition.isrNodes = [node]
      switch slot {
      case .served(let served): partition.leaderEpoch = served.leaderEpoch
      case .opening:
        // It has no leader yet: clients wait for one.
        partition.errorCode = KafkaError.leaderNotAvailable.rawValue
        partition.leaderId = -1
        partition.isrNodes = []
      // It has a leader, who tells what is wrong.
      case .offline: partition.offlineReplicas = [node]
      }
      return partition
    }
    return topic
  }
}
