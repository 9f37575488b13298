import DequeModule
import KafkaProtocol
import LinuxIO
import LogStorage
import TransferPaths

/// One client's connection: requests in, responses out in the same order. Belongs to its event
/// loop.
///
/// Produce requests may be under way many at a time. Any other request begins when those before it
/// have been answered, and holds up those after it: a client that pipelines sees its own writes, as
/// with Kafka, which serves a connection's requests one by one.
final class Connection {
  /// What one connection may ask of the broker at once.
  struct Limits {
    /// Requests that are under way.
    let pipeline: Int
    /// Bytes of answers that are not sent.
    let queuedBytesMax: Int
  }

  let id: Int
  let peer: Peer
  let readers = FetchReaders()
  var session: Session
  /// The fetch that waits for appends.
  var parked: Waiting<Int, FetchJob>.Ticket?

  private let channel: any ByteChannel
  private let intake: FrameIntake
  private let output: SendQueue
  private let limits: Limits
  /// For the responses that are not sent.
  private let unsent: MemoryAccount.Charge
  private var slots = Deque<ResponseSlot>()
  /// Bytes of the answers in them.
  private var slotBytes = 0
  private var nextSlot = 0
  /// A request that waits for those before it.
  private var held: HeldRequest?
  /// True while the request under way is not a produce request.
  private var isExclusive = false

  // Edge-triggered: true until the channel has said otherwise.
  private var isReadable = true
  private var isWritable = true
  /// The poll has told of an end or an error, once, which is behind the bytes that have come.
  private var readsToEnd = false
  /// The peer has ended its side, and all that it sent is read: what it asked for is still
  /// answered.
  private(set) var hasEnded = false
  /// The peer sends no more, and may be gone: nothing waits for it.
  private(set) var isLeaving = false
  /// A thread brings in what is to be sent next.
  private var isWarming = false
  private(set) var waitsForMemory = false
  /// Since when the request under way could not be received for want of memory; nil where it can.
  private(set) var waitsSince: Int64?
  /// It is among those whose turn comes next.
  var isScheduled = false
  /// It stood still at the last look, where memory was short.
  private var isSuspect = false
  /// When bytes last moved, in either direction.
  private(set) var lastActive: Int64
  /// When the channel last took enough to count as progress, or was given the first of an answer.
  private var progressedAt: Int64 = 0
  private var sentSinceProgress = 0

  init(
    id: Int, channel: any ByteChannel, peer: Peer, intake: FrameIntake, output: SendQueue,
    holder: MemoryAccount.Holder, limits: Limits, now: Int64
  ) {
    self.id = id
    self.channel = channel
    self.peer = peer
    self.intake = intake
    self.output = output
    self.limits = limits
    session = Session(peer: channel.name)
    unsent = holder.open(forAnswers: true)
    lastActive = now
  }

  func close() { channel.close() }

  /// Part of a response may have left: the client must not take what follows for the rest of it.
  func reset() { channel.reset() }

  /// What the poll has said of the channel.
  func note(_ readiness: Readiness) {
    if readiness.contains(.readable) || readiness.contains(.broken) { isReadable = true }
    if readiness.contains(.writable) || readiness.contains(.broken) { isWritable = true }
    if readiness.contains(.ended) { isLeaving = true }
    if readiness.contains(.ended) || readiness.contains(.broken) { readsToEnd = true }
  }

  /// Nothing is under way: it may end.
  var isIdle: Bool { slots.isEmpty && output.isEmpty && held == nil }

  /// True where its next turn would find something to do.
  func hasMoreToDo(isStopping: Bool) -> Bool {
    if held != nil { return slots.isEmpty }
    return isReadable && !waitsForMemory && !isStopping && mayReceive
  }

  // MARK: - Receiving

  /// True where another request may begin. What is answered and not yet sent counts as under way: a
  /// client that asks and never reads would have it grow, though slices take no memory for their
  /// bytes.
  var mayReceive: Bool {
    held == nil && !isExclusive && !hasEnded && slots.count + output.pieceCount < limits.pipeline
      && answerBytes < limits.queuedBytesMax
  }

  /// Receives towards one request, about `bytesMax` at most, where something has come that may be
  /// received, and counts the bytes into `received`; the step. Nil where nothing is to be received
  /// now.
  func receive(
    _ scratch: inout AlignedBuffer, _ bytesMax: Int, now: Int64, received: inout Int
  ) throws(FrameFault) -> FrameIntake.Step? {
    guard isReadable && mayReceive && !waitsForMemory else { return nil }
    var bytes = 0
    defer {
      if bytes > 0 { lastActive = now }
      received += bytes
    }
    let step = try intake.receive(
      from: channel, scratch: &scratch, bytesMax: bytesMax, now: now, receivedBytes: &bytes)
    switch step {
    case .frame: waitsSince = nil
    case .turnOver: break
    case .drained: isReadable = readsToEnd
    case .wouldBlock:
      isReadable = false
      readsToEnd = false
    case .ended:
      isReadable = false
      hasEnded = true
    case .noMemory: try noteWait(now)
    }
    return step
  }

  /// There is no memory for what comes next. It is the client's delay all the same where it has not
  /// sent what would come.
  private func noteWait(_ now: Int64) throws(FrameFault) {
    waitsForMemory = true
    waitsSince = waitsSince ?? now
    do throws(SystemCallError) {
      if intake.isProgress(try channel.receivableBytes()) { intake.restartClock(now: now) }
    } catch { throw .connection(error) }
  }

  /// There may be memory again.
  func retryForMemory() { waitsForMemory = false }

  /// Bytes of the request under way that are to come.
  var missingBytes: Int { intake.missingBytes }

  /// After `.frame`: the request.
  func takeFrame() -> ReceivedFrame { intake.takeFrame() }

  /// True where a request has been on its way for longer than this, and the delay is the client's.
  func isReceivingLong(_ nanoseconds: Int64, now: Int64) -> Bool {
    if !mayReceive { intake.restartClock(now: now) }
    return intake.beganAt.map { now - $0 > nanoseconds } ?? false
  }

  // MARK: - Requests in order

  /// True where a request with this API may begin now; else it is to be held.
  func mayBegin(_ apiKey: Int16) -> Bool {
    !isExclusive && (slots.isEmpty || apiKey == APIKey.produce.rawValue)
  }

  /// Keeps a request until those before it are answered.
  func hold(_ request: HeldRequest) {
    assert(held == nil, "one request is held at a time")
    held = request
  }

  /// The request that was held, where its turn has come.
  func takeHeld() -> HeldRequest? {
    guard let request = held, mayBegin(request.header.apiKey) else { return nil }
    held = nil
    return request
  }

  /// Takes a place for a request; its number.
  func openSlot(apiKey: Int16, began: Int64) -> Int {
    assert(mayBegin(apiKey), "requests begin in turn")
    isExclusive = apiKey != APIKey.produce.rawValue
    defer { nextSlot += 1 }
    slots.append(ResponseSlot(number: nextSlot, apiKey: apiKey, began: began, outcome: nil))
    return nextSlot
  }

  /// Notes what a request came to.
  func fill(_ slot: Int, _ outcome: Outcome) {
    guard let first = slots.first else { return }
    let index = slot - first.number
    guard slots.indices.contains(index) else { return }
    assert(slots[index].number == slot && slots[index].outcome == nil, "a request ends once")
    slots[index].outcome = outcome
    slotBytes += slots[index].answerBytes
    countAnswers()
  }

  /// The oldest request, where it is done. Others may begin when it was the last.
  func takeFinished() -> ResponseSlot? {
    guard let first = slots.first, first.outcome != nil else { return nil }
    slotBytes -= first.answerBytes
    slots.removeFirst()
    assert(slotBytes == slots.reduce(0) { $0 + $1.answerBytes }, "bytes of answers are counted")
    if slots.isEmpty { isExclusive = false }
    return first
  }

  // MARK: - Sending

  /// How far a turn of sending came.
  enum SendEnd {
    /// Nothing is left that can be sent now.
    case done
    /// The turn is over, and more is to be sent.
    case more
    /// A thread that may wait has to bring this in; `warmed` says that it has.
    case cold(LogSlice, Range<Int64>)
  }

  /// By so much a turn may send more than it is to, so that a response's few bytes of header do not
  /// cost its records another turn.
  private static let slackBytes = 64 << 10

  /// Queues a response behind those before it.
  func queue(_ response: OutgoingResponse, now: Int64) {
    if output.isEmpty { noteProgress(now: now) }
    output.add(response)
  }

  /// Hands up to about `bytesMax` to the channel; what came of it, with the bytes. After a throw
  /// the connection is to be reset.
  func send(
    bytesMax: Int, now: Int64, sent: inout Int
  ) throws(TransferError) -> SendEnd {
    if output.isEmpty || !isWritable || isWarming { return .done }
    defer {
      noteSent(sent, now: now)
      countAnswers()
    }
    while sent < bytesMax {
      switch try output.step(to: channel, bytesMax: bytesMax - sent + Self.slackBytes) {
      case .moved(let count): sent += count
      case .empty: return .done
      case .blocked:
        isWritable = false
        return .done
      case .cold(let slice, let range):
        isWarming = true
        return .cold(slice, range)
      }
    }
    return output.isEmpty ? .done : .more
  }

  /// What is to be sent next is in the page cache up to this position of its file.
  func warmed(upTo end: Int64) {
    isWarming = false
    output.setWarm(upTo: end)
  }

  /// Takes the kernel's notices about sends without a copy.
  func reap() throws(TransferError) {
    if let socket = channel.socket { try output.reap(socket) }
  }

  // MARK: - Memory

  /// Bytes of answers: those that wait to be sent, and those that wait for ones before them.
  private var answerBytes: Int { output.queuedBytes + slotBytes }

  /// Counts the answers, after some of them were sent, or more came.
  private func countAnswers() {
    let bytes = answerBytes
    if unsent.bytes != bytes { unsent.set(bytes) }
  }

  /// Less is no progress, and, where it waits, no reason to close.
  private static let muchBytes = 16 << 10

  /// The channel has taken so many bytes.
  private func noteSent(_ bytes: Int, now: Int64) {
    if bytes == 0 { return }
    lastActive = now
    sentSinceProgress += bytes
    if sentSinceProgress >= Self.muchBytes { noteProgress(now: now) }
  }

  /// Something is to be sent from now on, or as much was as counts.
  private func noteProgress(now: Int64) {
    progressedAt = now
    sentSinceProgress = 0
  }

  /// What becomes of a connection where memory is short.
  enum Standing {
    /// It holds none, or moves.
    case fine
    /// It holds some and made no progress. The channel may have something that the loop has not
    /// been told of yet: it gets a turn, and is looked at again.
    case suspect
    /// It was suspect before.
    case standsStill
  }

  func standing(for nanoseconds: Int64, now: Int64) -> Standing {
    guard standsStill(for: nanoseconds, now: now) else {
      isSuspect = false
      return .fine
    }
    if isSuspect { return .standsStill }
    isSuspect = true
    isReadable = true
    isWritable = true
    return .suspect
  }

  /// True where the connection holds memory, and its client has made no progress for so long.
  private func standsStill(for nanoseconds: Int64, now: Int64) -> Bool {
    let waits = waitsForMemory || !isReadable
    if intake.holdsMemory && waits && now - intake.movedAt > nanoseconds { return true }
    return output.queuedBytes > Self.muchBytes && !isWritable && now - progressedAt > nanoseconds
  }
}
