import LinuxIO
import Testing

import SimulatedStorage

/// The end of a process, the disk's clock, and its digest.
@Suite struct SimulatedDiskKillTests {
  let disk = SimulatedDisk()
  var io: SimulatedFileIO { SimulatedFileIO(disk) }

  private func opened(_ path: String) throws -> FileHandle<SimulatedFileIO> {
    try FileHandle(io, path, FileOpening(.readWrite, creation: .ifMissing))
  }

  // MARK: - The end of a process

  @Test("the end of a process leaves what was written visible, and as much in doubt as before")
  func killKeepsWhatIsWritten() throws {
    disk.setContents(of: "/log", [1, 2])
    let file = try opened("/log")
    try file.write([3, 4], at: 2)
    let new = try opened("/new")
    try new.write([5], at: 0)
    let left = disk.processKill()
    #expect(left.contents(of: "/log") == [1, 2, 3, 4])
    #expect(left.contents(of: "/new") == [5])
    #expect(left.durableContents(of: "/log") == [1, 2])
    let cut = left.powerCut(seed: 0, .guaranteed)
    #expect(cut.allPaths == ["/log"])
    #expect(cut.contents(of: "/log") == [1, 2])
    #expect(left.powerCut(seed: 0, .everything).contents(of: "/new") == [5])
    // The next process can still make them durable.
    let again = SimulatedFileIO(left)
    let number = try again.open("/log", FileOpening(.readWrite))
    try again.synchronizeData(number)
    #expect(left.powerCut(seed: 0, .guaranteed).contents(of: "/log") == [1, 2, 3, 4])
    #expect(
      disk.durableContents(of: "/log") == [1, 2], "the disk that was killed goes on unharmed")
  }

  @Test("the end of a process leaves in doubt what a failed synchronization left in doubt")
  func killKeepsDoubt() throws {
    let file = try opened("/log")
    try file.write([1], at: 0)
    disk.set(FaultPlan(.init(.synchronizeData, nth: 1)))
    #expect(throws: SystemCallError.self) { try file.synchronizeData() }
    let left = disk.processKill()
    let next = SimulatedFileIO(left)
    let number = try next.open("/log", FileOpening(.readWrite))
    try next.synchronizeData(number)
    try next.synchronizeDirectory("/")
    #expect(left.contents(of: "/log") == [1])
    // The size is known to be durable now, the byte is not.
    #expect(left.powerCut(seed: 0, .guaranteed).contents(of: "/log") == [0])
  }

  @Test("the end of a process closes its files, gives up its locks and its mappings")
  func killClosesFiles() throws {
    let number = try io.open("/lock", FileOpening(.readWrite, creation: .ifMissing))
    try io.lockExclusively(number)
    try io.truncate(number, to: 4096)
    _ = try io.map(number, at: 0, count: 4096)
    disk.set(FaultPlan(.init(.open, nth: 1, goesOn: true)))
    let left = disk.processKill()
    #expect(left.openCount == 0 && left.mappedCount == 0)
    let next = SimulatedFileIO(left)
    #expect(throws: SystemCallError(.flock, .badFileDescriptor, path: "")) {
      try next.lockExclusively(number)
    }
    // No faults are planned for it either.
    let other = try next.open("/lock", FileOpening(.readWrite))
    try next.lockExclusively(other)
    #expect(other != number, "numbers are not used again")
  }

  @Test("the end of a process gives back the space of files that have no name")
  func killFreesNamelessFiles() throws {
    let kept = try opened("/kept")
    try kept.write([1], at: 0)
    let nameless = try opened("/nameless")
    try nameless.write([UInt8](repeating: 1, count: 8192), at: 0)
    try io.remove("/nameless")
    #expect(disk.usedBytes == 3 * 4096)
    let left = disk.processKill()
    #expect(left.usedBytes == 4096)
    #expect(disk.usedBytes == 3 * 4096)
    #expect(left.processKill().usedBytes == 4096)
  }

  // MARK: - Time

  @Test("the clock goes on over power cuts and kills, by calls and by waiting")
  func clockGoesOn() throws {
    #expect(disk.elapsedNanoseconds == 0)
    let file = try opened("/log")
    try file.write([1], at: 0)
    let written = disk.elapsedNanoseconds
    #expect(written > 0)
    try file.synchronizeData()
    let flushed = disk.elapsedNanoseconds
    #expect(flushed - written > written, "a flush takes longer than a write")
    disk.wait(nanoseconds: 1_000_000_000)
    let waited = disk.elapsedNanoseconds
    #expect(waited == flushed + 1_000_000_000)
    for left in [disk.powerCut(seed: 1), disk.processKill()] {
      #expect(left.elapsedNanoseconds == waited)
      _ = try SimulatedFileIO(left).list("/")
      #expect(left.elapsedNanoseconds > waited)
    }
    #expect(disk.elapsedNanoseconds == waited)
  }

  @Test("slow calls take longer, and shift no other fault")
  func slowCalls() throws {
    func failures(slow: Double) throws -> (failed: [Bool], nanoseconds: Int64) {
      let disk = SimulatedDisk()
      let io = SimulatedFileIO(disk)
      let number = try io.open("/log", FileOpening(.readWrite, creation: .ifMissing))
      var plan = FaultPlan(seed: 7)
      plan.errorProbabilities = [.write: 0.2]
      plan.shortWriteProbability = 0.3
      plan.slowProbability = slow
      plan.slowNanoseconds = 10_000_000
      disk.set(plan)
      let failed = (0..<500).map { _ in (try? io.write(number, [1, 2, 3], at: 0)) != 3 }
      return (failed, disk.elapsedNanoseconds)
    }
    let usual = try failures(slow: 0)
    let slow = try failures(slow: 0.1)
    #expect(slow.failed == usual.failed)
    let slowCount = (slow.nanoseconds - usual.nanoseconds) / 10_000_000
    #expect((25...75).contains(slowCount))
    #expect((slow.nanoseconds - usual.nanoseconds) % 10_000_000 == 0)
    #expect(try failures(slow: 1).nanoseconds == usual.nanoseconds + 500 * 10_000_000)
    #expect(try failures(slow: 0.1) == slow, "the same calls each time")
  }

  // MARK: - Digest

  @Test("the digest is the same for the same calls, over cuts and kills, and another for others")
  func digest() throws {
    func digest(
      path: String = "/log", position: Int64 = 8, count: Int = 3, isFlushed: Bool = true
    ) throws -> UInt64 {
      var disk = SimulatedDisk()
      for round in 0..<3 {
        let io = SimulatedFileIO(disk)
        let number = try io.open(path, FileOpening(.readWrite, creation: .ifMissing))
        try io.write(number, [UInt8](repeating: 1, count: count), at: position)
        if isFlushed { try io.synchronizeData(number) }
        try io.synchronizeDirectory("/")
        disk = round == 0 ? disk.powerCut(seed: 5) : disk.processKill()
      }
      return disk.historyDigest
    }
    let usual = try digest()
    #expect(try digest() == usual)
    #expect(try digest(position: 9) != usual)
    #expect(try digest(count: 4) != usual)
    #expect(try digest(isFlushed: false) != usual)
    #expect(SimulatedDisk().historyDigest != usual)
    // Of what was asked, in order, and not of names: two disks that differ in those alone are alike.
    #expect(try digest(path: "/other") == usual)
  }

  @Test("the digest is of every call, failed ones too, and tells their order")
  func digestTellsOrder() throws {
    func digest(_ operations: [DiskOperation], fails: Bool = false) -> UInt64 {
      let disk = SimulatedDisk()
      disk.makeDirectory("/d")
      if fails { disk.set(FaultPlan(.init(.list, nth: 1, goesOn: true))) }
      let io = SimulatedFileIO(disk)
      for operation in operations {
        switch operation {
        case .list: _ = try? io.list("/d")
        default: try? io.synchronizeDirectory("/d")
        }
      }
      return disk.historyDigest
    }
    let usual = digest([.list, .synchronizeDirectory])
    #expect(digest([.synchronizeDirectory, .list]) != usual)
    #expect(digest([.list]) != usual)
    #expect(digest([.list, .synchronizeDirectory], fails: true) == usual)
  }

  // MARK: - Names

  @Test("a name that a test removes is gone for good, and who has the file open keeps it")
  func removesNames() throws {
    disk.setContents(of: "/a/log", [1])
    disk.setContents(of: "/a/other", [2])
    let file = try FileHandle(io, "/a/log", FileOpening(.read))
    let calls = disk.operationCount
    disk.removeName("/a/log")
    disk.removeName("/a/none")
    disk.removeName("/a")
    #expect(disk.operationCount == calls, "it is no call")
    #expect(disk.allPaths == ["/a/other"])
    for seed in UInt64(0)..<20 { #expect(disk.powerCut(seed: seed).allPaths == ["/a/other"]) }
    var bytes: [UInt8] = [0]
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    #expect(try file.read(into: &raw, at: 0) == 1)
    #expect(bytes == [1])
    #expect(disk.usedBytes == 2 * 4096)
    try file.close()
    #expect(disk.usedBytes == 4096)
  }
}
