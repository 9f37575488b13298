import CommitLog
import LinuxIO
import LogStorage
import Records
import TestSupport
import Testing
import TransferPaths

extension TransferTests {
  /// An appender, a sender and a receiver, each in a thread of its own. Meant to be run with
  /// `--sanitize=thread` too.
  @Suite("A log that is sent while it grows", .serialized)
  struct TransferConcurrencyTests {
    private static let batchCount = 300

    @Test(
      "arrives byte for byte at a slow receiver",
      arguments: PathConformanceTests.everywhere)
    func arrives(_ kind: PathUnderTest, _ backend: BackendUnderTest) throws {
      let fixture = try TransferFixture(backend) {
        $0.segmentBytes = 300_000
        $0.durability = backend == .buffered ? .none : .group
      }
      let log = try fixture.log.log().published
      let (near, far) = try SocketHandle.loopbackPair()
      try near.setSendBuffer(bytes: 50_000)
      let sender = try WorkerThread { Self.send(log, kind, near) }
      let receiver = try WorkerThread { Self.receive(far) }
      for number in 0..<Self.batchCount {
        try fixture.log.append(number, valueBytes: 3000 + number)
        if number % 10 == 0 { try fixture.log.settle() }
      }
      try fixture.log.settle()
      #expect(sender.join() == .some(nil))
      let received = receiver.join() ?? []
      #expect(received == (try fixture.logBytes()))
    }

    /// Until all batches have gone; what went wrong.
    private static func send(
      _ log: PublishedLog, _ kind: PathUnderTest, _ socket: SocketHandle
    ) -> String? {
      do {
        let path = kind.make()
        try path.prepare(socket)
        let poll = try EventPoll()
        try poll.add(socket, .writable, tag: 0)
        var stream = LogStream(log)
        while true {
          let isLast = log.endOffset.rawValue == batchCount
          guard let slice = try stream.next(bytesMax: 100_000) else {
            if isLast { break }
            continue
          }
          var progress = TransferProgress()
          while progress.sentBytes < slice.count {
            let step = try path.send(slice, to: socket, from: progress, bytesMax: 30_000)
            progress = step.progress
            if step.isBlocked { try poll.wait(milliseconds: 10_000) { _, _ in } }
          }
        }
        socket.finishSending()
        return nil
      } catch {
        socket.reset()
        return "\(error)"
      }
    }

    private static func receive(_ socket: SocketHandle) -> [UInt8] {
      var received: [UInt8] = []
      guard let poll = try? EventPoll(), (try? poll.add(socket, .readable, tag: 0)) != nil
      else { return [] }
      var chunk = [UInt8](repeating: 0, count: 7001)
      while true {
        var span = chunk.mutableSpan
        var bytes = span.mutableBytes
        do throws(SystemCallError) {
          guard let count = try socket.receive(into: &bytes) else {
            try poll.wait(milliseconds: 10_000) { _, _ in }
            continue
          }
          if count == 0 { return received }
          received += chunk[..<count]
        } catch { return received }
      }
    }
  }
}
