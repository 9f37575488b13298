import CommitLog
import KafkaProtocol
import LinuxIO
import LogRuntime
import Logging
import Records

// What is asked about the cluster.

enum DescribeClusterHandler: RequestHandler {
  static func route(_ call: RequestCall<DescribeClusterRequest>) -> Route {
    let info = call.cluster.info
    var response = DescribeClusterResponse()
    response.clusterId = info.id
    response.controllerId = info.controllerID
    response.endpointType = call.request.endpointType
    if call.request.includeClusterAuthorizedOperations {
      response.clusterAuthorizedOperations = AuthorizedOperations.ofCluster
    }
    response.brokers = info.brokers.map { known in
      var broker = DescribeClusterResponse.DescribeClusterBroker()
      broker.brokerId = known.id
      broker.host = known.address.host
      broker.port = Int32(known.address.port)
      return broker
    }
    return .respond(call.respond(response))
  }
}

/// The sizes of partitions on the disk (KIP-113), and the disk's own (KIP-827).
enum DescribeLogDirsHandler: RequestHandler {
  static func route(_ call: RequestCall<DescribeLogDirsRequest>) -> Route {
    // The size of the disk is a system call that may wait.
    .onReadThread { _ in call.respond(response(call)) }
  }

  private static func response(
    _ call: RequestCall<DescribeLogDirsRequest>
  ) -> DescribeLogDirsResponse {
    var directory = DescribeLogDirsResponse.DescribeLogDirsResult()
    directory.logDir = call.services.settings.logDirectory
    if let space = FileSystemSpace(of: directory.logDir) {
      directory.totalBytes = space.totalBytes
      directory.usableBytes = space.usableBytes
    }
    // By name, and each topic's partitions as a set: a search for each would be one of all in all.
    let wanted = call.request.topics.map { topics in
      Dictionary(topics.map { ($0.topic, Set($0.partitions)) }, uniquingKeysWith: { $0.union($1) })
    }
    for entry in call.cluster.sorted {
      let asked = wanted?[entry.name]
      if wanted != nil && asked == nil { continue }
      var topic = DescribeLogDirsResponse.DescribeLogDirsTopic()
      topic.name = entry.name
      for partition in entry.partitions {
        let number = partition.partition.partition
        if let asked, !asked.isEmpty, !asked.contains(number) { continue }
        var described = DescribeLogDirsResponse.DescribeLogDirsPartition()
        described.partitionIndex = number
        described.partitionSize = partition.byteCount
        topic.partitions.append(described)
      }
      directory.topics.append(topic)
    }
    var response = DescribeLogDirsResponse()
    response.results = [directory]
    return response
  }
}

/// Where a leader's epoch ended (KIP-101).
enum OffsetForLeaderEpochHandler: RequestHandler {
  static func route(_ call: RequestCall<OffsetForLeaderEpochRequest>) -> Route {
    var response = OffsetForLeaderEpochResponse()
    for topic in call.request.topics {
      var answer = OffsetForLeaderEpochResponse.OffsetForLeaderTopicResult()
      answer.topic = topic.topic
      for asked in topic.partitions {
        var partition = OffsetForLeaderEpochResponse.EpochEndOffset()
        partition.partition = asked.partition
        if let entry = call.cluster[topic.topic]?.partition(asked.partition) {
          let fault = entry.fault(ofLeaderEpoch: asked.currentLeaderEpoch)
          partition.errorCode = fault.rawValue
          if fault == .none, let end = entry.end(ofLeaderEpoch: asked.leaderEpoch) {
            partition.leaderEpoch = end.epoch
            partition.endOffset = end.offset
          }
        } else {
          partition.errorCode = call.cluster.fault(of: topic.topic, asked.partition).rawValue
        }
        answer.partitions.append(partition)
      }
      response.topics.append(answer)
    }
    return .respond(call.respond(response))
  }
}

/// Gives an idempotent producer its id (KIP-98). A transactional producer gets
/// TRANSACTIONAL_ID_AUTHORIZATION_FAILED: Varve serves no transactions, and clients retry most
/// other errors until their timeout.
enum InitProducerIdHandler: RequestHandler {
  static func route(_ call: RequestCall<InitProducerIdRequest>) -> Route {
    var refused = InitProducerIdResponse()
    if call.request.transactionalId != nil {
      refused.errorCode = KafkaError.transactionalIdAuthorizationFailed.rawValue
      call.services.log.limited(
        "transactions", .info, "a client asked for transactions, which Varve does not serve",
        call.session.fields)
      return .respond(call.respond(refused, codes: [refused.errorCode]))
    }
    return .onAdministrationThread { administrator in
      var response = InitProducerIdResponse()
      do throws(LogError) { response.producerId = try administrator.producerIDs.take() } catch {
        response.errorCode = KafkaError(error).rawValue
        administrator.services.log.error("no producer id could be given out: \(error)")
      }
      return call.respond(response, codes: [response.errorCode])
    }
  }
}
