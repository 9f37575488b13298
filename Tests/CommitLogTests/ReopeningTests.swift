import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

@Suite("A partition that is opened anew")
struct ReopeningTests {
  private static let partition = TopicPartition(topic: "t", partition: 0)

  private func make(_ durability: Durability) throws -> (SimulatedDisk, LogFixture) {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data") {
      $0.durability = durability
      $0.segmentBytes = 1024
    }
    return (disk, fixture)
  }

  private func failFlush(_ disk: SimulatedDisk, _ fixture: LogFixture) throws {
    disk.set(
      FaultPlan(FaultPlan.Script(.synchronizeData, nth: 1, goesOn: true, pathSuffix: ".log")))
    #expect(throws: LogError.self) { try fixture.append(90) }
    #expect(try fixture.log().failure != nil)
  }

  @Test("After a failed flush it takes appends again, with all that was acknowledged")
  func mends() throws {
    let (disk, fixture) = try make(.batch)
    for number in 0..<20 { try fixture.append(number) }
    try failFlush(disk, fixture)
    disk.set(FaultPlan())
    let opening = try #require(fixture.directory.reopen(Self.partition))
    #expect(throws: LogError.opening(Self.partition)) { try fixture.log() }
    opening.perform()
    _ = try fixture.directory.opened([opening])[0].get()
    // The append whose flush failed is in doubt: it may be there.
    let numbers = try fixture.numbers()
    #expect(numbers == Array(0..<20) || numbers == Array(0..<20) + [90])
    try fixture.append(21)
    let left = try LogFixture(
      .buffered, io: SimulatedFileIO(disk.powerCut(seed: 0, .guaranteed)), path: "/data")
    #expect(try left.numbers() == numbers + [21], "what was mended is durable")
  }

  @Test("While the disk fails it stays offline with the reason, and is opened when that has passed")
  func triesAgain() throws {
    let (disk, fixture) = try make(.batch)
    for number in 0..<20 { try fixture.append(number) }
    try failFlush(disk, fixture)
    for _ in 0..<2 {
      let opening = try #require(fixture.directory.reopen(Self.partition))
      opening.perform()
      #expect(throws: LogError.self) { try fixture.directory.opened([opening])[0].get() }
      let error = #expect(throws: LogError.self) { try fixture.log() }
      #expect(error?.mayPass == true)
      // Nothing of what was durable is forgotten meanwhile.
      try fixture.directory.checkpoint()
    }
    disk.set(FaultPlan())
    let opening = try #require(fixture.directory.reopen(Self.partition))
    opening.perform()
    _ = try fixture.directory.opened([opening])[0].get()
    #expect(try fixture.numbers().starts(with: Array(0..<20)))
    try fixture.append(21)
  }

  @Test("One that takes appends is not opened anew")
  func leavesWellAlone() throws {
    let (_, fixture) = try make(.none)
    try fixture.append(0)
    #expect(fixture.directory.reopen(Self.partition) == nil)
    try fixture.append(1)
  }

  @Test("Where its topic is deleted meanwhile, nothing of it comes back")
  func yieldsToDeletion() throws {
    for performsBefore in [true, false] {
      let (disk, fixture) = try make(.batch)
      try fixture.append(0)
      try failFlush(disk, fixture)
      disk.set(FaultPlan())
      let opening = try #require(fixture.directory.reopen(Self.partition))
      if performsBefore { opening.perform() }
      try fixture.directory.deleteTopic("t")
      if !performsBefore { opening.perform() }
      #expect(throws: LogError.self) { try fixture.directory.opened([opening])[0].get() }
      #expect(!disk.allPaths.contains { $0.contains("/t-0/") })
    }
  }

  @Test("What a reader had of it before is not believed after it was cut back")
  func distrustsOldSlices() throws {
    let (disk, fixture) = try make(.none)
    for number in 0..<3 { try fixture.append(number) }
    let file = try #require(try fixture.log().published.segments.last?.file)
    let slice = try file.slice(at: .zero, count: 100)
    disk.set(
      FaultPlan(FaultPlan.Script(.synchronizeData, nth: 1, goesOn: true, pathSuffix: ".log")))
    #expect(throws: LogError.self) { try fixture.directory.close() }
    disk.set(FaultPlan())
    _ = try #require(fixture.directory.reopen(Self.partition))
    #expect(!slice.isValid)
  }
}
