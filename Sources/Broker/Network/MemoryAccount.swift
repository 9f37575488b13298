import Synchronization

/// Memory that clients make the broker hold: requests that are received or served, and responses
/// that are not sent yet, of all connections together (`queued.max.request.bytes`). From any
/// thread.
///
/// ```
///   0                                                        bytesMax - reserve      bytesMax
///   | requests as they arrive, what serving them takes, responses |  whole small requests |
/// ```
/// A connection that gets none stops reading, which is how back-pressure reaches the client. What
/// keeps one client from taking all of it:
///
/// - Bytes are paid for as they arrive, whatever length was announced.
/// - The reserve is for requests that have arrived whole: no request that stands still can hold it.
/// - A connection, and all connections of one address, have a share each.
/// - Where memory is short, whoever holds some and makes no progress is closed (`ConnectionServer.relieve`).
///
/// So that half-received requests cannot wait for one another for ever, one connection at a time
/// may go over the limit, by one request; and one of each address over its shares. Not where
/// answers that nobody reads are what fills it.
final class MemoryAccount: Sendable {
  let bytesMax: Int
  private let reserve: Int
  private let metrics: BrokerMetrics
  private let held = Atomic<Int>(0)
  /// What of it is answers that are not sent.
  private let answers = Atomic<Int>(0)
  private let isOverdrawn = Atomic(false)
  /// When somebody was refused last by the limit for all, in monotonic nanoseconds.
  private let refusedAt = Atomic<Int64>(.min / 2)
  private let shareRefusedAt = Atomic<Int64>(.min / 2)

  init(bytesMax: Int, _ metrics: BrokerMetrics) {
    self.bytesMax = bytesMax
    reserve = bytesMax / 8
    self.metrics = metrics
  }

  /// The most that one request can take.
  var requestMax: Int { bytesMax - reserve }
  /// The most that all connections of one address may hold: others get the rest.
  private var peerMax: Int { bytesMax / 2 }
  /// The most that one connection may hold, beside one request.
  private var connectionMax: Int { bytesMax / 4 }

  /// What all connections hold now.
  var heldBytes: Int { held.load(ordering: .relaxed) }

  private var isFullOfAnswers: Bool { answers.load(ordering: .relaxed) > bytesMax / 4 }

  /// True where the limit for all has refused somebody within the last second.
  func isShort(now: Int64) -> Bool { Self.isRecent(refusedAt, now) }

  /// True where some address's share has.
  func isAnyShareShort(now: Int64) -> Bool { Self.isRecent(shareRefusedAt, now) }

  private static func isRecent(_ time: borrowing Atomic<Int64>, _ now: Int64) -> Bool {
    now &- time.load(ordering: .relaxed) < 1_000_000_000
  }

  /// What the connections of one address hold together.
  final class Peer: Sendable {
    fileprivate let held = Atomic<Int>(0)
    fileprivate let isOverdrawn = Atomic(false)
    fileprivate let refusedAt = Atomic<Int64>(.min / 2)

    /// True where the address's share has refused one of its connections within the last second.
    func isShort(now: Int64) -> Bool { MemoryAccount.isRecent(refusedAt, now) }

    var holdsMemory: Bool { held.load(ordering: .relaxed) > 0 }
  }

  /// What one connection holds.
  final class Holder: Sendable {
    fileprivate let peer: Peer
    fileprivate let account: MemoryAccount
    fileprivate let held = Atomic<Int>(0)

    init(_ account: MemoryAccount, _ peer: Peer) {
      self.account = account
      self.peer = peer
    }

    /// A charge that has nothing yet; for answers, or for requests.
    func open(forAnswers: Bool = false) -> Charge { Charge(self, forAnswers) }
  }

  private enum Refusal { case account, share }

  /// What one request or response has taken. Whoever has its memory has this too: it is given back
  /// when nobody has it any more, whatever has become of the connection.
  // SAFETY: changes on its connection's event loop alone.
  final class Charge: @unchecked Sendable {
    private let holder: Holder
    private(set) var bytes = 0
    private let isForAnswers: Bool
    /// The limit that this charge may go over.
    private var overdraft: Refusal?

    fileprivate init(_ holder: Holder, _ isForAnswers: Bool) {
      self.holder = holder
      self.isForAnswers = isForAnswers
    }

    deinit {
      giveBack(bytes)
      endOverdraft()
    }

    /// Takes so many bytes more, all or nothing. `isWhole`: what it is for has arrived.
    func take(_ wanted: Int, isWhole: Bool = false, now: Int64) -> Bool {
      if wanted <= 0 { return true }
      if let refusal = holder.account.refusal(of: wanted, beside: self, holder, isWhole) {
        noteRefusal(refusal, now)
        // One that may go over the account's limit may go over its own shares, too.
        guard overdraft == .account || overdraft == refusal || overdraw(refusal) else {
          return false
        }
      }
      note(wanted)
      return true
    }

    /// Holds so many bytes from now on, which are there already, or gives back what is more, and
    /// goes over no limit any longer.
    func set(_ wanted: Int) {
      if wanted > bytes { return note(wanted - bytes) }
      giveBack(bytes - wanted)
      endOverdraft()
    }

    private func noteRefusal(_ refusal: Refusal, _ now: Int64) {
      switch refusal {
      case .account: holder.account.refusedAt.store(now, ordering: .relaxed)
      case .share:
        holder.account.shareRefusedAt.store(now, ordering: .relaxed)
        holder.peer.refusedAt.store(now, ordering: .relaxed)
      }
    }

    private func overdraw(_ refusal: Refusal) -> Bool {
      // It is clients that do not read who fill it, and another request would be another answer.
      if holder.account.isFullOfAnswers { return false }
      let isTaken =
        refusal == .account
        ? holder.account.isOverdrawn.exchange(true, ordering: .relaxed)
        : holder.peer.isOverdrawn.exchange(true, ordering: .relaxed)
      if isTaken { return false }
      endOverdraft()
      overdraft = refusal
      return true
    }

    private func endOverdraft() {
      switch overdraft {
      case .account: holder.account.isOverdrawn.store(false, ordering: .relaxed)
      case .share: holder.peer.isOverdrawn.store(false, ordering: .relaxed)
      case nil: break
      }
      overdraft = nil
    }

    private func note(_ more: Int) {
      if more == 0 { return }
      bytes += more
      move(more)
    }

    private func giveBack(_ less: Int) {
      if less == 0 { return }
      bytes -= less
      move(-less)
    }

    private func move(_ change: Int) {
      holder.account.move(change, holder)
      if isForAnswers { holder.account.answers.wrappingAdd(change, ordering: .relaxed) }
    }
  }

  /// Whose limit stands against it; nil where none does.
  private func refusal(
    of wanted: Int, beside charge: Charge, _ holder: Holder, _ isWhole: Bool
  ) -> Refusal? {
    let all = held.load(ordering: .relaxed)
    // Nothing else is held: it would never be admitted otherwise.
    if all <= charge.bytes { return nil }
    if all + wanted > bytesMax - (isWhole ? 0 : reserve) { return .account }
    // The reserve is for those whose address holds its share in requests that stand still, too.
    if isWhole { return nil }
    // One request may be as large as it likes.
    let ofConnection = holder.held.load(ordering: .relaxed)
    if ofConnection > charge.bytes && ofConnection + wanted > connectionMax { return .share }
    let ofPeer = holder.peer.held.load(ordering: .relaxed)
    return ofPeer <= charge.bytes || ofPeer + wanted <= peerMax ? nil : .share
  }

  private func move(_ bytes: Int, _ holder: Holder) {
    held.wrappingAdd(bytes, ordering: .relaxed)
    holder.held.wrappingAdd(bytes, ordering: .relaxed)
    holder.peer.held.wrappingAdd(bytes, ordering: .relaxed)
    metrics.add(.requestBytesHeld, bytes)
  }
}
