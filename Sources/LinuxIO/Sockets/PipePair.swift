import CLinux
import Glibc

/// A pipe of which this object owns both ends: the way of splice from a file to a socket. Belongs to
/// one thread.
package final class PipePair {
  /// What F_SETPIPE_SZ grants without privilege, unless the administrator says otherwise.
  package static let wantedBytes = 1 << 20

  /// Bytes in it: `fill` adds, `empty` takes.
  package private(set) var heldBytes = 0
  private let ends: (read: Int32, write: Int32)

  /// `pipe2(2)`, non-blocking.
  package init() throws(SystemCallError) {
    var numbers: [Int32] = [-1, -1]
    let result = clinux_pipe(&numbers, Int32(Self.wantedBytes))
    if result < 0 { throw SystemCallError(.pipe, ErrorNumber(rawValue: -result), path: "") }
    ends = (numbers[0], numbers[1])
  }

  deinit {
    close(ends.read)
    close(ends.write)
  }

  /// `splice(2)` from a file: references to its pages, not copies; how many bytes, 0 at the file's
  /// end, nil where the pipe is full.
  package func fill(
    from file: KernelFile, at position: Int64, count: Int
  ) throws(SystemCallError) -> Int? {
    let moved = try nonBlocking(.splice, "") {
      clinux_splice_to_pipe(file.number, position, ends.write, count)
    }
    heldBytes += moved ?? 0
    return moved
  }

  /// `splice(2)` of up to `count` bytes to a socket: how many; nil where it takes none now.
  package func empty(
    into socket: SocketHandle, count: Int, more: Bool
  ) throws(SystemCallError) -> Int? {
    let moved = try nonBlocking(.splice, socket.name) {
      clinux_splice_to_socket(ends.read, socket.number, count, more ? 1 : 0)
    }
    heldBytes -= moved ?? 0
    return moved
  }
}

/// Pipes that nobody uses at the moment. Belongs to one thread.
package final class PipePool {
  private var free: [PipePair] = []
  /// More than this are closed instead of kept.
  private let countMax: Int

  package init(countMax: Int = 64) { self.countMax = countMax }

  /// An empty pipe.
  package func take() throws(SystemCallError) -> PipePair {
    if let pipe = free.popLast() { return pipe }
    return try PipePair()
  }

  /// Takes a pipe back; one that still holds bytes is closed, so that nobody gets them.
  package func giveBack(_ pipe: PipePair) {
    if pipe.heldBytes == 0 && free.count < countMax { free.append(pipe) }
  }
}
