import Broker
import KafkaProtocol
import LinuxIO
import TestSupport
import Testing

/// Connections, whatever is below them, and what is known of who uses them.
@Suite struct Networks {
  /// What a broker has written.
  private final class Lines: Sendable {
    private let lines = Lock<[String]>([])
    func write(_ line: String) { lines.withLock { $0.append(line) } }
    func containing(_ text: String) -> [String] {
      lines.withLock { $0.filter { $0.contains(text) } }
    }
  }

  @Test func `a broker serves channels that take only bytes as it serves sockets`() throws {
    let running = try RunningBroker(network: ScramblingNetwork())
    let client = try running.client { ScramblingChannel(over: $0) }
    for path in PathUnderTest.allCases {
      let topic = "by-\(path)"
      #expect(try client.create(topic, partitions: 1, ["varve.transfer": "\(path)"]) == 0)
      for number in 0..<3 {
        let answer = try client.produce(try batch("\(topic) \(number)"), to: topic, 0)
        #expect(answer?.baseOffset == Int64(number))
      }
      let found = try values(in: client.fetch(topic, 0, from: 0).bytes).map(\.value)
      #expect(found == (0..<3).map { "\(topic) \($0)" })
    }
  }

  @Test func `lines about a connection say who it is, as far as it has said`() throws {
    let lines = Lines()
    do {
      let client = try RunningBroker(write: { lines.write($0) }).client()
      _ = try client.ask(
        ApiVersionsRequest(clientSoftwareName: "tester", clientSoftwareVersion: "1.2"), version: 3)
      _ = try client.ask(MetadataRequest(), version: 9)
      var join = JoinGroupRequest()
      join.groupId = "g"
      _ = try client.ask(join, version: 5)
      #expect(try client.create("made", partitions: 1) == 0)
      let deletion = DeleteTopicsRequest(topicNames: ["made"])
      #expect(try client.ask(deletion, version: 4).responses.map(\.errorCode) == [0])
    }
    let asked = try #require(lines.containing("asked to join group").first)
    for part in ["client=test", "principal=User:ANONYMOUS", "peer=127.0.0.1:", "tester 1.2"] {
      #expect(asked.contains(part), "\(asked)")
    }
    for told in ["topic created", "topic deleted"] {
      let line = try #require(lines.containing(told).first)
      #expect(line.contains("topic=made") && line.contains("client=test"), "\(line)")
    }
    let ended = try #require(lines.containing("connection ended").first)
    #expect(
      ended.contains("metadata 9, joinGroup 5, apiVersions 3, createTopics 5, deleteTopics 4"),
      "\(ended)")
  }
}
