import CommitLog
import Foundation
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import Synchronization
import TestSupport
import Testing

/// One appender and many readers at once. Meant to be run with `--sanitize=thread` too; nothing
/// here depends on how long anything takes.
@Suite("Concurrency", .serialized)
struct ConcurrencyTests {
  private static let batches = 200

  @Test(
    "readers follow an appender that rolls and deletes segments, and see every record as it was",
    arguments: AppendAndReadTests.everywhere)
  func readersFollow(_ kind: BackendUnderTest, _ disk: DiskUnderTest) throws {
    let fixture = try LogFixture(kind, disk.make(), seed: 3) {
      $0.segmentBytes = 40_000
      $0.indexIntervalBytes = 1000
      $0.retentionBytes = 100_000
      $0.durability = kind == .buffered ? .none : .group
    }
    let log = try fixture.log().published
    var followers: [Follower] = []
    for number in 0..<3 { followers.append(Follower(log, slow: number == 2)) }
    var threads = Threads()
    for follower in followers { threads.start { follower.run($0) } }
    let appending = Result { try append(to: fixture) }
    #expect(threads.stop() == [])
    try appending.get()
    #expect(log.segments.count > 1 && log.startOffset > .zero, "rolled, and retention took some")
    for follower in followers {
      #expect(follower.next.load(ordering: .relaxed) == log.endOffset.rawValue)
      #expect(follower.readCount.load(ordering: .relaxed) > 0)
    }
  }

  private func append(to fixture: LogFixture) throws {
    var random = SeededGenerator(seed: 9)
    var next = 0
    for step in 0..<Self.batches {
      let count = 1 + random.below(3)
      // A batch's records are of one size, so that a reader can tell it from the first's number.
      try fixture.append(next, count: count, valueBytes: 20 + step * 37 % 900)
      next += count
      if step % 16 == 15 { try fixture.directory.commit() }
      if step % 100 == 99 { try fixture.directory.applyRetention(fixture.now) }
      if random.chance(0.01) { try fixture.log().roll() }
    }
    try fixture.settle()
  }

  @Test("the tail's copy is always one publication, whole")
  func tailIsConsistent() {
    let tail = SegmentTail(blockBytes: 4096)
    tail.publish(start: 0, RawSpan())
    var threads = Threads()
    for _ in 0..<3 {
      threads.start { shared in
        var last: Int64 = 0
        while !shared.isDone.load(ordering: .acquiring) {
          let (start, bytes) = tail.snapshot()
          let number = start / 4096
          if number < last { shared.note("publication \(number) after \(last)") }
          last = number
          if bytes.count != Self.count(Int(number)) {
            shared.note("publication \(number) has \(bytes.count) bytes")
          }
          if bytes.contains(where: { $0 != UInt8(truncatingIfNeeded: number) }) {
            shared.note("publication \(number) is torn")
          }
        }
      }
    }
    for number in 1...8_000 {
      let bytes = [UInt8](
        repeating: UInt8(truncatingIfNeeded: number), count: Self.count(number))
      tail.publish(start: Int64(number) * 4096, bytes.span.bytes)
    }
    #expect(threads.stop() == [])
    #expect(tail.snapshot().start == 8_000 * 4096)
  }

  private static func count(_ number: Int) -> Int { number * 61 % 4097 }

  @Test("every entry of a growing table that may be read is whole, and stays")
  func tableIsConsistent() {
    let table = GrowingTable(wordsPerEntry: 2, capacity: 50_000)
    var threads = Threads()
    for seed in UInt64(0)..<3 {
      threads.start { shared in
        var random = SeededGenerator(seed: seed)
        var last = 0
        while !shared.isDone.load(ordering: .acquiring) {
          let count = table.count
          if count < last { shared.note("\(count) entries after \(last)") }
          last = count
          if count == 0 { continue }
          for entry in [0, count - 1, random.below(count)] {
            let words = (table.word(entry, 0), table.word(entry, 1))
            if words != (UInt64(entry) * 3 + 1, UInt64(entry) * 5 + 2) {
              shared.note("entry \(entry) of \(count): \(words)")
            }
          }
          let wanted = UInt64(random.below(count)) * 3 + 1
          let found = table.partitionPoint { table.word($0) < wanted }
          if UInt64(found) * 3 + 1 != wanted { shared.note("found \(found) for \(wanted)") }
        }
      }
    }
    var appended: UInt64 = 0
    while table.append(appended * 3 + 1, appended * 5 + 2) { appended += 1 }
    #expect(threads.stop() == [])
    #expect(appended >= 50_000 && table.count == Int(appended), "full, and says so")
  }
}

/// A reader that follows the tail, and what it found.
private final class Follower: Sendable {
  private let log: PublishedLog
  private let isSlow: Bool
  let next = Atomic<Int64>(0)
  let readCount = Atomic<Int>(0)

  init(_ log: PublishedLog, slow: Bool) {
    self.log = log
    isSlow = slow
  }

  func run(_ shared: Shared) {
    var reader = LogReader(log)
    var offset = log.startOffset
    var state: (first: Int, size: Int)?
    while true {
      // Looked at before the read: what was appended before `isDone` is seen by it.
      let isLast = shared.isDone.load(ordering: .acquiring)
      do throws(LogError) {
        let before = offset
        let result = try reader.forEachBatch(from: offset, bytesMax: isSlow ? 1 : 16_000) {
          batch throws(BatchError) in
          var records = try batch.records()
          state = nil
          while let record = try records.next() {
            if record.offset < offset { continue }
            if record.offset != offset { shared.note("\(record.offset) follows \(offset)") }
            check(record, &state, shared)
            offset = record.offset.advanced(by: 1)
            readCount.add(1, ordering: .relaxed)
          }
        }
        if case .failure(let error) = result { return shared.note("\(error)") }
        if isLast && before == offset { break }
      } catch .offsetOutOfRange {
        let start = log.startOffset
        if offset >= start { shared.note("\(offset) is out of range from \(start)") }
        offset = start
      } catch { return shared.note("\(error)") }
      sched_yield()
    }
    next.store(offset.rawValue, ordering: .relaxed)
  }

  /// The value is that of its offset's number, byte for byte, and of one size in the batch.
  private func check(
    _ record: borrowing RecordView, _ state: inout (first: Int, size: Int)?, _ shared: Shared
  ) {
    let value = record.copiedValue
    let number = Int(record.offset.rawValue)
    if value != TestBatch.value(number, bytes: value.count) {
      shared.note("offset \(number) has another value")
    }
    if let state, state.size != value.count { shared.note("offset \(number) has another size") }
    state = (number, value.count)
  }
}

/// What the threads of one test share.
private final class Shared: Sendable {
  let isDone = Atomic(false)
  private let faults = Lock<[String]>([])

  /// The first few things that went wrong.
  var noted: [String] { faults.withLock { $0 } }

  func note(_ fault: String) { faults.withLock { if $0.count < 10 { $0.append(fault) } } }
}

/// Threads that are told to stop and waited for.
private struct Threads {
  let shared = Shared()
  private let ended = DispatchSemaphore(value: 0)
  private var count = 0

  mutating func start(_ body: @escaping @Sendable (Shared) -> Void) {
    count += 1
    let thread = Thread { [shared, ended] in
      body(shared)
      ended.signal()
    }
    thread.start()
  }

  /// What they noted.
  func stop() -> [String] {
    shared.isDone.store(true, ordering: .releasing)
    for _ in 0..<count { ended.wait() }
    return shared.noted
  }
}
