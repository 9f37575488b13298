import LinuxIO
import LogRuntime
import Synchronization
import TransferPaths

/// One thread with an `epoll(7)`, and the connections that belong to it. Nothing that may wait for
/// a disk runs here: appends go to the shards' threads, lookups and cold pages to the read threads.
///
/// This file is the thread: events, messages, turns, deadlines. What a turn does is in
/// `EventLoop+Connections`, requests in `EventLoop+Requests`, waiting fetches in
/// `EventLoop+Fetches`.
// SAFETY: all but `mailbox`, `number` and `services` is used by the loop's own thread only, from
// `run` on.
final class EventLoop: @unchecked Sendable {
  static let signalTag = -1
  static let listenerTag = -2

  let number: Int
  let services: BrokerServices
  let mailbox: Mailbox<LoopMessage>
  let resources = TransferResources()
  let frames = FramePool()
  let poll: EventPoll
  /// The first loop's: takes connections for all.
  var listener: ListeningSocket?
  var isListenerReady = false
  var connections: [Int: Connection] = [:]
  var nextConnection = 0
  /// Connections that have something to do, in turn.
  var scheduled: [Connection] = []
  var cluster: ClusterView
  /// Fetches that wait, for partitions by their ids.
  var waitingFetches = Waiting<Int, FetchJob>()
  /// Connections that have stopped reading because requests hold all memory.
  var memoryWaiters: [Connection] = []
  var nextSweep: Int64 = 0
  var scratch = AlignedBuffer(capacity: 64)
  var now = MonotonicClock.nanoseconds()
  var isStopping = false
  private var stopDeadline = Int64.max

  init(number: Int, services: BrokerServices) throws(SystemCallError) {
    self.number = number
    self.services = services
    mailbox = try Mailbox()
    poll = try EventPoll()
    try poll.add(mailbox.signal, tag: Self.signalTag)
    cluster = ClusterView(services.registry)
  }

  /// Before `run`: takes connections for all loops from now on.
  func listen(_ listener: ListeningSocket) throws(SystemCallError) {
    try poll.add(listener, tag: Self.listenerTag)
    self.listener = listener
    isListenerReady = true
  }

  /// Until `stop` has come and what was under way is answered.
  func run() {
    while !isDone {
      let canSleep = scheduled.isEmpty && !isListenerReady && mailbox.prepareToSleep()
      let wait = canSleep ? millisecondsToWait : 0
      do throws(SystemCallError) {
        try poll.wait(milliseconds: wait) { tag, readiness in note(tag, readiness) }
      } catch {
        services.log.error("an event loop could not wait: \(error)")
        return
      }
      let start = MonotonicClock.nanoseconds()
      now = start
      for message in mailbox.take() { handle(message) }
      if isListenerReady { acceptConnections() }
      if !memoryWaiters.isEmpty { retryForMemory() }
      takeTurns()
      if now >= waitingFetches.nextDeadline { answerDueFetches() }
      if now >= nextSweep { sweep() }
      services.metrics.loopDelay(nanoseconds: MonotonicClock.nanoseconds() - start)
    }
    for connection in connections.values { connection.socket.close() }
    connections = [:]
  }

  private var isDone: Bool {
    isStopping && (connections.isEmpty || MonotonicClock.nanoseconds() >= stopDeadline)
  }

  private var millisecondsToWait: Int {
    let next = min(waitingFetches.nextDeadline, nextSweep, stopDeadline)
    let left = max(0, next - MonotonicClock.nanoseconds())
    // Other loops, too, give memory back, and tell nobody.
    return Int(min(left / 1_000_000 + 1, memoryWaiters.isEmpty ? 1000 : 5))
  }

  private func note(_ tag: Int, _ readiness: Readiness) {
    switch tag {
    case Self.signalTag: mailbox.wake()
    case Self.listenerTag: isListenerReady = true
    default:
      guard let connection = connections[tag] else { return }
      if readiness.contains(.readable) || readiness.contains(.broken) {
        connection.isReadable = true
      }
      if readiness.contains(.writable) || readiness.contains(.broken) {
        connection.isWritable = true
      }
      // A broken socket says so when it is read; its error queue may hold notices about sends.
      if readiness.contains(.broken) { reap(connection) }
      if readiness.contains(.ended) {
        connection.isLeaving = true
        answerParked(connection)
      }
      schedule(connection)
    }
  }

  func schedule(_ connection: Connection) {
    if connection.isScheduled { return }
    connection.isScheduled = true
    scheduled.append(connection)
  }

  private func takeTurns() {
    let turn = scheduled
    scheduled.removeAll(keepingCapacity: true)
    for connection in turn {
      connection.isScheduled = false
      if connections[connection.id] != nil { serve(connection) }
    }
  }

  private func handle(_ message: LoopMessage) {
    switch message {
    case .adopt(let socket, let peer): adopt(socket, peer)
    case .finished(let id, let slot, let outcome):
      guard let connection = connections[id] else { return }
      connection.fill(slot, outcome)
      schedule(connection)
    case .produced(let job): finishProduce(job)
    case .lookedUp(let job, let result): finishLookup(job, result)
    case .advanced(let partitions): wakeFetches(partitions)
    case .warmed(let id, let end):
      guard let connection = connections[id] else { return }
      connection.isWarming = false
      connection.output.setWarm(upTo: end)
      schedule(connection)
    case .stop: beginStop()
    }
  }

  private func beginStop() {
    isStopping = true
    stopDeadline = now + 5_000_000_000
    listener = nil
    isListenerReady = false
    for connection in connections.values {
      if connection.parked != nil { answerParked(connection) }
      schedule(connection)
    }
  }
}
