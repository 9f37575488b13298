import ArgumentParser
import CommitLog
import Foundation
import LinuxIO
import LogStorage
import Results

/// `varve log verify PATH`
struct LogVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check a segment, a partition or a data directory, and change nothing.",
    discussion: """
      Every batch's CRC, every record's structure, that offsets follow each other, that the indexes \
      agree with the log, that a data directory has all its partitions. Each problem is a line on \
      standard error, the first 20 of each file; any makes the exit status 1.

      What was durable, or stopped cleanly, and does not hold is a problem; 'varve log repair' has \
      the ways out. What a stop that was not clean left unfinished is a note: the next start cuts it \
      off. Beside a running broker, what it is still writing is neither.

      Example: varve log verify ./data
      """)

  @Argument(help: "A .log file, a partition's directory, or a data directory.")
  var path: String

  @Flag(help: "Print the result as one JSON document.")
  var json = false

  func validate() throws { try expectText("<path>", path, "a path") }

  func run() throws {
    do { try verify() } catch let error as CommandFailure { throw error } catch {
      throw CommandFailure.failed("\(error)")
    }
  }

  private func verify() throws {
    var verifier = LogVerifier(io: LinuxFileIO()) { usleep(200_000) }
    let partitions = try partitionDirectories()
    try verifier.read(dataDirectory: dataDirectory(partitions))
    if let partitions {
      try verifier.verifyTopics(path)
      let progress = LineProgress()
      for (index, directory) in partitions.enumerated() {
        try verifier.verifyPartition(directory)
        progress.tell("\(index + 1) of \(partitions.count) partitions")
      }
      progress.end()
    } else {
      try checkSegmentFile(path)
      try verifier.verifySegment(path)
    }
    let report = verifier.report
    if json { return try printDocument(report) }
    for remark in report.remarks { writeError("note: \(remark)") }
    for problem in report.problems { writeError("problem: \(problem)") }
    for (file, count) in report.unlisted {
      writeError("problem: \(file): \(count) more like these")
    }
    var counts =
      "\(report.segments) segments, \(report.batches) batches, \(report.records) records, "
      + "\(report.bytes) bytes in \(path)"
    if report.uncutBytes > 0 {
      counts += "; the next start cuts \(report.uncutBytes) bytes off that are not recovered yet"
    }
    if report.isInUse { counts += "; a process has the directory open, and may be writing" }
    if report.problemCount > 0 {
      throw CommandFailure.failed("\(report.problemCount) problems: \(counts)")
    }
    printLine("ok: \(counts)")
  }

  private func printDocument(_ report: LogVerifier.Report) throws {
    let document = JSONValue.object([
      "path": .text(path), "segments": .count(report.segments),
      "batches": .count(Int(report.batches)), "records": .count(Int(report.records)),
      "bytes": .count(Int(report.bytes)), "ok": .flag(report.problemCount == 0),
      "in_use": .flag(report.isInUse), "bytes_to_cut": .count(Int(report.uncutBytes)),
      "problem_count": .count(report.problemCount),
      "problems": .list(report.problems.map { .text($0) }),
      "notes": .list(report.remarks.map { .text($0) }),
    ])
    printLine(document.text)
    if report.problemCount > 0 { throw ExitCode.failure }
  }

  /// Where the files lie that say how what is at `path` was left, if they are there.
  private func dataDirectory(_ partitions: [String]?) -> String {
    // Also of '.' and of 'log/', whose parents their texts do not name.
    switch partitions {
    case nil: "\(parentDirectory(of: path))/.."
    case [path]: "\(path)/.."
    default: path
    }
  }

  /// The directories with segments, at `path` or one below it; nil for a file.
  private func partitionDirectories() throws -> [String]? {
    let io = LinuxFileIO()
    let entries: [DirectoryEntry]
    do throws(SystemCallError) { entries = try io.list(path) } catch {
      if error.number == .notADirectory { return nil }
      throw error
    }
    if entries.contains(where: Self.isSegment) { return [path] }
    let partitions = try entries.filter(\.isDirectory).map { "\(path)/\($0.name)" }.filter {
      do throws(SystemCallError) { return try io.list($0).contains(where: Self.isSegment) } catch {
        // Its topic was deleted meanwhile.
        if error.number == .noSuchFile { return false }
        throw error
      }
    }
    if partitions.isEmpty {
      throw CommandFailure.failed(
        "\(path): holds no segment (20 digits and .log), and neither does a folder in it: nothing "
          + "was checked")
    }
    return partitions.sorted()
  }

  private static func isSegment(_ entry: DirectoryEntry) -> Bool {
    !entry.isDirectory && SegmentNames.baseOffset(of: entry.name, suffix: ".log") != nil
  }
}
