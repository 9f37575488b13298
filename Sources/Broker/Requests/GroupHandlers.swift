import KafkaProtocol
import Logging

// Consumer groups and transactions are not served. Clients reach that by several requests, and each
// must end with an answer that the client reports to its user: when one request succeeds and the
// next one does not exist, librdkafka crashes and others reconnect for ever.

/// This broker coordinates every group and every transaction. Consumers with assigned partitions
/// and a group id need a coordinator before they fetch offsets.
enum FindCoordinatorHandler: RequestHandler {
  static func route(_ call: RequestCall<FindCoordinatorRequest>) -> Route {
    var response = FindCoordinatorResponse()
    if let broker = call.cluster.info.broker(call.services.settings.nodeID) {
      response.nodeId = broker.id
      response.host = broker.address.host
      response.port = Int32(broker.address.port)
    }
    response.coordinators = call.request.coordinatorKeys.map { key in
      var coordinator = FindCoordinatorResponse.Coordinator()
      coordinator.key = key
      coordinator.nodeId = response.nodeId
      coordinator.host = response.host
      coordinator.port = response.port
      return coordinator
    }
    return .respond(call.respond(response))
  }
}

/// No group has committed an offset: the answer is -1 for each partition, and the consumer starts
/// where its `auto.offset.reset` says.
enum OffsetFetchHandler: RequestHandler {
  static func route(_ call: RequestCall<OffsetFetchRequest>) -> Route {
    var response = OffsetFetchResponse()
    response.topics = (call.request.topics ?? []).map { topic in
      OffsetFetchResponse.OffsetFetchResponseTopic(
        name: topic.name,
        partitions: topic.partitionIndexes.map { .init(partitionIndex: $0) })
    }
    return .respond(call.respond(response))
  }
}

/// No offset can be committed: GROUP_AUTHORIZATION_FAILED for each partition, which clients raise
/// at once, or log where they commit by themselves. Nothing is logged here, since those commit
/// every few seconds.
enum OffsetCommitHandler: RequestHandler {
  static func route(_ call: RequestCall<OffsetCommitRequest>) -> Route {
    let code = KafkaError.groupAuthorizationFailed.rawValue
    var response = OffsetCommitResponse()
    response.topics = call.request.topics.map { topic in
      OffsetCommitResponse.OffsetCommitResponseTopic(
        name: topic.name,
        partitions: topic.partitions.map {
          .init(partitionIndex: $0.partitionIndex, errorCode: code)
        })
    }
    return .respond(call.respond(response, codes: [code]))
  }
}

/// No consumer can join a group. GROUP_AUTHORIZATION_FAILED is the error that clients raise at
/// once.
enum JoinGroupHandler: RequestHandler {
  static func route(_ call: RequestCall<JoinGroupRequest>) -> Route {
    var response = JoinGroupResponse()
    response.errorCode = KafkaError.groupAuthorizationFailed.rawValue
    call.services.log.limited(
      "groups", .info,
      "a consumer asked to join group \(call.request.groupId); Varve does not serve consumer groups: "
        + "assign partitions instead of subscribing", call.session.fields)
    return .respond(call.respond(response, codes: [response.errorCode]))
  }
}
