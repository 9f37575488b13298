import LinuxIO
import Suites

/// The other end of all connections, in a thread of its own: takes in what comes, and counts it.
struct TransferReceiver: Sendable {
  /// Bytes of one `recv(2)`: what iperf3 reads at once.
  static let chunkBytes = 128 << 10

  let sockets: [SocketHandle]
  let mode: ReceiverMode

  struct Outcome: Sendable {
    var bytes: Int64 = 0
    var usage = ResourceUsage()
    var error: SystemCallError?
  }

  /// Until every connection has ended.
  func run() -> Outcome {
    var outcome = Outcome()
    let before = ResourceUsage.current(.thread)
    do throws(SystemCallError) {
      outcome.bytes = try receive()
    } catch { outcome.error = error }
    outcome.usage = .current(.thread) - before
    // A failure must not leave the sender waiting.
    if outcome.error != nil { for socket in sockets { socket.reset() } }
    return outcome
  }

  private func receive() throws(SystemCallError) -> Int64 {
    let poll = try EventPoll()
    for (tag, socket) in sockets.enumerated() { try poll.add(socket, .readable, tag: tag) }
    var buffer = AlignedBuffer(capacity: Self.chunkBytes)
    buffer.resize(to: Self.chunkBytes)
    var ready = Array(sockets.indices)
    // The end of a connection may be told more than once.
    var isOpen = [Bool](repeating: true, count: sockets.count)
    var openCount = sockets.count
    var total: Int64 = 0
    while openCount > 0 {
      var still: [Int] = []
      for tag in ready {
        guard let count = try take(sockets[tag], &buffer) else { continue }
        total += Int64(count)
        if count > 0 {
          still.append(tag)
        } else {
          isOpen[tag] = false
          openCount -= 1
        }
      }
      ready = still
      if ready.isEmpty && openCount > 0 {
        try poll.wait(milliseconds: -1) { tag, _ in if isOpen[tag] { ready.append(tag) } }
      }
    }
    return total
  }

  private func take(
    _ socket: SocketHandle, _ buffer: inout AlignedBuffer
  ) throws(SystemCallError) -> Int? {
    if mode == .discard { return try socket.discard(count: Self.chunkBytes) }
    return try buffer.withMutableBytes { (bytes) throws(SystemCallError) in
      try socket.receive(into: &bytes)
    }
  }
}
