import LinuxIO
import SimulatedStorage
import TestSupport
import Testing

/// Files mapped into memory, on the kernel and on the simulated disk.
@Suite("A mapping")
struct MappingTests {
  @Test(
    "shows its stores to reads and other's writes to nobody's surprise, on both disks alike",
    .enabled(if: TestBuild.isOptimized, "runs long: in release builds"),
    arguments: (0..<10).map { $0 } as [UInt64])
  func sameAnswers(seed: UInt64) throws {
    let real = DiskUnderTest.linux.make()
    let simulated = DiskUnderTest.simulated.make()
    let wanted = try history(real.io, "\(real.path)/f", seed)
    let got = try history(simulated.io, "\(simulated.path)/f", seed)
    #expect(got == wanted, "seed \(seed)")
    #expect(simulated.disk?.fatalStoreCount == 0)
  }

  private func history(_ io: any FileIO, _ path: String, _ seed: UInt64) throws -> [String] {
    var random = SeededGenerator(seed: seed)
    let number = try io.open(path, FileOpening(.readWrite, creation: .mustBeNew))
    defer { try? io.close(number) }
    var size: Int64 = 64 << 10
    try io.allocate(number, at: 0, count: size, keepingSize: false)
    var region: MappedRegion? = try io.map(number, at: 0, count: Int(size))
    var answers: [String] = []
    for _ in 0..<300 {
      let position = Int64(random.below(Int(size)))
      let count = min(1 + random.below(6000), Int(size - position))
      let bytes = random.bytes(count)
      switch random.below(8) {
      case 0, 1, 2:
        if let region {
          try io.populate(region, position..<(position + Int64(count)))
          region.store(bytes.span.bytes, at: position)
        }
      case 3: try io.writeFully(number, bytes.span.bytes, at: position, path: path)
      case 4: try io.synchronizeData(number)
      case 5 where random.chance(0.2):
        region = nil
        size = Int64(4096 + random.below(100_000))
        try io.truncate(number, to: size)
        try io.allocate(number, at: 0, count: size, keepingSize: false)
        let window = (Int64(random.below(Int(size))) / 4096) * 4096
        region = window == 0 ? try io.map(number, at: 0, count: Int(size)) : nil
      case 6:
        for (start, length) in [(Int64(100), 4096), (0, 0), (-4096, 4096)] {
          do { _ = try io.map(number, at: start, count: length) } catch {
            answers.append("\(error.call) \(error.number)")
          }
        }
      default:
        var read = [UInt8](repeating: 0, count: count)
        var span = read.mutableSpan
        var raw = span.mutableBytes
        let got = try io.readFully(number, into: &raw, at: position, path: path)
        answers.append("\(got) \(Self.digest(read))")
      }
    }
    return answers + ["\(Self.digest(try io.readFile(at: path) ?? []))"]
  }

  private static func digest(_ bytes: [UInt8]) -> Int {
    bytes.reduce(0) { (sum: Int, byte: UInt8) -> Int in sum &* 31 &+ Int(byte) }
  }

  @Test("is populated only where the file and the disk have room: else an error, not SIGBUS")
  func populates() throws {
    for disk in DiskUnderTest.allCases {
      let place = disk.make()
      let path = "\(place.path)/f"
      let number = try place.io.open(path, FileOpening(.readWrite, creation: .mustBeNew))
      try place.io.allocate(number, at: 0, count: 8192, keepingSize: false)
      let region = try place.io.map(number, at: 0, count: 16_384)
      try place.io.populate(region, 0..<8192)
      #expect(throws: SystemCallError(.madvise, .badAddress, path: "")) {
        try place.io.populate(region, 0..<12_288)
      }
      try place.io.close(number)
    }
    let place = DiskUnderTest.simulated.make()
    let number = try place.io.open("/data/f", FileOpening(.readWrite, creation: .mustBeNew))
    try place.io.truncate(number, to: 1 << 20)
    var plan = FaultPlan()
    plan.capacityBytes = 8192
    place.disk?.set(plan)
    let region = try place.io.map(number, at: 0, count: 1 << 20)
    #expect(throws: SystemCallError(.madvise, .badAddress, path: "")) {
      try place.io.populate(region, 0..<65_536)
    }
    region.store([UInt8](repeating: 1, count: 65_536).span.bytes, at: 0)
    #expect(place.disk?.fatalStoreCount == 1, "a store without room is what kills")
  }

  @Test("loses any of its pages in a power cut, and none that were synchronized")
  func isCut() throws {
    var lost = 0
    var torn = 0
    for seed in UInt64(0)..<100 {
      let place = DiskUnderTest.simulated.make()
      let io = place.io
      let number = try io.open("/data/f", FileOpening(.readWrite, creation: .mustBeNew))
      try io.allocate(number, at: 0, count: 32 << 10, keepingSize: false)
      try io.synchronizeData(number)
      try io.synchronizeDirectory("/data")
      let region = try io.map(number, at: 0, count: 32 << 10)
      region.store([UInt8](repeating: 1, count: 16 << 10).span.bytes, at: 0)
      try io.synchronizeData(number)
      region.store([UInt8](repeating: 2, count: 16 << 10).span.bytes, at: 16 << 10)
      let left = try #require(place.disk).powerCut(seed: seed).contents(of: "/data/f") ?? []
      #expect(left.prefix(16 << 10).allSatisfy { $0 == 1 }, "seed \(seed)")
      let kept = left.dropFirst(16 << 10).count { $0 == 2 }
      if kept == 0 { lost += 1 } else if kept < 16 << 10 { torn += 1 }
    }
    #expect(lost > 5 && torn > 20)
  }
}
