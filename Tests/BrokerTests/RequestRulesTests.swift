import CommitLog
import KafkaProtocol
import LinuxIO
import Records
import TestSupport
import Testing

/// What Kafka's clients rely on, and what a client may not cost, in requests that none of theirs sends.
@Suite("Requests by the rules") struct RequestRulesTests {
  private let running: RunningBroker
  private let client: TestClient

  init() throws {
    running = try RunningBroker()
    client = try running.client()
    #expect(try client.create("t", partitions: 2, ["segment.bytes": "1024"]) == 0)
  }

  private func produce(_ count: Int, to partition: Int32 = 0, bytes: Int = 300) throws {
    for number in 0..<count {
      let value = String(repeating: "v", count: bytes) + "\(number)"
      #expect(try client.produce(try batch(value), to: "t", partition)?.errorCode == 0)
    }
  }

  private func part(_ partition: Int32, from offset: Int64, bytes: Int32 = 1 << 20)
    -> FetchRequest.FetchPartition
  {
    .init(partition: partition, fetchOffset: offset, partitionMaxBytes: bytes)
  }

  /// With a wait that the test would not live to see the end of.
  private func fetch(
    _ parts: [FetchRequest.FetchPartition], bytesMin: Int32, bytesMax: Int32 = .max
  ) throws -> [FetchResponse.PartitionData] {
    let request = FetchRequest(
      maxWaitMs: .max, minBytes: bytesMin, maxBytes: bytesMax,
      topics: parts.map { .init(topic: "t", partitions: [$0]) })
    let response = try client.ask(request, version: 12)
    #expect(response.responses.map(\.topic) == ["t"], "a topic is answered once")
    return response.responses.first?.partitions ?? []
  }

  private func byteCount(_ data: FetchResponse.PartitionData?) -> Int {
    guard case .range(let range)? = data?.records else { return 0 }
    return range.count
  }

  @Test("a fetch does not wait for more than it may get")
  func bytesMin() throws {
    try produce(2)
    let found = try fetch([part(0, from: 0)], bytesMin: .max, bytesMax: 300)
    #expect(byteCount(found.first) > 300, "the first batch is whole")
  }

  @Test("a fetch does not wait where what is there does not fit")
  func doesNotFit() throws {
    try produce(1)
    try produce(1, to: 1)
    let found = try fetch([part(0, from: 0), part(1, from: 0, bytes: 100)], bytesMin: 500_000)
    #expect(byteCount(found.first) > 300 && byteCount(found.last) == 0)
  }

  @Test("a fetch does not wait at the end of a segment that another follows")
  func segmentEnd() throws {
    try produce(5)
    let log = running.directory.path + "/data/t-0"
    #expect(try LinuxFileIO().list(log).filter { $0.name.hasSuffix(".log") }.count == 3)
    let found = try fetch([part(0, from: 0)], bytesMin: 5000)
    #expect(byteCount(found.first) > 600 && byteCount(found.first) < 1024)
  }

  @Test("a partition that a fetch names again is answered once, by the last that was said of it")
  func repeated() throws {
    try produce(3)
    try produce(1, to: 1)
    let parts = [part(0, from: 99), part(1, from: 0), part(0, from: 2), part(1, from: 0)]
    let found = try fetch(parts, bytesMin: 1)
    #expect(found.map(\.partitionIndex) == [0, 1])
    #expect(found.map(\.errorCode) == [0, 0])
    #expect(found.allSatisfy { byteCount($0) > 300 && byteCount($0) < 600 })
    let missing = try fetch([part(0, from: 0), part(7, from: 0), part(7, from: 1)], bytesMin: 1)
    #expect(missing.map(\.errorCode) == [0, KafkaError.unknownTopicOrPartition.rawValue])
  }

  @Test("an offset that is not there is told, also where the response is full before")
  func fullResponse() throws {
    try produce(2)
    try produce(2, to: 1)
    let out = KafkaError.offsetOutOfRange.rawValue
    let found = try fetch([part(0, from: 0), part(1, from: 9)], bytesMin: 1, bytesMax: 10)
    #expect(found.map(\.errorCode) == [0, out])
    let fits = try fetch([part(0, from: 0), part(1, from: 1)], bytesMin: 1, bytesMax: 10)
    #expect(fits.map(\.errorCode) == [0, 0] && byteCount(fits.last) == 0)
    #expect(fits.last?.highWatermark == 2)
  }

  @Test("a partition whose offsets are asked for twice is refused, and the others are told")
  func offsets() throws {
    try produce(2)
    let request = ListOffsetsRequest(
      replicaId: -1,
      topics: [
        .init(
          name: "t",
          partitions: [
            .init(partitionIndex: 0, timestamp: -1), .init(partitionIndex: 1, timestamp: -3),
            .init(partitionIndex: 1, timestamp: -3),
          ])
      ])
    let answer = try client.ask(request, version: 7).topics.first?.partitions ?? []
    let invalid = KafkaError.invalidRequest.rawValue
    #expect(answer.map(\.errorCode) == [0, invalid, invalid])
    #expect(answer.first?.offset == 2)
  }

  @Test("the first offset on the broker's disk is the log's first, and none is in a remote storage")
  func tieredOffsets() throws {
    try produce(2)
    for (timestamp, offset) in [(-4, 0), (-5, -1)] as [(Int64, Int64)] {
      let request = ListOffsetsRequest(
        replicaId: -1,
        topics: [.init(name: "t", partitions: [.init(partitionIndex: 0, timestamp: timestamp)])])
      let answer = try client.ask(request, version: 9).topics.first?.partitions.first
      #expect(answer?.errorCode == 0 && answer?.offset == offset)
    }
  }

  @Test("topics are deleted by their ids, and what names none, or both, is told which it is")
  func deletionByID() throws {
    for name in ["one", "two"] { #expect(try client.create(name, partitions: 1) == 0) }
    let metadata = try client.ask(
      MetadataRequest(topics: [.init(name: "one"), .init(name: "two")]), version: 12)
    let ids = Dictionary(uniqueKeysWithValues: metadata.topics.map { ($0.name, $0.topicId) })
    let one = try #require(ids["one"])
    let two = try #require(ids["two"])
    let nobody = UUIDBits(high: 1, low: 2)
    let request = DeleteTopicsRequest(
      topics: [
        .init(topicId: one), .init(topicId: nobody), .init(name: "two", topicId: two),
        .init(name: "missing"), .init(topicId: one),
      ], timeoutMs: 1000)
    let results = try client.ask(request, version: 6).responses
    let codes: [KafkaError] = [
      .none, .unknownTopicId, .invalidRequest, .unknownTopicOrPartition, .invalidRequest,
    ]
    #expect(results.map(\.errorCode) == codes.map(\.rawValue))
    #expect(results.map(\.name) == ["one", "", "two", "missing", "one"])
    #expect(results.map(\.topicId) == [one, nobody, two, .zero, one])
    let left = try client.ask(MetadataRequest(topics: nil), version: 12).topics.map(\.name)
    #expect(left.contains("two") && !left.contains("one"))
  }

  @Test("records are deleted up to an offset of the log, and below -1 there is none")
  func deleting() throws {
    try produce(2)
    func delete(_ offset: Int64) throws -> [Int64] {
      let partition = DeleteRecordsRequest.DeleteRecordsPartition(partitionIndex: 0, offset: offset)
      let request = DeleteRecordsRequest(
        topics: [.init(name: "t", partitions: [partition])], timeoutMs: 1000)
      let answer = try client.ask(request, version: 2).topics.first?.partitions.first
      return [Int64(answer?.errorCode ?? -1), answer?.lowWatermark ?? 0]
    }
    let out = Int64(KafkaError.offsetOutOfRange.rawValue)
    for offset in [-5, 3, Int64.min, .max] { #expect(try delete(offset) == [out, -1]) }
    #expect(try delete(1) == [0, 1])
    #expect(try delete(-1) == [0, 2])
  }
}
