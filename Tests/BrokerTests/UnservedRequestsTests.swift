import KafkaProtocol
import Testing

/// Conversations whose end Varve does not serve: each first step has an answer that clients report.
@Suite("What is not served") struct UnservedRequestsTests {
  private let running: RunningBroker
  private let client: TestClient

  init() throws {
    running = try RunningBroker()
    client = try running.client()
  }

  @Test("OffsetFetch answers -1 without an error for each partition", arguments: 0...7)
  func noOffsetIsCommitted(version: Int) throws {
    let request = OffsetFetchRequest(
      groupId: "g",
      topics: [
        .init(name: "a", partitionIndexes: [0, 7]), .init(name: "none", partitionIndexes: [1]),
      ])
    let response = try client.ask(request, version: Int16(version))
    #expect(response.errorCode == 0)
    #expect(response.topics.map(\.name) == ["a", "none"])
    #expect(response.topics.map { $0.partitions.map(\.partitionIndex) } == [[0, 7], [1]])
    for partition in response.topics.flatMap(\.partitions) {
      #expect(partition.committedOffset == -1 && partition.errorCode == 0)
    }
  }

  @Test("OffsetFetch of all partitions answers with none", arguments: 2...7)
  func noPartitionHasAnOffset(version: Int) throws {
    let response = try client.ask(
      OffsetFetchRequest(groupId: "g", topics: nil), version: Int16(version))
    #expect(response.topics.isEmpty && response.errorCode == 0)
  }

  @Test("OffsetCommit answers GROUP_AUTHORIZATION_FAILED for each partition", arguments: 0...9)
  func nothingIsCommitted(version: Int) throws {
    var request = OffsetCommitRequest()
    request.groupId = "g"
    request.topics = [
      .init(
        name: "a",
        partitions: [
          .init(partitionIndex: 0, committedOffset: 1),
          .init(partitionIndex: 3, committedOffset: 2),
        ])
    ]
    let response = try client.ask(request, version: Int16(version))
    #expect(response.topics.map(\.name) == ["a"])
    let found = response.topics.flatMap(\.partitions)
    #expect(found.map(\.partitionIndex) == [0, 3])
    #expect(found.allSatisfy { $0.errorCode == KafkaError.groupAuthorizationFailed.rawValue })
  }

  @Test("JoinGroup answers GROUP_AUTHORIZATION_FAILED, with and without a member id")
  func nobodyJoins() throws {
    for version in JoinGroupRequest.versions {
      for member in ["", "member-1"] {
        var request = JoinGroupRequest()
        request.groupId = "g"
        request.memberId = member
        request.protocolType = "consumer"
        let response = try client.ask(request, version: version)
        #expect(response.errorCode == KafkaError.groupAuthorizationFailed.rawValue)
      }
    }
  }

  @Test("InitProducerId with a transactional id answers TRANSACTIONAL_ID_AUTHORIZATION_FAILED")
  func noTransactions() throws {
    for version in InitProducerIdRequest.versions {
      let refused = try client.ask(
        InitProducerIdRequest(transactionalId: "t", transactionTimeoutMs: 1000), version: version)
      #expect(refused.errorCode == KafkaError.transactionalIdAuthorizationFailed.rawValue)
      #expect(refused.producerId == -1)
      let idempotent = try client.ask(InitProducerIdRequest(), version: version)
      #expect(idempotent.errorCode == 0 && idempotent.producerId >= 0)
    }
  }

  @Test("SaslHandshake answers UNSUPPORTED_SASL_MECHANISM and an empty list")
  func noMechanism() throws {
    for version in SaslHandshakeRequest.versions {
      let response = try client.ask(SaslHandshakeRequest(mechanism: "PLAIN"), version: version)
      #expect(response.errorCode == KafkaError.unsupportedSaslMechanism.rawValue)
      #expect(response.mechanisms.isEmpty)
    }
  }

  @Test("ListOffsets 0 answers with a list of one offset, or of none")
  func oldListOffsets() throws {
    #expect(try client.create("t", partitions: 1) == 0)
    for number in 0..<3 {
      let produced = try client.produce(
        try batch("v\(number)", timestamp: 1_000 * Int64(number + 1)), to: "t", 0)
      #expect(produced?.errorCode == 0)
    }
    func offsets(_ timestamp: Int64, _ countMax: Int32 = 1) throws -> [Int64] {
      var partition = ListOffsetsRequest.ListOffsetsPartition(timestamp: timestamp)
      partition.maxNumOffsets = countMax
      let response = try client.ask(
        ListOffsetsRequest(replicaId: -1, topics: [.init(name: "t", partitions: [partition])]),
        version: 0)
      let found = try #require(response.topics.first?.partitions.first)
      #expect(found.errorCode == 0)
      return found.oldStyleOffsets
    }
    #expect(try offsets(-1) == [3])
    #expect(try offsets(-2) == [0])
    #expect(try offsets(2_000, 9) == [1])
    #expect(try offsets(4_000).isEmpty)
    #expect(try offsets(-1, 0).isEmpty)
  }
}
