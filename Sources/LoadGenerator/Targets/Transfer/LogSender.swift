import CommitLog
import LinuxIO
import LogStorage
import TransferPaths

/// Sends a partition's bytes over one connection, slice after slice, by a transfer path.
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
  private let path: any TransferPath
  private let socket: SocketHandle
  private let callBytes: Int
  private let wake: WakeSignal?
  private var remaining: Int64
  private var stream: LogStream
  private var slice: LogSlice?
  private var progress = TransferProgress()

  init(
    _ log: PublishedLog, _ stream: LogStream, _ amount: Amount, by path: any TransferPath,
    to socket: SocketHandle, callBytes: Int
  ) throws(TransferError) {
    self.log = log
    self.path = path
    self.socket = socket
    self.callBytes = callBytes
    self.stream = stream
    switch amount {
    case .bytes(let count):
      remaining = count
      wake = nil
    case .tail(let wake):
      remaining = .max
      self.wake = wake
    }
    try path.prepare(socket)
  }

  func step() throws -> SendStep {
    guard let slice = try slice ?? nextSlice() else {
      guard let wake, remaining > 0 else { return .done }
      guard wake.isEnded else { return .idle }
      // What came before the end may have come after the look that found nothing.
      return try nextSlice() == nil ? .done : step()
    }
    let before = progress.sentBytes
    let step = try path.send(slice, to: socket, from: progress, bytesMax: callBytes)
    progress = step.progress
    if progress.sentBytes == slice.count { self.slice = nil }
    return step.isBlocked ? .blocked : .moved(progress.sentBytes - before)
  }

  func finish() throws -> TransferZeroCopies? {
    if path.zeroCopyCounts.sends == 0 { return nil }
    try awaitNotices(socket, while: { path.zeroCopyCounts.awaited > 0 }) { try path.reap(socket) }
    let counts = path.zeroCopyCounts
    return TransferZeroCopies(sends: Int64(counts.completed), copied: Int64(counts.copied))
  }

  private func nextSlice() throws(LogError) -> LogSlice? {
    progress = TransferProgress()
    if remaining <= 0 { return nil }
    let wanted = Int(min(Int64(max(callBytes, Self.sliceBytesMin)), remaining))
    slice = try stream.next(bytesMax: wanted)
    if slice == nil && wake == nil {
      stream = LogStream(log)
      slice = try stream.next(bytesMax: wanted)
    }
    if let slice, wake == nil { remaining -= Int64(slice.count) }
    return slice
  }
}
