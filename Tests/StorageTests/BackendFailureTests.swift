import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

@Suite("Every backend, when the disk fails,")
struct BackendFailureTests {
  @Test("finishes short writes", arguments: BackendUnderTest.allCases)
  func finishesShortWrites(_ kind: BackendUnderTest) throws {
    var harness = try Harness(kind, .simulated)
    var plan = FaultPlan(seed: 3)
    plan.shortWriteProbability = 0.4
    plan.shortReadProbability = 0.4
    harness.place.disk?.set(plan)
    var random = SeededGenerator(seed: 5)
    for _ in 0..<40 { try harness.append(random.bytes(1 + random.below(20_000)), placed: true) }
    #expect(try harness.read(0, harness.expected.count) == harness.expected)
    try harness.backend.seal(harness.segment)
    #expect(harness.place.disk?.contents(of: harness.file.path) == harness.expected)
  }

  @Test(
    "says that there is no room, and goes on when there is", arguments: BackendUnderTest.allCases)
  func survivesFullDisk(_ kind: BackendUnderTest) throws {
    var harness = try Harness(kind, .simulated)
    var random = SeededGenerator(seed: 6)
    try harness.append(random.bytes(10_000), placed: true)
    var plan = FaultPlan()
    plan.capacityBytes = 100_000
    harness.place.disk?.set(plan)
    let failure = harness.tryAppend(random.bytes(200_000))
    guard case .noRoom(let error) = failure else {
      Issue.record("found \(String(describing: failure)), expected noRoom")
      return
    }
    #expect(error.number == .noSpace && error.path == harness.file.path)
    // Until it is cut back the segment takes nothing; then it goes on.
    #expect(harness.tryAppend([1]) == .fenced(path: harness.file.path))
    harness.place.disk?.set(FaultPlan())
    try harness.backend.truncate(
      harness.segment, to: FilePosition(Int64(harness.expected.count)))
    try harness.append(random.bytes(200_000), placed: true)
    try harness.backend.seal(harness.segment)
    #expect(harness.place.disk?.contents(of: harness.file.path) == harness.expected)
  }

  @Test("reports a write that fails", arguments: BackendUnderTest.allCases)
  func reportsWriteError(_ kind: BackendUnderTest) throws {
    let harness = try Harness(kind, .simulated)
    harness.place.disk?.set(
      FaultPlan(
        FaultPlan.Script(.write, nth: 1, error: .inputOutput),
        FaultPlan.Script(.populate, nth: 1, error: .inputOutput)))
    guard case .writeFailed(let error) = harness.tryAppend([1, 2, 3]) else {
      Issue.record("expected writeFailed")
      return
    }
    // What a mapping has instead of a write that fails.
    let calls: [BackendUnderTest: SystemCall] = [.mmap: .madvise, .dontcache: .pwritev2]
    #expect(error.call == calls[kind] ?? .pwrite && error.number == .inputOutput)
    #expect(error.path == harness.file.path)
  }

  @Test(
    "RWF_DONTCACHE where the file system does not know it is a clear error, and cuts nothing off")
  func refusesWithoutUncachedWrites() throws {
    var options = SimulatedDiskOptions()
    options.hasUncachedWrites = false
    let disk = SimulatedDisk(options)
    disk.makeDirectory("/data")
    let io = SimulatedFileIO(disk)
    let backend = try BackendUnderTest.dontcache.make(io)
    let file = SegmentFile(baseOffset: .zero, path: "/data/0.log", io: io, end: .zero)
    let segment = try backend.open(file, SegmentOptions(position: .zero, origin: .new))
    guard case .completed(let completion) = backend.append(.holding([1, 2, 3]), to: segment),
      case .failure(let error) = completion.result
    else {
      Issue.record("expected a failure")
      return
    }
    #expect("\(error)".contains("Linux 6.14") && "\(error)".contains("/data/0.log"))
  }

  @Test("a forbidden io_uring is an error that says why")
  func tellsWhyThereIsNoRing() {
    for (number, words) in [
      (ErrorNumber.notPermitted, "kernel.io_uring_disabled"), (.noSuchCall, "without it"),
      (.noMemory, "RLIMIT_MEMLOCK"),
    ] {
      let disk = SimulatedDisk()
      var plan = FaultPlan()
      plan.ringError = number
      disk.set(plan)
      for kind in [BackendUnderTest.uring, .uringBuffered] {
        do {
          _ = try kind.make(SimulatedFileIO(disk))
          Issue.record("made \(kind)")
        } catch {
          #expect("\(error)".contains("io_uring cannot be used here") && "\(error)".contains(words))
        }
      }
    }
  }

  @Test("fences a segment whose flush failed, for good", arguments: BackendUnderTest.allCases)
  func fencesAfterFailedFlush(_ kind: BackendUnderTest) throws {
    var harness = try Harness(kind, .simulated)
    try harness.append([1, 2, 3], placed: true)
    harness.place.disk?.set(
      FaultPlan(FaultPlan.Script(.synchronizeData, nth: 1, error: .inputOutput)))
    _ = harness.backend.flush([harness.segment])
    guard case .flushFailed = try harness.reapFlushes(1).first?.failures[harness.segment] else {
      Issue.record("expected flushFailed")
      return
    }
    #expect(harness.tryAppend([4]) == .fenced(path: harness.file.path))
    _ = harness.backend.flush([harness.segment])
    #expect(
      try harness.reapFlushes(1).first?.failures[harness.segment]
        == .fenced(path: harness.file.path))
    #expect(throws: StorageError.self) {
      try harness.backend.truncate(harness.segment, to: .zero)
    }
  }

  @Test("a failed flush of one segment leaves the others' promises true")
  func separatesFlushFailures() throws {
    let harness = try Harness(.buffered, .simulated)
    let other = harness.makeFile(base: 1)
    let second = try harness.backend.open(other, SegmentOptions(position: .zero, origin: .new))
    harness.place.disk?.set(
      FaultPlan(
        FaultPlan.Script(
          .synchronizeData, nth: 1, error: .inputOutput, pathSuffix: "1.log")))
    _ = harness.backend.flush([harness.segment, second])
    let failures = try #require(try harness.reapFlushes(1).first).failures
    #expect(Array(failures.keys) == [second])
  }

  @Test("O_DIRECT where the file system has none is a clear error, and leaves no file")
  func refusesWithoutDirect() throws {
    let disk = SimulatedDisk(SimulatedDiskOptions(directAlignment: nil))
    disk.makeDirectory("/data")
    let backend = try BackendUnderTest.direct.make(SimulatedFileIO(disk))
    let path = "/data/00000000000000000000.log"
    let file = SegmentFile(
      baseOffset: .zero, path: path, io: SimulatedFileIO(disk), end: .zero)
    #expect(throws: StorageError.directUnsupported(path: path)) {
      try backend.open(file, SegmentOptions(position: .zero, origin: .new))
    }
    #expect(disk.contents(of: path) == nil)
  }

  @Test(
    "a full tmpfs and O_DIRECT on it answer as the simulated disk does",
    .enabled(if: Tmpfs.isAvailable, "mounting a tmpfs needs root"))
  func realTmpfs() throws {
    let tmpfs = try #require(Tmpfs(mebibytes: 1))
    let path = "\(tmpfs.path)/00000000000000000000.log"
    let file = SegmentFile(baseOffset: .zero, path: path, io: LinuxFileIO(), end: .zero)
    let direct = try BackendUnderTest.direct.make(LinuxFileIO())
    #expect(throws: StorageError.directUnsupported(path: path)) {
      try direct.open(file, SegmentOptions(position: .zero, origin: .new))
    }
    let backend = try BackendUnderTest.buffered.make(LinuxFileIO())
    let segment = try backend.open(file, SegmentOptions(position: .zero, origin: .new))
    var failure: StorageError?
    var good: Int64 = 0
    while failure == nil {
      let buffer = AlignedBuffer.holding([UInt8](repeating: 1, count: 100_000))
      if case .completed(let completion) = backend.append(buffer, to: segment) {
        switch completion.result {
        case .success: good += 100_000
        case .failure(let error): failure = error
        }
      }
    }
    guard case .noRoom(let error) = failure else {
      Issue.record("found \(String(describing: failure)), expected noRoom")
      return
    }
    #expect(error.number == .noSpace)
    try backend.truncate(segment, to: FilePosition(good))
    try backend.seal(segment)
    #expect(try LinuxFileIO().size(ofFileAt: path) == good)
  }
}
