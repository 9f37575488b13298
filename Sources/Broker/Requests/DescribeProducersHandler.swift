import CommitLog
import KafkaProtocol
import LinuxIO
import LogRuntime
import Records

/// Which idempotent producers a partition knows (KIP-664). None has a transaction.
enum DescribeProducersHandler: RequestHandler {
  typealias Response = DescribeProducersResponse

  /// Producers of all partitions of one answer: it is memory that a small request asks for.
  private static let producersMax = AppendLoop.describedProducersMax

  static func route(_ call: RequestCall<DescribeProducersRequest>) -> Route {
    var response = Response()
    var asked: [(entry: LogPartition, topic: Int, partition: Int)] = []
    var named: Set<TopicPartition> = []
    for topic in call.request.topics {
      var answer = Response.TopicResponse(name: topic.name)
      for index in topic.partitionIndexes {
        var partition = Response.PartitionResponse(partitionIndex: index)
        if !named.insert(TopicPartition(topic: topic.name, partition: index)).inserted {
          partition.errorCode = KafkaError.invalidRequest.rawValue
          partition.errorMessage = "the request names this partition twice, expected once"
        } else if let entry = call.cluster[topic.name]?.partition(index), !entry.isDeleted {
          asked.append((entry, response.topics.count, answer.partitions.count))
        } else {
          partition.errorCode = call.cluster.fault(of: topic.name, index).rawValue
        }
        answer.partitions.append(partition)
      }
      response.topics.append(answer)
    }
    if asked.isEmpty { return .respond(respond(response, call)) }
    return .byOthers { [response, asked] send in
      // Put into bytes elsewhere: a shard's thread says the last word.
      let answers = Answers(response, count: asked.count) { response in
        call.services.readPool.submit(from: call.source) { send(respond(response, call)) }
      }
      for (entry, topic, partition) in asked {
        call.services.runtime.describeProducers(of: entry) { found in
          answers.set(found, topic, partition)
        }
      }
    }
  }

  private static func respond(
    _ response: Response, _ call: RequestCall<DescribeProducersRequest>
  ) -> OutgoingResponse {
    var response = response
    for topic in response.topics.indices {
      for partition in response.topics[topic].partitions.indices {
        response.topics[topic].partitions[partition].activeProducers.sort {
          $0.producerId < $1.producerId
        }
      }
    }
    return call.respond(
      response, codes: response.topics.flatMap { $0.partitions.map(\.errorCode) })
  }

  /// Puts together what the partitions' threads say.
  private final class Answers: Sendable {
    private struct Collected {
      var response: Response
      var left: Int
      var producerCount = 0
    }

    private let collected: Lock<Collected>
    private let whenDone: @Sendable (Response) -> Void

    init(
      _ response: Response, count: Int, _ whenDone: @escaping @Sendable (Response) -> Void
    ) {
      collected = Lock(Collected(response: response, left: count))
      self.whenDone = whenDone
    }

    func set(_ found: Result<[KnownProducer]?, LogError>, _ topic: Int, _ partition: Int) {
      let done = collected.withLock { collected -> Response? in
        let known = try? found.get()
        let fits =
          known.map { collected.producerCount + $0.count <= producersMax } ?? false
        if fits { collected.producerCount += known?.count ?? 0 }
        fill(&collected.response.topics[topic].partitions[partition], found, fits)
        collected.left -= 1
        return collected.left == 0 ? collected.response : nil
      }
      if let done { whenDone(done) }
    }
  }

  private static func fill(
    _ partition: inout Response.PartitionResponse, _ found: Result<[KnownProducer]?, LogError>,
    _ fits: Bool
  ) {
    switch found {
    case .failure(let error):
      partition.errorCode = KafkaError(error).rawValue
      partition.errorMessage = "\(error)"
    case .success(nil):
      partition.errorCode = KafkaError.invalidRequest.rawValue
      partition.errorMessage =
        "the partition has more than \(producersMax) producers, more than one answer can list"
    case .success where !fits:
      partition.errorCode = KafkaError.invalidRequest.rawValue
      partition.errorMessage =
        "more than \(producersMax) producers in one answer: ask for fewer partitions at once"
    case .success(let producers?):
      partition.activeProducers = producers.map { known in
        Response.ProducerState(
          producerId: known.id, producerEpoch: Int32(known.epoch),
          lastSequence: known.lastSequence, lastTimestamp: known.lastTimestamp,
          coordinatorEpoch: -1)
      }
    }
  }
}
