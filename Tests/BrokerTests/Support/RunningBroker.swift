import Broker
import CommitLog
import KafkaProtocol
import LinuxIO
import LogStorage
import Logging
import Records
import SimulatedStorage
import TestSupport
import TransferPaths

/// A broker in this process, over real sockets, and real files or a simulated disk, and its clients.
final class RunningBroker {
  let directory: TemporaryDirectory
  let broker: Broker
  private static let backends = BackendUnderTest.allCases

  init(
    _ values: [String: String] = [:], in directory: TemporaryDirectory = TemporaryDirectory(),
    network: any Network = LinuxNetwork(), disk: SimulatedDisk? = nil,
    write: @escaping @Sendable (String) -> Void = { _ in }
  ) throws {
    self.directory = directory
    let paths = PathUnderTest.allCases
    var settings = BrokerSettings(
      backends: Self.backends.map(\.rawValue), transfers: paths.map(\.rawValue))
    let path = disk == nil ? directory.path + "/data" : "/data"
    try settings.set("log.dirs", to: path, from: .flag("test"))
    try settings.set("listeners", to: "127.0.0.1:0", from: .flag("test"))
    for (name, value) in values { try settings.set(name, to: value, from: .flag("test")) }
    let parts = BrokerParts(
      makeIO: { watch in
        if let disk { return SimulatedFileIO(disk) }
        return LinuxFileIO(watch: watch)
      },
      makeDrivers: { _ in
        BackendDrivers { name throws(LogError) in
          guard let backend = BackendUnderTest(rawValue: name) else {
            throw .unknownBackend(name, reason: "expected one of \(Self.backends)")
          }
          do throws(StorageError) {
            if let disk { return try backend.make(any: SimulatedFileIO(disk), seed: 1) }
            return try backend.make(LinuxFileIO())
          } catch { throw .storage(error) }
        }
      },
      preallocations: { BackendUnderTest(rawValue: $0)?.preallocations },
      transfers: paths.map(\.type), network: network)
    broker = try Broker(
      settings, parts, BrokerLog(format: .text, level: .debug, write: write))
  }

  deinit { broker.stop() }

  /// `make`: what the broker's network makes of a socket.
  func client(
    over make: (SocketHandle) -> any ByteChannel = { $0 }
  ) throws -> TestClient { try TestClient(port: broker.address.port, of: self, over: make) }
}

/// One connection, with the requests that tests make.
final class TestClient {
  private let connection: WireConnection
  /// Kept while it has clients: a release build lets go of what nobody names any more.
  private let running: RunningBroker?
  private var correlationId: Int32 = 0

  init(
    port: UInt16, of running: RunningBroker? = nil,
    over make: (SocketHandle) -> any ByteChannel = { $0 }
  ) throws {
    self.running = running
    connection = try WireConnection(port: port, over: make)
  }

  func ask<R: WireRequest>(_ request: R, version: Int16) throws -> R.Response {
    correlationId += 1
    let frame = encodeRequest(
      request, version: version, correlationId: correlationId, clientId: "test")
    let answer = try connection.ask(frame)
    let decoded = try R.decodeResponse(answer.span.bytes, version: version)
    if decoded.correlationId != correlationId {
      throw WireConnectionError(
        description: "answer \(decoded.correlationId) to request \(correlationId)")
    }
    return decoded.response
  }

  func create(_ topic: String, partitions: Int32, _ configs: [String: String] = [:]) throws -> Int16
  {
    let request = CreateTopicsRequest(topics: [
      CreateTopicsRequest.CreatableTopic(
        name: topic, numPartitions: partitions, replicationFactor: 1,
        configs: configs.sorted { $0.key < $1.key }.map { .init(name: $0.key, value: $0.value) })
    ])
    return try ask(request, version: 5).topics.first?.errorCode ?? -1
  }

  /// Appends one batch; the answer for its partition.
  func produce(
    _ batch: [UInt8], to topic: String, _ partition: Int32
  ) throws -> ProduceResponse.PartitionProduceResponse? {
    let request = ProduceRequest(
      acks: -1, timeoutMs: 1000,
      topicData: [
        .init(name: topic, partitionData: [.init(index: partition, records: .bytes(batch))])
      ])
    return try ask(request, version: 9).responses.first?.partitionResponses.first
  }

  /// Fetches once; the answer's batches, whole ones.
  func fetch(
    _ topic: String, _ partition: Int32, from offset: Int64, waiting milliseconds: Int32 = 0
  ) throws -> (error: Int16, bytes: [UInt8]) {
    correlationId += 1
    let request = FetchRequest(
      maxWaitMs: milliseconds, minBytes: 1,
      topics: [
        .init(
          topic: topic,
          partitions: [
            .init(partition: partition, fetchOffset: offset, partitionMaxBytes: 1 << 20)
          ])
      ])
    let frame = encodeRequest(
      request, version: 12, correlationId: correlationId, clientId: "test")
    let answer = try connection.ask(frame)
    let response = try FetchRequest.decodeResponse(answer.span.bytes, version: 12).response
    guard let found = response.responses.first?.partitions.first else { return (-1, []) }
    guard case .range(let range) = found.records else { return (found.errorCode, []) }
    return (found.errorCode, Array(answer[range]))
  }
}

/// A batch of one record, as a producer sends it.
func batch(
  _ value: String, producer: ProducerStamp = .none, timestamp: Int64 = 1_000
) throws -> [UInt8] {
  var builder = RecordBatchBuilder(buffer: AlignedBuffer(capacity: 4096), producer: producer)
  try builder.append(timestamp: timestamp, key: nil, value: Array(value.utf8).span.bytes)
  let finished = builder.finish(baseOffset: .zero)
  return finished.withBytes { bytes in bytes.withUnsafeBytes { Array($0) } }
}

/// The whole batches in `bytes`, their checksums checked, as the values of their records by offset.
func values(in bytes: [UInt8]) throws -> [(offset: Int64, value: String)] {
  var found: [(Int64, String)] = []
  var rest = bytes.span.bytes
  while rest.byteCount >= RecordBatchHeader.byteCount {
    let view = try RecordBatchView(rest)
    try view.verifyChecksum()
    var records = try view.records()
    while let record = try records.next() {
      var value: [UInt8] = []
      if let bytes = record.value { value = bytes.withUnsafeBytes { Array($0) } }
      found.append((record.offset.rawValue, String(decoding: value, as: UTF8.self)))
    }
    rest = rest.extracting(droppingFirst: view.header.byteCountTotal)
  }
  return found
}
