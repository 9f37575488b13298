import Broker
import CommitLog
import Glibc
import KafkaProtocol
import LinuxIO
import LogStorage
import Logging
import TestSupport
import TransferPaths

/// A broker in this process, made once, that serves what inputs send, and another client beside, that must
/// not notice. Its data is deleted when the process exits.
// SAFETY: used by one thread at a time: the fuzzer's, or a test's.
final class WireBroker: @unchecked Sendable {
  private static let requestBytesMax = 1 << 20
  /// A fresh start after so many inputs, so that one does not depend on all before it.
  private static let inputsMax = 200

  static let shared = WireBroker()

  private let directory = TemporaryDirectory()
  private var broker: Broker?
  private var other: WireClient?
  private var inputCount = 0
  /// The first line of the log that was more than one line.
  private let brokenLine = Lock<String?>(nil)

  private init() {
    atexit { WireBroker.shared.stop() }
  }

  func serve(_ script: WireScript) throws(FuzzViolation) {
    try prepare()
    guard let broker, let other else { return }
    let sent = script.bytes
    let client = try connect(broker)
    try client.send(sent)
    client.finishSending()
    let received = try client.receive()
    let exchange = WireExchange(sent: sent, requestBytesMax: Self.requestBytesMax)
    try exchange.check(received: received)
    _ = try ask(other, ApiVersionsRequest(), version: 3)
    _ = try topics(other)
    if let line = brokenLine.withLock({ $0 }) { throw FuzzViolation("a line of the log: \(line)") }
  }

  private func connect(_ broker: Broker) throws(FuzzViolation) -> WireClient {
    do throws(SystemCallError) { return try WireClient(port: broker.address.port) } catch {
      throw FuzzViolation("no connection: \(error)")
    }
  }

  private func ask<R: WireRequest>(
    _ client: WireClient, _ request: R, version: Int16
  ) throws(FuzzViolation) -> R.Response {
    let frame = encodeRequest(request, version: version, correlationId: 1, clientId: "other")
    return try decodedResponse(R.self, try client.ask(frame), version: version)
  }

  // MARK: - State

  /// Topics `a` and `b` of two partitions each, as if nothing had happened before, or nearly so.
  private func prepare() throws(FuzzViolation) {
    inputCount += 1
    if broker == nil { try start() }
    guard let other else { return }
    let found = try topics(other)
    if found == ["a", "b"] && inputCount % Self.inputsMax != 0 { return }
    let old = DeleteTopicsRequest(topicNames: found, timeoutMs: 1_000)
    _ = try ask(other, old, version: 3)
    let made = CreateTopicsRequest(topics: [
      Self.topic("a", ["segment.bytes": "4096"]),
      Self.topic("b", ["varve.backend": "direct", "varve.durability": "group"]),
    ])
    for result in try ask(other, made, version: 5).topics {
      try require(result.errorCode, equals: 0, "making \(result.name): \(result)")
    }
  }

  private func topics(_ client: WireClient) throws(FuzzViolation) -> [String] {
    try ask(client, MetadataRequest(topics: nil), version: 5).topics.map(\.name)
  }

  private static func topic(
    _ name: String, _ configs: [String: String]
  ) -> CreateTopicsRequest.CreatableTopic {
    CreateTopicsRequest.CreatableTopic(
      name: name, numPartitions: 2, replicationFactor: 1,
      configs: configs.sorted { $0.key < $1.key }.map { .init(name: $0.key, value: $0.value) })
  }

  private func start() throws(FuzzViolation) {
    let backends = [BackendUnderTest.buffered, .direct]
    let paths = [PathUnderTest.sendfile, .copy, .mapped]
    var settings = BrokerSettings(
      backends: backends.map(\.rawValue), transfers: paths.map(\.rawValue))
    let values = [
      "log.dirs": directory.path + "/data", "listeners": "127.0.0.1:0",
      "socket.request.max.bytes": "\(Self.requestBytesMax)",
      "queued.max.request.bytes": "4194304", "varve.partitions.max": "20",
      "log.segment.bytes": "16384", "log.retention.bytes": "65536", "varve.log.level": "debug",
    ]
    let parts = BrokerParts(
      makeIO: { LinuxFileIO(watch: $0) },
      makeDrivers: { _ in
        BackendDrivers { name throws(LogError) in
          guard let backend = BackendUnderTest(rawValue: name) else {
            throw .unknownBackend(name, reason: "expected one of \(backends)")
          }
          do throws(StorageError) { return try backend.make(LinuxFileIO()) } catch {
            throw .storage(error)
          }
        }
      },
      preallocations: { BackendUnderTest(rawValue: $0)?.preallocations },
      transfers: paths.map(\.type))
    do {
      for (name, value) in values { try settings.set(name, to: value, from: .flag("wire")) }
      let log = BrokerLog(
        format: settings.logFormat, level: settings.logLevel,
        write: { [brokenLine] line in
          if line.dropLast().contains(where: \.isNewline) { brokenLine.withLock { $0 = line } }
        })
      let broker = try Broker(settings, parts, log)
      self.broker = broker
      other = try connect(broker)
    } catch { throw FuzzViolation("the broker does not start: \(error)") }
  }

  private func stop() {
    other = nil
    broker?.stop()
    broker = nil
    TemporaryDirectory.remove(directory.path)
  }
}
