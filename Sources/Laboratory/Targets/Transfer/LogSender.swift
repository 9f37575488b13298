import CommitLog
import LinuxIO
import LogStorage
import TransferPaths

/// Sends a partition's bytes over one connection, slice after slice, by a transfer path and the
/// queue through which the broker answers.
final class LogSender: ByteSender {
  /// What the log is asked for at once, as a consumer's fetch is; a call moves no more than it may.
  static let sliceBytesMin = 1 << 20

  /// How much there is to send.
  enum Amount {
    /// So many bytes, from the log's beginning, and from there again.
    case bytes(Int64)
    /// What comes behind the log's end of now, until `WakeSignal.end`.
    case tail(WakeSignal)
  }

  private let log: PublishedLog
  private let queue: SendQueue
  private let path: String
  private let socket: SocketHandle
  private let sliceBytes: Int
  private let wake: WakeSignal?
  private var remaining: Int64
  private var stream: LogStream

  init(
    _ log: PublishedLog, _ stream: LogStream, _ amount: Amount, by path: TransferChoice,
    _ resources: TransferResources, to socket: SocketHandle, callBytes: Int
  ) throws(TransferError) {
    self.log = log
    self.path = path.name
    // A thread of its own sends, and may wait for the disk.
    queue = SendQueue(
      resources, [path.name: path.type], callBytesMax: callBytes, avoidsDisk: false)
    self.socket = socket
    sliceBytes = max(callBytes, Self.sliceBytesMin)
    self.stream = stream
    switch amount {
    case .bytes(let count):
      remaining = count
      wake = nil
    case .tail(let wake):
      remaining = .max
      self.wake = wake
    }
    try queue.prepare(socket, for: path.name)
  }

  func step() throws -> SendStep {
    if try queue.isEmpty && !addSlice() {
      guard let wake, remaining > 0 else { return .done }
      guard wake.isEnded else { return .idle }
      // What came before the end may have come after the look that found nothing.
      return try addSlice() ? step() : .done
    }
    switch try queue.step(to: socket) {
    case .moved(let count): return .moved(count)
    case .blocked, .cold, .empty: return .blocked
    }
  }

  func finish() throws -> TransferZeroCopies? {
    if queue.zeroCopyCounts.sends == 0 { return nil }
    try awaitNotices(socket, while: { queue.zeroCopyCounts.awaited > 0 }) {
      try queue.reap(socket)
    }
    let counts = queue.zeroCopyCounts
    return TransferZeroCopies(sends: Int64(counts.completed), copied: Int64(counts.copied))
  }

  /// Queues the log's next slice; false where there is none now.
  private func addSlice() throws(LogError) -> Bool {
    if remaining <= 0 { return false }
    let wanted = Int(min(Int64(sliceBytes), remaining))
    var slice = try stream.next(bytesMax: wanted)
    if slice == nil && wake == nil {
      stream = LogStream(log)
      slice = try stream.next(bytesMax: wanted)
    }
    guard let slice else { return false }
    if wake == nil { remaining -= Int64(slice.count) }
    queue.add(slice, by: path)
    return true
  }
}
