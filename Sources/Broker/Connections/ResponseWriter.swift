import DequeModule
import KafkaProtocol
import LinuxIO
import LogStorage
import TransferPaths

/// What a connection still has to send, in order: bytes, and slices of the log by their topic's transfer
/// path. Belongs to the connection's loop.
final class ResponseWriter {
  /// How a round of sending ended.
  enum End {
    case drained
    /// The socket takes no more now.
    case blocked
    /// The next bytes are not in the page cache; a thread that may wait has to bring them in.
    case cold(LogSlice, Range<Int64>)
    /// Others want their turn.
    case paused
  }

  private enum Piece {
    case bytes([UInt8], sent: Int)
    case slice(OutgoingSlice, TransferProgress)
  }

  /// The most bytes handed to the socket by one call, and read ahead for one.
  private static let callBytesMax = 1 << 20
  /// Small pieces are put together up to this size: one system call for many acknowledgements.
  private static let mergedBytesMax = 64 << 10

  private var pieces = Deque<Piece>()
  /// Memory that waits here: not the slices, which are files.
  private(set) var queuedBytes = 0
  private let resources: TransferResources
  private let types: [String: any TransferPath.Type]
  private var paths: [String: any TransferPath] = [:]
  /// The end of what has been brought into the page cache for the slice under way.
  private var warmEnd: Int64?

  init(_ resources: TransferResources, _ types: [String: any TransferPath.Type]) {
    self.resources = resources
    self.types = types
  }

  var isEmpty: Bool { pieces.isEmpty }

  /// Slices, and what lies between them; small responses one after the other are one piece.
  var pieceCount: Int { pieces.count }

  func add(_ response: OutgoingResponse) {
    let bytes = response.encoded.bytes
    if response.slices.isEmpty { return add(bytes) }
    var from = 0
    for (gap, slice) in zip(response.encoded.gaps, response.slices) {
      add(Array(bytes[from..<gap.position]))
      pieces.append(.slice(slice, TransferProgress()))
      from = gap.position
    }
    add(Array(bytes[from...]))
  }

  private func add(_ bytes: [UInt8]) {
    if bytes.isEmpty { return }
    queuedBytes += bytes.count
    if case .bytes(var last, let sent)? = pieces.last,
      last.count + bytes.count <= Self.mergedBytesMax
    {
      // The old copy goes first, so that appending does not copy what is there.
      pieces[pieces.count - 1] = .bytes([], sent: 0)
      last.append(contentsOf: bytes)
      pieces[pieces.count - 1] = .bytes(last, sent: sent)
    } else {
      pieces.append(.bytes(bytes, sent: 0))
    }
  }

  /// Sends until the socket takes no more, at most about `bytesMax`; `sentBytes` counts. After a throw
  /// the connection must be reset: part of a response may have left.
  func send(
    to socket: SocketHandle, bytesMax: Int, sentBytes: inout Int
  ) throws(TransferError) -> End {
    let limit = sentBytes + bytesMax
    while let piece = pieces.first {
      if sentBytes >= limit { return .paused }
      switch piece {
      case .bytes(let bytes, let sent):
        guard let count = try sendBytes(bytes, sent, socket) else { return .blocked }
        sentBytes += count
        queuedBytes -= count
        if sent + count == bytes.count {
          pieces.removeFirst()
        } else {
          pieces[0] = .bytes(bytes, sent: sent + count)
        }
      case .slice(let outgoing, let progress):
        if let cold = coldRange(outgoing.slice, progress) { return .cold(outgoing.slice, cold) }
        let step = try path(outgoing.transfer, socket).send(
          outgoing.slice, to: socket, from: progress,
          bytesMax: callBytes(outgoing.slice, progress), more: pieces.count > 1)
        sentBytes += step.progress.sentBytes - progress.sentBytes
        if step.progress.sentBytes == outgoing.slice.count {
          pieces.removeFirst()
          warmEnd = nil
        } else {
          pieces[0] = .slice(outgoing, step.progress)
        }
        if step.isBlocked { return .blocked }
      }
    }
    return .drained
  }

  /// The bytes up to here have been brought in: they are sent without another look, or a machine short
  /// of memory would never send them.
  func setWarm(upTo end: Int64) { warmEnd = end }

  /// Takes the kernel's notices about sends without a copy.
  func reap(_ socket: SocketHandle) throws(TransferError) {
    for path in paths.values { try path.reap(socket) }
  }

  private func sendBytes(
    _ bytes: [UInt8], _ sent: Int, _ socket: SocketHandle
  ) throws(TransferError) -> Int? {
    do throws(SystemCallError) {
      return try socket.send(
        bytes.span.bytes.extracting(sent..<bytes.count), more: pieces.count > 1)
    } catch { throw .connection(error) }
  }

  /// The part of the next call's bytes that would wait for the disk; nil where none would.
  private func coldRange(_ slice: LogSlice, _ progress: TransferProgress) -> Range<Int64>? {
    let start = slice.fileRange.lowerBound + Int64(progress.sentBytes)
    guard start < slice.fileRange.upperBound else { return nil }
    if let warmEnd, start < warmEnd { return nil }
    let end = min(slice.fileRange.upperBound, start + Int64(Self.callBytesMax))
    if slice.file.kernelFile?.isCached(start..<end) == true { return nil }
    return start..<end
  }

  /// How much the next call sends: what was brought in is sent for itself, since nobody has looked at what
  /// lies behind it.
  private func callBytes(_ slice: LogSlice, _ progress: TransferProgress) -> Int {
    let start = slice.fileRange.lowerBound + Int64(progress.sentBytes)
    guard let warmEnd, start < warmEnd else { return Self.callBytesMax }
    return min(Self.callBytesMax, Int(warmEnd - start))
  }

  private func path(
    _ name: String, _ socket: SocketHandle
  ) throws(TransferError) -> any TransferPath {
    if let path = paths[name] { return path }
    // Names were checked when they were set; one that a newer program knew is served by a copy.
    let type = types[name] ?? CopyPath.self
    let path = type.init(resources)
    try path.prepare(socket)
    paths[name] = path
    return path
  }
}
