import DequeModule
import KafkaProtocol
import LinuxIO
import TransferPaths

/// One client's connection: requests in, responses out in the same order. Belongs to its event
/// loop.
///
/// Produce requests may be under way many at a time. Any other request begins when those before it
/// have been answered, and holds up those after it: a client that pipelines sees its own writes, as
/// with Kafka, which serves a connection's requests one by one.
final class Connection {
  let id: Int
  let socket: SocketHandle
  let intake: FrameIntake
  let output: SendQueue
  let peer: Peer
  /// For the responses that are not sent.
  private let unsent: MemoryAccount.Charge
  private(set) var slots = Deque<ResponseSlot>()
  /// Bytes of the answers in them.
  private var slotBytes = 0
  private var nextSlot = 0
  /// A request that waits for those before it.
  var held: HeldRequest?
  /// The fetch that waits for appends.
  var parked: Waiting<Int, FetchJob>.Ticket?
  var readers = FetchReaders()
  /// True while the request under way is not a produce request.
  var isExclusive = false

  // Edge-triggered: true until the socket has said otherwise.
  var isReadable = true
  var isWritable = true
  /// The peer has ended its side, and all that it sent is read: what it asked for is still
  /// answered.
  var hasEnded = false
  /// The peer sends no more, and may be gone: nothing waits for it.
  var isLeaving = false
  /// A thread brings in what is to be sent next.
  var isWarming = false
  var waitsForMemory = false
  var isScheduled = false
  /// It stood still at the last look, where memory was short.
  var isSuspect = false
  /// When bytes last moved, in either direction.
  var lastActive: Int64
  /// When the socket took so much last that it counts as progress, or was given the first of an
  /// answer.
  private var progressedAt: Int64 = 0
  private var sentSinceProgress = 0

  init(
    id: Int, socket: SocketHandle, peer: Peer, intake: FrameIntake, output: SendQueue,
    holder: MemoryAccount.Holder, now: Int64
  ) {
    self.id = id
    self.socket = socket
    self.peer = peer
    self.intake = intake
    self.output = output
    unsent = holder.open(forAnswers: true)
    lastActive = now
  }

  /// Bytes of answers: those that wait to be sent, and those that wait for ones before them.
  var answerBytes: Int { output.queuedBytes + slotBytes }

  /// Counts the answers, after some of them were sent, or more came.
  func countAnswers() {
    let bytes = answerBytes
    if unsent.bytes != bytes { unsent.set(bytes) }
  }

  /// Less is no progress, and, where it waits, no reason to close.
  private static let muchBytes = 16 << 10

  /// The socket has taken so many bytes.
  func noteSent(_ bytes: Int, now: Int64) {
    lastActive = now
    sentSinceProgress += bytes
    if sentSinceProgress >= Self.muchBytes { noteProgress(now: now) }
  }

  /// Something is to be sent from now on, or as much was as counts.
  func noteProgress(now: Int64) {
    progressedAt = now
    sentSinceProgress = 0
  }

  /// True where the connection holds memory, and its client has made no progress for so long.
  func standsStill(for nanoseconds: Int64, now: Int64) -> Bool {
    if intake.holdsMemory && !waitsForMemory && !isReadable && now - intake.movedAt > nanoseconds {
      return true
    }
    return output.queuedBytes > Self.muchBytes && !isWritable && now - progressedAt > nanoseconds
  }

  /// Takes a place for a request; its number.
  func openSlot(apiKey: Int16, began: Int64) -> Int {
    defer { nextSlot += 1 }
    slots.append(ResponseSlot(number: nextSlot, apiKey: apiKey, began: began, outcome: nil))
    return nextSlot
  }

  /// Notes what a request came to.
  func fill(_ slot: Int, _ outcome: Outcome) {
    guard let first = slots.first else { return }
    let index = slot - first.number
    guard slots.indices.contains(index) else { return }
    slots[index].outcome = outcome
    slotBytes += slots[index].answerBytes
    countAnswers()
  }

  /// The oldest request, where it is done.
  func takeFinished() -> ResponseSlot? {
    guard let first = slots.first, first.outcome != nil else { return nil }
    slotBytes -= first.answerBytes
    return slots.removeFirst()
  }

  /// True where another request may begin. What is answered and not yet sent counts as under way: a
  /// client that asks and never reads would have it grow, though slices take no memory for their
  /// bytes.
  func mayReceive(pipeline: Int, queuedBytesMax: Int) -> Bool {
    held == nil && !isExclusive && !hasEnded && slots.count + output.pieceCount < pipeline
      && answerBytes < queuedBytesMax
  }
}

/// A whole request whose turn has not come. A class, since an optional buffer that is a
/// connection's property could not be taken out of it otherwise.
final class HeldRequest {
  let header: RequestHeader
  let bodyStart: Int
  var frame: AlignedBuffer?
  let charge: MemoryAccount.Charge
  let began: Int64

  init(
    header: RequestHeader, bodyStart: Int, frame: consuming AlignedBuffer,
    charge: MemoryAccount.Charge, began: Int64
  ) {
    self.header = header
    self.bodyStart = bodyStart
    self.frame = .some(frame)
    self.charge = charge
    self.began = began
  }
}
