import LinuxIO
import LogRuntime

/// One thread that waits for its connections (`epoll(7)`) and serves them in turn. Nothing that may
/// wait for a disk runs here: appends go to the shards' threads, lookups and cold pages to the read
/// threads.
///
/// ```
///   a round:  [ what the poll and the mailbox say ] [ a turn for each connection that has
///             something to do ] [ fetches whose time has come ] [ now and then: who stands still ]
/// ```
// SAFETY: all but `mailbox` and `number` is used by the loop's own thread only, from `run` on.
final class EventLoop: @unchecked Sendable {
  private static let signalTag = -1
  private static let listenerTag = -2
  private static let stopNanoseconds: Int64 = 5_000_000_000

  let number: Int
  let mailbox: Mailbox<LoopMessage>
  private let context: LoopContext
  private let poll: any ChannelPoll
  private let connections: ConnectionSet
  private let requests: RequestDispatcher
  private let server: ConnectionServer
  /// The first loop's.
  private var acceptor: Acceptor?
  private var stopDeadline = Int64.max

  init(number: Int, services: BrokerServices) throws(SystemCallError) {
    self.number = number
    context = try LoopContext(number: number, services: services)
    mailbox = context.mailbox
    poll = try services.parts.network.makePoll()
    try poll.add(mailbox.signal, tag: Self.signalTag)
    connections = ConnectionSet(context)
    requests = RequestDispatcher(context, connections)
    server = ConnectionServer(context, connections, requests)
  }

  /// Before `run`: takes connections for all loops from now on.
  func listen(_ listener: any ChannelListener) throws(SystemCallError) {
    try poll.add(listener, tag: Self.listenerTag)
    acceptor = Acceptor(listener)
  }

  /// Until `stop` has come and what was under way is answered.
  func run() {
    context.takeThread()
    while !isDone {
      do throws(SystemCallError) { try wait() } catch {
        context.services.log.error("an event loop could not wait: \(error)")
        return
      }
      round()
    }
    connections.closeAll()
  }

  private var isDone: Bool {
    context.isStopping && (connections.isEmpty || context.time() >= stopDeadline)
  }

  private func wait() throws(SystemCallError) {
    let hasWork = connections.hasWork || requests.fetches.hasDue
    let canSleep = !hasWork && mailbox.prepareToSleep()
    try poll.wait(milliseconds: canSleep ? millisecondsToWait : 0) { tag, readiness in
      switch tag {
      case Self.signalTag: mailbox.wake()
      case Self.listenerTag: acceptor?.note()
      default:
        if let connection = connections[tag] { server.note(readiness, of: connection) }
      }
    }
  }

  private var millisecondsToWait: Int {
    let next = min(
      requests.fetches.nextDeadline, server.nextSweep, stopDeadline, acceptor?.nextLook ?? .max)
    let left = max(0, next - context.time())
    return Int(min((left + 999_999) / 1_000_000, server.isWaitingForMemory ? 5 : 1000))
  }

  private func round() {
    context.beginRound()
    for message in mailbox.take() { handle(message) }
    acceptor?.accept(context.services, now: context.now)
    server.retryForMemory()
    connections.takeTurns { server.serve($0, bytesMax: $1) }
    requests.fetches.lookAgain()
    requests.fetches.answerDue()
    if server.sweep() && acceptor != nil {
      context.services.log.writeLeftOut(now: context.now)
    }
    context.services.metrics.loopDelay(nanoseconds: context.time() - context.now)
  }

  private func handle(_ message: LoopMessage) {
    switch message {
    case .adopt(let channel, let peer): server.adopt(channel, peer, poll)
    case .finished(let id, let slot, let outcome):
      guard let connection = connections[id] else { return }
      connection.fill(slot, outcome)
      connections.schedule(connection)
    case .produced(let job): requests.produces.finish(job)
    case .lookedUp(let job, let result): requests.fetches.finishLookup(job, result)
    case .advanced(let partitions): requests.fetches.wake(partitions)
    case .lookAgain(let id):
      if let connection = connections[id] { requests.fetches.answerParked(connection) }
    case .warmed(let id, let end):
      guard let connection = connections[id] else { return }
      connection.warmed(upTo: end)
      connections.schedule(connection)
    case .stop: beginStop()
    }
  }

  private func beginStop() {
    context.beginStop()
    stopDeadline = context.now + Self.stopNanoseconds
    acceptor = nil
    server.beginStop()
  }
}
