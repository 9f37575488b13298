import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

@Suite("A partition's log")
struct AppendAndReadTests {
  static let everywhere = BackendUnderTest.allCases.flatMap { backend in
    DiskUnderTest.allCases.map { (backend, $0) }
  }

  @Test("gives offsets in order and reads every record back", arguments: everywhere)
  func appendsAndReads(_ kind: BackendUnderTest, _ disk: DiskUnderTest) throws {
    for durability in Durability.allCases {
      let fixture = try LogFixture(kind, disk.make()) { $0.durability = durability }
      var expected: [Int] = []
      var random = SeededGenerator(seed: 1)
      for _ in 0..<60 {
        let count = 1 + random.below(5)
        let receipt = try fixture.append(
          expected.count, count: count, valueBytes: 10 + random.below(5000))
        #expect(receipt.baseOffset == Offset(Int64(expected.count)))
        #expect(receipt.nextOffset == Offset(Int64(expected.count + count)))
        expected += expected.count..<(expected.count + count)
      }
      try fixture.settle()
      #expect(try fixture.numbers() == expected)
      #expect(try fixture.numbers(from: Offset(17)) == Array(expected[17...]))
      #expect(try fixture.log().published.endOffset == Offset(Int64(expected.count)))
    }
  }

  @Test("rolls by size, and finds any offset in any segment", arguments: everywhere)
  func rollsBySize(_ kind: BackendUnderTest, _ disk: DiskUnderTest) throws {
    let fixture = try LogFixture(kind, disk.make()) {
      $0.segmentBytes = 20_000
      $0.indexIntervalBytes = 1000
    }
    for number in 0..<300 { try fixture.append(number, valueBytes: 700) }
    try fixture.settle()
    let log = try fixture.log().published
    let segments = log.segments
    #expect(segments.count > 10)
    #expect(segments.allSatisfy { $0.file.end.rawValue <= 20_000 })
    var reader = LogReader(log)
    for number in stride(from: 0, to: 300, by: 7) {
      let read = try #require(try reader.read(from: Offset(Int64(number)), bytesMax: 1))
      #expect(read.firstBatch.baseOffset == Offset(Int64(number)))
      #expect(read.slice.count == read.firstBatch.byteCountTotal, "the first batch is whole")
    }
    #expect(try reader.read(from: Offset(300), bytesMax: 100) == nil)
    #expect(throws: LogError.self) { try reader.read(from: Offset(301), bytesMax: 100) }
    #expect(throws: LogError.self) { try reader.read(from: Offset(-1), bytesMax: 100) }
  }

  @Test("rolls by age, measured from the segment's first timestamp")
  func rollsByAge() throws {
    let fixture = try LogFixture(.buffered, DiskUnderTest.simulated.make()) {
      $0.segmentMilliseconds = 100
    }
    for (number, time) in [1000, 1050, 1100, 1101, 1150, 1300].enumerated() {
      try fixture.append(number, timestamp: Int64(time))
    }
    #expect(try fixture.log().published.segments.map(\.baseOffset.rawValue) == [0, 3, 5])
  }

  @Test("stays within a byte limit, but always gives one batch")
  func limitsBytes() throws {
    let fixture = try LogFixture(.buffered, DiskUnderTest.simulated.make())
    for number in 0..<50 { try fixture.append(number, valueBytes: 1000) }
    var reader = LogReader(try fixture.log().published)
    #expect(try reader.read(from: .zero, bytesMax: 5000)?.slice.count == 5000)
    let one = try #require(try reader.read(from: .zero, bytesMax: 0))
    #expect(one.slice.count == one.firstBatch.byteCountTotal)
  }

  @Test("finds the first record at or after a timestamp", arguments: BackendUnderTest.allCases)
  func findsTimestamps(_ kind: BackendUnderTest) throws {
    let fixture = try LogFixture(kind, DiskUnderTest.simulated.make()) {
      $0.segmentBytes = 30_000
      $0.indexIntervalBytes = 500
    }
    var random = SeededGenerator(seed: 3)
    var timestamps: [Int64] = []
    for number in 0..<400 {
      // Mostly rising, sometimes back: create times are the producers'.
      let time = Int64(number * 10 - (random.chance(0.1) ? random.below(200) : 0) + 5000)
      timestamps.append(time)
      try fixture.append(number, valueBytes: 300, timestamp: time)
    }
    try fixture.settle()
    let reader = LogReader(try fixture.log().published)
    for probe in stride(from: Int64(4000), to: 9100, by: 13) {
      let expected = timestamps.firstIndex { $0 >= probe }
      let found = try reader.offset(at: probe)
      #expect(found?.offset.rawValue == expected.map(Int64.init), "timestamp \(probe)")
      #expect(found?.timestamp == expected.map { timestamps[$0] })
    }
    try fixture.reopen()
    let later = LogReader(try fixture.log().published)
    for probe in stride(from: Int64(4000), to: 9100, by: 101) {
      let expected = timestamps.firstIndex { $0 >= probe }
      #expect(try later.offset(at: probe)?.offset.rawValue == expected.map(Int64.init))
    }
  }

  @Test("stamps append time, and makes the CRC anew")
  func stampsAppendTime() throws {
    let fixture = try LogFixture(.buffered, DiskUnderTest.simulated.make()) {
      $0.timestampSource = .appendTime
    }
    fixture.now = LogTime(monotonicNanoseconds: 0, wallMilliseconds: 777_000)
    try fixture.append(0, count: 3)
    var reader = LogReader(try fixture.log().published)
    var times: [Int64] = []
    _ = try reader.forEachBatch(from: .zero) { batch throws(BatchError) in
      var records = try batch.records()
      while let record = try records.next() { times.append(record.timestamp) }
    }.get()
    #expect(times == [777_000, 777_000, 777_000])
  }

  @Test("takes several batches in one buffer")
  func takesSeveralBatches() throws {
    let fixture = try LogFixture(.direct, DiskUnderTest.simulated.make())
    var slot: AlignedBuffer? = TestBatch.make(first: 0, count: 2)
    for first in [2, 4] {
      TestBatch.make(first: first, count: 2).withBytes { bytes in slot?.append(bytes) }
    }
    let receipt = try fixture.log().append(&slot, now: fixture.now)
    #expect(receipt.nextOffset == Offset(6))
    #expect(try fixture.numbers() == [0, 1, 2, 3, 4, 5])
  }

  @Test("refuses what is no batch, and stays as it was")
  func refusesGarbage() throws {
    let fixture = try LogFixture(.buffered, DiskUnderTest.simulated.make()) {
      $0.segmentBytes = 5000
    }
    try fixture.append(0)
    let log = try fixture.log()
    var good = AlignedBuffer(capacity: 1000)
    TestBatch.make(first: 1).withBytes { good.append($0) }
    let bytes = good.bytes.withUnsafeBytes { Array($0) }
    var flipped = bytes
    flipped[80] ^= 1
    for (bad, check) in [
      ([], .header), ([1, 2, 3], .header), (Array(bytes.dropLast()), .header),
      (bytes + [0], .header), ([UInt8](repeating: 0, count: 100), .header), (flipped, .checksum),
    ] as [([UInt8], BatchCheck)] {
      var slot: AlignedBuffer? = .holding(bad)
      #expect(throws: LogError.self) { try log.append(&slot, check: check, now: fixture.now) }
      let isBack = slot != nil
      #expect(isBack, "the buffer comes back")
    }
    var large: AlignedBuffer? = TestBatch.make(first: 0, valueBytes: 6000)
    #expect(throws: LogError.self) { try log.append(&large, now: fixture.now) }
    try fixture.append(1)
    #expect(try fixture.numbers() == [0, 1])
  }

  @Test(
    "shows readers nothing that is not durable, under batch and group",
    arguments: BackendUnderTest.allCases)
  func hidesWhatIsNotDurable(_ kind: BackendUnderTest) throws {
    let fixture = try LogFixture(kind, DiskUnderTest.simulated.make(), partitions: 3) {
      $0.durability = .group
    }
    var receipts: [AppendReceipt] = []
    for number in 0..<4 { receipts.append(try fixture.append(number)) }
    #expect(try fixture.numbers().isEmpty)
    #expect(try fixture.log().status(of: receipts[3]) == .pending)
    try fixture.settle()
    #expect(try fixture.log().status(of: receipts[3]) == .acknowledged)
    #expect(try fixture.numbers() == [0, 1, 2, 3])
  }

  @Test("shares one flush among all partitions of a group")
  func sharesGroupCommit() throws {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let fixture = try LogFixture(
      .buffered, io: SimulatedFileIO(disk), path: "/data", partitions: 8
    ) { $0.durability = .group }
    for partition in Int32(0)..<8 { try fixture.append(0, partition: partition) }
    try fixture.settle()
    disk.resetCounts()
    for round in 1...10 {
      for partition in Int32(0)..<8 { try fixture.append(round, partition: partition) }
    }
    #expect(disk.counts[.synchronizeData] == 0)
    try fixture.settle()
    #expect(disk.counts[.synchronizeData] == 8, "one for each file, not for each of 80 batches")
    for partition in Int32(0)..<8 {
      #expect(try fixture.numbers(partition: partition) == Array(0...10))
    }
  }

  @Test("bounds what interval leaves unflushed, by bytes and by time")
  func flushesByInterval() throws {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let fixture = try LogFixture(.buffered, io: SimulatedFileIO(disk), path: "/data") {
      $0.durability = .interval
      $0.flushBytes = 10_000
      $0.flushMilliseconds = 50
    }
    for number in 0..<100 { try fixture.append(number, valueBytes: 1000) }
    let flushes = disk.counts(of: fixture.file("00000000000000000000.log"))[.synchronizeData]
    #expect((9...12).contains(flushes), "found \(flushes)")
    try fixture.append(100)
    let log = try fixture.log()
    try log.tick(LogTime(monotonicNanoseconds: 49_000_000, wallMilliseconds: 0))
    #expect(log.durableOffset < Offset(101))
    try log.tick(LogTime(monotonicNanoseconds: 50_000_000, wallMilliseconds: 0))
    #expect(log.durableOffset == Offset(101))
  }
}
