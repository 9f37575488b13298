import LinuxIO
import LogStorage

/// `send(2)` with MSG_ZEROCOPY from a mapping of the file (Linux 4.14, TCP): the socket gets
/// references to the pages, after each was looked up in the page table, and says in its error queue
/// when it is done with them, and whether it copied after all (over loopback it does).
///
/// The pages are the page cache's and stay while they are referenced, so nothing here waits for the
/// notices; they are taken so that the queue, whose memory is limited, does not fill up.
package final class ZeroCopySendPath: TransferPath {
  package static let capabilities = TransferCapabilities(
    "zerocopy", .zeroCopySendFromMapping, lendsPages: true, needs: .tcpSocket)

  /// Notices are looked for when so many sends are out: a look costs a system call.
  private static let awaitedMax = 16

  package private(set) var zeroCopyCounts = ZeroCopyCounts()

  package init(_ resources: TransferResources) {}

  package func prepare(_ socket: SocketHandle) throws(TransferError) {
    do { try socket.allowZeroCopy() } catch {
      throw .unsupportedSocket(path: Self.capabilities.name, error)
    }
  }

  package func send(
    _ part: FilePart, to channel: any ByteChannel, more: Bool
  ) throws(TransferError) -> Int? {
    let socket = try socket(of: channel)
    if zeroCopyCounts.awaited >= Self.awaitedMax { try reap(socket) }
    let (mapping, range) = try part.mapped()
    let more = more || range.count < part.count
    do throws(SystemCallError) {
      return try send(mapping, range, socket, more: more)
    } catch { throw .ofMove(error, part.slice.file.path) }
  }

  package func reap(_ socket: SocketHandle) throws(TransferError) {
    do { try takeNotices(socket) } catch { throw .connection(error) }
  }

  private func takeNotices(_ socket: SocketHandle) throws(SystemCallError) {
    while let notice = try socket.reapZeroCopy() {
      zeroCopyCounts.completed += notice.count
      if notice.wasCopied { zeroCopyCounts.copied += notice.count }
    }
  }

  /// Where the notices have used up the socket's memory, takes them and tries again. Where there is
  /// no room even then, the bytes go by a plain send: they are the same, and not counted.
  private func send(
    _ mapping: ReadMapping, _ range: Range<Int64>, _ socket: SocketHandle, more: Bool
  ) throws(SystemCallError) -> Int? {
    for _ in 0..<2 {
      do throws(SystemCallError) {
        let taken = try socket.send(mapping, range, more: more, isZeroCopy: true)
        if taken != nil { zeroCopyCounts.sends += 1 }
        return taken
      } catch {
        if error.number != .noBuffers { throw error }
        try takeNotices(socket)
      }
    }
    return try socket.send(mapping, range, more: more, isZeroCopy: false)
  }
}
