// Broker: the log as a server that speaks Kafka's wire protocol.
//
// Belongs here: what stands between a socket and a log. Event loops and their connections, the
// thread that makes and deletes topics, the threads that read what is cold, one handler for each
// API, topics as clients see them, settings, metrics. Does not: what the messages look like
// (KafkaProtocol), how batches are appended and acknowledged (LogRuntime), how bytes are kept
// (CommitLog) or reach a socket (TransferPaths), and any backend's or path's type: the program
// hands those in.
//
//   client ── socket ── event loop ──(mailbox)── shards' threads ── AppendLoop ── backends
//                          │   ├────(mailbox)── administration ── LogDirectory ──┘ in short pieces
//                          │   └────(queue)──── read threads: lookups and cold pages
//                          └── transfer path: slices of the log straight to the socket
import CommitLog
import LinuxIO
import LogRuntime
import LogStorage
import TransferPaths

/// What the program gives a broker. The only place where a name becomes a type is above it, and all
/// that a broker knows of the world around comes from here: files, connections, time and chance.
package struct BrokerParts: Sendable {
  /// The calls on files, which tell the watch how long they took.
  package let makeIO: @Sendable ((any FileWatch)?) -> any FileIO
  /// The backends of one thread, by name.
  package let makeDrivers: @Sendable ((any FileWatch)?) -> BackendDrivers
  /// The ways of coming by space that a backend of this name can do; nil where there is none.
  package let preallocations: @Sendable (String) -> [Preallocation]?
  package let transfers: [any TransferPath.Type]
  package let network: any Network
  package let time: TimeSource
  package let randomness: @Sendable () -> any RandomNumberGenerator

  package init(
    makeIO: @escaping @Sendable ((any FileWatch)?) -> any FileIO,
    makeDrivers: @escaping @Sendable ((any FileWatch)?) -> BackendDrivers,
    preallocations: @escaping @Sendable (String) -> [Preallocation]?,
    transfers: [any TransferPath.Type], network: any Network = LinuxNetwork(),
    time: TimeSource = .machine,
    randomness: @escaping @Sendable () -> any RandomNumberGenerator = {
      SystemRandomNumberGenerator()
    }
  ) {
    self.makeIO = makeIO
    self.makeDrivers = makeDrivers
    self.preallocations = preallocations
    self.transfers = transfers
    self.network = network
    self.time = time
    self.randomness = randomness
  }
}

extension BrokerParts {
  /// Why the topic's backend cannot come by its space as the settings say, or nil.
  func reasonToRefuseSpace(_ topic: TopicSettings) -> String? {
    topic.reasonToRefuseSpace(preallocations(topic.backend))
  }
}

/// Why a broker does not start.
package struct BrokerStartError: Error, CustomStringConvertible {
  package let description: String
}

/// A running broker. `start` and `stop` are for the thread that made it.
package final class Broker {
  /// Where it listens: the port that was taken, where 0 was asked for.
  package let address: NetworkAddress
  /// Where metrics are served, if anywhere.
  package private(set) var metricsAddress: NetworkAddress?

  private let services: BrokerServices
  private var threads: [WorkerThread<Void>] = []
  private var operation: OperationServer?
  private let state: BrokerState

  /// Listens, and serves when this returns. Partitions that are still being opened then are served as
  /// soon as each is ready; `opening` says how far that has come.
  package init(
    _ given: BrokerSettings, _ parts: BrokerParts, _ log: BrokerLog,
    opening: OpeningWatch = OpeningWatch()
  ) throws {
    let settings = given.withAbsolutePaths()
    try settings.check()
    for notice in KafkaSetting.notices(settings.withoutEffect) { log.warning("\(notice)") }
    if let reason = parts.reasonToRefuseSpace(settings.topic) {
      throw SettingsError(
        settings.source(of: "varve.preallocation"), "\(reason); change it, or varve.backend")
    }
    try Self.checkAddressSpace(settings)
    guard let host = settings.listener.bindHost else {
      throw BrokerStartError(
        description: "listeners: found the name '\(settings.listener.host)', expected an IPv4 "
          + "address to listen on; names go into advertised.listeners")
    }
    // First, since it is the mistake that is made most often, and recovery may take long.
    let listener = try Self.binding("listeners (--listen)") {
      try parts.network.listen(host: host, port: settings.listener.port)
    }
    guard let advertised = settings.advertised(port: listener.port) else {
      throw BrokerStartError(
        description: "listeners: no address to tell clients; set advertised.listeners")
    }
    address = NetworkAddress(host: host, port: listener.port)
    let metrics = BrokerMetrics()
    services = try BrokerServices(
      settings: settings, metrics: metrics, log: log, parts: parts)
    state = BrokerState(opening, parts.time)
    do {
      // From the first moment: opening may take long.
      try startOperation()
      try openLog(parts, metrics, advertised, opening)
      try services.makeLoops()
      try services.loops[0].listen(listener)
      let places = try settings.places("varve.network.places", settings.networkPlaces)
      for loop in services.loops {
        let place = places[loop.number % places.count]
        threads.append(
          try WorkerThread {
            do throws(SystemCallError) { try place.apply() } catch {
              log.error("an event loop runs where the kernel likes: \(error)")
            }
            loop.run()
          })
      }
    } catch {
      // What was recovered is left as a clean stop leaves it.
      stop()
      throw error
    }
    waitForOpenings(opening)
    state.set(.serving)
  }

  /// Most directories are open at once: then whoever connects now finds all of it. Others are served
  /// as far as they are open.
  private func waitForOpenings(_ opening: OpeningWatch) {
    let nobody = Semaphore()
    for _ in 0..<100 where opening.openedCount < opening.partitionCount && !opening.isStopWanted() {
      _ = nobody.wait(seconds: 0.01)
    }
  }

  /// What the program needs beside the memory for requests: code, stacks, mappings of segments.
  private static let addressSpaceBeside: UInt64 = 1 << 30

  /// A process whose memory is refused ends at once.
  private static func checkAddressSpace(_ settings: BrokerSettings) throws(SettingsError) {
    let needed = UInt64(settings.queuedRequestBytesMax) + addressSpaceBeside
    guard let limit = ProcessLimit.addressSpace.soft, limit < needed else { return }
    throw SettingsError(
      settings.source(of: "queued.max.request.bytes"),
      "queued.max.request.bytes is \(settings.queuedRequestBytesMax), and this process may have "
        + "\(limit) bytes of address space (\(ProcessLimit.addressSpace.names)), expected at least "
        + "\(needed): raise that limit, or lower the setting")
  }

  private func openLog(
    _ parts: BrokerParts, _ metrics: BrokerMetrics, _ advertised: NetworkAddress,
    _ opening: OpeningWatch
  ) throws {
    let settings = services.settings
    let watch = FlushWatch(metrics: metrics)
    let io = parts.makeIO(watch)
    let directory = try LogDirectory(
      path: settings.logDirectory, io: io,
      shards: (0..<settings.logThreads).map { _ in parts.makeDrivers(watch) },
      threads: services.runtime, defaults: settings.topic,
      settle: { GivenSettings(following: $0, services).settings }, leavesDamagedOffline: true,
      opensLater: true, watch: opening)
    do {
      directory.retentionCheckMilliseconds = settings.retentionCheckMilliseconds
      directory.checkpoints.milliseconds = settings.checkpointMilliseconds
      directory.checkpoints.bytes = settings.checkpointBytes
      directory.clockGraceMilliseconds = settings.retentionClockGraceMilliseconds
      let proof = BackendProof(below: settings.logDirectory, io: io) { parts.makeDrivers(nil) }
      if let reason = proof.reasonToRefuse(settings.topic) {
        throw SettingsError(
          settings.source(of: "varve.backend"),
          "the backend '\(settings.topic.backend)' does not work here: \(reason)")
      }
      let metadata = try FileMetadata(
        directory, io: io, clusterID: settings.clusterID,
        broker: BrokerRegistration(id: settings.nodeID, address: advertised),
        randomness: parts.randomness)
      let administrator = LogAdministrator(directory, metadata, services, proof)
      try administrator.takeOver()
      administrator.tellOwnSettings()
      administrator.tellUnfitSpace()
      administrator.tellNotices()
      try services.runtime.start(
        directory.shards, ShardWatch(services: services),
        at: settings.places("varve.log.places", settings.logPlaces))
      try services.administration.start(administrator)
      services.administration.run { $0.beginOpenings() }
    } catch {
      // What was recovered is left as a clean stop leaves it.
      try? directory.close()
      throw error
    }
  }

  /// Says which setting an address that cannot be had belongs to.
  private static func binding<Value>(_ setting: String, _ bind: () throws -> Value) throws -> Value
  {
    do { return try bind() } catch {
      throw BrokerStartError(
        description: "\(setting): \(error); choose an address of this machine and a port that is "
          + "free: 0 takes any")
    }
  }

  private func startOperation() throws {
    guard let listener = services.settings.metricsListener else { return }
    let (services, state) = (services, state)
    let server = OperationServer(
      metrics: { services.metrics.text(partitions: services.partitionGauges()) },
      health: { state.health(services) })
    let port = try Self.binding("varve.metrics.listen (--metrics)") {
      try server.start(on: listener)
    }
    operation = server
    metricsAddress = NetworkAddress(host: listener.host, port: port)
  }

  /// Takes no more requests, answers those that are under way, for at most five seconds, makes
  /// everything durable and lets the data directory go.
  package func stop() {
    state.set(.stopping)
    services.administration.run { $0.endLagLimit() }
    for loop in services.loops { loop.mailbox.post(.stop) }
    for thread in threads { _ = thread.join() }
    threads = []
    // What loops left behind ends before its logs are closed.
    services.runtime.drain()
    services.administration.stop()
    services.openers.stop()
    services.flusher.stop()
    services.runtime.stop()
    services.readPool.stop()
    operation?.stop()
    operation = nil
  }
}

/// Counts flushes, from any thread.
private struct FlushWatch: FileWatch {
  let metrics: BrokerMetrics

  func ended(_ call: WatchedCall, start: Int64, nanoseconds: Int64) {
    if call == .synchronize { metrics.flushEnded(nanoseconds: nanoseconds) }
  }
}
