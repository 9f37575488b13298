import CommitLog
import Foundation
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing

/// What came of a partition while one kind of call failed on its files.
private enum Outcome: Hashable {
  case goesOn(isTold: Bool)
  case refusesAppends
  case isFenced

  var cells: String {
    switch self {
    case .goesOn(false): "go on | nothing | nothing is needed"
    case .goesOn(true): "go on | a warning in the log | nothing is needed"
    case .refusesAppends:
      "fail, nothing of them stays | the error, at the client | the next append, once the call works"
    case .isFenced:
      "fail until it is opened anew | an error in the log, `/health`, `varve_partition_fenced` "
        + "| opened anew within seconds, once the call works"
    }
  }
}

private let errors: [(String, ErrorNumber)] = [
  ("EMFILE", .tooManyOpenFiles), ("ENOSPC", .noSpace), ("EIO", .inputOutput),
  ("ENOMEM", .noMemory), ("EDQUOT", .quotaExceeded), ("EROFS", ErrorNumber(rawValue: 30)),
]

private let calls: [(name: String, operation: DiskOperation, backend: BackendUnderTest)] = [
  ("open", .open, .buffered), ("pwrite", .write, .buffered),
  ("fdatasync", .synchronizeData, .buffered),
  ("fsync of the folder", .synchronizeDirectory, .buffered),
  ("fallocate", .allocate, .buffered), ("ftruncate", .truncate, .buffered),
  ("rename", .rename, .buffered), ("unlink", .remove, .buffered), ("mmap", .map, .mmap),
]

@Suite("When a call fails on one partition's files")
struct FailureTableTests {
  private static let partition = TopicPartition(topic: "t", partition: 0)

  private func open(_ disk: SimulatedDisk, _ backend: BackendUnderTest) throws -> LogFixture {
    try LogFixture(backend, io: SimulatedFileIO(disk), path: "/data", partitions: 2) {
      $0.durability = .batch
      $0.segmentBytes = 2000
      $0.retentionBytes = 5000
      if backend == .buffered { $0.preallocation = .fallocate }
    }
  }

  /// Appends, checkpoints and retention while every such call fails below t-0; then the way back.
  private func outcome(
    _ operation: DiskOperation, _ backend: BackendUnderTest, _ error: ErrorNumber
  ) throws -> Outcome {
    let disk = SimulatedDisk()
    disk.makeDirectory("/data")
    let fixture = try open(disk, backend)
    var acknowledged: [Int] = []
    for number in 0..<40 {
      try fixture.append(number)
      acknowledged.append(number)
    }
    _ = fixture.directory.notices.take()
    disk.set(
      FaultPlan(
        FaultPlan.Script(operation, nth: 1, goesOn: true, error: error, folder: "/data/log/t-0")))
    var hasFailed = false
    for number in 40..<60 {
      do {
        try fixture.append(number)
        acknowledged.append(number)
      } catch { hasFailed = true }
      try fixture.append(number, partition: 1)
    }
    var isTold = false
    // A broker writes the error into its log.
    do { try fixture.directory.applyRetention(fixture.now) } catch { isTold = true }
    try fixture.directory.checkpoint()
    let isFenced = try fixture.log().failure != nil
    isTold = !fixture.directory.notices.take().isEmpty || isTold
    disk.set(FaultPlan())
    if isFenced {
      let opening = try #require(fixture.directory.reopen(Self.partition))
      opening.perform()
      _ = try fixture.directory.opened([opening])[0].get()
    }
    try fixture.append(90)
    try fixture.directory.applyRetention(fixture.now)
    let left = try open(disk.powerCut(seed: 0, .guaranteed), backend)
    let numbers = try left.numbers()
    let start = try #require(numbers.first)
    // What failed under a fence is in doubt, and may be there.
    let kept = Set(numbers)
    #expect(acknowledged.allSatisfy { $0 < start || kept.contains($0) }, "\(numbers)")
    #expect(isFenced || Set(acknowledged + [90]).isSuperset(of: kept), "\(numbers)")
    #expect(numbers.last == 90)
    #expect(try left.numbers(partition: 1).last == 59)
    return isFenced ? .isFenced : hasFailed ? .refusesAppends : .goesOn(isTold: isTold)
  }

  /// A row for each call and what comes of it.
  private func rows() throws -> [String] {
    var rows: [String] = []
    for call in calls {
      var byOutcome: [(outcome: Outcome, errors: [String])] = []
      for (name, error) in errors {
        let found = try outcome(call.operation, call.backend, error)
        if let index = byOutcome.firstIndex(where: { $0.outcome == found }) {
          byOutcome[index].errors.append(name)
        } else {
          byOutcome.append((found, [name]))
        }
      }
      for (outcome, names) in byOutcome {
        rows.append("| `\(call.name)` | \(names.joined(separator: ", ")) | \(outcome.cells) |")
      }
    }
    return rows
  }

  @Test(
    "The other partition goes on, nothing acknowledged is lost, and the documented way back works")
  func isDocumented() throws {
    let readme = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Sources/CommitLog/README.md")
    let text = try String(contentsOf: readme, encoding: .utf8)
    let found = try rows()
    for row in found {
      #expect(text.contains(row + "\n"), "Sources/CommitLog/README.md has no row: \(row)")
    }
    let count = text.split(separator: "\n").count { line in
      calls.contains { line.hasPrefix("| `\($0.name)` |") }
    }
    #expect(count == found.count, "the table has rows of other outcomes, too")
  }
}
