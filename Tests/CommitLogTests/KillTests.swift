import CommitLog
import Glibc
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

/// A process that appends is killed, again and again, and the log must hold what it said it holds.
/// `VARVE_KILLS` is how often for each backend and durability (3 unless told), `VARVE_KILL_SEED`
/// what the moments are drawn from.
@Suite("kill -9 while appending", .serialized)
struct KillTests {
  static let kills = getenv("VARVE_KILLS").flatMap { Int(String(cString: $0)) } ?? 3
  static let seed = getenv("VARVE_KILL_SEED").flatMap { UInt64(String(cString: $0)) } ?? 1

  @Test(
    "loses nothing that was acknowledged, leaves no gap, and appends go on",
    .enabled(if: TestBuild.isOptimized, "runs long: in release builds"),
    arguments: BackendUnderTest.allCases, Durability.allCases)
  func keepsWhatWasAcknowledged(_ kind: BackendUnderTest, _ durability: Durability) throws {
    var history = try KillHistory(kind, durability, seed: Self.seed)
    for round in 0..<Self.kills { try history.run(round) }
    history.finish()
  }
}

/// One data directory, and what was acknowledged in it.
private struct KillHistory {
  let kind: BackendUnderTest
  let durability: Durability
  private let place = TemporaryDirectory()
  private let executable: String
  private var random: SeededGenerator
  private var acknowledged = [Int64](repeating: 0, count: Int(KillWorkload.partitionCount))
  private var context: String
  // For the summary.
  private var kills = 0
  private var acknowledgements = 0
  private var checkedRecords = 0
  private var notices: [String] = []

  init(_ kind: BackendUnderTest, _ durability: Durability, seed: UInt64) throws {
    self.kind = kind
    self.durability = durability
    executable = try KilledProcess.executable("AppendUntilKilled")
    // Every case has moments of its own.
    let name = "\(kind) \(durability)"
    random = SeededGenerator(seed: name.utf8.reduce(seed) { $0 &* 31 &+ UInt64($1) })
    context = name
  }

  mutating func run(_ round: Int) throws {
    context = "\(kind) \(durability), kill \(round + 1)"
    try appendUntilKilled()
    try check()
  }

  func finish() {
    let records = acknowledged.reduce(0, +)
    print(
      "kill -9: \(kind) \(durability): \(kills) kills, \(acknowledgements) acknowledgements, "
        + "\(records) records at the end, \(checkedRecords) record checks, "
        + "\(notices.count) repairs")
    // A long run is watched through a pipe.
    fflush(nil)
  }

  // MARK: - Killing

  private mutating func appendUntilKilled() throws {
    var child = try KilledProcess(
      executable, [place.path, kind.rawValue, durability.rawValue, "\(random.next() >> 1)"])
    // Now and then while it opens and recovers; else after some acknowledgements, and a little
    // later, so that the moment is not always just behind one.
    let isEarly = random.chance(0.1)
    let linesMin = isEarly ? 0 : 1 + random.below(400)
    let laterNanoseconds = random.below(isEarly ? 20_000_000 : 2_000_000)
    var lineCount = 0
    while lineCount < linesMin, let lines = try child.lines() { lineCount += try note(lines) }
    spin(laterNanoseconds)
    child.kill()
    while let lines = try child.lines() { lineCount += try note(lines) }
    try child.wait()
    try #require(lineCount >= linesMin, "\(context)")
    kills += 1
  }

  /// Takes in what the child says; how many acknowledgements that were.
  private mutating func note(_ lines: [String]) throws -> Int {
    var count = 0
    for line in lines {
      if line.hasPrefix("N ") {
        notices.append(line)
        continue
      }
      let words = line.split(separator: " ")
      guard words.count == 3, words[0] == "A", let partition = Int(words[1]),
        let offset = Int64(words[2]), acknowledged.indices.contains(partition)
      else { throw KilledProcess.Failure(description: "\(context): the child says '\(line)'") }
      #expect(offset > acknowledged[partition], "\(context): acknowledgements go forward")
      acknowledged[partition] = max(offset, acknowledged[partition])
      count += 1
    }
    acknowledgements += count
    return count
  }

  private func spin(_ nanoseconds: Int) {
    let end = MonotonicClock.nanoseconds() + Int64(nanoseconds)
    while MonotonicClock.nanoseconds() < end {}
  }

  // MARK: - Looking

  private mutating func check() throws {
    let fixture = try KillWorkload.open(kind, durability, path: place.path, seed: random.next())
    let found = fixture.directory.notices.take().map(\.description)
    notices += found
    if BackendUnderTest.synchronous.contains(kind) {
      // One append at a time: there can be nothing whole behind a torn one.
      #expect(!found.contains { $0.contains(".cut") }, "\(context): \(found)")
    }
    for partition in 0..<KillWorkload.partitionCount {
      let log = try fixture.log(partition)
      let end = try checkRecords(log.published, partition)
      #expect(end == log.nextOffset.rawValue, "\(context), partition \(partition)")
      #expect(
        end >= acknowledged[Int(partition)],
        "\(context), partition \(partition): acknowledged is there")
      try checkReads(log.published)
      let receipt = try KillWorkload.append(to: fixture, partition)
      try fixture.settle()
      #expect(log.status(of: receipt) == .acknowledged, "\(context), partition \(partition)")
      acknowledged[Int(partition)] = receipt.nextOffset.rawValue
    }
    if random.chance(0.5) { try fixture.directory.close() }
  }

  /// Compares every record with what was appended; the offset after the last.
  private mutating func checkRecords(
    _ log: PublishedLog, _ partition: Int32
  ) throws -> Int64 {
    let found = try KillWorkload.check(log, partition)
    #expect(found.faults.isEmpty, "\(context), partition \(partition): \(found.faults.prefix(5))")
    checkedRecords += Int(found.end)
    return found.end
  }

  /// Finds offsets by the indexes, as recovery or the killed process left them.
  private mutating func checkReads(_ log: PublishedLog) throws {
    let end = Int(log.endOffset.rawValue)
    if end == 0 { return }
    for _ in 0..<20 {
      let offset = Offset(Int64(random.below(end)))
      var reader = LogReader(log)
      let read = try #require(try reader.read(from: offset, bytesMax: 1), "\(context)")
      #expect(read.firstBatch.baseOffset <= offset && read.firstBatch.lastOffset >= offset)
    }
  }
}
