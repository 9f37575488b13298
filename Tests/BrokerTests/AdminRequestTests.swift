import KafkaProtocol
import Records
import TestSupport
import Testing

/// What Kafka's admin clients ask, beside topics and records.
@Suite struct AdminRequests {
  private let running: RunningBroker
  private let client: TestClient

  init() throws {
    running = try RunningBroker(["log.retention.hours": "2", "node.id": "3"])
    client = try running.client()
    #expect(try client.create("t", partitions: 2) == 0)
  }

  private func configs(
    type: Int8, _ name: String
  ) throws -> [String: DescribeConfigsResponse.DescribeConfigsResourceResult] {
    let request = DescribeConfigsRequest(
      resources: [.init(resourceType: type, resourceName: name)], includeSynonyms: true,
      includeDocumentation: true)
    let result = try #require(try client.ask(request, version: 4).results.first)
    #expect(result.errorCode == 0)
    return Dictionary(uniqueKeysWithValues: result.configs.map { ($0.name, $0) })
  }

  // MARK: - Configs

  @Test func `every topic config of Kafka 4 is shown with its type`() throws {
    let configs = try configs(type: 2, "t")
    for name in KafkaNames.topicConfigs { #expect(configs[name] != nil, "\(name)") }
    #expect(configs["retention.ms"]?.configType == 5)
    #expect(configs["segment.bytes"]?.configType == 3)
    #expect(configs["cleanup.policy"]?.configType == 7)
    #expect(configs["preallocate"]?.configType == 1)
    #expect(configs["min.cleanable.dirty.ratio"]?.configType == 6)
    #expect(configs["retention.ms"]?.documentation?.isEmpty == false)
    #expect(configs["retention.ms"]?.readOnly == false)
  }

  @Test
  func `the broker's settings are read only, and say what they were given and what is built in`()
    throws
  {
    let configs = try configs(type: 4, "3")
    let retention = try #require(configs["log.retention.ms"])
    #expect(retention.value == "7200000" && retention.readOnly && retention.configSource == 4)
    #expect(retention.synonyms.map(\.value) == ["7200000", "604800000"])
    #expect(retention.synonyms.map(\.source) == [4, 5])
    #expect(configs["num.partitions"]?.synonyms.map(\.source) == [5])
    #expect(configs["min.insync.replicas"]?.value == "1")
    #expect(configs["log.dirs"]?.value == running.directory.path + "/data")
  }

  private func alter(
    _ name: String, _ operation: Int8, _ value: String?
  ) throws -> IncrementalAlterConfigsResponse.AlterConfigsResourceResponse {
    let request = IncrementalAlterConfigsRequest(resources: [
      .init(
        resourceType: 2, resourceName: "t",
        configs: [.init(name: name, configOperation: operation, value: value)])
    ])
    return try #require(try client.ask(request, version: 1).responses.first)
  }

  @Test(
    arguments: [
      ("cleanup.policy", Int8(2), "delete", KafkaError.none),
      ("cleanup.policy", 2, "compact", .invalidConfig),
      ("cleanup.policy", 3, "compact", .none), ("cleanup.policy", 3, "delete", .invalidConfig),
      ("leader.replication.throttled.replicas", 2, "0:1", .invalidConfig),
      ("leader.replication.throttled.replicas", 3, "0:1", .none),
      ("retention.ms", 2, "5", .invalidConfig), ("retention.ms", 4, "5", .invalidRequest),
    ])
  func `APPEND and SUBTRACT change lists, to what is accepted here`(
    name: String, operation: Int8, value: String, expected: KafkaError
  ) throws {
    let before = try configs(type: 2, "t")[name]?.value
    let answer = try alter(name, operation, value)
    #expect(answer.errorCode == expected.rawValue, "\(answer.errorMessage ?? "")")
    #expect(expected == .none || answer.errorMessage?.hasPrefix(name) == true)
    #expect(try configs(type: 2, "t")[name]?.value == before)
  }

  // MARK: - Producers

  private func producers(
    of partitions: [(String, Int32)]
  ) throws -> [DescribeProducersResponse.PartitionResponse] {
    let request = DescribeProducersRequest(
      topics: partitions.map { .init(name: $0.0, partitionIndexes: [$0.1]) })
    return try client.ask(request, version: 0).topics.flatMap(\.partitions)
  }

  private func append(_ value: String, _ producer: Int64, epoch: Int16, _ sequence: Int32) throws {
    let stamp = ProducerStamp(id: producer, epoch: epoch, baseSequence: sequence)
    let sent = try batch(value, producer: stamp, timestamp: Int64(sequence) + 1000)
    #expect(try client.produce(sent, to: "t", 0)?.errorCode == 0)
  }

  @Test func `a partition's producers are told with their last batch`() throws {
    try append("a", 9, epoch: 1, 0)
    try append("b", 8, epoch: 0, 0)
    try append("c", 9, epoch: 1, 1)
    let answers = try producers(of: [("t", 0), ("t", 1), ("t", 2), ("no", 0), ("t", 0)])
    let known = try #require(answers.first).activeProducers
    #expect(known.map(\.producerId) == [8, 9])
    #expect(known.map(\.producerEpoch) == [0, 1])
    #expect(known.map(\.lastSequence) == [0, 1])
    #expect(known.map(\.lastTimestamp) == [1000, 1001])
    #expect(known.allSatisfy { $0.coordinatorEpoch == -1 && $0.currentTxnStartOffset == -1 })
    #expect(answers[1].errorCode == 0 && answers[1].activeProducers.isEmpty)
    let errors = [KafkaError.unknownTopicOrPartition, .unknownTopicOrPartition, .invalidRequest]
    #expect(answers[2...].map(\.errorCode) == errors.map(\.rawValue))
  }

  @Test func `producers of an earlier run are read before they are told`() throws {
    let directory = TemporaryDirectory()
    do {
      let client = try RunningBroker(in: directory).client()
      #expect(try client.create("t", partitions: 1) == 0)
      let stamp = ProducerStamp(id: 5, epoch: 2, baseSequence: 0)
      _ = try client.produce(try batch("a", producer: stamp), to: "t", 0)
    }
    let client = try RunningBroker(in: directory).client()
    let request = DescribeProducersRequest(topics: [.init(name: "t", partitionIndexes: [0])])
    let answer = try client.ask(request, version: 0).topics.first?.partitions.first
    #expect(answer?.activeProducers.map(\.producerId) == [5])
    #expect(answer?.activeProducers.map(\.producerEpoch) == [2])
  }

  // MARK: - Authorized operations

  @Test func `what everybody may do is told where it is asked for, and only there`() throws {
    let all: Int32 = 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 11
    var metadata = MetadataRequest(topics: [.init(name: "t")])
    #expect(try client.ask(metadata, version: 12).topics.first?.topicAuthorizedOperations == .min)
    metadata.includeTopicAuthorizedOperations = true
    #expect(try client.ask(metadata, version: 12).topics.first?.topicAuthorizedOperations == all)
    metadata.includeClusterAuthorizedOperations = true
    let cluster: Int32 =
      1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12
    #expect(try client.ask(metadata, version: 10).clusterAuthorizedOperations == cluster)
    let described = try client.ask(
      DescribeClusterRequest(includeClusterAuthorizedOperations: true), version: 1)
    #expect(described.clusterAuthorizedOperations == cluster)
    #expect(
      try client.ask(DescribeClusterRequest(), version: 1).clusterAuthorizedOperations == .min)
  }
}
