import LinuxIO
import Testing

import SimulatedStorage

/// What is durable when, and what a power cut does with the rest.
@Suite struct SimulatedDiskTests {
  let disk = SimulatedDisk()
  var io: SimulatedFileIO { SimulatedFileIO(disk) }

  /// A durable file, open for writing.
  private func file(
    _ path: String, _ bytes: [UInt8] = [], direct: Bool = false
  ) throws -> FileHandle<SimulatedFileIO> {
    disk.setContents(of: path, bytes)
    return try FileHandle(io, path, FileOpening(.readWrite, direct: direct))
  }

  @Test("synchronized bytes survive every power cut, unsynchronized ones no guaranteed one")
  func synchronizedBytesSurvive() throws {
    let file = try file("/log")
    try file.write([1, 2, 3], at: 0)
    try file.synchronizeData()
    try file.write([9, 9, 9, 9], at: 3)
    #expect(disk.contents(of: "/log") == [1, 2, 3, 9, 9, 9, 9])
    #expect(disk.durableContents(of: "/log") == [1, 2, 3])
    #expect(disk.powerCut(seed: 1, .guaranteed).contents(of: "/log") == [1, 2, 3])
    #expect(disk.powerCut(seed: 1, .everything).contents(of: "/log") == [1, 2, 3, 9, 9, 9, 9])
    for seed: UInt64 in 0..<200 {
      let left = try #require(disk.powerCut(seed: seed).contents(of: "/log"))
      #expect(Array(left.prefix(3)) == [1, 2, 3], "seed \(seed)")
    }
  }

  @Test("a power cut tears an overwrite at sectors, each as before or as after")
  func overwriteIsTorn() throws {
    let file = try file("/log", [UInt8](repeating: 1, count: 4096))
    try file.write([UInt8](repeating: 2, count: 4096), at: 0)
    var outOfOrder = false
    var outcomes: Set<[UInt8]> = []
    for seed: UInt64 in 0..<100 {
      let left = try #require(disk.powerCut(seed: seed).contents(of: "/log"))
      #expect(left.count == 4096)
      let sectors = (0..<8).map { Array(left[($0 * 512)..<($0 * 512 + 512)]) }
      for sector in sectors { #expect(Set(sector).count == 1, "seed \(seed)") }
      let kinds = sectors.map { $0[0] }
      outcomes.insert(kinds)
      if let lost = kinds.firstIndex(of: 1), kinds[lost...].contains(2) { outOfOrder = true }
    }
    #expect(outOfOrder)
    #expect(outcomes.count > 20)
  }

  @Test("a disk that writes whole pages tears at pages only")
  func pageGranule() throws {
    let disk = SimulatedDisk(SimulatedDiskOptions(granule: .page))
    disk.setContents(of: "/log", [UInt8](repeating: 1, count: 8192))
    let file = try FileHandle(SimulatedFileIO(disk), "/log", FileOpening(.readWrite))
    try file.write([UInt8](repeating: 2, count: 8192), at: 0)
    var mixed = 0
    for seed: UInt64 in 0..<100 {
      let left = try #require(disk.powerCut(seed: seed).contents(of: "/log"))
      #expect(Set(left[..<4096]).count == 1 && Set(left[4096...]).count == 1, "seed \(seed)")
      if left[0] != left[4096] { mixed += 1 }
    }
    #expect(mixed > 0)
  }

  @Test("of several writes to one sector any may be the last to survive")
  func intermediateVersionsSurvive() throws {
    let file = try file("/log", [0])
    for value: UInt8 in 1...3 { try file.write([value], at: 0) }
    let left = Set((0..<200).compactMap { disk.powerCut(seed: $0).contents(of: "/log")?.first })
    #expect(left == [0, 1, 2, 3])
  }

  @Test("growth survives wholly, partly or not, and reads as zeros where its bytes were lost")
  func growthIsPartial() throws {
    let file = try file("/log", [7])
    try file.write([UInt8](repeating: 7, count: 9999), at: 1)
    var sizes: Set<Int> = []
    var sawZeros = false
    for seed: UInt64 in 0..<300 {
      let left = try #require(disk.powerCut(seed: seed).contents(of: "/log"))
      sizes.insert(left.count)
      #expect(left.allSatisfy { $0 == 0 || $0 == 7 }, "seed \(seed)")
      if left.contains(0) { sawZeros = true }
    }
    #expect(sizes.contains(1) && sizes.contains(10_000) && sizes.count > 5)
    #expect(sawZeros)
  }

  @Test("an unsynchronized truncation is kept or lost, a synchronized one is kept")
  func truncation() throws {
    let file = try file("/log", [1, 2, 3, 4])
    try file.truncate(to: 2)
    let left = Set((0..<100).compactMap { disk.powerCut(seed: $0).contents(of: "/log") })
    #expect(left == [[1, 2, 3, 4], [1, 2]])
    try file.synchronizeData()
    #expect(disk.powerCut(seed: 0, .guaranteed).contents(of: "/log") == [1, 2])
    try file.truncate(to: 4)
    #expect(disk.contents(of: "/log") == [1, 2, 0, 0])
  }

  @Test("size changes survive in their order: no growth past a truncation that was lost")
  func sizeOrder() throws {
    let file = try file("/log", [1, 2, 3, 4])
    try file.truncate(to: 2)
    try file.truncate(to: 6)
    for seed: UInt64 in 0..<200 {
      let left = try #require(disk.powerCut(seed: seed).contents(of: "/log"))
      let isPrefix = left == [1, 2, 3, 4] || left == Array([1, 2, 0, 0, 0, 0].prefix(left.count))
      #expect(isPrefix, "seed \(seed): \(left)")
    }
  }

  @Test("pages freed by a truncation are not written before it is durable")
  func freedPages() throws {
    let file = try file("/log", [UInt8](repeating: 1, count: 8192))
    try file.truncate(to: 0)
    try file.write([UInt8](repeating: 2, count: 8192), at: 0)
    for seed: UInt64 in 0..<200 {
      let left = try #require(disk.powerCut(seed: seed).contents(of: "/log"))
      #expect(!(left.contains(1) && left.contains(2)), "seed \(seed)")
    }
  }

  @Test("a direct write is volatile until synchronizeData, and torn, kept or lost")
  func directWrites() throws {
    let file = try file("/log", [UInt8](repeating: 1, count: 4096), direct: true)
    var buffer = AlignedBuffer(capacity: 4096)
    buffer.append([UInt8](repeating: 2, count: 4096).span.bytes)
    try file.write(buffer.bytes, at: 0)
    #expect(disk.powerCut(seed: 0, .guaranteed).contents(of: "/log")?.first == 1)
    let left = (0..<300).compactMap { disk.powerCut(seed: $0).contents(of: "/log") }
    #expect(left.contains { Set($0) == [1] })
    #expect(left.contains { Set($0) == [2] })
    #expect(left.contains { Set($0) == [1, 2] })
    try file.synchronizeData()
    #expect(disk.powerCut(seed: 0, .guaranteed).contents(of: "/log")?.first == 2)
  }

  @Test("a new file's name is durable only when its directory is synchronized")
  func newNames() throws {
    try io.createDirectory("/topic")
    let file = try FileHandle(io, "/topic/log", FileOpening(.readWrite, creation: .mustBeNew))
    try file.write([1], at: 0)
    try file.synchronizeData()
    #expect(disk.powerCut(seed: 0, .guaranteed).allPaths == [])
    try io.synchronizeDirectory("/topic")
    #expect(disk.powerCut(seed: 0, .guaranteed).allPaths == [])
    try io.synchronizeDirectory("/")
    let left = disk.powerCut(seed: 0, .guaranteed)
    #expect(left.allPaths == ["/topic/log"])
    #expect(left.contents(of: "/topic/log") == [1])
  }

  @Test("a rename survives in whole or not at all")
  func renames() throws {
    disk.setContents(of: "/a/x", [1])
    disk.setContents(of: "/b/y", [2])
    try io.rename("/a/x", to: "/b/y")
    var outcomes: Set<[String]> = []
    for seed: UInt64 in 0..<100 {
      let left = disk.powerCut(seed: seed)
      outcomes.insert(left.allPaths)
      let expected: [UInt8] = left.allPaths == ["/b/y"] ? [1] : [2]
      #expect(left.contents(of: "/b/y") == expected, "seed \(seed)")
    }
    #expect(outcomes == [["/b/y"], ["/a/x", "/b/y"]])
    try io.synchronizeDirectory("/a")
    #expect(disk.powerCut(seed: 0, .guaranteed).allPaths == ["/b/y"])
  }

  @Test("a file is never lost between names, whatever directories come and go around it")
  func filesStayReachable() throws {
    disk.setContents(of: "/old/x", [1])
    try io.createDirectory("/new")
    try io.rename("/old/x", to: "/new/x")
    try io.removeDirectory("/old")
    for seed: UInt64 in 0..<300 {
      let left = disk.powerCut(seed: seed)
      #expect(left.allPaths == ["/old/x"] || left.allPaths == ["/new/x"], "seed \(seed)")
    }
    try io.synchronizeDirectory("/new")
    #expect(disk.powerCut(seed: 0, .guaranteed).allPaths == ["/new/x"])
  }

  @Test("a file renamed twice is under one name, whatever survives")
  func renameChain() throws {
    disk.setContents(of: "/a", [1])
    try io.rename("/a", to: "/b")
    try io.rename("/b", to: "/c")
    var outcomes: Set<[String]> = []
    for seed: UInt64 in 0..<200 { outcomes.insert(disk.powerCut(seed: seed).allPaths) }
    #expect(outcomes == [["/a"], ["/b"], ["/c"]])
  }

  @Test("operations on one name survive in their order, those on others in any")
  func nameOrder() throws {
    try io.replaceFile(at: "/marker", with: ([1] as [UInt8]).span.bytes)
    let other = try FileHandle(io, "/other", FileOpening(.readWrite, creation: .ifMissing))
    try other.close()
    try io.remove("/marker")
    var outcomes: Set<[String]> = []
    for seed: UInt64 in 0..<200 { outcomes.insert(disk.powerCut(seed: seed).allPaths) }
    #expect(outcomes == [[], ["/marker"], ["/other"], ["/marker", "/other"]])
  }

  @Test("after a failed synchronization its bytes are in doubt for ever, and stay visible")
  func failedSynchronization() throws {
    let file = try file("/log", [UInt8](repeating: 1, count: 1024))
    disk.set(FaultPlan(.init(.synchronizeData, nth: 1)))
    try file.write([2], at: 0)
    #expect(throws: SystemCallError(.fdatasync, .inputOutput, path: "/log")) {
      try file.synchronizeData()
    }
    try file.synchronizeData()
    #expect(disk.contents(of: "/log")?.first == 2)
    let left = Set((0..<100).compactMap { disk.powerCut(seed: $0).contents(of: "/log")?.first })
    #expect(left == [1, 2])
    try file.write([3], at: 512)
    try file.synchronizeData()
    #expect(disk.durableContents(of: "/log")?.first == 1)
    // A write that makes the sector dirty again takes the old bytes along.
    try file.write([4], at: 1)
    try file.synchronizeData()
    #expect(disk.durableContents(of: "/log")?.prefix(2) == [2, 4])
    for seed: UInt64 in 0..<50 {
      #expect(disk.powerCut(seed: seed).contents(of: "/log")?.prefix(2) == [2, 4], "seed \(seed)")
    }
  }

  @Test("the same seed leaves the same disk, and the original goes on unharmed")
  func determinism() throws {
    let file = try file("/log", [1])
    var random = SeededGenerator(seed: 5)
    for _ in 0..<50 {
      let bytes = [UInt8](repeating: UInt8(random.below(256)), count: 1 + random.below(3000))
      try file.write(bytes, at: Int64(random.below(20_000)))
    }
    let before = disk.contents(of: "/log")
    let first = disk.powerCut(seed: 77).contents(of: "/log")
    #expect(first == disk.powerCut(seed: 77).contents(of: "/log"))
    #expect(first != disk.powerCut(seed: 78).contents(of: "/log"))
    #expect(disk.contents(of: "/log") == before)
    try file.synchronizeData()
    #expect(disk.durableContents(of: "/log") == before)
  }

  @Test("a bit flipped at rest is read flipped, and stays so")
  func bitRot() throws {
    disk.setContents(of: "/log", [0, 0])
    #expect(disk.flipBit(of: "/log", 9))
    #expect(!disk.flipBit(of: "/log", 16))
    #expect(disk.contents(of: "/log") == [0, 2])
    #expect(disk.powerCut(seed: 0, .guaranteed).contents(of: "/log") == [0, 2])
  }
}

extension FileIO {
  /// The same as with a span, for literals in tests.
  @discardableResult
  func write(_ file: FileNumber, _ bytes: [UInt8], at position: Int64) throws -> Int {
    try write(file, bytes.span.bytes, at: position)
  }
}

extension FileHandle {
  /// The same as with a span, for literals in tests.
  func write(_ bytes: [UInt8], at position: Int64) throws {
    try write(bytes.span.bytes, at: position)
  }
}
