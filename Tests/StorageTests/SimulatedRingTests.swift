import Glibc
import LinuxIO
import TestSupport
import Testing

import SimulatedStorage

/// A ring on the kernel and on the simulated disk: what both promise.
@Suite struct RingParityTests {
  static let hasRing = (try? LinuxFileIO().makeRing(depth: 1)) != nil
  static let places: [DiskUnderTest] = hasRing ? [.linux, .simulated] : [.simulated]

  @Test(
    "the kernel makes a ring",
    .enabled(if: hasRing, "io_uring is missing or forbidden: rings are only simulated here"))
  func makesRing() throws { #expect(try LinuxFileIO().makeRing(depth: 3).depth == 3) }

  @Test(
    "random writes and flushes leave the file that they say", arguments: places,
    (0..<10).map { $0 } as [UInt64])
  func sameFile(_ kind: DiskUnderTest, _ seed: UInt64) throws {
    let place = kind.make()
    func run<IO: RingIO>(_ io: IO) throws {
      var history = try RingHistory(io, path: "\(place.path)/log", seed: seed)
      let (found, expected) = try history.run()
      #expect(found == expected, "seed \(seed)")
    }
    try run(place.io)
  }

  @Test(
    "a flush linked to a write that fails is cancelled, and so is what follows it",
    arguments: places)
  func brokenLink(_ kind: DiskUnderTest) throws {
    let place = kind.make()
    func run<IO: RingIO>(_ io: IO) throws {
      var ring = try RingUser(io, depth: 8)
      let path = "\(place.path)/log"
      let good = try io.open(path, FileOpening(.readWrite, creation: .mustBeNew))
      let bad = try io.open(path, FileOpening(.read))
      defer {
        try? io.close(good)
        try? io.close(bad)
      }
      let (goodFile, badFile) = (ring.ring.register(good), ring.ring.register(bad))
      ring.write(badFile, [1], at: 0, link: true, tag: 1)
      ring.write(goodFile, [2], at: 0, link: true, tag: 2)
      ring.synchronize(goodFile, tag: 3)
      // Another chain, which has nothing to do with it.
      ring.write(goodFile, [3], at: 4, link: true, tag: 4)
      ring.synchronize(goodFile, tag: 5)
      let results = try ring.finish(5)
      #expect(
        results == [
          1: .failure(.badFileDescriptor), 2: .failure(.cancelled), 3: .failure(.cancelled),
          4: .success(1), 5: .success(0),
        ])
      #expect(try io.readFile(at: path) == [0, 0, 0, 0, 3])
      ring.ring.unregister(goodFile)
      ring.ring.unregister(badFile)
    }
    try run(place.io)
  }

  @Test(
    "a chain ends with its submission, though its last operation has a link", arguments: places)
  func chainEndsWithSubmission(_ kind: DiskUnderTest) throws {
    let place = kind.make()
    func run<IO: RingIO>(_ io: IO) throws {
      var ring = try RingUser(io, depth: 8)
      let path = "\(place.path)/log"
      try io.close(io.open(path, FileOpening(.readWrite, creation: .mustBeNew)))
      let reader = try io.open(path, FileOpening(.read))
      defer { try? io.close(reader) }
      let file = ring.ring.register(reader)
      ring.write(file, [1], at: 0, link: true, tag: 1)
      try ring.ring.submit(waitingFor: 0)
      ring.synchronize(file, tag: 2)
      #expect(try ring.finish(2) == [1: .failure(.badFileDescriptor), 2: .success(0)])
    }
    try run(place.io)
  }

  @Test("registered memory, slots and closed files are as the kernel has them", arguments: places)
  func registration(_ kind: DiskUnderTest) throws {
    let place = kind.make()
    func run<IO: RingIO>(_ io: IO) throws {
      var ring = try RingUser(io, depth: 8)
      let path = "\(place.path)/log"
      let number = try io.open(path, FileOpening(.readWrite, creation: .mustBeNew))
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 8192, alignment: 4096)
      defer { memory.deallocate() }
      _ = memory.initializeMemory(as: UInt8.self, repeating: 7)
      let other = UnsafeMutableRawBufferPointer.allocate(byteCount: 512, alignment: 4096)
      defer { other.deallocate() }
      _ = other.initializeMemory(as: UInt8.self, repeating: 8)
      let file = RingFile(number: number, slot: nil)
      func write(_ file: RingFile, _ bytes: UnsafeRawBufferPointer, _ tag: UInt64) -> Bool {
        ring.ring.write(file, bytes, at: 0, isRegistered: true, link: false, tag: tag)
      }
      #expect(write(file, UnsafeRawBufferPointer(other), 1))
      #expect(try ring.finish(1) == [1: .failure(.badAddress)])
      if ring.ring.registerMemory(memory) {
        #expect(!ring.ring.registerMemory(other))
        #expect(write(file, UnsafeRawBufferPointer(other), 2))
        #expect(write(file, UnsafeRawBufferPointer(rebasing: memory[100..<300]), 3))
        #expect(try ring.finish(2) == [2: .failure(.badAddress), 3: .success(200)])
      }
      // A slot keeps the file; a number does not.
      let slotted = ring.ring.register(number)
      #expect(slotted.slot != nil)
      try io.close(number)
      ring.write(slotted, [1], at: 0, tag: 4)
      #expect(try ring.finish(1) == [4: .success(1)])
      ring.ring.unregister(slotted)
      ring.write(slotted, [3], at: 2, tag: 5)
      #expect(try ring.finish(1) == [5: .failure(.badFileDescriptor)])
      #expect(try io.readFile(at: path)?.first == 1)
    }
    try run(place.io)
  }
}

/// When the simulated ring runs and answers what it was given, and what faults do to it.
@Suite struct SimulatedRingTests {
  private func make(_ seed: UInt64) throws -> (SimulatedDisk, SimulatedFileIO, FileNumber) {
    let disk = SimulatedDisk(SimulatedDiskOptions(ringSeed: seed))
    disk.setContents(of: "/log", [UInt8](repeating: 0, count: 4096))
    let io = SimulatedFileIO(disk)
    return (disk, io, try io.open("/log", FileOpening(.readWrite)))
  }

  private func file(_ number: FileNumber) -> RingFile { RingFile(number: number, slot: nil) }

  @Test("writes run and are answered in many orders, the same ones for the same seed")
  func orders() throws {
    func history(_ seed: UInt64) throws -> (runs: [Int64], answers: [UInt64], isEarly: Bool) {
      let (disk, io, number) = try make(seed)
      var ring = try RingUser(io, depth: 8)
      disk.startTrace()
      for tag: UInt64 in 0..<4 { ring.write(file(number), [1], at: Int64(tag), tag: tag) }
      try ring.ring.submit(waitingFor: 1)
      var answers: [UInt64] = []
      while let next = ring.ring.next() { answers.append(next.tag) }
      // On the disk, and not to be seen by the one who asks.
      let isEarly = disk.trace.count > answers.count
      while answers.count < 4 {
        try ring.ring.submit(waitingFor: 1)
        while let next = ring.ring.next() { answers.append(next.tag) }
      }
      #expect(disk.endlessWaitCount == 0)
      return (disk.trace.map(\.position), answers, isEarly)
    }
    var runs: Set<[Int64]> = []
    var answers: Set<[UInt64]> = []
    var differ = 0
    var early = 0
    for seed: UInt64 in 0..<500 {
      let found = try history(seed)
      let again = try history(seed)
      #expect(found.runs == again.runs && found.answers == again.answers, "seed \(seed)")
      runs.insert(found.runs)
      answers.insert(found.answers)
      if found.runs != found.answers.map({ Int64($0) }) { differ += 1 }
      if found.isEarly { early += 1 }
    }
    #expect(runs.count == 24 && answers.count == 24)
    #expect(differ > 100)
    #expect(early > 50)
  }

  @Test("a flush without a link misses a write now and then, one with a link never")
  func links() throws {
    var missed = 0
    for seed: UInt64 in 0..<200 {
      for link in [true, false] {
        let (disk, io, number) = try make(seed)
        var ring = try RingUser(io, depth: 8)
        ring.write(file(number), [1], at: 0, link: link, tag: 1)
        ring.synchronize(file(number), tag: 2)
        #expect(try ring.finish(2) == [1: .success(1), 2: .success(0)])
        let isDurable = disk.powerCut(seed: 0, .guaranteed).contents(of: "/log")?.first == 1
        if link { #expect(isDurable, "seed \(seed)") } else { missed += isDurable ? 0 : 1 }
      }
    }
    #expect((20...180).contains(missed))
  }

  @Test("a short write breaks its chain")
  func shortWriteBreaksChain() throws {
    var plan = FaultPlan(seed: 1)
    plan.shortWriteProbability = 1
    let (disk, io, number) = try make(3)
    disk.set(plan)
    var ring = try RingUser(io, depth: 8)
    ring.write(file(number), [1, 1, 1, 1], at: 0, link: true, tag: 1)
    ring.synchronize(file(number), tag: 2)
    let results = try ring.finish(2)
    #expect((1..<4).contains(try #require(try results[1]?.get())))
    #expect(results[2] == .failure(.cancelled))
    #expect(disk.durableContents(of: "/log")?.first == 0)
  }

  @Test("a write under way at a power cut is there or not; one that is answered may still be lost")
  func powerCutWithWritesUnderWay() throws {
    var left: [Bool: Set<UInt8>] = [:]
    for seed: UInt64 in 0..<100 {
      let (disk, io, number) = try make(seed)
      var ring = try RingUser(io, depth: 8)
      ring.write(file(number), [1], at: 0, tag: 1)
      ring.write(file(number), [1], at: 512, tag: 2)
      try ring.ring.submit(waitingFor: seed % 2 == 0 ? 1 : 0)
      let isAnswered = ring.ring.next()?.tag == 1
      let bytes = try #require(disk.powerCut(seed: seed, .everything).contents(of: "/log"))
      left[isAnswered, default: []].insert(bytes[0])
      #expect(!isAnswered || disk.powerCut(seed: 0, .guaranteed).contents(of: "/log")?[0] == 0)
    }
    #expect(left == [true: [1], false: [0, 1]])
  }

  @Test("faults are those of the calls, and from the power cut on all is EIO")
  func faults() throws {
    for seed: UInt64 in 0..<20 {
      let (disk, io, number) = try make(seed)
      var ring = try RingUser(io, depth: 8)
      var plan = FaultPlan(.init(.write, nth: 1, error: .noSpace), .init(.synchronizeData, nth: 1))
      disk.set(plan)
      ring.write(file(number), [1], at: 0, tag: 1)
      ring.synchronize(file(number), tag: 2)
      #expect(
        try ring.finish(2) == [1: .failure(.noSpace), 2: .failure(.inputOutput)], "seed \(seed)")
      plan = FaultPlan()
      plan.powerCutAtOperation = disk.operationCount + 3
      disk.set(plan)
      for tag: UInt64 in 3..<9 { ring.write(file(number), [1], at: Int64(tag), tag: tag) }
      let results = try ring.finish(6)
      #expect(results.values.count { $0 == .success(1) } == 2, "seed \(seed)")
      #expect(results.values.count { $0 == .failure(.inputOutput) } == 4, "seed \(seed)")
      #expect(disk.contents(of: "/log")?.count { $0 == 1 } == 2)
      #expect(disk.counts(of: "/log")[.write] == 7)
    }
  }

  @Test("a misaligned direct write is refused as the call refuses it")
  func misaligned() throws {
    let (_, io, _) = try make(1)
    let number = try io.open("/log", FileOpening(.readWrite, direct: true))
    var ring = try RingUser(io, depth: 8)
    ring.write(file(number), [1], at: 0, tag: 1)
    #expect(try ring.finish(1) == [1: .failure(.invalidArgument)])
  }

  @Test("the table of files runs out, the queue too, and a wait for too much is noticed")
  func limits() throws {
    let (disk, io, number) = try make(1)
    var ring = try RingUser(io, depth: 3)
    let files = (0..<6).map { _ in ring.ring.register(number) }
    #expect(files.map { $0.slot == nil } == [false, false, false, false, true, true])
    ring.ring.unregister(files[2])
    #expect(ring.ring.register(number).slot == files[2].slot)
    #expect(ring.ring.register(FileNumber(rawValue: 99)).slot == nil)
    for tag: UInt64 in 0..<3 { ring.write(files[1], [1], at: 0, tag: tag) }
    #expect(!ring.ring.synchronizeData(files[1], link: false, tag: 4))
    try ring.ring.submit(waitingFor: 4)
    #expect(disk.endlessWaitCount == 1)
    #expect((0..<4).compactMap { _ in ring.ring.next() }.count == 3)
  }

  @Test("a file stays for what is under way on it, and no longer than the ring")
  func keepsFiles() throws {
    let (disk, io, number) = try make(5)
    let slotted = try io.open("/slotted", FileOpening(.readWrite, creation: .mustBeNew))
    var ring: RingUser? = try RingUser(io, depth: 8)
    let slot = try #require(ring?.ring.register(slotted))
    ring?.write(slot, [1], at: 0, tag: 1)
    ring?.write(file(number), [1], at: 0, tag: 2)
    try ring?.ring.submit(waitingFor: 0)
    for (number, path) in [(number, "/log"), (slotted, "/slotted")] {
      try io.close(number)
      try io.remove(path)
    }
    ring?.write(file(number), [1], at: 0, tag: 3)
    #expect(
      try ring?.finish(3) == [
        1: .success(1), 2: .success(1), 3: .failure(.badFileDescriptor),
      ])
    #expect(disk.usedBytes == 4096)
    ring = nil
    #expect(disk.usedBytes == 0)
  }

  @Test("where io_uring is forbidden no ring is made, and a power cut's copy draws on")
  func makingRings() throws {
    let (disk, io, _) = try make(1)
    var plan = FaultPlan()
    plan.ringError = .notPermitted
    disk.set(plan)
    #expect(throws: SystemCallError(.ioUringSetup, .notPermitted, path: "")) {
      _ = try io.makeRing(depth: 1)
    }
    func order(_ disk: SimulatedDisk) throws -> [UInt64] {
      let io = SimulatedFileIO(disk)
      let number = try io.open("/log", FileOpening(.readWrite))
      var ring = try RingUser(io, depth: 16)
      for tag: UInt64 in 0..<16 { ring.write(file(number), [1], at: 0, tag: tag) }
      try ring.ring.submit(waitingFor: 16)
      return (0..<16).compactMap { _ in ring.ring.next()?.tag }
    }
    disk.set(FaultPlan())
    let copies = try (order(disk.powerCut(seed: 1)), order(disk.powerCut(seed: 1)))
    #expect(copies.0 == copies.1)
    let first = try order(disk)
    #expect(first == copies.0)
    #expect(try order(disk.powerCut(seed: 1)) != first)
  }
}

/// A ring with memory for its small writes.
struct RingUser<IO: RingIO> {
  let ring: IO.Ring
  private let memory = RingMemory()

  init(_ io: IO, depth: Int) throws(SystemCallError) { ring = try io.makeRing(depth: depth) }

  mutating func write(
    _ file: RingFile, _ bytes: [UInt8], at position: Int64, link: Bool = false, tag: UInt64
  ) {
    let isQueued = ring.write(
      file, memory.keep(bytes), at: position, isRegistered: false, link: link, tag: tag)
    #expect(isQueued)
  }

  mutating func synchronize(_ file: RingFile, link: Bool = false, tag: UInt64) {
    let isQueued = ring.synchronizeData(file, link: link, tag: tag)
    #expect(isQueued)
  }

  /// Submits, and waits for so many completions.
  mutating func finish(_ count: Int) throws -> [UInt64: Result<Int, ErrorNumber>] {
    var results: [UInt64: Result<Int, ErrorNumber>] = [:]
    while results.count < count {
      try ring.submit(waitingFor: 1)
      while let next = ring.next() { results[next.tag] = next.result }
    }
    return results
  }
}

/// Bytes that stay where they are for as long as this lives.
final class RingMemory {
  private var kept: [UnsafeMutableRawBufferPointer] = []

  deinit { for memory in kept { memory.deallocate() } }

  func keep(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    memory.copyBytes(from: bytes)
    kept.append(memory)
    return UnsafeRawBufferPointer(memory)
  }
}

/// 100 writes anywhere, of which those that overlap never are under way together, with flushes in
/// between, linked and not.
private struct RingHistory<IO: RingIO> {
  private var ring: RingUser<IO>
  private let io: IO
  private let path: String
  private var random: SeededGenerator
  private var expected: [UInt8] = []
  private var underWay: [UInt64: Range<Int>] = [:]
  private var tag: UInt64 = 0

  init(_ io: IO, path: String, seed: UInt64) throws {
    self.io = io
    self.path = path
    random = SeededGenerator(seed: seed)
    ring = try RingUser(io, depth: 16)
  }

  mutating func run() throws -> (found: [UInt8]?, expected: [UInt8]) {
    let number = try io.open(path, FileOpening(.readWrite, creation: .mustBeNew))
    defer { try? io.close(number) }
    let file = random.chance(0.5) ? ring.ring.register(number) : RingFile(number: number, slot: nil)
    for _ in 0..<100 {
      let start = random.below(60_000)
      let range = start..<(start + 1 + random.below(9000))
      while underWay.values.contains(where: { $0.overlaps(range) }) { try take(waitingFor: 1) }
      if underWay.count >= 14 { try take(waitingFor: 3) }
      let link = random.chance(0.2)
      write(file, range, link)
      if link || random.chance(0.1) {
        underWay[tag] = 0..<0
        ring.synchronize(file, tag: tag)
        tag += 1
      }
      if random.chance(0.3) { try take(waitingFor: random.below(min(3, underWay.count + 1))) }
    }
    while !underWay.isEmpty { try take(waitingFor: underWay.count) }
    return (try io.readFile(at: path), expected)
  }

  private mutating func write(_ file: RingFile, _ range: Range<Int>, _ link: Bool) {
    let bytes = random.bytes(range.count)
    if expected.count < range.upperBound {
      expected += [UInt8](repeating: 0, count: range.upperBound - expected.count)
    }
    expected.replaceSubrange(range, with: bytes)
    underWay[tag] = range
    ring.write(file, bytes, at: Int64(range.lowerBound), link: link, tag: tag)
    tag += 1
  }

  private mutating func take(waitingFor count: Int) throws {
    try ring.ring.submit(waitingFor: count)
    while let next = ring.ring.next() {
      let range = underWay.removeValue(forKey: next.tag)
      #expect(next.result == .success(range?.count ?? -1))
    }
  }
}
