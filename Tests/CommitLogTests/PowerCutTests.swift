import CommitLog
import Glibc
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

/// Random histories on a simulated disk whose power goes at a random call. `VARVE_CUTS` is how
/// many seeds run (2,000 unless told), `VARVE_CUT_SEED` the first.
@Suite("A power cut at any call")
struct PowerCutTests {
  static let seeds: [UInt64] = {
    let first = getenv("VARVE_CUT_SEED").flatMap { UInt64(String(cString: $0)) } ?? 0
    let count = getenv("VARVE_CUTS").flatMap { UInt64(String(cString: $0)) } ?? 2000
    return (0..<20).map { first + $0 * (count / 20) }
  }()
  static let seedsPerCase = (getenv("VARVE_CUTS").flatMap { Int(String(cString: $0)) } ?? 2000) / 20

  @Test(
    "loses nothing acknowledged under batch and group, and leaves a prefix under all",
    arguments: seeds)
  func keepsWhatWasAcknowledged(_ first: UInt64) throws {
    for seed in first..<(first + UInt64(Self.seedsPerCase)) {
      var history = PowerCutHistory(seed: seed)
      try history.run()
    }
  }

  @Test("the same seed leaves the same log")
  func isDeterministic() throws {
    for seed in UInt64(0)..<20 {
      var once = PowerCutHistory(seed: seed)
      var twice = PowerCutHistory(seed: seed)
      #expect(try once.run() == twice.run())
    }
  }
}

/// One history, one cut, and what must hold afterwards.
private struct PowerCutHistory {
  let seed: UInt64
  let kind: BackendUnderTest
  let durability: Durability
  let preallocation: Preallocation?
  /// Old segments go, which is what makes others that are recycled.
  let hasRetention: Bool
  let disk: SimulatedDisk
  private var random: SeededGenerator
  private let partitions = 2

  init(seed: UInt64) {
    self.seed = seed
    random = SeededGenerator(seed: seed)
    kind = BackendUnderTest.allCases[random.below(BackendUnderTest.allCases.count)]
    durability = Durability.allCases[random.below(Durability.allCases.count)]
    disk = SimulatedDisk(SimulatedDiskOptions(ringSeed: seed))
    let ways = kind.preallocations
    preallocation = random.chance(0.4) ? nil : ways[random.below(ways.count)]
    let isOld = random.chance(0.2)
    hasRetention = preallocation == .recycle || isOld
    disk.makeDirectory("/data")
  }

  /// How many records were left in each partition.
  @discardableResult
  mutating func run() throws -> [Int] {
    let fixture = try open(disk)
    var promised = [Int64](repeating: 0, count: partitions)
    var accepted = [Int](repeating: 0, count: partitions)
    var plan = FaultPlan(seed: seed)
    plan.powerCutAtOperation = disk.operationCount + 1 + random.below(400)
    plan.shortWriteProbability = random.chance(0.3) ? 0.2 : 0
    disk.set(plan)
    do {
      for _ in 0..<150 {
        try step(fixture, &accepted)
        note(fixture, &promised)
        if disk.isPowerOff { break }
      }
    } catch {
      note(fixture, &promised)
      try #require(disk.isPowerOff, "seed \(seed): \(error)")
    }
    #expect(disk.fatalStoreCount == 0, "seed \(seed), \(kind): no store may be SIGBUS")
    #expect(disk.endlessWaitCount == 0, "seed \(seed), \(kind): no wait may be for ever")
    return try check(disk.powerCut(seed: seed), promised, accepted)
  }

  private func open(_ disk: SimulatedDisk) throws(LogError) -> LogFixture {
    try LogFixture(
      kind, io: SimulatedFileIO(disk), path: "/data", seed: seed, partitions: partitions
    ) {
      $0.segmentBytes = 12_000
      $0.indexIntervalBytes = 600
      $0.durability = durability
      $0.flushBytes = 5000
      $0.preallocation = preallocation
      if hasRetention { $0.retentionBytes = 20_000 }
    }
  }

  private mutating func step(_ fixture: LogFixture, _ accepted: inout [Int]) throws {
    let partition = random.below(partitions)
    switch random.below(20) {
    case 0: try fixture.log(Int32(partition)).roll()
    case 1..<5: try fixture.directory.commit()
    case 5: try fixture.directory.checkpoint()
    case 6 where random.chance(0.3): try fixture.reopen()
    case 7: try fixture.drivers.poll(waiting: true)
    case 8 where hasRetention: try fixture.directory.applyRetention(fixture.now)
    default:
      let count = 1 + random.below(3)
      let first = accepted[partition]
      accepted[partition] += count
      try fixture.append(
        first, count: count, valueBytes: 8 + random.below(random.chance(0.2) ? 3500 : 300),
        partition: Int32(partition))
    }
  }

  /// What the log says is durable now must be there for ever.
  private func note(_ fixture: LogFixture, _ promised: inout [Int64]) {
    for partition in 0..<partitions {
      guard let log = try? fixture.log(Int32(partition)) else { continue }
      let end = durability.acknowledgesDurable ? log.published.endOffset : log.durableOffset
      promised[partition] = max(promised[partition], end.rawValue)
    }
  }

  private func check(
    _ disk: SimulatedDisk, _ promised: [Int64], _ accepted: [Int]
  ) throws -> [Int] {
    let way = preallocation.map(\.rawValue) ?? "default"
    let context = "seed \(seed), \(kind), \(durability), \(way)"
    var counts: [Int] = []
    do {
      let fixture = try open(disk)
      for partition in 0..<partitions {
        let numbers = try fixture.numbers(partition: Int32(partition))
        let start = try Int(fixture.log(Int32(partition)).published.startOffset.rawValue)
        let end = start + numbers.count
        #expect(start == 0 || hasRetention, "\(context): the start stays")
        #expect(numbers == Array(start..<end), "\(context): a prefix, unaltered")
        #expect(end >= Int(promised[partition]), "\(context): acknowledged is there")
        #expect(end <= accepted[partition], "\(context): nothing is invented")
        counts.append(end)
      }
      // Recovering again, after another cut that keeps only what is guaranteed, changes nothing.
      let again = try open(disk.powerCut(seed: seed, .guaranteed))
      for partition in 0..<partitions {
        let end = try again.log(Int32(partition)).published.endOffset.rawValue
        #expect(end == counts[partition], "\(context): recovering again")
      }
      // Appending goes on, and a clean stop keeps it.
      for partition in 0..<partitions {
        try fixture.append(counts[partition], partition: Int32(partition))
      }
      try fixture.settle()
      try fixture.reopen()
      for partition in 0..<partitions {
        let numbers = try fixture.numbers(partition: Int32(partition))
        #expect(numbers.last == counts[partition], "\(context): appends go on")
      }
    } catch {
      Issue.record("\(context): \(error)")
    }
    return counts
  }
}
