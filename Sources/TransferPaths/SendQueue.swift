import DequeModule
import LinuxIO
import LogStorage

/// What goes to one channel, in order: bytes, and slices of a log by their transfer paths. The
/// broker answers through it, and the laboratory measures it. Belongs to one thread.
package final class SendQueue {
  package enum Step {
    /// The channel has taken so many bytes.
    case moved(Int)
    /// The channel takes no more now.
    case blocked
    /// The next bytes are not in the page cache: a thread that may wait has to bring them in. Only
    /// where the queue `avoidsDisk`.
    case cold(LogSlice, Range<Int64>)
    /// Nothing is left.
    case empty
  }

  private enum Piece {
    case bytes([UInt8])
    case slice(SlicePiece)
  }

  /// An object, so that a step does not count the references of the slice's parts anew.
  private final class SlicePiece {
    let slice: LogSlice
    let pathName: String
    /// From the first step on.
    var path: (any TransferPath)?

    init(_ slice: LogSlice, by pathName: String) {
      self.slice = slice
      self.pathName = pathName
    }
  }

  /// Small pieces are put together up to this size: one system call for many acknowledgements.
  private static let mergedBytesMax = 64 << 10

  private var pieces = Deque<Piece>()
  /// Bytes of the first piece that the channel has taken.
  private var sent = 0
  /// Memory that waits here: not the slices, which are files.
  package private(set) var queuedBytes = 0
  private let resources: TransferResources
  private let types: [String: any TransferPath.Type]
  private let callBytesMax: Int
  private let avoidsDisk: Bool
  private var paths: [String: any TransferPath] = [:]
  /// The end of what has been brought into the page cache for the slice under way.
  private var warmEnd: Int64?

  /// `types` by their names. A slice's path that is not among them is replaced by a copy: names are
  /// checked when they are set, and a newer program may have set one. So is one that needs a socket
  /// where the channel takes only bytes. `callBytesMax` is what one call hands to the channel. With
  /// `avoidsDisk` a step never waits for the disk.
  package init(
    _ resources: TransferResources, _ types: [String: any TransferPath.Type],
    callBytesMax: Int = 1 << 20, avoidsDisk: Bool
  ) {
    self.resources = resources
    self.types = types
    self.callBytesMax = callBytesMax
    self.avoidsDisk = avoidsDisk
  }

  package var isEmpty: Bool { pieces.isEmpty }

  /// Slices, and what lies between them; small responses one after the other are one piece.
  package var pieceCount: Int { pieces.count }

  package func add(_ bytes: [UInt8]) {
    if bytes.isEmpty { return }
    queuedBytes += bytes.count
    if case .bytes(var last)? = pieces.last, last.count + bytes.count <= Self.mergedBytesMax {
      // The old copy goes first, so that appending does not copy what is there.
      pieces[pieces.count - 1] = .bytes([])
      last.append(contentsOf: bytes)
      pieces[pieces.count - 1] = .bytes(last)
    } else {
      pieces.append(.bytes(bytes))
    }
  }

  package func add(_ slice: LogSlice, by path: String) {
    pieces.append(.slice(SlicePiece(slice, by: path)))
  }

  /// Hands some bytes to the channel, with one round of a path's calls, `bytesMax` of a slice at
  /// most. Never waits for the channel. After a throw the connection must be reset: part of a
  /// response may have left.
  package func step(
    to channel: any ByteChannel, bytesMax: Int = .max
  ) throws(TransferError) -> Step {
    switch pieces.first {
    case nil: return .empty
    case .bytes(let bytes)?:
      guard let count = try sendBytes(bytes, channel) else { return .blocked }
      queuedBytes -= count
      advance(by: count, of: bytes.count)
      return .moved(count)
    case .slice(let piece)?: return try sendSlice(piece, channel, bytesMax)
    }
  }

  private func sendSlice(
    _ piece: SlicePiece, _ channel: any ByteChannel, _ bytesMax: Int
  ) throws(TransferError) -> Step {
    if avoidsDisk, let cold = coldRange(piece.slice) { return .cold(piece.slice, cold) }
    if piece.path == nil { piece.path = try path(piece.pathName, channel) }
    guard let path = piece.path else { return .blocked }
    let step = try path.send(
      piece.slice, to: channel, from: TransferProgress(sentBytes: sent),
      bytesMax: min(bytesMax, callBytes(piece.slice)), more: pieces.count > 1)
    let count = step.progress.sentBytes - sent
    if advance(by: count, of: piece.slice.count) { warmEnd = nil }
    return step.isBlocked ? .blocked : .moved(count)
  }

  /// The channel has taken so many bytes of the first piece; true where those were the last.
  @discardableResult
  private func advance(by count: Int, of size: Int) -> Bool {
    sent += count
    if sent < size { return false }
    pieces.removeFirst()
    sent = 0
    return true
  }

  /// The bytes up to here have been brought in: they are sent without another look, or a machine
  /// short of memory would never send them.
  package func setWarm(upTo end: Int64) { warmEnd = end }

  /// Takes the kernel's notices about sends without a copy.
  package func reap(_ socket: SocketHandle) throws(TransferError) {
    for path in paths.values { try path.reap(socket) }
  }

  /// MSG_ZEROCOPY sends of all paths, as far as the kernel has said what became of them.
  package var zeroCopyCounts: ZeroCopyCounts {
    paths.values.reduce(into: ZeroCopyCounts()) { sum, path in
      sum.sends += path.zeroCopyCounts.sends
      sum.completed += path.zeroCopyCounts.completed
      sum.copied += path.zeroCopyCounts.copied
    }
  }

  /// Makes the channel fit for a path, before the first slice; without, that slice does. Throws
  /// `unsupportedSocket`.
  package func prepare(_ channel: any ByteChannel, for path: String) throws(TransferError) {
    _ = try self.path(path, channel)
  }

  private func sendBytes(
    _ bytes: [UInt8], _ channel: any ByteChannel
  ) throws(TransferError) -> Int? {
    do throws(SystemCallError) {
      return try channel.send(
        bytes.span.bytes.extracting(sent..<bytes.count), more: pieces.count > 1)
    } catch { throw .connection(error) }
  }

  /// The part of the next call's bytes that would wait for the disk; nil where none would.
  private func coldRange(_ slice: LogSlice) -> Range<Int64>? {
    let start = slice.fileRange.lowerBound + Int64(sent)
    guard start < slice.fileRange.upperBound else { return nil }
    if let warmEnd, start < warmEnd { return nil }
    let end = min(slice.fileRange.upperBound, start + Int64(callBytesMax))
    if slice.file.kernelFile?.isCached(start..<end) == true { return nil }
    return start..<end
  }

  /// How much the next call sends: what was brought in is sent for itself, since nobody has looked
  /// at what lies behind it.
  private func callBytes(_ slice: LogSlice) -> Int {
    let start = slice.fileRange.lowerBound + Int64(sent)
    guard let warmEnd, start < warmEnd else { return callBytesMax }
    return min(callBytesMax, Int(warmEnd - start))
  }

  private func path(
    _ name: String, _ channel: any ByteChannel
  ) throws(TransferError) -> any TransferPath {
    if let path = paths[name] { return path }
    var type = types[name] ?? CopyPath.self
    if !type.capabilities.fits(channel) { type = CopyPath.self }
    let path = type.init(resources)
    if let socket = channel.socket { try path.prepare(socket) }
    paths[name] = path
    return path
  }
}
