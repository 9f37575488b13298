import LinuxIO
import LogRuntime
import LogStorage
import Logging
import TransferPaths

/// What connections do: how they begin, what a turn does, why they end. Belongs to its event loop's
/// thread.
final class ConnectionServer {
  /// What a connection that ends for a fault may still send.
  private static let lastBytes = 4 << 20
  private static let standstillNanoseconds: Int64 = 1_000_000_000
  private static let trimNanoseconds: Int64 = 2_000_000_000
  private static let retryNanoseconds: Int64 = 50_000_000

  private let context: LoopContext
  private let connections: ConnectionSet
  private let requests: RequestDispatcher
  private let resources = TransferResources()
  private var scratch = AlignedBuffer(capacity: 64)
  /// Connections that have stopped reading because requests hold all memory.
  private var memoryWaiters: [Connection] = []
  /// What all connections held when those tried last, and when they try again whatever is held.
  private var heldAtRetry = 0
  private var nextRetry: Int64 = 0
  /// When connections that stand still are looked for next.
  private(set) var nextSweep: Int64 = 0
  private var nextTrim: Int64 = 0

  init(_ context: LoopContext, _ connections: ConnectionSet, _ requests: RequestDispatcher) {
    self.context = context
    self.connections = connections
    self.requests = requests
  }

  private var services: BrokerServices { context.services }
  private var now: Int64 { context.now }

  // MARK: - Beginning

  /// Takes a connection over; it is in `poll` then, by its id.
  func adopt(_ channel: any ByteChannel, _ peer: Peer, _ poll: any ChannelPoll) {
    let settings = services.settings
    do throws(SystemCallError) {
      try setOptions(of: channel)
      let id = connections.takeID()
      try poll.add(channel, [.readable, .writable], tag: id)
      let holder = MemoryAccount.Holder(services.memory, peer.memory)
      connections.add(
        Connection(
          id: id, channel: channel, peer: peer,
          intake: FrameIntake(
            bytesMax: settings.requestBytesMax, account: services.memory, holder: holder,
            pool: context.frames),
          output: SendQueue(resources, services.transfers, avoidsDisk: true), holder: holder,
          limits: Connection.Limits(
            pipeline: settings.connectionPipeline,
            queuedBytesMax: settings.queuedResponseBytesMax),
          now: now))
    } catch {
      channel.close()
      services.connectionEnded(peer)
    }
  }

  private func setOptions(of channel: any ByteChannel) throws(SystemCallError) {
    guard let socket = channel.socket else { return }
    try socket.setNoDelay()
    if let bytes = services.settings.sendBufferBytes { try socket.setSendBuffer(bytes: bytes) }
    if let bytes = services.settings.receiveBufferBytes {
      try socket.setReceiveBuffer(bytes: bytes)
    }
  }

  // MARK: - A turn

  /// What the poll has said of a connection.
  func note(_ readiness: Readiness, of connection: Connection) {
    connection.note(readiness)
    // A broken socket says so when it is read; its error queue may hold notices about sends.
    if readiness.contains(.broken) {
      do { try connection.reap() } catch { end(connection) }
    }
    if readiness.contains(.ended) {
      requests.fetches.answerParked(connection)
      // Who leaves is in no hurry.
      connections.goOn(connection)
    } else {
      connections.schedule(connection)
    }
  }

  /// Sends what is ready, receives what may be received, and begins with it: about `bytesMax` each
  /// way.
  func serve(_ connection: Connection, bytesMax: Int) {
    collect(connection)
    guard flush(connection, bytesMax) else { return }
    requests.beginHeld(connection)
    receive(connection, bytesMax)
    guard connections.contains(connection) else { return }
    collect(connection)
    guard flush(connection, bytesMax) else { return }
    if connection.isIdle && (connection.hasEnded || context.isStopping) { return end(connection) }
    // What was answered at once makes room for the next request, which may be here already.
    if connection.hasMoreToDo(isStopping: context.isStopping) { connections.goOn(connection) }
  }

  /// Queues finished responses, in order.
  private func collect(_ connection: Connection) {
    while let slot = connection.takeFinished() {
      let nanoseconds = context.time() - slot.began
      var hasFailed = false
      switch slot.outcome {
      case .respond(let response):
        hasFailed = response.hasError
        connection.queue(response, now: now)
      case .nothing, nil: break
      case .close(let reason):
        services.metrics.requestEnded(api: slot.apiKey, nanoseconds: nanoseconds, error: true)
        // What was answered before it is on its way first.
        if flush(connection, Self.lastBytes) { end(connection, because: reason) }
        return
      }
      services.metrics.requestEnded(api: slot.apiKey, nanoseconds: nanoseconds, error: hasFailed)
    }
  }

  /// Sends; false where the connection has ended.
  private func flush(_ connection: Connection, _ bytesMax: Int) -> Bool {
    guard connections.contains(connection) else { return false }
    var sent = 0
    defer { if sent > 0 { services.metrics.add(.sentBytes, sent) } }
    do throws(TransferError) {
      switch try connection.send(bytesMax: bytesMax, now: now, sent: &sent) {
      case .done: break
      case .more: connections.goOn(connection)
      case .cold(let slice, let range): warm(connection, slice, range)
      }
      return true
    } catch {
      connection.reset()
      var reason: String?
      if case .connection = error {} else { reason = "\(error)" }
      end(connection, because: reason)
      return false
    }
  }

  private func receive(_ connection: Connection, _ bytesMax: Int) {
    if context.isStopping { return }
    var bytes = 0
    defer { if bytes > 0 { services.metrics.add(.receivedBytes, bytes) } }
    do throws(FrameFault) {
      while bytes < bytesMax,
        let step = try connection.receive(&scratch, bytesMax - bytes, now: now, received: &bytes)
      {
        switch step {
        case .frame:
          if let reason = requests.take(connection) { return end(connection, because: reason) }
        // Behind what has come there may be the end.
        case .drained: continue
        case .wouldBlock, .ended, .turnOver: return
        case .noMemory: return memoryWaiters.append(connection)
        }
      }
    } catch {
      var reason: String?
      if case .connection = error {} else { reason = "\(error)" }
      end(connection, because: reason)
    }
  }

  private func warm(_ connection: Connection, _ slice: LogSlice, _ range: Range<Int64>) {
    let (id, mailbox, services) = (connection.id, context.mailbox, services)
    services.readPool.submit(from: context.source(ofConnection: id)) {
      let start = services.parts.time.monotonicNanoseconds()
      PageWarmer.bringIn(slice, range)
      services.metrics.coldRead(
        nanoseconds: services.parts.time.monotonicNanoseconds() - start)
      mailbox.post(.warmed(connection: id, end: range.upperBound))
    }
  }

  // MARK: - Ending

  /// With a reason, the operator is told.
  private func end(_ connection: Connection, because reason: String? = nil) {
    guard connections.remove(connection) else { return }
    let session = connection.session
    if let reason {
      services.log.limited("closed", "connection closed: \(reason)", session.fields)
      services.metrics.add(.badRequests, 1)
    } else {
      services.log.limited("ended", .debug, "connection ended", session.closingFields)
    }
    requests.fetches.unpark(connection)
    connection.close()
    services.connectionEnded(connection.peer)
  }

  /// No new requests; what is under way is answered.
  func beginStop() {
    for connection in connections.all {
      requests.fetches.answerParked(connection)
      connections.schedule(connection)
    }
  }

  // MARK: - Connections that stand still

  /// True while some connection waits for memory, of which other loops give back some without
  /// telling.
  var isWaitingForMemory: Bool { !memoryWaiters.isEmpty }

  /// Connections that had to stop reading try again, where memory may have been given back. Who has
  /// waited longest comes first, so that nobody waits for ever; the others by what they lack, so
  /// that a few large requests do not keep the small ones waiting.
  func retryForMemory() {
    if memoryWaiters.isEmpty { return }
    let held = services.memory.heldBytes
    if held == heldAtRetry && now < nextRetry { return }
    heldAtRetry = held
    nextRetry = now + Self.retryNanoseconds
    var waiting = memoryWaiters.filter { connections.contains($0) }
    memoryWaiters.removeAll(keepingCapacity: true)
    let first = waiting.indices.min { since(waiting[$0]) < since(waiting[$1]) }
    if let first { retry(waiting.remove(at: first)) }
    waiting.sort { $0.missingBytes < $1.missingBytes }
    for connection in waiting { retry(connection) }
  }

  private func retry(_ connection: Connection) {
    connection.retryForMemory()
    connections.schedule(connection)
  }

  private func since(_ connection: Connection) -> Int64 { connection.waitsSince ?? .max }

  /// Looks for connections that stand still, where it is time; false where it is not.
  func sweep() -> Bool {
    if now < nextSweep { return false }
    let isShort =
      services.memory.isShort(now: now) || services.memory.isAnyShareShort(now: now)
    nextSweep = now + (context.isStopping ? 50_000_000 : isShort ? 100_000_000 : 500_000_000)
    trimPools()
    if isShort { relieve() }
    let settings = services.settings
    let idleNanoseconds = settings.connectionIdleMilliseconds * 1_000_000
    let receiveNanoseconds = settings.requestReceiveMilliseconds * 1_000_000
    for connection in connections.all {
      if connection.isReceivingLong(receiveNanoseconds, now: now) {
        end(
          connection,
          because: "a request was not received whole within "
            + "\(settings.requestReceiveMilliseconds) ms (varve.request.receive.ms)")
      } else if now - connection.lastActive > idleNanoseconds && connection.parked == nil {
        // No fault: clients know, and connect again.
        end(connection)
      } else if context.isStopping {
        connections.schedule(connection)
      }
    }
    return true
  }

  /// Lets go of buffers that nobody has needed for a while.
  private func trimPools() {
    if now < nextTrim { return }
    nextTrim = now + Self.trimNanoseconds
    services.noteFreed(context.frames.trim() + resources.trim())
  }

  /// Where memory is short, for all or for an address: answers its fetches that wait with what
  /// there is, and closes whoever holds some and makes no progress.
  private func relieve() {
    let isShortForAll = services.memory.isShort(now: now)
    for connection in connections.all
    where isShortForAll || connection.peer.memory.isShort(now: now) {
      requests.fetches.answerParked(connection, waitingOn: false)
      switch connection.standing(for: Self.standstillNanoseconds, now: now) {
      case .fine: break
      case .suspect: connections.schedule(connection)
      case .standsStill:
        end(
          connection,
          because: "memory is short (queued.max.request.bytes), and this connection holds some and "
            + "moved too little within a second")
      }
    }
  }
}
