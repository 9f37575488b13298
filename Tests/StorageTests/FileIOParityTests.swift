import Foundation
import LinuxIO
import TestSupport
import Testing

import SimulatedStorage

/// The simulated disk against the kernel: the same calls, the same answers.
@Suite struct FileIOParityTests {
  @Test(
    "a random history gives the same results and error numbers as on Linux",
    .enabled(if: TestBuild.isOptimized, "runs long: in release builds"),
    arguments: (0..<40).map { $0 } as [UInt64])
  func sameAnswers(seed: UInt64) throws {
    let directory = TemporaryDirectory()
    let root = directory.path
    var options = SimulatedDiskOptions()
    options.hasUncachedWrites = BackendUnderTest.allCases.contains(.dontcache)
    let disk = SimulatedDisk(options)
    disk.makeDirectory(root)
    var real = ParityDriver(LinuxFileIO(), root: root, seed: seed)
    var simulated = ParityDriver(SimulatedFileIO(disk), root: root, seed: seed)
    for step in 0..<1500 {
      let wanted = real.step()
      let got = simulated.step()
      #expect(got == wanted, "seed \(seed), step \(step)")
      if got != wanted { break }
    }
    real.closeAll()
    simulated.closeAll()
  }
}

/// Draws calls from a seed and writes down what came of each.
private struct ParityDriver<IO: FileIO> {
  let io: IO
  let root: String
  var random: SeededGenerator
  /// Open numbers differ between the two; their places in this list do not.
  var open: [FileNumber] = []
  /// Each of a file that is open: what is stored to must not lie past its end.
  var regions: [(file: FileNumber, region: MappedRegion)] = []

  init(_ io: IO, root: String, seed: UInt64) {
    self.io = io
    self.root = root
    random = SeededGenerator(seed: seed)
  }

  mutating func closeAll() {
    regions = []
    for number in open { try? io.close(number) }
    open = []
  }

  private mutating func path() -> String {
    let names = ["a", "b", "d", "d/x", "d/y", "e", "e/d", "e/d/z", "a/b", "missing/x"]
    return root + "/" + names[random.below(names.count)]
  }

  mutating func step() -> String {
    let choice = random.below(26)
    do {
      return "\(choice): " + (try perform(choice))
    } catch let error as SystemCallError {
      return "\(choice): \(error.call) \(error.number)"
    } catch {
      return "\(choice): \(error)"
    }
  }

  private mutating func perform(_ choice: Int) throws -> String {
    switch choice {
    case 0, 1: return try performOpen()
    case 2: return try performClose()
    case 3:
      try io.createDirectory(path())
    case 4:
      try io.removeDirectory(path())
    case 5:
      try io.remove(path())
    case 6, 7:
      let from = path()
      try io.rename(from, to: path())
    case 8:
      return try io.list(path()).sorted { $0.name < $1.name }.description
    case 9:
      try io.synchronizeDirectory(path())
    case 10:
      let path = path()
      var isFile = false
      if let number = try? io.open(path, FileOpening(.readWrite)) {
        isFile = true
        try io.close(number)
      }
      let size = try io.size(ofFileAt: path)
      return isFile ? "\(String(describing: size))" : "\(size == nil)"
    case 20...: return try performOnRegion(choice)
    default: return try performOnFile(choice)
    }
    return "done"
  }

  private mutating func performOnRegion(_ choice: Int) throws -> String {
    if choice == 20 {
      if open.isEmpty { return "nothing open" }
      let file = open[random.below(open.count)]
      let isWhole = random.chance(0.9)
      let position = Int64((random.below(8) - 1) * 4096 + (isWhole ? 0 : 512))
      let count = random.below(30) * 512 - 512
      regions.append((file, try io.map(file, at: position, count: count)))
      return "mapped"
    }
    if regions.isEmpty { return "nothing mapped" }
    let index = random.below(regions.count)
    let (file, region) = regions[index]
    let start = region.start + Int64(random.below(region.count))
    let end = start + Int64(random.below(Int(region.end - start) + 1))
    switch choice {
    case 21: regions.remove(at: index)
    case 22, 23: try io.populate(region, start..<end)
    default:
      // Not past the file's end: kernels differ in what of that is seen when the file grows.
      let size = try io.size(file)
      if start >= size { return "past the end" }
      let bytes = (0..<Int(min(end, size) - start)).map {
        UInt8(truncatingIfNeeded: $0 &* 11 &+ Int(start))
      }
      region.store(bytes.span.bytes, at: start)
    }
    return "done"
  }

  private mutating func performOpen() throws -> String {
    let creations: [FileOpening.Creation] = [.never, .ifMissing, .mustBeNew]
    let creation = creations[random.below(3)]
    let opening = FileOpening(random.chance(0.7) ? .readWrite : .read, creation: creation)
    let number = try io.open(path(), opening)
    open.append(number)
    return "opened"
  }

  private mutating func performClose() throws -> String {
    if open.isEmpty { return "nothing open" }
    let number = open.remove(at: random.below(open.count))
    regions.removeAll { $0.file == number }
    try io.close(number)
    return "closed"
  }

  private mutating func performOnFile(_ choice: Int) throws -> String {
    if open.isEmpty { return "nothing open" }
    let number = open[random.below(open.count)]
    let position = Int64(random.below(21_000) - 100)
    let count = random.below(9000)
    switch choice {
    case 11, 12, 13:
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ Int(position)) }
      // An older kernel's order of complaints about the unknown flag is nobody's business.
      if choice == 13 && BackendUnderTest.allCases.contains(.dontcache) {
        return "\(try io.writeUncached(number, bytes.span.bytes, at: position))"
      }
      return "\(try io.write(number, bytes, at: position))"
    case 14, 15:
      var bytes = [UInt8](repeating: 0, count: count)
      var span = bytes.mutableSpan
      var raw = span.mutableBytes
      let got = try io.read(number, into: &raw, at: position)
      return "\(got) \(bytes.prefix(got).reduce(0) { $0 &* 31 &+ Int($1) })"
    case 16:
      try io.truncate(number, to: position)
    case 17:
      let keepingSize = random.chance(0.5)
      try io.allocate(
        number, at: position, count: Int64(count - 10), keepingSize: keepingSize)
    case 18:
      try io.lockExclusively(number)
    default:
      try io.synchronizeData(number)
      // A directory's size is the file system's own affair.
      if (try? io.truncate(number, to: io.size(number))) != nil {
        return "\(try io.size(number))"
      }
    }
    return "done"
  }
}
