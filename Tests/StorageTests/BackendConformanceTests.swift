import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

/// What every backend must do, on every disk. A new backend passes this by its line in
/// `ShippedBackends`.
@Suite("Every backend")
struct BackendConformanceTests {
  static let everywhere = BackendUnderTest.conforming.flatMap { backend in
    DiskUnderTest.allCases.map { (backend, $0) }
  }

  @Test("appends bytes that read back at any position and length", arguments: everywhere)
  func appendsAndReads(_ kind: BackendUnderTest, _ disk: DiskUnderTest) throws {
    var harness = try Harness(kind, disk)
    var random = SeededGenerator(seed: 42)
    for size in [1, 61, 4095, 4096, 4097, 100, 8192, 70_000, 3, 1 << 20, 4096, 5] {
      try harness.append(random.bytes(size), placed: random.chance(0.5))
    }
    for _ in 0..<300 {
      let position = random.below(harness.expected.count)
      let count = random.below(9000)
      let end = min(harness.expected.count, position + count)
      #expect(
        try harness.read(position, count) == Array(harness.expected[position..<end]),
        "\(count) bytes at \(position)")
    }
    #expect(try harness.read(0, Int.max / 2) == harness.expected)
    #expect(try harness.read(harness.expected.count, 100).isEmpty)
  }

  @Test("shows an append to readers when it completes, each of many", arguments: everywhere)
  func isVisible(_ kind: BackendUnderTest, _ disk: DiskUnderTest) throws {
    var harness = try Harness(kind, disk)
    var random = SeededGenerator(seed: 7)
    for _ in 0..<200 {
      let from = harness.expected.count
      try harness.append(random.bytes(1 + random.below(3000)), placed: true)
      #expect(try harness.read(from, 4000) == Array(harness.expected[from...]))
    }
  }

  @Test("leaves a file of exactly the appended bytes when sealed", arguments: everywhere)
  func sealsToPlainFile(_ kind: BackendUnderTest, _ disk: DiskUnderTest) throws {
    var harness = try Harness(kind, disk)
    var random = SeededGenerator(seed: 9)
    for _ in 0..<20 { try harness.append(random.bytes(random.below(6000) + 1), placed: false) }
    try harness.backend.seal(harness.segment)
    #expect(try harness.place.io.readFile(at: harness.file.path) == harness.expected)
    #expect(try harness.read(0, harness.expected.count) == harness.expected)
  }

  @Test("goes on where a segment ended when it is opened again", arguments: everywhere)
  func reopens(_ kind: BackendUnderTest, _ disk: DiskUnderTest) throws {
    var harness = try Harness(kind, disk)
    var random = SeededGenerator(seed: 11)
    for round in 0..<8 {
      try harness.append(random.bytes(1000 + round * 700), placed: true)
      try harness.backend.seal(harness.segment)
      try harness.reopen(at: harness.expected.count)
    }
    #expect(try harness.read(0, harness.expected.count) == harness.expected)
  }

  @Test("cuts off what lies past the given position when opened", arguments: everywhere)
  func reopensShorter(_ kind: BackendUnderTest, _ disk: DiskUnderTest) throws {
    var harness = try Harness(kind, disk)
    var random = SeededGenerator(seed: 12)
    try harness.append(random.bytes(10_000), placed: true)
    try harness.backend.seal(harness.segment)
    harness.expected.removeLast(4321)
    try harness.reopen(at: harness.expected.count)
    try harness.append(random.bytes(500), placed: true)
    try harness.backend.seal(harness.segment)
    #expect(try harness.place.io.readFile(at: harness.file.path) == harness.expected)
  }

  @Test("refuses to open a file that ends before the given position", arguments: everywhere)
  func refusesShortFile(_ kind: BackendUnderTest, _ disk: DiskUnderTest) throws {
    var harness = try Harness(kind, disk)
    try harness.append(Array(repeating: 1, count: 100), placed: true)
    try harness.backend.seal(harness.segment)
    #expect(throws: StorageError.unexpectedEnd(path: harness.file.path, position: 100)) {
      try harness.reopen(at: 101)
    }
  }

  @Test("truncates to any position and goes on from there", arguments: everywhere)
  func truncates(_ kind: BackendUnderTest, _ disk: DiskUnderTest) throws {
    var harness = try Harness(kind, disk)
    var random = SeededGenerator(seed: 13)
    try harness.append(random.bytes(20_000), placed: true)
    for _ in 0..<30 {
      let cut = random.below(harness.expected.count + 1)
      try harness.backend.truncate(harness.segment, to: FilePosition(Int64(cut)))
      harness.file.retract(to: FilePosition(Int64(cut)))
      harness.expected.removeLast(harness.expected.count - cut)
      try harness.append(random.bytes(1 + random.below(9000)), placed: random.chance(0.5))
      #expect(try harness.read(0, harness.expected.count) == harness.expected)
    }
  }

  @Test("makes a slice from before a truncation throw", arguments: everywhere)
  func invalidatesSlices(_ kind: BackendUnderTest, _ disk: DiskUnderTest) throws {
    var harness = try Harness(kind, disk)
    try harness.append(Array(repeating: 7, count: 9000), placed: true)
    let slice = try harness.file.slice(at: .zero, count: 9000)
    try harness.backend.truncate(harness.segment, to: FilePosition(10))
    harness.file.retract(to: FilePosition(10))
    #expect(throws: StorageError.self) { try slice.allBytes() }
  }

  @Test("flushes many segments with one ticket", arguments: everywhere)
  func flushesMany(_ kind: BackendUnderTest, _ disk: DiskUnderTest) throws {
    var harness = try Harness(kind, disk)
    var segments = [harness.segment]
    try harness.append([1, 2, 3], placed: true)
    for base in 1..<20 {
      let file = harness.makeFile(base: Int64(base))
      segments.append(
        try harness.backend.open(file, SegmentOptions(position: .zero, origin: .new)))
    }
    let first = harness.backend.flush(segments)
    let second = harness.backend.flush([segments[3]])
    let completions = try harness.reapFlushes(2)
    #expect(Set(completions.map(\.ticket)) == [first, second])
    #expect(completions.allSatisfy { $0.failures.isEmpty })
  }

  @Test("answers for an append that came before a flush before the flush", arguments: everywhere)
  func ordersFlushes(_ kind: BackendUnderTest, _ disk: DiskUnderTest) throws {
    let harness = try Harness(kind, disk)
    var order: [String] = []
    for _ in 0..<3 {
      if case .completed = harness.backend.append(.holding([1, 2, 3]), to: harness.segment) {
        order.append("append")
      }
    }
    _ = harness.backend.flush([harness.segment])
    while order.count < 4 {
      _ = try harness.backend.reap(waiting: true) { completion in
        switch consume completion {
        case .append: order.append("append")
        case .flush: order.append("flush")
        }
      }
    }
    #expect(order == ["append", "append", "append", "flush"])
  }

  @Test("refuses to make a segment that exists", arguments: everywhere)
  func refusesExisting(_ kind: BackendUnderTest, _ disk: DiskUnderTest) throws {
    let harness = try Harness(kind, disk)
    #expect(throws: StorageError.self) {
      try harness.backend.open(harness.file, SegmentOptions(position: .zero, origin: .new))
    }
  }

  @Test("keeps what a flush covered through a power cut", arguments: BackendUnderTest.conforming)
  func survivesPowerCut(_ kind: BackendUnderTest) throws {
    for seed in UInt64(0)..<50 {
      var harness = try Harness(kind, .simulated)
      var random = SeededGenerator(seed: seed)
      try harness.place.io.synchronizeDirectory(harness.place.path)
      for _ in 0..<5 { try harness.append(random.bytes(1 + random.below(9000)), placed: true) }
      _ = harness.backend.flush([harness.segment])
      #expect(try harness.reapFlushes(1).allSatisfy { $0.failures.isEmpty })
      let durable = harness.expected
      try harness.append(random.bytes(5000), placed: true)
      let disk = try #require(harness.place.disk).powerCut(seed: seed)
      let left = disk.contents(of: harness.file.path) ?? []
      #expect(Array(left.prefix(durable.count)) == durable, "seed \(seed)")
    }
  }
}
