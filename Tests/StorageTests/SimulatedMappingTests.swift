import Glibc
import LinuxIO
import TestSupport
import Testing

import SimulatedStorage

/// What is stored to a mapped file: seen at once, durable like a buffered write, and never refused.
@Suite struct SimulatedMappingTests {
  let disk = SimulatedDisk()
  var io: SimulatedFileIO { SimulatedFileIO(disk) }

  private func opened(_ path: String, _ bytes: [UInt8]) throws -> FileNumber {
    disk.setContents(of: path, bytes)
    return try io.open(path, FileOpening(.readWrite))
  }

  @Test(
    "a store is read back, and a write is not overwritten by what was mapped before it",
    arguments: DiskUnderTest.allCases)
  func sharesThePageCache(_ disk: DiskUnderTest) throws {
    let place = disk.make()
    let (io, path) = (place.io, "\(place.path)/log")
    let number = try io.open(path, FileOpening(.readWrite, creation: .mustBeNew))
    defer { try? io.close(number) }
    try io.truncate(number, to: 10_000)
    let region = try io.map(number, at: 4096, count: 8192)
    #expect(region.start == 4096 && region.end == 12_288)
    try io.populate(region, 4096..<10_000)
    region.store([1, 2, 3, 4], at: 8190)
    try io.write(number, [7, 7], at: 8191)
    region.store([9], at: 8192)
    // The last page's end is not the file's.
    region.store([UInt8](repeating: 5, count: 2288), at: 10_000)
    var expected = [UInt8](repeating: 0, count: 10_000)
    expected.replaceSubrange(8190..<8194, with: [1, 7, 9, 4])
    #expect(try io.readFile(at: path) == expected)
    try io.synchronizeData(number)
    try io.truncate(number, to: 8192)
    try io.truncate(number, to: 12_288)
    region.store([6], at: 12_287)
    expected = Array(expected.prefix(8192)) + [UInt8](repeating: 0, count: 4095) + [6]
    #expect(try io.readFile(at: path) == expected)
  }

  @Test("a map or a populate that Linux refuses is refused", arguments: DiskUnderTest.allCases)
  func refusals(_ disk: DiskUnderTest) throws {
    let place = disk.make()
    let (io, path) = (place.io, "\(place.path)/log")
    let number = try io.open(path, FileOpening(.readWrite, creation: .mustBeNew))
    let reader = try io.open(path, FileOpening(.read))
    defer {
      try? io.close(number)
      try? io.close(reader)
    }
    for (position, count, error) in [
      (512, 4096, EINVAL), (0, 0, EINVAL), (0, -1, ENOMEM), (0, 1 << 50, ENOMEM),
      (-4096, 4096, EOVERFLOW), (Int64.max - 4095, 8192, EOVERFLOW),
    ] as [(Int64, Int, Int32)] {
      #expect(throws: SystemCallError(.mmap, ErrorNumber(rawValue: error), path: "")) {
        _ = try io.map(number, at: position, count: count)
      }
    }
    #expect(throws: SystemCallError(.mmap, ErrorNumber(rawValue: EACCES), path: "")) {
      _ = try io.map(reader, at: 0, count: 4096)
    }
    try io.truncate(number, to: 4097)
    let region = try io.map(number, at: 0, count: 16_384)
    try io.populate(region, 0..<8192)
    try io.populate(region, 8192..<8192)
    for range in [0..<8193, 8192..<8193, 16_383..<16_384] as [Range<Int64>] {
      #expect(throws: SystemCallError(.madvise, .badAddress, path: "")) {
        try io.populate(region, range)
      }
    }
  }

  @Test("a store is durable with the next synchronization, and until then any part of it is")
  func survivesInPart() throws {
    let number = try opened("/log", [UInt8](repeating: 1, count: 16_384))
    let region = try io.map(number, at: 4096, count: 8192)
    region.store([UInt8](repeating: 2, count: 8192), at: 4096)
    #expect(disk.contents(of: "/log")?[4096] == 2)
    #expect(disk.durableContents(of: "/log")?[4096] == 1)
    #expect(disk.powerCut(seed: 0, .guaranteed).contents(of: "/log")?.contains(2) == false)
    var outcomes: Set<[UInt8]> = []
    var kinds: Set<[Bool]> = []
    for seed: UInt64 in 0..<200 {
      let left = try #require(disk.powerCut(seed: seed).contents(of: "/log"))
      #expect(!left[..<4096].contains(2) && !left[12_288...].contains(2), "seed \(seed)")
      let sectors = (8..<24).map { Set(left[($0 * 512)..<($0 * 512 + 512)]) }
      #expect(sectors.allSatisfy { $0.count == 1 }, "seed \(seed)")
      outcomes.insert(sectors.map { $0.first ?? 0 })
      let pages = [sectors[..<8], sectors[8...]]
      kinds.insert(pages.map { page in page.allSatisfy { $0 == [2] } })
    }
    #expect(outcomes.count > 50)
    // Either page without the other, both, and neither.
    #expect(kinds.count == 4)
    try io.synchronizeData(number)
    for seed: UInt64 in 0..<20 {
      let left = disk.powerCut(seed: seed).contents(of: "/log")
      #expect(left?[4096..<12_288].allSatisfy { $0 == 2 } == true, "seed \(seed)")
    }
  }

  @Test("what a failed synchronization orphaned of a store a later one does not make durable")
  func failedSynchronization() throws {
    let number = try opened("/log", [UInt8](repeating: 1, count: 4096))
    let region = try io.map(number, at: 0, count: 4096)
    region.store([2], at: 0)
    disk.set(FaultPlan(.init(.synchronizeData, nth: 1)))
    #expect(throws: SystemCallError.self) { try io.synchronizeData(number) }
    region.store([3], at: 1000)
    try io.synchronizeData(number)
    #expect(disk.contents(of: "/log")?.first == 2)
    let left = (0..<50).compactMap { disk.powerCut(seed: $0).contents(of: "/log") }
    #expect(Set(left.map { $0[0] }) == [1, 2])
    #expect(Set(left.map { $0[1000] }) == [3])
    region.store([4], at: 1)
    try io.synchronizeData(number)
    #expect(disk.durableContents(of: "/log")?.prefix(2) == [2, 4])
  }

  @Test("on a full disk populate says so, a store where it said so is fatal, and none else")
  func fullDisk() throws {
    var plan = FaultPlan()
    plan.capacityBytes = 3 * 4096
    disk.set(plan)
    let number = try io.open("/log", FileOpening(.readWrite, creation: .mustBeNew))
    try io.truncate(number, to: 20_480)
    try io.allocate(number, at: 8192, count: 4096, keepingSize: false)
    let region = try io.map(number, at: 0, count: 20_480)
    try io.populate(region, 4095..<4096)
    #expect(disk.usedBytes == 2 * 4096)
    // Space is taken as far as it goes.
    #expect(throws: SystemCallError(.madvise, .badAddress, path: "")) {
      try io.populate(region, 0..<20_480)
    }
    #expect(disk.usedBytes == 3 * 4096)
    region.store([UInt8](repeating: 1, count: 12_288), at: 0)
    #expect(disk.fatalStoreCount == 0)
    region.store([2, 2], at: 12_287)
    #expect(disk.fatalStoreCount == 1)
    region.store([3], at: 20_479)
    #expect(disk.fatalStoreCount == 2)
    let expected = [UInt8](repeating: 1, count: 12_287) + [2] + [UInt8](repeating: 0, count: 8192)
    #expect(disk.contents(of: "/log") == expected)
    try io.truncate(number, to: 4096)
    #expect(disk.usedBytes == 4096)
    try io.populate(region, 0..<4096)
  }

  @Test("a store past the file's last page is fatal, and one past its end in that page lost")
  func pastTheEnd() throws {
    let number = try opened("/log", [1])
    let region = try io.map(number, at: 0, count: 8192)
    region.store([2, 2], at: 0)
    region.store([3], at: 4095)
    #expect(disk.fatalStoreCount == 0)
    region.store([4], at: 4096)
    #expect(disk.fatalStoreCount == 1)
    #expect(disk.contents(of: "/log") == [2])
    try io.truncate(number, to: 8192)
    #expect(disk.contents(of: "/log") == [2] + [UInt8](repeating: 0, count: 8191))
    region.store([5], at: 4096)
    try io.truncate(number, to: 0)
    region.store([6], at: 0)
    #expect(disk.fatalStoreCount == 2)
    #expect(disk.contents(of: "/log") == [])
  }

  @Test("a mapping keeps its file after the close and the removal, and lets go of it at the end")
  func keepsTheFile() throws {
    let number = try opened("/log", [UInt8](repeating: 0, count: 4096))
    var region: MappedRegion? = try io.map(number, at: 0, count: 4096)
    try io.close(number)
    region?.store([1], at: 0)
    #expect(disk.contents(of: "/log")?.first == 1)
    try io.remove("/log")
    region?.store([2], at: 0)
    #expect(disk.usedBytes == 4096 && disk.mappedCount == 1 && disk.openCount == 0)
    region = nil
    #expect(disk.usedBytes == 0 && disk.mappedCount == 0)
  }

  @Test("after the power cut a store changes nothing, and its copy has no mappings")
  func afterPowerCut() throws {
    let number = try opened("/log", [0])
    let region = try io.map(number, at: 0, count: 4096)
    var plan = FaultPlan()
    plan.powerCutAtOperation = disk.operationCount + 1
    disk.set(plan)
    region.store([1], at: 0)
    #expect(!disk.isPowerOff)
    #expect(throws: SystemCallError(.madvise, .inputOutput, path: "")) {
      try io.populate(region, 0..<1)
    }
    region.store([2], at: 0)
    region.store([2], at: 4096 - 1)
    #expect(disk.contents(of: "/log") == [1] && disk.fatalStoreCount == 0)
    let left = disk.powerCut(seed: 0, .everything)
    region.store([3], at: 0)
    #expect(left.contents(of: "/log") == [1] && left.mappedCount == 0)
  }

  @Test("a truncation to the same size gives back the space past it", arguments: [0, 4096, 5000])
  func truncationToSameSize(_ size: Int64) throws {
    let number = try io.open("/log", FileOpening(.readWrite, creation: .mustBeNew))
    try io.truncate(number, to: size)
    try io.allocate(number, at: 0, count: 40_960, keepingSize: true)
    #expect(disk.usedBytes == 40_960)
    try io.truncate(number, to: size)
    #expect(disk.usedBytes == Int(size + 4095) / 4096 * 4096)
    #expect(try io.size(number) == size)
    try io.synchronizeData(number)
    #expect(disk.powerCut(seed: 0, .guaranteed).usedBytes <= disk.usedBytes)
  }
}

extension MappedRegion {
  /// The same as with a span, for literals in tests.
  func store(_ bytes: [UInt8], at position: Int64) { store(bytes.span.bytes, at: position) }
}
