import LinuxIO
import LogRuntime
import LogStorage
import TransferPaths

// Connections: how they come, what a turn does, why they end.

extension EventLoop {
  /// What a connection may send before others have their turn, in bytes.
  private static let turnBytes = 4 << 20

  /// Takes those that wait, and hands them to the loops in turn.
  func acceptConnections() {
    guard let listener else { return }
    for _ in 0..<256 {
      do throws(SystemCallError) {
        guard let socket = try listener.acceptNow() else {
          isListenerReady = false
          return
        }
        services.admit(socket)
      } catch {
        // Out of descriptors, mostly: those that wait are taken when there are some again.
        services.log.limited("accept", "a connection could not be taken: \(error)")
        services.metrics.connectionRefused(reason: .descriptors)
        isListenerReady = false
        nextSweep = min(nextSweep, now + 100_000_000)
        return
      }
    }
  }

  func adopt(_ socket: SocketHandle, _ peer: Peer) {
    let settings = services.settings
    do throws(SystemCallError) {
      try socket.setNoDelay()
      if let bytes = settings.sendBufferBytes {
        try socket.setSendBuffer(bytes: bytes)
      }
      if let bytes = settings.receiveBufferBytes {
        try socket.setReceiveBuffer(bytes: bytes)
      }
      let id = nextConnection
      nextConnection += 1
      let holder = MemoryAccount.Holder(services.memory, peer.memory)
      let intake = FrameIntake(
        bytesMax: settings.requestBytesMax, account: services.memory, holder: holder, pool: frames)
      let connection = Connection(
        id: id, socket: socket, peer: peer, intake: intake,
        output: SendQueue(resources, services.transfers, avoidsDisk: true), holder: holder, now: now
      )
      try poll.add(socket, [.readable, .writable], tag: id)
      connections[id] = connection
      schedule(connection)
    } catch {
      socket.close()
      services.connectionEnded(peer)
    }
  }

  /// A turn: sends what is ready, receives what may be received, and begins with it.
  func serve(_ connection: Connection) {
    collect(connection)
    guard flush(connection) else { return }
    beginHeld(connection)
    receive(connection)
    guard connections[connection.id] != nil else { return }
    collect(connection)
    guard flush(connection) else { return }
    let isIdle = connection.slots.isEmpty && connection.output.isEmpty && connection.held == nil
    if isIdle && (connection.hasEnded || isStopping) { return end(connection) }
    // What was answered at once makes room for the next request, which may be here already.
    if mayGoOn(connection) { schedule(connection) }
  }

  private func mayGoOn(_ connection: Connection) -> Bool {
    if connection.held != nil { return connection.slots.isEmpty }
    return connection.isReadable && !connection.waitsForMemory && !isStopping
      && mayReceive(connection)
  }

  private func mayReceive(_ connection: Connection) -> Bool {
    connection.mayReceive(
      pipeline: services.settings.connectionPipeline,
      queuedBytesMax: services.settings.queuedResponseBytesMax)
  }

  /// Queues finished responses, in order.
  private func collect(_ connection: Connection) {
    while let slot = connection.takeFinished() {
      let nanoseconds = MonotonicClock.nanoseconds() - slot.began
      switch slot.outcome {
      case .respond(let response):
        services.metrics.requestEnded(
          api: slot.apiKey, nanoseconds: nanoseconds, error: response.hasError)
        if connection.output.isEmpty { connection.noteProgress(now: now) }
        connection.output.add(response)
      case .nothing:
        services.metrics.requestEnded(api: slot.apiKey, nanoseconds: nanoseconds, error: false)
      case .close(let reason):
        services.metrics.requestEnded(api: slot.apiKey, nanoseconds: nanoseconds, error: true)
        // What was answered before it is on its way first.
        if flush(connection) { end(connection, because: reason) }
        return
      case nil: return
      }
      if connection.slots.isEmpty { connection.isExclusive = false }
    }
  }

  /// Sends; false where the connection has ended.
  private func flush(_ connection: Connection) -> Bool {
    guard connections[connection.id] != nil else { return false }
    if connection.output.isEmpty || !connection.isWritable || connection.isWarming { return true }
    var sent = 0
    defer {
      if sent > 0 {
        connection.noteSent(sent, now: now)
        services.metrics.sent(sent)
      }
      connection.countAnswers()
    }
    do throws(TransferError) {
      while sent < Self.turnBytes {
        switch try connection.output.step(to: connection.socket) {
        case .moved(let count):
          sent += count
          continue
        case .empty: break
        case .blocked: connection.isWritable = false
        case .cold(let slice, let range): warm(connection, slice, range)
        }
        return true
      }
      if !connection.output.isEmpty { schedule(connection) }
      return true
    } catch {
      // Part of a response may have left: the client must not take what follows for the rest of it.
      connection.socket.reset()
      var reason: String?
      if case .connection = error {} else { reason = "\(error)" }
      end(connection, because: reason)
      return false
    }
  }

  private func receive(_ connection: Connection) {
    connection.waitsForMemory = false
    while connection.isReadable && !isStopping && mayReceive(connection) {
      var count = 0
      defer {
        if count > 0 {
          connection.lastActive = now
          services.metrics.received(count)
        }
      }
      do throws(FrameFault) {
        switch try connection.intake.receive(
          from: connection.socket, scratch: &scratch, now: now, receivedBytes: &count)
        {
        case .frame: takeRequest(connection)
        case .wouldBlock: connection.isReadable = false
        case .ended:
          connection.isReadable = false
          connection.hasEnded = true
        case .noMemory:
          connection.waitsForMemory = true
          connection.intake.restartClock(now: now)
          memoryWaiters.append(connection)
          return
        }
      } catch {
        var reason: String?
        if case .connection = error {} else { reason = "\(error)" }
        return end(connection, because: reason)
      }
      if connections[connection.id] == nil { return }
    }
  }

  private func warm(_ connection: Connection, _ slice: LogSlice, _ range: Range<Int64>) {
    connection.isWarming = true
    let (id, mailbox, metrics) = (connection.id, mailbox, services.metrics)
    services.readPool.submit {
      let start = MonotonicClock.nanoseconds()
      PageWarmer.bringIn(slice, range)
      metrics.coldRead(nanoseconds: MonotonicClock.nanoseconds() - start)
      mailbox.post(.warmed(connection: id, end: range.upperBound))
    }
  }

  func reap(_ connection: Connection) {
    do { try connection.output.reap(connection.socket) } catch { end(connection) }
  }

  /// With a reason, the operator is told.
  func end(_ connection: Connection, because reason: String? = nil) {
    guard connections.removeValue(forKey: connection.id) != nil else { return }
    if let reason {
      services.log.limited(
        "closed", "connection closed: \(reason)", ["peer": connection.socket.name])
      services.metrics.badRequest()
    }
    unpark(connection)
    connection.socket.close()
    services.connectionEnded(connection.peer)
  }

  /// Where memory is short, for all or for an address: answers its fetches that wait with what
  /// there is, and closes whoever holds some and makes no progress.
  private func relieve() {
    let isShortForAll = services.memory.isShort(now: now)
    for connection in Array(connections.values)
    where isShortForAll || connection.peer.memory.isShort(now: now) {
      if connection.parked != nil { answerParked(connection, waitingOn: false) }
      guard connection.standsStill(for: Self.standstillNanoseconds, now: now) else {
        connection.isSuspect = false
        continue
      }
      if connection.isSuspect {
        end(
          connection,
          because: "memory is short (queued.max.request.bytes), and this connection holds some and "
            + "moved too little within a second")
      } else {
        // Its socket may have something that this loop has not been told of yet.
        connection.isSuspect = true
        connection.isReadable = true
        connection.isWritable = true
        schedule(connection)
      }
    }
  }

  private static let standstillNanoseconds: Int64 = 1_000_000_000

  /// Now and then: connections that stand still.
  func sweep() {
    let isShort =
      services.memory.isShort(now: now) || services.memory.isAnyShareShort(now: now)
    nextSweep = now + (isStopping ? 50_000_000 : isShort ? 100_000_000 : 500_000_000)
    if isShort { relieve() }
    if listener != nil {
      isListenerReady = true
      services.log.writeLeftOut(now: now)
    }
    let settings = services.settings
    let idleNanoseconds = settings.connectionIdleMilliseconds * 1_000_000
    let receiveNanoseconds = settings.requestReceiveMilliseconds * 1_000_000
    for connection in Array(connections.values) {
      if connection.waitsForMemory || !mayReceive(connection) {
        connection.intake.restartClock(now: now)
      }
      if let began = connection.intake.beganAt, now - began > receiveNanoseconds {
        end(
          connection,
          because: "a request was not received whole within "
            + "\(settings.requestReceiveMilliseconds) ms (varve.request.receive.ms)")
      } else if now - connection.lastActive > idleNanoseconds && connection.parked == nil {
        // No fault: clients know, and connect again.
        end(connection)
      } else if isStopping {
        schedule(connection)
      }
    }
  }

  /// Connections that had to stop reading try again: memory may have been given back.
  func retryForMemory() {
    let waiting = memoryWaiters
    memoryWaiters.removeAll(keepingCapacity: true)
    for connection in waiting where connections[connection.id] != nil { schedule(connection) }
  }
}
