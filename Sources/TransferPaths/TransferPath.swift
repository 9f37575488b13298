import LinuxIO
import LogStorage

/// How far a slice has been sent: a value, to be kept while a socket takes no more.
package struct TransferProgress: Hashable, Sendable {
  /// Bytes of the slice that the socket has taken, from its beginning.
  package var sentBytes: Int

  package init(sentBytes: Int = 0) { self.sentBytes = sentBytes }
}

/// What one call of a path did.
package struct TransferStep: Hashable, Sendable {
  package let progress: TransferProgress
  /// True where the socket takes no more now: wait until it is writable.
  package let isBlocked: Bool

  package init(progress: TransferProgress, isBlocked: Bool) {
    self.progress = progress
    self.isBlocked = isBlocked
  }
}

/// A way from a slice to a channel. One object serves one connection, on one thread; what the
/// thread's connections share is in `TransferResources`.
///
/// A path may keep what it has read ahead of the socket (a buffer, a pipe with bytes), so it is
/// told by `abandon` when a slice is not sent to its end. Progress stays a value all the same: what
/// is kept is used only where it continues the very slice at the very place.
package protocol TransferPath: AnyObject, SendableMetatype {
  static var capabilities: TransferCapabilities { get }

  init(_ resources: TransferResources)

  /// Makes the socket fit, before the first slice goes to it. Throws `unsupportedSocket`.
  func prepare(_ socket: SocketHandle) throws(TransferError)

  /// Hands some of `part` to the channel, from its beginning: how many bytes were taken, at least
  /// 1; nil where the channel takes none now. With `more` other bytes follow without delay, and a
  /// packet may wait for them. Never waits for the channel; it may wait for the disk.
  ///
  /// A path that needs a socket uses the channel's: whoever sends sees to it that the two go
  /// together.
  func send(
    _ part: FilePart, to channel: any ByteChannel, more: Bool
  ) throws(TransferError) -> Int?

  /// Forgets what was read ahead: the slice under way is not continued.
  func abandon()

  /// Takes the kernel's word about sends whose memory it may still use, without waiting.
  func reap(_ socket: SocketHandle) throws(TransferError)

  /// What the kernel has said so far.
  var zeroCopyCounts: ZeroCopyCounts { get }
}

/// What a path is and needs, declared once.
package struct TransferCapabilities: Hashable, Sendable {
  /// The system calls that a path is made of; the bare ones that it is judged by are the same.
  package enum Calls: Hashable, Sendable, CaseIterable {
    case readAndSend, sendfile, splice, sendFromMapping, zeroCopySendFromMapping
  }

  /// What a path needs of a channel.
  package enum Needs: Hashable, Sendable {
    /// Nothing but that it takes bytes.
    case anyChannel
    /// That it takes ranges of files.
    case socket
    /// The same, and that it is of TCP: a Unix socket will not do.
    case tcpSocket
  }

  /// As suites and topics name it.
  package let name: String
  package let calls: Calls
  /// True where the socket gets references to the file's pages instead of their bytes: what is
  /// under way changes if somebody writes to those pages.
  package let lendsPages: Bool
  package let needs: Needs

  package init(_ name: String, _ calls: Calls, lendsPages: Bool, needs: Needs) {
    self.name = name
    self.calls = calls
    self.lendsPages = lendsPages
    self.needs = needs
  }

  /// Whether the path can send to this channel.
  package func fits(_ channel: any ByteChannel) -> Bool {
    needs == .anyChannel || channel.takesFileRanges
  }
}

/// Consecutive bytes of a segment's file, to be sent.
package struct FilePart: Sendable {
  package let slice: LogSlice
  /// Positions in the file; not empty.
  package let range: Range<Int64>

  package var count: Int { range.count }

  /// The kernel's file. Throws where the slice's is not the kernel's.
  package func kernelFile() throws(TransferError) -> KernelFile {
    if let file = slice.file.kernelFile { return file }
    throw .unsupportedFile(path: slice.file.path)
  }
}

/// MSG_ZEROCOPY sends, and what became of them.
package struct ZeroCopyCounts: Hashable, Sendable {
  package var sends = 0
  /// Sends that the kernel has said it is done with.
  package var completed = 0
  /// Those among them whose bytes it copied after all.
  package var copied = 0

  package init() {}

  package var awaited: Int { sends - completed }
}

extension TransferPath {
  package func prepare(_ socket: SocketHandle) throws(TransferError) {}
  package func abandon() {}
  package func reap(_ socket: SocketHandle) throws(TransferError) {}
  package var zeroCopyCounts: ZeroCopyCounts { ZeroCopyCounts() }

  /// Sends bytes of the slice from `progress` on, at most `bytesMax`, with one round of the path's
  /// calls. With `more` other bytes follow behind the slice (a response's next part); without, the
  /// slice's end leaves at once.
  ///
  /// Throws `truncated` where bytes of the slice were cut off meanwhile: what the socket has taken
  /// since may be others', so the connection must be reset. After any throw the path has let go of
  /// everything, and may be used for another slice.
  package func send(
    _ slice: LogSlice, to channel: any ByteChannel, from progress: TransferProgress,
    bytesMax: Int = 1 << 20, more: Bool = false
  ) throws(TransferError) -> TransferStep {
    let socket = channel.socket
    do throws(TransferError) {
      try checkValid(slice)
      var sent = max(0, progress.sentBytes)
      guard sent < slice.count else {
        if !more { try onConnection { () throws(SystemCallError) in try socket?.setCorked(false) } }
        return TransferStep(progress: progress, isBlocked: false)
      }
      // MSG_MORE alone does not do: it is not remembered, and the next ACK sends what it held back.
      if more || bytesMax < slice.count - sent || !slice.memory.isEmpty {
        try onConnection { () throws(SystemCallError) in try socket?.setCorked(true) }
      }
      let taken = try sendNext(slice, channel, sent, max(1, bytesMax), more)
      try checkValid(slice)
      sent += taken ?? 0
      if taken == nil {
        try onConnection { () throws(SystemCallError) in try socket?.push() }
      } else if sent == slice.count && !more {
        try onConnection { () throws(SystemCallError) in try socket?.setCorked(false) }
      }
      return TransferStep(progress: TransferProgress(sentBytes: sent), isBlocked: taken == nil)
    } catch {
      abandon()
      if case .connection = error { throw error }
      // A cut shows as bytes that are not there, too; nothing more of them may leave.
      if !slice.isValid { throw .truncated(path: slice.file.path) }
      // What else is sent here, such as an answer that says so, does not wait for a packet to fill.
      try? socket?.setCorked(false)
      throw error
    }
  }

  private func sendNext(
    _ slice: LogSlice, _ channel: any ByteChannel, _ sent: Int, _ bytesMax: Int, _ more: Bool
  ) throws(TransferError) -> Int? {
    let fileCount = slice.fileRange.count
    if sent < fileCount {
      if Self.capabilities.lendsPages { slice.lendPages() }
      let start = slice.fileRange.lowerBound + Int64(sent)
      let count = min(bytesMax, fileCount - sent)
      let part = FilePart(slice: slice, range: start..<(start + Int64(count)))
      return try send(part, to: channel, more: more || sent + count < slice.count)
    }
    let start = sent - fileCount
    let end = start + min(bytesMax, slice.memory.count - start)
    do throws(SystemCallError) {
      return try channel.send(
        slice.memory.span.bytes.extracting(start..<end), more: more || end < slice.memory.count)
    } catch { throw .connection(error) }
  }

  /// The channel's socket, for a path that needs one. Throws `unsupportedSocket` where the channel
  /// takes only bytes.
  func socket(of channel: any ByteChannel) throws(TransferError) -> SocketHandle {
    if channel.takesFileRanges, let socket = channel.socket { return socket }
    throw .unsupportedSocket(
      path: Self.capabilities.name, SystemCallError(.send, .notSupported, path: channel.name))
  }

  private func checkValid(_ slice: LogSlice) throws(TransferError) {
    if !slice.isValid { throw .truncated(path: slice.file.path) }
  }

  private func onConnection(
    _ body: () throws(SystemCallError) -> Void
  ) throws(TransferError) {
    do { try body() } catch { throw .connection(error) }
  }
}

/// What the connections of one thread share. Belongs to that thread.
package final class TransferResources {
  /// Bytes that paths keep read ahead for sockets that take no more, at most: the rest is read
  /// again.
  static let keptBytesMax = 16 << 20

  package let pipes = PipePool()
  package let buffers = BufferStack()
  /// Pipes with bytes that paths keep likewise: each is two descriptors and a megabyte of the
  /// kernel's.
  static let keptPipesMax = 32
  /// Drops buffers that nobody has needed since the last call; their bytes.
  package func trim() -> Int { buffers.trim().bytes }

  /// What is kept now.
  var keptBytes = 0
  var keptPipes = 0

  package init() {}
}
