import Histogram
import LinuxIO
import Measurements
import Synchronization

/// What sends on one connection.
protocol ByteSender: AnyObject {
  /// One round of calls. Never waits for the socket.
  func step() throws -> SendStep
  /// MSG_ZEROCOPY sends and what became of them; waits, shortly, for what is not answered yet.
  func finish() throws -> TransferZeroCopies?
}

enum SendStep {
  /// So many bytes went to the socket.
  case moved(Int)
  /// The socket takes none now.
  case blocked
  /// There are none to send now; `WakeSignal` says when.
  case idle
  /// All that was to be sent has been.
  case done
}

struct TransferZeroCopies: Hashable, Sendable {
  var sends: Int64
  var copied: Int64
}

extension ByteSender {
  func finish() throws -> TransferZeroCopies? { nil }
}

/// Reaps until nothing is awaited, for at most five seconds: the last notices of MSG_ZEROCOPY come when
/// the receiver has read the last bytes.
func awaitNotices(
  _ socket: SocketHandle, while isAwaiting: () -> Bool, _ reap: () throws -> Void
) throws {
  let deadline = MonotonicClock.nanoseconds() + 5_000_000_000
  let poll = try EventPoll()
  try poll.add(socket, [], tag: 0)
  while isAwaiting() && MonotonicClock.nanoseconds() < deadline {
    try reap()
    if isAwaiting() { try poll.wait(milliseconds: 100) { _, _ in } }
  }
}

/// Tells the sending thread that the log has grown, for the price of a load where it does not wait.
final class WakeSignal: Sendable {
  let signal: EventSignal
  private let isAwaited = Atomic(false)
  private let hasEnded = Atomic(false)

  init() throws(SystemCallError) { signal = try EventSignal() }

  /// The appender's: after what it has appended can be read.
  func wake() {
    // Either this sees that it is waited for, or the other side sees what was appended.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    if isAwaited.load(ordering: .sequentiallyConsistent) {
      if isAwaited.exchange(false, ordering: .sequentiallyConsistent) { signal.raise() }
    }
  }

  /// Nothing will be appended any more.
  func end() {
    hasEnded.store(true, ordering: .sequentiallyConsistent)
    signal.raise()
  }

  var isEnded: Bool { hasEnded.load(ordering: .sequentiallyConsistent) }

  /// The sender's: from now on `wake` raises the signal. What was appended before is looked for after.
  func await() {
    isAwaited.store(true, ordering: .sequentiallyConsistent)
    atomicMemoryFence(ordering: .sequentiallyConsistent)
  }
}

/// One thread that sends on many connections in turn, a call on each, and waits where all are full.
struct SendLoop {
  // SAFETY: made in the sending thread, and read by another only after that one has ended.
  struct Outcome: @unchecked Sendable {
    var bytes: Int64 = 0
    var usage = ResourceUsage()
    /// Of each call that moved something.
    var times = IntervalTimes()
    var zeroCopies: TransferZeroCopies?
    var error: (any Error)?
  }

  let sockets: [SocketHandle]
  let stop: StopFlag
  let wake: WakeSignal?
  /// What the seconds of its times count from.
  let trialStart: Int64

  private static let wakeTag = -1
  private enum State { case ready, blocked, idle, done }

  /// Until every sender is done, or one fails; then all connections are reset.
  func run(_ makeSenders: () throws -> [any ByteSender]) -> Outcome {
    var outcome = Outcome()
    do {
      let senders = try makeSenders()
      let before = ResourceUsage.current(.thread)
      try send(senders, &outcome)
      outcome.usage = .current(.thread) - before
      for sender in senders {
        guard let counts = try sender.finish() else { continue }
        outcome.zeroCopies = TransferZeroCopies(
          sends: (outcome.zeroCopies?.sends ?? 0) + counts.sends,
          copied: (outcome.zeroCopies?.copied ?? 0) + counts.copied)
      }
    } catch {
      outcome.error = error
      for socket in sockets { socket.reset() }
    }
    return outcome
  }

  private func send(_ senders: [any ByteSender], _ outcome: inout Outcome) throws {
    let poll = try EventPoll()
    for (tag, socket) in sockets.enumerated() { try poll.add(socket, .writable, tag: tag) }
    if let wake { try poll.add(wake.signal, tag: Self.wakeTag) }
    var states = [State](repeating: .ready, count: senders.count)
    var openCount = senders.count
    while openCount > 0 {
      if stop.isRaised { throw TrialStopped() }
      var readyCount = 0
      for index in senders.indices where states[index] == .ready {
        states[index] = try step(senders[index], &outcome)
        if states[index] == .ready { readyCount += 1 }
        if states[index] == .done {
          openCount -= 1
          sockets[index].finishSending()
        }
      }
      if readyCount == 0 && openCount > 0 { try wait(poll, senders, &states, &outcome) }
    }
  }

  private func step(_ sender: any ByteSender, _ outcome: inout Outcome) throws -> State {
    let start = MonotonicClock.nanoseconds()
    switch try sender.step() {
    case .moved(let count):
      let end = MonotonicClock.nanoseconds()
      outcome.times.record(end - start, second: Int(max(0, end - trialStart) / 1_000_000_000))
      outcome.bytes += Int64(count)
      return .ready
    case .blocked: return .blocked
    case .idle: return .idle
    case .done: return .done
    }
  }

  private func wait(
    _ poll: EventPoll, _ senders: [any ByteSender], _ states: inout [State],
    _ outcome: inout Outcome
  ) throws {
    if let wake, states.contains(.idle) {
      wake.await()
      // What came between the last look and now would not wake us.
      var hasFound = false
      for index in senders.indices where states[index] == .idle {
        states[index] = try step(senders[index], &outcome)
        if states[index] != .idle { hasFound = true }
        // Ending is the loop's to see.
        if states[index] == .done { states[index] = .ready }
      }
      if hasFound { return }
    }
    // A stop is looked for a few times a second.
    try poll.wait(milliseconds: 200) { tag, _ in
      if tag == Self.wakeTag {
        wake?.signal.clear()
        for index in states.indices where states[index] == .idle { states[index] = .ready }
      } else if states[tag] == .blocked {
        states[tag] = .ready
      }
    }
  }
}
