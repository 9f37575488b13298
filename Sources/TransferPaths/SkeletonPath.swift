import LinuxIO
import LogStorage

/// The path to copy: it works, the conformance suite holds it to the contract, and nothing offers it.
///
/// It reads each part into a buffer of its own and forgets what the socket did not take. `CopyPath`
/// keeps that, which saves reading it again.
package final class SkeletonPath: TransferPath {
  // What the path is called, the system calls it is made of (a new kind of call is a new case, and a
  // new bare loop in Targets), and what it asks of the channel.
  package static let capabilities = TransferCapabilities(
    "skeleton", .readAndSend, lendsPages: false, needs: .anyChannel)

  // What a connection of yours needs and no other can share. What the thread's connections can share
  // belongs into `TransferResources`.
  private var buffer = AlignedBuffer(capacity: 64 << 10)

  package init(_ resources: TransferResources) {}

  // Called once for each socket: options that your calls need.
  package func prepare(_ socket: SocketHandle) throws(TransferError) {}

  package func send(
    _ part: FilePart, to channel: any ByteChannel, more: Bool
  ) throws(TransferError) -> Int? {
    // `part.range` is where the bytes lie in the file; `part.kernelFile()` is the file, for calls
    // that take it. Taking fewer bytes than the part has is always right.
    let file = part.slice.file
    let count = min(part.count, 64 << 10)
    buffer.clear()
    buffer.resize(to: count)
    do throws(SystemCallError) {
      let read = try buffer.withMutableBytes { (bytes) throws(SystemCallError) in
        try file.io.readFully(
          file.number, into: &bytes, at: part.range.lowerBound, path: file.path)
      }
      buffer.truncate(to: read)
    } catch { throw .read(.readFailed(error)) }
    // The log promised these bytes: none of them is an error, not an end.
    if buffer.count == 0 {
      throw .read(.unexpectedEnd(path: file.path, position: part.range.lowerBound))
    }
    // Pass `more` on, and say it too where part of the part is left: packets leave full then. Nil is
    // the socket's answer that it takes nothing now, and goes back as it is.
    do throws(SystemCallError) {
      return try buffer.withBytes { (bytes) throws(SystemCallError) in
        try channel.send(bytes, more: more || bytes.byteCount < part.count)
      }
    } catch { throw .connection(error) }
  }

  // What was read ahead and not sent is given back here; a path that keeps nothing needs none of it.
  package func abandon() {}
}
