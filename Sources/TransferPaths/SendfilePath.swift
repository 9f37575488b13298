import LinuxIO
import LogStorage

/// `sendfile(2)`: the socket gets references to the file's pages, and no byte is copied on this side.
///
/// A cold page is waited for in the call, with the thread (KAFKA-7504). There is no flag for what
/// follows: that packets leave full is the cork's doing.
package final class SendfilePath: TransferPath {
  package static let capabilities = TransferCapabilities(
    "sendfile", .sendfile, lendsPages: true, needs: .socket)

  package init(_ resources: TransferResources) {}

  package func send(
    _ part: FilePart, to channel: any ByteChannel, more: Bool
  ) throws(TransferError) -> Int? {
    let socket = try socket(of: channel)
    let file = try part.kernelFile()
    let taken: Int?
    do throws(SystemCallError) {
      taken = try socket.sendFile(file, at: part.range.lowerBound, count: part.count)
    } catch { throw .ofMove(error, part.slice.file.path) }
    if taken == 0 {
      throw .read(
        .unexpectedEnd(path: part.slice.file.path, position: part.range.lowerBound))
    }
    return taken
  }
}
