import Synchronization

/// Memory that clients make the broker hold: requests that are received or served, and responses that are
/// not sent yet, of all connections together (`queued.max.request.bytes`). From any thread.
///
/// ```
///   0                                                        bytesMax - reserve      bytesMax
///   | requests as they arrive, what serving them takes, responses |  whole small requests |
/// ```
/// A connection that gets none stops reading, which is how back-pressure reaches the client. What keeps one
/// client from taking all of it:
///
/// - Bytes are paid for as they arrive, whatever length was announced.
/// - The reserve is for requests that have arrived whole: nothing that stands still can hold it.
/// - A connection, and all connections of one address, have a share each.
/// - Where memory is short, whoever holds some and moves nothing is closed (`EventLoop.relieve`).
///
/// So that half-received requests cannot wait for one another for ever, one connection at a time may go over
/// the limit, by one request.
final class MemoryAccount: Sendable {
  let bytesMax: Int
  private let reserve: Int
  private let metrics: BrokerMetrics
  private let held = Atomic<Int>(0)
  private let isOverdrawn = Atomic(false)
  /// When somebody was refused last, in monotonic nanoseconds.
  private let refusedAt = Atomic<Int64>(.min / 2)

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

  /// True where somebody was refused within the last second.
  func isShort(now: Int64) -> Bool {
    now &- refusedAt.load(ordering: .relaxed) < 1_000_000_000
  }

  /// What the connections of one address hold together.
  final class Peer: Sendable {
    fileprivate let held = Atomic<Int>(0)
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

    /// A charge that has nothing yet.
    func open() -> Charge { Charge(self) }
  }

  /// What one request or response has taken. Whoever has its memory has this too: it is given back when
  /// nobody has it any more, whatever has become of the connection.
  // SAFETY: changes while the request is received, on its event loop, and then no more.
  final class Charge: @unchecked Sendable {
    private let holder: Holder
    private(set) var bytes = 0
    private var mayOverdraw = false

    fileprivate init(_ holder: Holder) { self.holder = holder }

    deinit { giveBack(bytes) }

    /// Takes so many bytes more, all or nothing. `isWhole`: what it is for has arrived.
    func take(_ wanted: Int, isWhole: Bool = false, now: Int64) -> Bool {
      let account = holder.account
      if !mayOverdraw && !account.admits(wanted, beside: self, holder, isWhole) {
        account.refusedAt.store(now, ordering: .relaxed)
        if isWhole || account.isOverdrawn.exchange(true, ordering: .relaxed) { return false }
        mayOverdraw = true
      }
      note(wanted)
      return true
    }

    /// Holds so many bytes from now on, which are there already, or gives back what is more.
    func set(_ wanted: Int) {
      if wanted > bytes { note(wanted - bytes) } else { giveBack(bytes - wanted) }
    }

    private func note(_ more: Int) {
      if more == 0 { return }
      bytes += more
      holder.account.move(more, holder)
    }

    private func giveBack(_ less: Int) {
      if less == 0 { return }
      bytes -= less
      holder.account.move(-less, holder)
      if bytes == 0 && mayOverdraw {
        mayOverdraw = false
        holder.account.isOverdrawn.store(false, ordering: .relaxed)
      }
    }
  }

  private func admits(
    _ wanted: Int, beside charge: Charge, _ holder: Holder, _ isWhole: Bool
  ) -> Bool {
    if held.load(ordering: .relaxed) + wanted > bytesMax - (isWhole ? 0 : reserve) { return false }
    // One request may be as large as it likes.
    let ofConnection = holder.held.load(ordering: .relaxed)
    if ofConnection > charge.bytes && ofConnection + wanted > connectionMax { return false }
    let ofPeer = holder.peer.held.load(ordering: .relaxed)
    return ofPeer <= charge.bytes || ofPeer + wanted <= peerMax
  }

  private func move(_ bytes: Int, _ holder: Holder) {
    held.wrappingAdd(bytes, ordering: .relaxed)
    holder.held.wrappingAdd(bytes, ordering: .relaxed)
    holder.peer.held.wrappingAdd(bytes, ordering: .relaxed)
    metrics.requestBytesHeld(bytes)
  }
}
