import LinuxIO
import LogStorage

/// `send(2)` from a mapping of the file: one copy, from the page cache into the socket, and page
/// faults instead of a read. The mapping is the file's, shared by all who read it.
package final class MappedPath: TransferPath {
  package static let capabilities = TransferCapabilities(
    "mapped", .sendFromMapping, lendsPages: false, needs: .socket)

  package init(_ resources: TransferResources) {}

  package func send(
    _ part: FilePart, to channel: any ByteChannel, more: Bool
  ) throws(TransferError) -> Int? {
    let socket = try socket(of: channel)
    let (mapping, range) = try part.mapped()
    do {
      return try socket.send(
        mapping, range, more: more || range.count < part.count, isZeroCopy: false)
    } catch { throw .ofMove(error, part.slice.file.path) }
  }
}

extension FilePart {
  /// The mapping that holds the part's beginning, and as much of the part as lies in it.
  func mapped() throws(TransferError) -> (ReadMapping, Range<Int64>) {
    _ = try kernelFile()
    do throws(SystemCallError) {
      let mapping = try slice.file.mapping(at: range.lowerBound)
      return (mapping, range.lowerBound..<min(range.upperBound, mapping.end))
    } catch { throw .noResources(error) }
  }
}
