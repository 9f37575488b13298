import CommitLog
import LinuxIO
import LogRuntime
import LogStorage
import Records
import Synchronization
import TransferPaths

/// What the threads of one broker share.
// SAFETY: `loops` are set before any request is served, the rest before any thread is started; they
// never change, and what is in them is safe from any thread.
final class BrokerServices: @unchecked Sendable {
  let settings: BrokerSettings
  let registry = ClusterRegistry()
  let metrics: BrokerMetrics
  let log: BrokerLog
  let memory: MemoryAccount
  let peers = PeerTable()
  /// For lookups in an index, and pages that are about to be sent and are not in the page cache: an
  /// event loop never waits for a disk.
  let readPool: WorkerPool
  /// The threads that logs belong to.
  let runtime: LogRuntime
  let administration: AdministrationThread
  /// Open partitions at the start, and anew.
  let openers: WorkerPool
  let flusher: BackgroundFlusher
  let transfers: [String: any TransferPath.Type]
  let parts: BrokerParts
  let topicConfigs: InheritedConfigs
  /// What DescribeConfigs shows of this broker.
  let brokerConfigs: [ShownConfig]
  private(set) var loops: [EventLoop] = []
  private let connectionsMax: Int
  private let connectionCount = Atomic(0)
  private let nextLoop = Atomic(0)
  private let freedBytes = Atomic(0)

  init(
    settings: BrokerSettings, metrics: BrokerMetrics, log: BrokerLog, parts: BrokerParts
  ) throws(SystemCallError) {
    self.settings = settings
    self.metrics = metrics
    self.log = log
    transfers = Dictionary(
      parts.transfers.map { ($0.capabilities.name, $0) }, uniquingKeysWith: { first, _ in first })
    self.parts = parts
    topicConfigs = InheritedConfigs(settings)
    brokerConfigs = settings.shownConfigs()
    memory = MemoryAccount(bytesMax: settings.queuedRequestBytesMax, metrics)
    connectionsMax = Self.connectionsMax(settings, log)
    readPool = try WorkerPool(threadCount: settings.readThreads)
    runtime = try LogRuntime(shards: settings.logThreads, time: parts.time)
    administration = try AdministrationThread(parts.time)
    openers = try WorkerPool(threadCount: settings.recoveryThreads)
    flusher = try BackgroundFlusher(
      bytesPerSecond: settings.backgroundFlushRate, time: parts.time)
  }

  /// Before any loop runs.
  func makeLoops() throws(SystemCallError) {
    for number in 0..<settings.networkThreads {
      loops.append(try EventLoop(number: number, services: self))
    }
  }

  /// Descriptors that connections leave to the log: a segment that cannot be opened fails its
  /// appends.
  private static let descriptorReserve = 256

  /// As many as there may be, or as the process has descriptors for.
  private static func connectionsMax(_ settings: BrokerSettings, _ log: BrokerLog) -> Int {
    guard let limit = ProcessLimit.openFiles.soft, limit < UInt64(settings.connectionsMax) else {
      return settings.connectionsMax
    }
    let possible = max(1, Int(limit) - min(descriptorReserve, Int(limit) / 2))
    if possible < settings.connectionsMax {
      log.warning(
        "max.connections is \(settings.connectionsMax), and there will be \(possible) at most: "
          + "this process may open \(limit) files (\(ProcessLimit.openFiles.names)), and the log "
          + "needs some; raise that limit for more"
      )
    }
    return min(possible, settings.connectionsMax)
  }

  /// Gives a new connection to the next loop, or refuses it.
  func admit(_ channel: any ByteChannel) {
    let count = connectionCount.wrappingAdd(1, ordering: .relaxed).newValue
    if count > connectionsMax {
      refuse(channel, .connectionLimit, "there are \(connectionsMax) (max.connections)")
      return
    }
    let address = String(channel.name.prefix { $0 != ":" })
    guard let peer = peers.begin(address, connectionsMax: settings.connectionsPerAddressMax) else {
      refuse(
        channel, .addressLimit,
        "there are \(settings.connectionsPerAddressMax) from its address (max.connections.per.ip)")
      return
    }
    metrics.add(.connectionsOpened, 1)
    let number = nextLoop.wrappingAdd(1, ordering: .relaxed).oldValue
    loops[Int(UInt(bitPattern: number) % UInt(loops.count))].mailbox.post(.adopt(channel, peer))
  }

  private func refuse(_ channel: any ByteChannel, _ reason: RefusalReason, _ text: String) {
    log.limited("refused", "connection refused: \(text)", ["peer": channel.name])
    metrics.connectionRefused(reason: reason)
    channel.close()
    connectionCount.wrappingSubtract(1, ordering: .relaxed)
  }

  /// What a connection takes beside its requests and answers, about.
  private static let connectionBytes = 2048
  private static let freedBytesMin = 1 << 20

  /// From any thread: so much memory was freed, which the allocator may keep.
  func noteFreed(_ bytes: Int) {
    if bytes > 0 { freedBytes.wrappingAdd(bytes, ordering: .relaxed) }
  }

  /// Once in a while: gives what was freed back to the system, where that is much.
  func giveBackMemory() {
    if freedBytes.load(ordering: .relaxed) < Self.freedBytesMin { return }
    freedBytes.store(0, ordering: .relaxed)
    ProcessMemory.giveBack()
  }

  func connectionEnded(_ peer: Peer) {
    noteFreed(Self.connectionBytes)
    peers.end(peer)
    connectionCount.wrappingSubtract(1, ordering: .relaxed)
    metrics.add(.connectionsClosed, 1)
  }

  /// Sizes and bounds of all partitions, for the metrics.
  func partitionGauges() -> [PartitionGauge] {
    registry.snapshot.sorted.flatMap(\.partitions).map { entry in
      PartitionGauge(
        topic: entry.partition.topic, partition: entry.partition.partition,
        bytes: entry.byteCount, startOffset: entry.published.startOffset.rawValue,
        endOffset: entry.published.endOffset.rawValue,
        segments: entry.published.segments.count, isFenced: entry.isFenced)
    }
  }

  /// Why a topic cannot have these settings here, or nil: names that only the program knows.
  func reasonToRefuse(_ topic: TopicSettings) -> String? {
    if !settings.backends.contains(topic.backend) {
      return "varve.backend: found '\(topic.backend)', expected one of "
        + settings.backends.joined(separator: ", ")
    }
    if transfers[topic.transfer] == nil {
      return "varve.transfer: found '\(topic.transfer)', expected one of "
        + transfers.keys.sorted().joined(separator: ", ")
    }
    return nil
  }
}
