import LinuxIO
import Testing

import SimulatedStorage

/// Faults from a plan, the rules of open files, and the counters.
@Suite struct SimulatedDiskFaultTests {
  let disk = SimulatedDisk()
  var io: SimulatedFileIO { SimulatedFileIO(disk) }

  private func opened(_ path: String) throws -> FileHandle<SimulatedFileIO> {
    try FileHandle(io, path, FileOpening(.readWrite, creation: .ifMissing))
  }

  @Test("a script fails the nth call of its kind on its path, once or from then on")
  func scripts() throws {
    let file = try opened("/a.log")
    let other = try opened("/b.index")
    disk.set(
      FaultPlan(
        .init(.write, nth: 2, pathSuffix: ".log"),
        .init(.truncate, nth: 1, goesOn: true, error: .noSpace)))
    try other.write([1], at: 0)
    try other.write([1], at: 0)
    try file.write([1], at: 0)
    #expect(throws: SystemCallError(.pwrite, .inputOutput, path: "/a.log")) {
      try file.write([2], at: 0)
    }
    #expect(disk.contents(of: "/a.log") == [1])
    try file.write([3], at: 0)
    for _ in 0..<2 {
      #expect(throws: SystemCallError(.ftruncate, .noSpace, path: "/a.log")) {
        try file.truncate(to: 0)
      }
    }
  }

  @Test(
    "every kind of call can be made to fail",
    arguments: DiskOperation.allCases)
  func everyKindFails(_ operation: DiskOperation) throws {
    disk.makeDirectory("/d")
    disk.setContents(of: "/f", [1])
    let number = try io.open("/f", FileOpening(.readWrite))
    disk.set(FaultPlan(.init(operation, nth: 1)))
    #expect(throws: SystemCallError.self) {
      switch operation {
      case .open: _ = try io.open("/f", FileOpening(.read))
      case .close: try io.close(number)
      case .read:
        var bytes: [UInt8] = [0]
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        _ = try io.read(number, into: &raw, at: 0)
      case .write: _ = try io.write(number, [1], at: 0)
      case .synchronizeData: try io.synchronizeData(number)
      case .allocate: try io.allocate(number, at: 0, count: 10, keepingSize: false)
      case .truncate: try io.truncate(number, to: 0)
      case .size: _ = try io.size(number)
      case .lock: try io.lockExclusively(number)
      case .status: _ = try io.size(ofFileAt: "/f")
      case .rename: try io.rename("/f", to: "/g")
      case .remove: try io.remove("/f")
      case .createDirectory: try io.createDirectory("/e")
      case .removeDirectory: try io.removeDirectory("/d")
      case .list: _ = try io.list("/")
      case .synchronizeDirectory: try io.synchronizeDirectory("/")
      case .map: _ = try io.map(number, at: 0, count: 10)
      case .populate: try io.populate(try io.map(number, at: 0, count: 10), 0..<1)
      }
    }
    #expect(disk.contents(of: "/f") == [1])
    #expect(disk.counts[operation] >= 1)
  }

  @Test("short transfers are at least one byte long, and the helpers finish them")
  func shortTransfers() throws {
    var plan = FaultPlan(seed: 3)
    plan.shortReadProbability = 0.7
    plan.shortWriteProbability = 0.7
    disk.set(plan)
    let file = try opened("/log")
    let bytes = (0..<5000).map { UInt8(truncatingIfNeeded: $0) }
    try file.write(bytes, at: 0)
    #expect(disk.contents(of: "/log") == bytes)
    #expect(disk.counts[.write] > 1)
    var target = [UInt8](repeating: 0, count: 6000)
    var span = target.mutableSpan
    var raw = span.mutableBytes
    #expect(try file.read(into: &raw, at: 0) == 5000)
    #expect(Array(target.prefix(5000)) == bytes)
    #expect(disk.counts[.read] > 1)
  }

  @Test("a write that does not fit is short, then ENOSPC, and room comes back by removal")
  func capacity() throws {
    var plan = FaultPlan()
    plan.capacityBytes = 2 * 4096
    disk.set(plan)
    let number = try io.open("/log", FileOpening(.readWrite, creation: .ifMissing))
    let bytes = [UInt8](repeating: 1, count: 10_000)
    #expect(try io.write(number, bytes, at: 4096) == 8192)
    #expect(throws: SystemCallError(.pwrite, .noSpace, path: "")) {
      try io.write(number, bytes, at: 40_960)
    }
    #expect(throws: SystemCallError(.pwrite, .noSpace, path: "")) {
      try io.write(number, [1], at: 0)
    }
    #expect(throws: SystemCallError(.fallocate, .noSpace, path: "")) {
      try io.allocate(number, at: 0, count: 1 << 20, keepingSize: true)
    }
    try io.remove("/log")
    #expect(disk.usedBytes == 2 * 4096)
    try io.close(number)
    #expect(disk.usedBytes == 0)
    let next = try io.open("/next", FileOpening(.readWrite, creation: .ifMissing))
    try io.allocate(next, at: 0, count: 2 * 4096, keepingSize: true)
    #expect(try io.size(next) == 0)
    // Preallocated space is there when it is needed.
    #expect(try io.write(next, bytes, at: 0) == 8192)
    try io.truncate(next, to: 4096)
    #expect(disk.usedBytes == 4096)
  }

  @Test("a file grows to the size limit, and then EFBIG")
  func fileSizeLimit() throws {
    var plan = FaultPlan()
    plan.fileSizeMax = 10
    disk.set(plan)
    let number = try io.open("/log", FileOpening(.readWrite, creation: .ifMissing))
    #expect(try io.write(number, [UInt8](repeating: 1, count: 8), at: 4) == 6)
    let tooLarge = SystemCallError(.pwrite, .fileTooLarge, path: "")
    #expect(throws: tooLarge) { try io.write(number, [1], at: 10) }
    #expect(throws: SystemCallError(.ftruncate, .fileTooLarge, path: "")) {
      try io.truncate(number, to: 11)
    }
  }

  @Test("a direct transfer must be aligned, and a disk without O_DIRECT opens none")
  func directAlignment() throws {
    let direct = FileOpening(.readWrite, creation: .ifMissing, direct: true)
    let number = try io.open("/log", direct)
    #expect(io.directAlignment(number) == DirectAlignment(memory: 512, offset: 4096))
    var buffer = AlignedBuffer(capacity: 8192)
    buffer.append([UInt8](repeating: 1, count: 4096).span.bytes)
    let misaligned = SystemCallError(.pwrite, .invalidArgument, path: "")
    #expect(throws: misaligned) { try io.write(number, buffer.bytes, at: 512) }
    #expect(throws: misaligned) {
      try io.write(number, buffer.bytes.extracting(droppingLast: 512), at: 0)
    }
    #expect(try io.write(number, buffer.bytes, at: 4096) == 4096)
    buffer.clear(shiftedBy: 8)
    buffer.append([UInt8](repeating: 1, count: 4096).span.bytes)
    #expect(throws: misaligned) { try io.write(number, buffer.bytes, at: 0) }

    let plain = SimulatedFileIO(SimulatedDisk(SimulatedDiskOptions(directAlignment: nil)))
    #expect(throws: SystemCallError(.open, .invalidArgument, path: "/log")) {
      try plain.open("/log", direct)
    }
  }

  @Test("from the planned power cut on every call fails and nothing changes")
  func powerCutAtOperation() throws {
    let file = try opened("/log")
    var plan = FaultPlan()
    plan.powerCutAtOperation = disk.operationCount + 2
    disk.set(plan)
    try file.write([1], at: 0)
    #expect(!disk.isPowerOff)
    let off = SystemCallError(.pwrite, .inputOutput, path: "/log")
    for _ in 0..<2 { #expect(throws: off) { try file.write([2], at: 0) } }
    #expect(throws: SystemCallError.self) { try file.synchronizeData() }
    #expect(throws: SystemCallError.self) { try io.remove("/log") }
    #expect(disk.isPowerOff)
    #expect(disk.contents(of: "/log") == [1])
    let left = disk.powerCut(seed: 0, .everything)
    #expect(!left.isPowerOff && left.openCount == 0)
    #expect(left.contents(of: "/log") == [1])
  }

  @Test("an unlinked file stays usable while it is open, and a closed number is dead")
  func unlinkedAndClosed() throws {
    let number = try io.open("/log", FileOpening(.readWrite, creation: .mustBeNew))
    try io.remove("/log")
    #expect(try io.write(number, [1, 2], at: 0) == 2)
    #expect(try io.size(number) == 2)
    #expect(try io.size(ofFileAt: "/log") == nil)
    try io.close(number)
    #expect(throws: SystemCallError(.close, .badFileDescriptor, path: "")) {
      try io.close(number)
    }
    #expect(throws: SystemCallError(.pwrite, .badFileDescriptor, path: "")) {
      try io.write(number, [1], at: 0)
    }
  }

  @Test("a second lock on a file would block until the first holder closes it")
  func locks() throws {
    let first = try io.open("/lock", FileOpening(.readWrite, creation: .ifMissing))
    let second = try io.open("/lock", FileOpening(.readWrite, creation: .ifMissing))
    try io.lockExclusively(first)
    try io.lockExclusively(first)
    #expect(throws: SystemCallError(.flock, .wouldBlock, path: "")) {
      try io.lockExclusively(second)
    }
    try io.close(first)
    try io.lockExclusively(second)
  }

  @Test("counters tell what each path was asked, and the trace tells it in order")
  func countersAndTrace() throws {
    disk.setContents(of: "/a", [1, 2, 3])
    disk.startTrace()
    let file = try FileHandle(io, "/a", FileOpening(.read))
    var bytes: [UInt8] = [0, 0]
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    _ = try file.read(into: &raw, at: 1)
    #expect(disk.counts(of: "/a")[.read] == 1)
    #expect(disk.counts(of: "/a").bytesRead == 2)
    #expect(disk.counts(of: "/b") == DiskCounts())
    #expect(disk.openedPaths == ["/a"])
    #expect(disk.trace.map(\.operation) == [.open, .read])
    #expect(disk.trace.last?.position == 1)
    disk.resetCounts()
    #expect(disk.counts[.read] == 0 && disk.openedPaths == [])
    #expect(disk.operationCount == 2)
  }

  @Test("drawn errors come at about their rate, and the same ones each time")
  func drawnErrors() throws {
    func failures() throws -> [Bool] {
      let disk = SimulatedDisk()
      let io = SimulatedFileIO(disk)
      let number = try io.open("/log", FileOpening(.readWrite, creation: .ifMissing))
      var plan = FaultPlan(seed: 11)
      plan.errorProbabilities = [.write: 0.1]
      disk.set(plan)
      return (0..<1000).map { _ in (try? io.write(number, [1], at: 0)) == nil }
    }
    let once = try failures()
    #expect((50...150).contains(once.count { $0 }))
    #expect(try failures() == once)
  }
}
