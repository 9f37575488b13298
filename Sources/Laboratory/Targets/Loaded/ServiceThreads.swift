import CommitLog
import LinuxIO
import Load
import LogRuntime

/// The threads of a log with several shards, of which the first also has the data directory.
// SAFETY: `threads` never changes; each may be asked from any thread.
final class ServiceThreads: LogThreads, @unchecked Sendable {
  let threads: [ServiceThread]

  init(count: Int) throws {
    threads = try (0..<max(1, count)).map { _ in try ServiceThread() }
  }

  var first: ServiceThread { threads[0] }

  /// See `LogThreads`. For the first thread, while the others serve nothing.
  func run(on shard: Int, _ body: () -> Void) {
    if shard == 0 { return body() }
    withoutActuallyEscaping(body) { body in
      let call = HandedCall(body)
      threads[shard].post { call.run() }
      call.wait()
    }
  }

  func end() { for thread in threads { thread.end() } }
}

/// One producer's way to the shards of a log: each batch to the one that its partition belongs to.
final class ShardedPort: ProducerPort, Sendable {
  private let ports: [QueuePort]
  /// By partition.
  private let shards: [Int]

  init(_ ports: [QueuePort], shards: [Int]) {
    self.ports = ports
    self.shards = shards
  }

  func submit(_ slot: BatchSlot) { ports[shards[slot.partition]].submit(slot) }

  func wait(for slot: BatchSlot, until deadline: Int64?) {
    ports[shards[slot.partition]].wait(for: slot, until: deadline)
  }
}
