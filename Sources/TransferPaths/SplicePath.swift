import LinuxIO
import LogStorage

/// `splice(2)` from the file into a pipe, and from the pipe into the socket: what sendfile does
/// inside the kernel with a small pipe, done with a large one and a flag for what follows.
///
/// What the socket does not take stays in the pipe, with this connection. A pipe with bytes that
/// nobody will ask for is closed, never given to another; so is one of too many.
package final class SplicePath: TransferPath {
  package static let capabilities = TransferCapabilities(
    "splice", .splice, lendsPages: true, needs: .socket)

  private let resources: TransferResources
  private var held: (pipe: PipePair, place: SlicePlace)?
  /// True while the pipe counts as kept.
  private var keepsPipe = false

  package init(_ resources: TransferResources) { self.resources = resources }

  deinit { abandon() }

  package func send(
    _ part: FilePart, to channel: any ByteChannel, more: Bool
  ) throws(TransferError) -> Int? {
    let socket = try socket(of: channel)
    if let held, held.place != SlicePlace(part) { abandon() }
    let pipe = if let held { held.pipe } else { try filled(part) }
    let count = min(pipe.heldBytes, part.count)
    let taken: Int?
    do {
      taken = try pipe.empty(
        into: socket, count: count, more: more || count < part.count)
    } catch { throw .connection(error) }
    if pipe.heldBytes == 0 || !keepsPipe && resources.keptPipes >= TransferResources.keptPipesMax {
      abandon()
    } else {
      held = (pipe, SlicePlace(part).advanced(by: taken ?? 0))
      if !keepsPipe { resources.keptPipes += 1 }
      keepsPipe = true
    }
    return taken
  }

  package func abandon() {
    if keepsPipe { resources.keptPipes -= 1 }
    keepsPipe = false
    if let held { resources.pipes.giveBack(held.pipe) }
    held = nil
  }

  private func filled(_ part: FilePart) throws(TransferError) -> PipePair {
    let file = try part.kernelFile()
    let pipe: PipePair
    do { pipe = try resources.pipes.take() } catch { throw .noResources(error) }
    held = (pipe, SlicePlace(part))
    let count: Int?
    do {
      count = try pipe.fill(from: file, at: part.range.lowerBound, count: part.count)
    } catch { throw .read(.readFailed(error.naming(part.slice.file.path))) }
    guard let count, count > 0 else {
      throw .read(
        .unexpectedEnd(path: part.slice.file.path, position: part.range.lowerBound))
    }
    return pipe
  }
}
