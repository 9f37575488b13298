import CommitLog
import Glibc
import LinuxIO
import LogRuntime
import LogStorage
import Records
import TestSupport
import Testing

/// What a runtime told, from whatever thread.
private final class Told: ShardObserver {
  let advancedPartitions = Lock<Set<Int>>([])
  let failures = Lock<[LogError]>([])

  func advanced(_ partitions: [LogPartition]) {
    advancedPartitions.withLock { $0.formUnion(partitions.map(\.id)) }
  }
  func failed(_ error: LogError) { failures.withLock { $0.append(error) } }
}

/// A job that appends nothing: it notes when it was asked to submit what.
private final class NotedJob: AppendJob {
  let source: Int
  private let name: String
  private let partCount: Int
  private let calls: Lock<[String]>
  private let done: LinuxIO.Semaphore

  init(_ name: String, source: Int, parts: Int, _ calls: Lock<[String]>, _ done: LinuxIO.Semaphore)
  {
    (self.name, self.source, partCount) = (name, source, parts)
    (self.calls, self.done) = (calls, done)
  }

  func submit(
    from part: Int, during slice: TimeSlice, to loop: AppendLoop, now: LogTime
  ) -> Int? {
    var part = part
    repeat {
      calls.withLock { $0.append("\(name) \(part)") }
      part += 1
    } while part < partCount && !slice.isOver
    if part < partCount { return part }
    done.signal()
    return nil
  }
}

/// A job of numbered records, one for each of some partitions.
private final class RecordJob: AppendJob, AppendOwner {
  let source = 0
  private let partitions: [LogPartition]
  private let first: Int
  private let ends = Lock<[AppendEnd]>([])
  private let done = LinuxIO.Semaphore()

  init(_ partitions: [LogPartition], first: Int) {
    (self.partitions, self.first) = (partitions, first)
  }

  var shards: UInt64 { partitions.reduce(0) { $0 | 1 << UInt64($1.shard) } }

  func submit(
    from part: Int, during slice: TimeSlice, to loop: AppendLoop, now: LogTime
  ) -> Int? {
    for (index, partition) in partitions.enumerated() where partition.shard == loop.shard.number {
      let buffer = TestBatch.make(first: first + index, shiftedBy: partition.log.placement)
      guard let header = try? buffer.withBytes({ try RecordBatchHeader(parsing: $0) }) else {
        continue
      }
      loop.submit(buffer, header, to: partition, for: self, part: index, now: now)
    }
    return nil
  }

  func appendEnded(_ part: Int, _ end: AppendEnd) {
    let count = ends.withLock { ends in
      ends.append(end)
      return ends.count
    }
    if count == partitions.count { done.signal() }
  }

  /// Waits until every part has ended.
  func wait() -> [AppendEnd] {
    done.wait()
    return ends.withLock { $0 }
  }
}

@Suite("Shards")
struct LogRuntimeTests {
  /// A data directory whose shards have threads.
  private struct Running {
    let place = TemporaryDirectory()
    let runtime: LogRuntime
    let directory: LogDirectory
    let told = Told()

    init(
      shards count: Int, starts: Bool = true, sliceNanoseconds: Int64 = 1_000_000
    ) throws {
      runtime = try LogRuntime(shards: count, sliceNanoseconds: sliceNanoseconds)
      directory = try LogDirectory(
        path: "\(place.path)/log", io: LinuxFileIO(),
        shards: (0..<count).map { LogFixture.makeDrivers(LinuxFileIO(), UInt64($0)) },
        threads: runtime, defaults: TopicSettings(backend: "buffered"))
      if starts { try start() }
    }

    func start() throws { try runtime.start(directory.shards, told) }

    func topic(
      _ name: String, _ partitions: Int, _ durability: Durability
    ) throws -> [LogPartition] {
      var settings = TopicSettings(backend: "buffered")
      settings.durability = durability
      var random = SeededGenerator(seed: 1)
      let topic = try directory.createTopic(
        name, partitions: partitions, settings: settings, using: &random)
      return try topic.partitions.enumerated().map {
        LogPartition(id: $0, log: try directory.log($1))
      }
    }
  }

  @Test(arguments: [1, 2, 4], [Durability.none, .batch, .group])
  func `appends to every shard are acknowledged, and are there after a clean stop`(
    shards: Int, durability: Durability
  ) throws {
    let running = try Running(shards: shards)
    let partitions = try running.topic("t", 5, durability)
    #expect(Set(partitions.map(\.shard)).count == shards)
    for round in 0..<20 {
      let job = RecordJob(partitions, first: round * 5)
      running.runtime.append(job, to: job.shards)
      for end in job.wait() {
        guard case .acknowledged = end else {
          Issue.record("\(end)")
          continue
        }
      }
    }
    #expect(running.told.advancedPartitions.withLock { $0 } == Set(0..<5))
    try running.directory.close()
    running.runtime.stop()
    #expect(running.told.failures.withLock { $0 }.isEmpty)
    let again = try LogDirectory(
      path: running.directory.path, io: LinuxFileIO(),
      drivers: LogFixture.makeDrivers(LinuxFileIO(), 1),
      defaults: TopicSettings(backend: "buffered"))
    #expect(again.recoveredPartitionCount == 0)
    for partition in 0..<5 as Range<Int32> {
      let log = try again.log(TopicPartition(topic: "t", partition: partition)).published
      #expect(try LogFixture.numbers(log) == (0..<20).map { $0 * 5 + Int(partition) })
    }
  }

  @Test func `topics are made, changed and deleted while other threads append`() throws {
    let running = try Running(shards: 2)
    let kept = try running.topic("kept", 4, .group)
    let stop = Lock(false)
    let appender = try WorkerThread { [runtime = running.runtime] in
      var count = 0
      while !stop.withLock({ $0 }) {
        let job = RecordJob(kept, first: count)
        runtime.append(job, to: job.shards)
        for case .failed(let error) in job.wait() { Issue.record("\(error)") }
        count += kept.count
      }
      return count
    }
    for number in 0..<15 {
      let partitions = try running.topic("t\(number)", 3, .batch)
      let job = RecordJob(partitions, first: 0)
      running.runtime.append(job, to: job.shards)
      #expect(job.wait().count == 3)
      var settings = TopicSettings(backend: "buffered")
      settings.durability = number % 2 == 0 ? .none : .group
      try running.directory.alterTopic("kept", settings)
      let start = try running.directory.deleteRecords(
        TopicPartition(topic: "t\(number)", partition: 1), before: Offset(1))
      #expect(start == Offset(1))
      if number % 3 == 0 { #expect(running.directory.deleteTopics(["t\(number)"]) == [nil]) }
      try running.directory.applyRetention(.now())
      try running.directory.checkpoint()
    }
    stop.withLock { $0 = true }
    let count = try #require(appender.join())
    try running.directory.close()
    running.runtime.stop()
    let found = try kept.map { try LogFixture.numbers($0.published).count }.reduce(0, +)
    #expect(found == count)
    #expect(running.directory.topics.count == 11)
  }

  /// The calls of jobs that all are there when the shard starts, with slices that are over at once.
  private func calls(_ jobs: [(name: String, source: Int, parts: Int)]) throws -> [String] {
    let running = try Running(shards: 1, starts: false, sliceNanoseconds: 0)
    let calls = Lock<[String]>([])
    let done = LinuxIO.Semaphore()
    for job in jobs {
      running.runtime.append(
        NotedJob(job.name, source: job.source, parts: job.parts, calls, done), to: 1)
    }
    try running.start()
    for _ in jobs { done.wait() }
    running.runtime.stop()
    return calls.withLock { $0 }
  }

  @Test func `long jobs take turns, and one that comes later does not wait for their end`() throws {
    let calls = try calls([("long", 1, 5), ("other", 2, 3), ("short", 3, 1)])
    #expect(
      calls == [
        "long 0", "long 1", "other 0", "long 2", "short 0", "other 1", "long 3", "other 2",
        "long 4",
      ])
  }

  @Test func `jobs of one source keep their order behind a long one`() throws {
    let calls = try calls([("first", 1, 3), ("second", 1, 1), ("other", 2, 1)])
    #expect(calls == ["first 0", "first 1", "first 2", "other 0", "second 0"])
  }

  @Test func `what is done on a shard is done on its thread, and by the caller before and after`()
    throws
  {
    let running = try Running(shards: 2, starts: false)
    func thread(_ shard: Int) -> pthread_t {
      var found = pthread_self()
      running.runtime.run(on: shard) { found = pthread_self() }
      return found
    }
    #expect(thread(0) == pthread_self())
    try running.start()
    #expect(thread(0) != pthread_self() && thread(1) != pthread_self() && thread(0) != thread(1))
    running.runtime.stop()
    #expect(thread(1) == pthread_self())
  }
}

@Suite("Whether a backend works")
struct BackendProofTests {
  @Test(arguments: BackendUnderTest.allCases)
  func `is tried once, and leaves nothing behind`(kind: BackendUnderTest) throws {
    let place = TemporaryDirectory()
    var made = 0
    let proof = BackendProof(below: place.path, io: LinuxFileIO()) {
      made += 1
      return LogFixture.makeDrivers(LinuxFileIO(), 1)
    }
    var settings = TopicSettings(backend: kind.rawValue)
    for _ in 0..<3 { #expect(proof.reasonToRefuse(settings) == nil) }
    #expect(made == 1)
    for way in kind.preallocations where way != .recycle {
      settings.preallocation = way
      #expect(proof.reasonToRefuse(settings) == nil, "\(way)")
    }
    #expect(try LinuxFileIO().list(place.path).map(\.name).isEmpty)
  }

  @Test func `says what the system lacks, and holds no passing failure against the backend`() throws
  {
    let place = TemporaryDirectory()
    var next: StorageError? = .ringUnavailable(
      SystemCallError(.ioUringSetup, .notPermitted, path: ""))
    let proof = BackendProof(below: place.path, io: LinuxFileIO()) {
      BackendDrivers { _ throws(LogError) in
        if let error = next { throw .storage(error) }
        do throws(StorageError) { return try BackendUnderTest.buffered.make(LinuxFileIO()) } catch {
          throw .storage(error)
        }
      }
    }
    let reason = try #require(proof.reasonToRefuse(TopicSettings(backend: "uring")))
    #expect(reason.contains("io_uring cannot be used here"))
    next = .noRoom(SystemCallError(.pwrite, .noSpace, path: ""))
    #expect(proof.reasonToRefuse(TopicSettings(backend: "buffered")) == nil)
    next = nil
    #expect(proof.reasonToRefuse(TopicSettings(backend: "buffered")) == nil)
    #expect(proof.reasonToRefuse(TopicSettings(backend: "uring")) == reason)
  }
}
