import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

@Suite("Space ahead of a segment's end")
struct PreallocationTests {
  static let everywhere = BackendUnderTest.conforming.flatMap { backend in
    DiskUnderTest.allCases.map { (backend, $0) }
  }

  private func file(_ place: DiskUnderTest.Place, _ base: Int64 = 0) -> SegmentFile {
    SegmentFile(
      baseOffset: Offset(base), path: "\(place.path)/segment-\(base).log", io: place.io, end: .zero)
  }

  @Test(
    "leaves the same file however it is taken, reopened and cut in between",
    .enabled(if: TestBuild.isOptimized, "runs long: in release builds"), arguments: everywhere)
  func leavesSameFile(_ kind: BackendUnderTest, _ disk: DiskUnderTest) throws {
    for way in kind.preallocations {
      var random = SeededGenerator(seed: 21)
      var harness = try Harness(kind, disk, way)
      for round in 0..<4 {
        for _ in 0..<6 {
          try harness.append(random.bytes(1 + random.below(90_000)), placed: random.chance(0.7))
        }
        if round == 1 {
          let cut = random.below(harness.expected.count)
          try harness.backend.truncate(harness.segment, to: FilePosition(Int64(cut)))
          harness.file.retract(to: FilePosition(Int64(cut)))
          harness.expected.removeLast(harness.expected.count - cut)
          try harness.append(random.bytes(5000), placed: true)
        }
        _ = harness.backend.flush([harness.segment])
        _ = try harness.reapFlushes(1)
        #expect(try harness.read(0, harness.expected.count) == harness.expected, "\(way)")
        try harness.backend.seal(harness.segment)
        #expect(try harness.place.io.readFile(at: harness.file.path) == harness.expected, "\(way)")
        try harness.reopen(at: harness.expected.count)
      }
    }
  }

  @Test("writes over a recycled file, and leaves nothing of it", arguments: everywhere)
  func recycles(_ kind: BackendUnderTest, _ disk: DiskUnderTest) throws {
    for oldCount in [1, 5000, 300_000] {
      let place = disk.make()
      let file = file(place)
      let number = try place.io.open(
        file.path, FileOpening(.readWrite, creation: .mustBeNew))
      let old = [UInt8](repeating: 0xEE, count: oldCount)
      try place.io.writeFully(number, old.span.bytes, at: 0, path: file.path)
      try place.io.close(number)
      var random = SeededGenerator(seed: 4)
      var harness = try Harness(
        kind, place, file,
        SegmentOptions(
          position: .zero, origin: .recycled, preallocation: .recycle, sizeMax: 1 << 20))
      for _ in 0..<8 {
        try harness.append(random.bytes(1 + random.below(20_000)), placed: random.chance(0.5))
        #expect(try harness.read(0, harness.expected.count) == harness.expected)
      }
      try harness.backend.seal(harness.segment)
      #expect(try place.io.readFile(at: file.path) == harness.expected)
    }
  }

  @Test("refuses a way that the backend cannot go, and makes no file")
  func refusesWays() throws {
    let place = DiskUnderTest.linux.make()
    let backend = try BackendUnderTest.mmap.make(any: place.io)
    let file = file(place)
    for way in [Preallocation.none, .fallocate] {
      do {
        _ = try backend.open(
          file, SegmentOptions(position: .zero, origin: .new, preallocation: way))
        Issue.record("opened with \(way)")
      } catch {
        #expect("\(error)".contains("'mmap' cannot do preallocation '\(way.rawValue)'"))
        #expect("\(error)".contains("fallocate-extend"))
      }
      #expect(try place.io.size(ofFileAt: file.path) == nil)
    }
  }

  @Test(
    "stays within one budget for ten thousand segments",
    .enabled(if: TestBuild.isOptimized, "runs long: in release builds"),
    arguments: [BackendUnderTest.buffered, .mmap, .direct, .uring].filter {
      BackendUnderTest.allCases.contains($0)
    })
  func keepsBudget(_ kind: BackendUnderTest) throws {
    let budget: Int64 = 64 << 20
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let io = SimulatedFileIO(disk)
    let backend = try kind.make(
      io, options: BackendOptions(queueDepth: 4, spaceAheadBytesMax: budget))
    let segmentCount = 10_000
    var segments: [SegmentID] = []
    for base in 0..<segmentCount {
      let file = SegmentFile(
        baseOffset: Offset(Int64(base)), path: "/data/\(base).log", io: io, end: .zero)
      let id = try backend.open(
        file,
        SegmentOptions(
          position: .zero, origin: .new, preallocation: .fallocateExtend, sizeMax: 64 << 20))
      segments.append(id)
    }
    for round in 0..<2 {
      for id in segments {
        var buffer: AlignedBuffer? = .holding([UInt8](repeating: 7, count: 100))
        while let taken = buffer.take() {
          switch backend.append(taken, to: id) {
          case .busy(let refused):
            buffer = consume refused
            _ = try backend.reap(waiting: true) { _ in }
          case .queued: break
          case .completed: break
          }
        }
      }
      while try backend.reap(waiting: true, { _ in }) > 0 {}
      // What each needs for its append is one block; the rest is ahead.
      let used = Int64(disk.usedBytes)
      #expect(used <= budget + Int64(segmentCount) * 4096, "round \(round): \(used)")
    }
    for id in segments { try backend.seal(id) }
    #expect(disk.usedBytes <= segmentCount * 4096)
  }

  @Test(
    "fences the segment where the flush of zeros fails: it was a flush of all before them too",
    arguments: BackendUnderTest.allCases.filter { $0.preallocations.contains(.zero) })
  func fencesAfterFailedZeroing(_ kind: BackendUnderTest) throws {
    var harness = try Harness(kind, .simulated, .zero)
    try harness.append([1, 2, 3], placed: true)
    harness.place.disk?.set(
      FaultPlan(FaultPlan.Script(.synchronizeData, nth: 1, error: .inputOutput)))
    // Past the first step, so that more zeros are needed.
    let failure = harness.tryAppend([UInt8](repeating: 7, count: 300_000))
    guard case .flushFailed = failure else {
      Issue.record("found \(String(describing: failure)), expected flushFailed")
      return
    }
    #expect(harness.tryAppend([4]) == .fenced(path: harness.file.path))
    #expect(throws: StorageError.self) {
      try harness.backend.truncate(harness.segment, to: FilePosition(3))
    }
  }

  @Test(
    "takes less than a step where the disk is nearly full",
    arguments: BackendUnderTest.allCases)
  func takesWhatIsThere(_ kind: BackendUnderTest) throws {
    for way in kind.preallocations {
      var harness = try Harness(kind, .simulated, way)
      var plan = FaultPlan()
      plan.capacityBytes = 160 << 10
      harness.place.disk?.set(plan)
      var random = SeededGenerator(seed: 6)
      var failure: StorageError?
      for _ in 0..<30 where failure == nil {
        let bytes = random.bytes(10_000)
        failure = harness.tryAppend(bytes)
        if failure == nil { harness.expected += bytes }
      }
      guard case .noRoom = failure else {
        Issue.record("\(way): found \(String(describing: failure)), expected noRoom")
        continue
      }
      // All but what a block or the zeroing of one more step needs.
      #expect(harness.expected.count >= 140_000, "\(way)")
    }
  }
}
