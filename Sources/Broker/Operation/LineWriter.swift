import Glibc
import LinuxIO

/// Writes the log's lines to a descriptor from a thread of its own: who logs never waits for who
/// reads. Where lines come faster than they are read, the newest are dropped and counted.
package final class LineWriter: Sendable {
  private struct Queue {
    var lines: [String] = []
    var bytes = 0
    var dropped = 0
    var isEnding = false
  }

  private static let bytesMax = 1 << 20

  private let descriptor: Int32
  private let queue = Lock(Queue())
  private let hasWork = LinuxIO.Semaphore()
  private let hasEnded = LinuxIO.Semaphore()

  /// Writes to standard error, or to `descriptor`.
  package init(to descriptor: Int32 = STDERR_FILENO) throws(SystemCallError) {
    self.descriptor = descriptor
    // It may be held up for ever by a pipe that nobody reads, and is not waited for.
    _ = try WorkerThread { [self] in
      while let lines = next() { write(lines) }
      hasEnded.signal()
    }
  }

  /// A whole line with its end. From any thread; returns at once.
  package func add(_ line: String) {
    let isFirst = queue.withLock { queue in
      if queue.isEnding || queue.bytes + line.utf8.count > Self.bytesMax {
        queue.dropped += 1
        return false
      }
      queue.lines.append(line)
      queue.bytes += line.utf8.count
      return queue.lines.count == 1
    }
    if isFirst { hasWork.signal() }
  }

  /// Waits until what was added is written, for so long at most; what is added later is dropped.
  package func finish(seconds: Double) {
    queue.withLock { $0.isEnding = true }
    hasWork.signal()
    _ = hasEnded.wait(seconds: seconds)
  }

  /// Waits for lines; nil when there will be none.
  private func next() -> [String]? {
    while true {
      let (lines, dropped, isEnding) = queue.withLock { queue in
        defer {
          queue.lines = []
          queue.bytes = 0
          queue.dropped = 0
        }
        return (queue.lines, queue.dropped, queue.isEnding)
      }
      if dropped > 0 {
        return lines + [
          "\(LineText.time(milliseconds: WallClock.milliseconds())) warning "
            + "\(dropped) lines of the log were dropped: they were not read as fast as they came\n"
        ]
      }
      if !lines.isEmpty { return lines }
      if isEnding { return nil }
      hasWork.wait()
    }
  }

  /// `write(2)` until all of it is out; what the descriptor does not take is lost.
  private func write(_ lines: [String]) {
    var rest = Array(lines.joined().utf8)[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written > 0 {
        rest = rest.dropFirst(written)
      } else if errno == EAGAIN {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&wanted, 1, -1)
      } else if errno != EINTR {
        return
      }
    }
  }
}
