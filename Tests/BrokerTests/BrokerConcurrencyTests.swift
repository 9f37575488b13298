import Broker
import KafkaProtocol
import LinuxIO
import TestSupport
import Testing

/// Producers, consumers and an administrator at once. Meant to be run with `--sanitize=thread` too.
@Suite("Concurrency of a broker", .serialized)
struct BrokerConcurrencyTests {
  private static let recordsEach = 60

  /// What a thread found wrong.
  private typealias Complaint = String?

  @Test(
    "what many clients produce reaches many that wait for it, in order",
    arguments: [BackendUnderTest.buffered, .direct, .deferredDirect])
  func manyClients(_ backend: BackendUnderTest) throws {
    let running = try RunningBroker(["varve.transfer": "sendfile"])
    let configs = [
      "varve.backend": backend.rawValue, "varve.durability": "group", "segment.bytes": "8192",
    ]
    #expect(try running.client().create("t", partitions: 2, configs) == 0)
    let port = running.broker.address.port
    let threads = try (0..<2).flatMap { partition in
      [
        try WorkerThread { Self.complaint { try Self.produce(port, Int32(partition)) } },
        try WorkerThread { Self.complaint { try Self.consume(port, Int32(partition)) } },
        try WorkerThread { Self.complaint { try Self.consume(port, Int32(partition)) } },
      ]
    }
    let administrator = try WorkerThread { Self.complaint { try Self.administer(port) } }
    for thread in threads + [administrator] { #expect(thread.join() == .some(nil)) }
    withExtendedLifetime(running) {}
  }

  private static func complaint(_ body: () throws -> Void) -> Complaint {
    do {
      try body()
      return nil
    } catch { return "\(error)" }
  }

  private static func produce(_ port: UInt16, _ partition: Int32) throws {
    let client = try TestClient(port: port)
    for number in 0..<recordsEach {
      let answer = try client.produce(try batch("\(number)"), to: "t", partition)
      guard answer?.errorCode == 0, answer?.baseOffset == Int64(number) else {
        throw WireConnectionError(description: "record \(number): \(answer as Any)")
      }
    }
  }

  private static func consume(_ port: UInt16, _ partition: Int32) throws {
    let client = try TestClient(port: port)
    var next: Int64 = 0
    while next < recordsEach {
      let (error, bytes) = try client.fetch("t", partition, from: next, waiting: 500)
      guard error == 0 else { throw WireConnectionError(description: "error \(error)") }
      for (offset, value) in try values(in: bytes) where offset >= next {
        guard offset == next, value == "\(offset)" else {
          throw WireConnectionError(description: "offset \(offset): '\(value)', expected \(next)")
        }
        next += 1
      }
    }
  }

  private static func administer(_ port: UInt16) throws {
    let client = try TestClient(port: port)
    for number in 0..<10 {
      let name = "other-\(number)"
      let created = try client.create(name, partitions: 1)
      let deleted = try client.ask(
        DeleteTopicsRequest(topicNames: [name], timeoutMs: 1000), version: 4)
      _ = try client.ask(DescribeLogDirsRequest(topics: nil), version: 2)
      guard created == 0, deleted.responses.first?.errorCode == 0 else {
        throw WireConnectionError(description: "\(name): \(created), \(deleted)")
      }
    }
  }
}
