import ArgumentParser
import CommitLog
import LinuxIO
import Records

/// `varve log repair DIR [PARTITION]`
struct LogRepairCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "repair",
    abstract: "Say what is damaged in a data directory that nobody has open, and mend a partition.",
    usage: "varve log repair <dir> [<partition>] [--cut | --forget]",
    discussion: """
      Without an option nothing is changed: each damaged or missing partition is explained, with what \
      each way out keeps and loses; any makes the exit status 1. Restoring the files from a copy \
      loses nothing, where there is one.

      --cut keeps the records before the damage. What lies behind is kept in .cut files beside the \
      log, and no part of it any more: its offsets are given again to the next records. Set back \
      consumers that had committed an offset behind the cut, or they miss those.

      --forget keeps no record in the log. The folder moves aside to <partition>.leftover, and an \
      empty one takes its place, or that of a missing one. Its log does not start at 0, but goes on \
      behind every offset that the files show to have been given to a record. So no offset is used \
      twice: a consumer that had read everything goes on as if nothing had happened, and the others \
      go by their auto.offset.reset.

      Example: varve log repair ./data events-0 --cut
      """)

  @Argument(help: "The data directory.")
  var dir: String

  @Argument(help: "A partition, as its folder is called: <topic>-<number>. Without it, all.")
  var partition: String?

  @Flag(help: "Cut the log at the damage, and keep a copy of what is cut.")
  var cut = false

  @Flag(help: "Move the partition's folder aside, and go on with an empty one.")
  var forget = false

  func validate() throws {
    try expectText("<dir>", dir, "a data directory")
    if cut && forget { throw ValidationError("--cut, --forget: expected one of them") }
    if let partition {
      if TopicPartition(directoryName: partition) == nil {
        throw ValidationError(
          "<partition>: found '\(partition)', expected <topic>-<number>, such as events-0")
      }
    } else if cut || forget {
      throw ValidationError(
        "<partition>: missing; \(cut ? "--cut" : "--forget") is for one partition")
    }
  }

  func run() throws {
    do { try repair() } catch let error as CommandFailure { throw error } catch {
      throw CommandFailure.failed("\(error)")
    }
  }

  private func repair() throws {
    let repair = try LogRepair(path: dir, io: LinuxFileIO(isPrivate: true))
    defer { printNotices(repair.notices) }
    guard let name = partition, let chosen = TopicPartition(directoryName: name) else {
      return try explain(repair, repair.partitions)
    }
    if cut {
      let found = try repair.cut(chosen)
      printLine(
        "\(chosen): cut at offset \(found.end); \(Self.kept(found)) are left, and "
          + "\(found.cutBytes) bytes left the log")
    } else if forget {
      let done = try repair.forget(chosen)
      let old = done.keptPath.map { "what there was is kept as \($0)" } ?? "there was no folder"
      printLine("\(chosen): empty, and goes on at offset \(done.next); \(old)")
    } else {
      try explain(repair, [chosen])
    }
  }

  private func explain(_ repair: LogRepair, _ partitions: [TopicPartition]) throws {
    var count = 0
    if partition == nil {
      for topic in repair.brokenTopics {
        count += 1
        writeError(
          "problem: topic '\(topic.name)': its own file is damaged, and tells nothing of its "
            + "partitions: \(topic.reason). Restore the file from a copy")
      }
    }
    let progress = LineProgress()
    for (index, partition) in partitions.enumerated() {
      let found = try repair.diagnose(partition)
      if found.fault != nil {
        progress.end()
        count += 1
        for line in Self.lines(of: found) { writeError(line) }
      }
      progress.tell("\(index + 1) of \(partitions.count) partitions")
    }
    progress.end()
    let looked = "\(partitions.count) partitions were looked through; nothing was changed"
    if count > 0 { throw CommandFailure.failed("\(count) problems in \(dir): \(looked)") }
    printLine("ok: nothing to repair in \(dir): \(looked)")
  }

  private static func kept(_ found: PartitionDiagnosis) -> String {
    "\(found.keptRecords) records, \(found.keptBytes) bytes, offsets \(found.start) up to "
      + "\(found.end)"
  }

  private static func lines(of found: PartitionDiagnosis) -> [String] {
    let partition = found.partition
    var what: String
    var cut = "--cut: not possible"
    var old =
      "keeps nothing (\(found.keptRecords + found.cutRecords) readable records, "
      + "\(found.keptBytes + found.cutBytes) bytes move to \(partition).leftover); "
    switch found.fault {
    case nil: return []
    case .noFolder(let path, let isFile):
      what = "\(path): \(isFile ? "is a file" : "is missing")"
      if !isFile { old = "" }
    case .unreadable(let error):
      what = "cannot be read: \(error)"
      old = "keeps nothing (the folder moves to \(partition).leftover as it is); "
    case .damaged(let damage):
      what =
        "\(damage.path): byte \(damage.position), where offset \(damage.offset) should be: "
        + damage.reason
      cut =
        "--cut: keeps \(kept(found)); \(found.cutBytes) bytes with \(found.cutRecords) readable "
        + "records move to .cut files"
      if found.unused > found.end {
        cut += "; offsets \(found.end) up to \(found.unused) are lost, and given again"
      }
    }
    let forget = "goes on empty at offset \(found.unused)"
    return ["problem: \(partition): \(what)", "  \(cut)", "  --forget: \(old)\(forget)"]
  }
}
