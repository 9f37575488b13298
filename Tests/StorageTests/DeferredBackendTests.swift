import LinuxIO
import LogStorage
import Records
import Testing

import SimulatedStorage

/// What `StorageBackend` promises of an asynchronous backend.
@Suite struct DeferredBackendTests {
  private typealias Deferred = DeferredBackend<PlainBackend>

  /// A disk, a backend over it, and two new segments.
  private struct Bench: ~Copyable {
    let disk = SimulatedDisk()
    var backend: Deferred
    let files: [SegmentFile]
    var segments: [SegmentID] = []
    var appended: [AppendTicket: (segment: SegmentID, count: Int)] = [:]

    init(seed: UInt64, depthMax: Int = 8) throws {
      let io = SimulatedFileIO(disk)
      backend = Deferred(PlainBackend(io), depthMax: depthMax, seed: seed)
      files = ["/0.log", "/1.log"].map {
        SegmentFile(baseOffset: .zero, path: $0, io: io, end: .zero)
      }
      for file in files {
        segments.append(try backend.open(file, SegmentOptions(position: .zero, origin: .new)))
      }
    }

    /// Appends `count` bytes of `value`; the ticket, nil where the queue is full.
    mutating func append(_ value: UInt8, _ count: Int, to segment: Int) throws -> AppendTicket? {
      var buffer = AlignedBuffer(capacity: count)
      buffer.append([UInt8](repeating: value, count: count).span.bytes)
      switch backend.append(buffer, to: segments[segment]) {
      case .queued(let ticket):
        appended[ticket] = (segments[segment], count)
        return ticket
      case .busy(let buffer):
        #expect(buffer.count == count)
        return nil
      case .completed:
        Issue.record("completed at once")
        return nil
      }
    }
  }

  @Test(
    "appends lie in the order of the calls, whatever the order of completion",
    arguments: 0..<50)
  func positions(seed: Int) throws {
    var bench = try Bench(seed: UInt64(seed))
    var expected: [AppendTicket: Int64] = [:]
    var ends: [Int64] = [0, 0]
    var order: [AppendTicket] = []
    let files = bench.files
    for index in 0..<8 {
      let count = 10 + index
      let ticket = try #require(try bench.append(UInt8(index), count, to: index % 2))
      expected[ticket] = ends[index % 2]
      ends[index % 2] += Int64(count)
    }
    #expect(try bench.append(9, 5, to: 0) == nil)
    while order.count < 8 {
      _ = try bench.backend.reap(waiting: true) { completion in
        guard case .append(let append) = completion else { return }
        order.append(append.ticket)
        #expect((try? append.result.get())?.rawValue == expected[append.ticket], "seed \(seed)")
        // Visible before it is handed out.
        let end = (expected[append.ticket] ?? 0) + Int64(append.buffer.count)
        let file = files[append.segment == SegmentID(rawValue: 0) ? 0 : 1]
        #expect(file.end.rawValue >= end, "seed \(seed)")
      }
    }
    #expect(Set(order).count == 8)
    #expect(bench.disk.contents(of: "/0.log")?.count == Int(ends[0]))
    #expect(try bench.backend.reap(waiting: true) { _ in } == 0)
  }

  @Test("completions are shuffled, and the same seed shuffles them the same way")
  func shuffled() throws {
    func order(_ seed: UInt64) throws -> [UInt64] {
      var bench = try Bench(seed: seed)
      for index in 0..<8 { _ = try bench.append(1, 4, to: index % 2) }
      var order: [UInt64] = []
      while order.count < 8 {
        _ = try bench.backend.reap(waiting: true) { completion in
          if case .append(let append) = completion { order.append(append.ticket.rawValue) }
        }
      }
      return order
    }
    #expect(Set(try (0..<20).map(order)).count > 10)
    #expect(try order(3) == order(3))
    #expect(try (0..<20).contains { try order($0) != order($0).sorted() })
  }

  @Test(
    "a flush completes after the appends before it, and then they are durable",
    arguments: 0..<50)
  func flushOrder(seed: Int) throws {
    var bench = try Bench(seed: UInt64(seed))
    let first = try #require(try bench.append(1, 100, to: 0))
    let second = try #require(try bench.append(2, 50, to: 1))
    let flush = bench.backend.flush(bench.segments)
    _ = try bench.append(3, 10, to: 0)
    var seen: Set<AppendTicket> = []
    var flushed = false
    let disk = bench.disk
    while !flushed {
      _ = try bench.backend.reap(waiting: true) { completion in
        switch completion {
        case .append(let append): seen.insert(append.ticket)
        case .flush(let done):
          #expect(done.ticket == flush && done.failures.isEmpty)
          #expect(seen.isSuperset(of: [first, second]), "seed \(seed)")
          #expect((disk.durableContents(of: "/0.log")?.count ?? 0) >= 100, "seed \(seed)")
          #expect(disk.durableContents(of: "/1.log")?.count == 50, "seed \(seed)")
          flushed = true
        }
      }
    }
  }

  @Test("a failed append fails those queued behind it on its segment only", arguments: 0..<50)
  func failure(seed: Int) throws {
    var bench = try Bench(seed: UInt64(seed))
    bench.disk.set(
      FaultPlan(.init(.write, nth: 2, error: .noSpace, pathSuffix: "/0.log")))
    var behind: [AppendTicket?] = []
    for index in 0..<6 {
      let ticket = try bench.append(UInt8(index), 10, to: index % 2)
      if index % 2 == 0 { behind.append(ticket) }
    }
    var failed: Set<AppendTicket> = []
    var count = 0
    while count < 6 {
      count += try bench.backend.reap(waiting: true) { completion in
        if case .append(let append) = completion, case .failure = append.result {
          failed.insert(append.ticket)
        }
      }
    }
    #expect(failed == Set(behind.dropFirst().compactMap { $0 }), "seed \(seed)")
    #expect(bench.disk.contents(of: "/0.log")?.count == 10)
    #expect(bench.disk.contents(of: "/1.log")?.count == 30)
    // Drained, the segment takes appends again, at the last good end.
    _ = try bench.append(7, 5, to: 0)
    while try bench.backend.reap(waiting: true, { _ in }) > 0 {}
    #expect(bench.disk.contents(of: "/0.log")?.count == 15)
  }

  @Test("a failed flush names the segment in doubt")
  func flushFailure() throws {
    var bench = try Bench(seed: 1)
    bench.disk.set(FaultPlan(.init(.synchronizeData, nth: 1, pathSuffix: "/1.log")))
    _ = bench.backend.flush(bench.segments)
    var failures: [SegmentID: StorageError] = [:]
    while try bench.backend.reap(
      waiting: true,
      { completion in
        if case .flush(let flush) = completion { failures = flush.failures }
      }) > 0
    {}
    #expect(Array(failures.keys) == [bench.segments[1]])
  }
}

/// The least that a synchronous backend can be.
private struct PlainBackend: StorageBackend, ~Copyable {
  static let capabilities = StorageCapabilities(
    name: "plain", blockBytes: 1, isAsynchronous: false, isDirect: false)

  private struct Segment {
    let file: SegmentFile
    let number: FileNumber
    var end: FilePosition
  }

  let io: SimulatedFileIO
  private var segments: [Segment] = []
  private var nextTicket: UInt64 = 0
  private var flushes: [FlushCompletion] = []

  init(_ io: SimulatedFileIO) { self.io = io }

  mutating func open(
    _ file: SegmentFile, _ options: SegmentOptions
  ) throws(StorageError) -> SegmentID {
    do throws(SystemCallError) {
      let number = try io.open(file.path, FileOpening(.readWrite, creation: .ifMissing))
      segments.append(Segment(file: file, number: number, end: options.position))
    } catch { throw .fileFailed(error) }
    return SegmentID(rawValue: segments.count - 1)
  }

  func placement(of segment: SegmentID) -> Int { 0 }

  mutating func append(
    _ buffer: consuming AlignedBuffer, to segment: SegmentID
  ) -> Submission {
    let entry = segments[segment.rawValue]
    var result: Result<FilePosition, StorageError> = .success(entry.end)
    do throws(SystemCallError) {
      try io.writeFully(
        entry.number, buffer.bytes, at: entry.end.rawValue, path: entry.file.path)
      let end = entry.end.advanced(by: buffer.count)
      segments[segment.rawValue].end = end
      entry.file.publish(end: end)
    } catch { result = .failure(.ofWrite(error)) }
    nextTicket += 1
    return .completed(
      AppendCompletion(
        ticket: AppendTicket(rawValue: nextTicket), segment: segment, buffer: buffer,
        result: result))
  }

  mutating func flush(_ named: [SegmentID]) -> FlushTicket {
    nextTicket += 1
    var failures: [SegmentID: StorageError] = [:]
    for segment in named {
      do throws(SystemCallError) {
        try io.synchronizeData(segments[segment.rawValue].number)
      } catch { failures[segment] = .flushFailed(error) }
    }
    let ticket = FlushTicket(rawValue: nextTicket)
    flushes.append(FlushCompletion(ticket: ticket, failures: failures))
    return ticket
  }

  mutating func reap(
    waiting: Bool, _ body: (consuming Completion) -> Void
  ) throws(StorageError) -> Int {
    let done = flushes
    flushes = []
    for flush in done { body(.flush(flush)) }
    return done.count
  }

  mutating func truncate(
    _ segment: SegmentID, to position: FilePosition
  ) throws(StorageError) { segments[segment.rawValue].end = position }

  mutating func seal(_ segment: SegmentID) throws(StorageError) { abandon(segment) }

  mutating func abandon(_ segment: SegmentID) { try? io.close(segments[segment.rawValue].number) }
}
