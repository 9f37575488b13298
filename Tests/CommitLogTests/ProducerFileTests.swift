import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

@Suite("The files of producers")
struct ProducerFileTests {
  static func name(_ offset: Int) -> String {
    let digits = String(offset)
    return String(repeating: "0", count: 20 - digits.count) + digits + ".producers"
  }

  @Test("the newest two are kept, and none is written where nothing changed")
  func keepsTwo() throws {
    let disk = Ledgered.makeDisk()
    let log = try Ledgered(disk)
    try log.ledger.save(now: 1000)
    #expect(try log.files == [], "nothing is loaded")
    for sequence in Int32(0)..<4 {
      try log.send(7, sequence)
      #expect(log.ledger.bytesSinceSave > 0)
      try log.ledger.save(now: 1000)
      #expect(log.ledger.bytesSinceSave == 0)
      disk.resetCounts()
      try log.ledger.save(now: 1000)
      #expect(disk.counts[.write] == 0 && disk.counts[.open] == 0)
    }
    #expect(try log.files == [Self.name(3), Self.name(4)])
    try log.reopen()
    disk.resetCounts()
    #expect(try log.ask(7, 2) == Ledgered.duplicate(2))
    let segment = log.fixture.file("00000000000000000000.log")
    #expect(disk.counts(of: segment)[.read] == 0, "the file says it all")
  }

  @Test("any damage to a file is told, and the one before it or the log says the same")
  func survivesDamage() throws {
    let disk = Ledgered.makeDisk()
    let names = [Self.name(8), Self.name(12)]
    do {
      let log = try Ledgered(disk)
      for number in 0..<12 {
        try log.send(Int64(number % 2), Int32(number / 2))
        if number == 7 { try log.ledger.save(now: 1000) }
      }
      try log.ledger.save(now: 1000)
      #expect(try log.files == names)
      try log.fixture.directory.close()
    }
    let path = "/data/log/t-0/" + names[1]
    let good = try #require(disk.contents(of: path))
    var damaged: [[UInt8]] = [[], [0], good + [0], Array(good.dropLast()), Array(good.prefix(28))]
    for bit in stride(from: 0, to: good.count * 8, by: 5) {
      var bytes = good
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      damaged.append(bytes)
    }
    for (index, bytes) in damaged.enumerated() {
      let copy = disk.powerCut(seed: 0, .everything)
      copy.setContents(of: path, bytes)
      if index % 2 == 0 { copy.setContents(of: "/data/log/t-0/" + names[0], bytes) }
      let log = try Ledgered(copy)
      #expect(try log.ask(0, 5) == Ledgered.duplicate(10), "\(index)")
      #expect(try log.ask(1, 1) == Ledgered.duplicate(3), "\(index)")
      #expect(try log.ask(1, 0) == .refuse(.duplicateSequence), "\(index)")
      #expect(log.fixture.directory.notices.take().contains { $0.path == path }, "\(index)")
    }
  }

  @Test("with a good checksum a file may still say anything, and nothing traps")
  func survivesLies() throws {
    let disk = Ledgered.makeDisk()
    do {
      let log = try Ledgered(disk)
      for sequence in Int32(0)..<3 { try log.send(7, sequence) }
      try log.ledger.save(now: 1000)
      try log.fixture.directory.close()
    }
    let path = "/data/log/t-0/" + Self.name(3)
    let good = try #require(disk.contents(of: path))
    var random = SeededGenerator(seed: 4)
    for round in 0..<600 {
      var bytes = good
      for _ in 0..<(1 + random.below(3)) {
        let at = 8 + random.below(bytes.count - 8)
        let value: UInt8 = [0, 1, 0x7f, 0x80, 0xff][random.below(5)]
        for index in at..<min(bytes.count, at + 1 + random.below(8)) { bytes[index] = value }
      }
      let first = CRC32C.checksum(Array(bytes[0..<24]).span.bytes)
      let crc = CRC32C.checksum(Array(bytes[28...]).span.bytes, continuing: first)
      for index in 0..<4 {
        bytes[24 + index] = UInt8(truncatingIfNeeded: crc >> UInt32(24 - 8 * index))
      }
      let copy = disk.powerCut(seed: 0, .everything)
      copy.setContents(of: path, bytes)
      let log = try Ledgered(copy)
      for sequence in [0, 2, 3, Int32.max] {
        _ = try log.ask(7, sequence, count: 2)
      }
      try log.send(7, 3)
      try log.send(9, 0)
      try log.ledger.save(now: Int64.max)
      try log.ledger.save(now: Int64.min)
      #expect(try log.fixture.log().nextOffset >= Offset(4), "round \(round)")
    }
  }

  @Test("one above the log's end, or below its start, is not believed")
  func liesInLog() throws {
    for durability in [Durability.none, .interval] {
      let disk = Ledgered.makeDisk()
      let log = try Ledgered(disk, durability)
      try log.send(7, 0)
      _ = try log.fixture.directory.alterTopic(
        "t", try #require(log.fixture.directory.topics["t"]).settings)
      for sequence in Int32(1)..<6 { try log.send(7, sequence) }
      try log.ledger.save(now: 1000)
      let left = disk.powerCut(seed: 3, .guaranteed)
      #expect(left.contents(of: "/data/log/t-0/" + Self.name(6)) != nil, "the file was durable")
      let after = try Ledgered(left, durability)
      #expect(try after.fixture.log().nextOffset == Offset(1), "what it speaks of was not")
      #expect(try after.files == [])
      // Others come to lie where the lost ones lay.
      for number in 0..<9 { try after.sendPlain(number) }
      #expect(try after.ask(7, 5) == Ledgered.outOfOrder(1, 5))
      #expect(try after.ask(7, 0) == Ledgered.duplicate(0))
    }
    let log = try Ledgered(Ledgered.makeDisk())
    try log.send(7, 0)
    try log.ledger.save(now: 1000)
    for sequence in Int32(1)..<4 { try log.send(7, sequence) }
    _ = try log.fixture.directory.deleteRecords(
      TopicPartition(topic: "t", partition: 0), before: Offset(2))
    log.ledger.forget()
    #expect(try log.ask(7, 0) == Ledgered.outOfOrder(4, 0), "as if it had never been there")
    #expect(try log.ask(7, 2) == Ledgered.duplicate(2))
  }

  @Test(
    "after a power cut at any call, a batch that is in the log is a duplicate and the next is accepted",
    .enabled(if: TestBuild.isOptimized, "runs long: in release builds"),
    arguments: Durability.allCases)
  func survivesCuts(_ durability: Durability) throws {
    for seed in UInt64(0)..<80 {
      let disk = Ledgered.makeDisk()
      let log = try Ledgered(disk, durability, segmentBytes: 1024)
      var plan = FaultPlan()
      plan.powerCutAtOperation = disk.operationCount + 20 + Int(seed) * 3
      disk.set(plan)
      for number in 0..<40 {
        guard (try? log.send(Int64(number % 2), Int32(number / 2))) == .accept else { break }
        if number % 4 == 3 { try? log.fixture.directory.commit() }
        if number % 5 == 4 { try? log.ledger.save(now: 1000) }
      }
      let after = try Ledgered(disk.powerCut(seed: seed), durability, segmentBytes: 1024)
      let end = Int(try after.fixture.log().nextOffset.rawValue)
      for producer in 0..<2 {
        let count = (end - producer + 1) / 2
        for back in 1...5 where count - back >= 0 {
          let found = try after.ask(Int64(producer), Int32(count - back))
          let offset = Int64(2 * (count - back) + producer)
          #expect(found == Ledgered.duplicate(offset), "seed \(seed), \(producer), \(back) back")
        }
        #expect(try after.ask(Int64(producer), Int32(count)) == .accept, "seed \(seed)")
        if count > 0 {
          let found = try after.ask(Int64(producer), Int32(count + 1))
          #expect(found == Ledgered.outOfOrder(Int32(count), Int32(count + 1)), "seed \(seed)")
        }
      }
    }
  }
}
