import ArgumentParser
import CommitLog
import EventFiles
import LinuxIO
import LogStorage
import Measurements
import Trials
import Wording

/// `varve log import FILE --dir DIR`
struct LogImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Append the events of a JSONL file to a topic.",
    usage: "varve log import <file> --dir <dir> [<options>]",
    discussion: """
      One event a line: {"key": …, "timestamp": milliseconds, "headers": {…}, "value": …}. The \
      record's value is the line's value exactly as written there. Records go to partitions by the \
      key's hash, as Kafka's clients place them; those without a key in turn, from partition 0. The \
      same file leaves the same log. Where an import into a new topic fails or is interrupted, \
      nothing of the topic stays.

      Example: varve log import Bench/Data/flights-2013-01.jsonl.gz --dir ./data --partitions 3
      """)

  @Argument(help: "The file: JSON lines, plain or gzip.")
  var file: String

  // Required, but not by its type: a misspelt '--dir' is then named as such.
  @Option(help: "The data directory; made where it is missing. Required.")
  var dir: String?

  @Option(help: "The topic; made where it is missing.")
  var topic = "events"

  @Option(parsing: .unconditional, help: "Partitions of a new topic (default: 1).")
  var partitions: String?

  // These three change a topic that is there, where they are given.
  @Option(
    help: "Backend: \(Backends.names.joined(separator: ", ")) (a new topic's default: buffered).")
  var backend: String?

  @Option(
    help: ArgumentHelp(
      "Space ahead: default (the backend's own way), none, fallocate, fallocate-extend, zero, recycle."
    ))
  var preallocation: String?

  @Option(help: "Durability: none, interval, batch, group (a new topic's default: none).")
  var durability: String?

  @Option(help: "Take the key from this member of the event, or of its value, instead of 'key'.")
  var keyField: String?

  @Option(parsing: .unconditional, help: "Most bytes of a batch.")
  var batchBytes = "64KiB"

  @Option(parsing: .unconditional, help: "Most records of a batch.")
  var batchRecords = "1000"

  @Option(parsing: .unconditional, help: "Bytes at which a new topic's segments roll.")
  var segmentBytes = "1GiB"

  func validate() throws {
    if let backend { try expect("--backend", backend, Backends.names) }
    if let preallocation {
      try expect(
        "--preallocation", preallocation, ["default"] + Preallocation.allCases.map(\.rawValue))
    }
    if let durability {
      try expect("--durability", durability, Durability.allCases.map(\.rawValue))
    }
    if let keyField { try expectText("--key-field", keyField, "the name of a member") }
    _ = try (batchOptions(), partitionCount())
    if let reason = Self.reasonToRefuseSpace(try settings()) { throw ValidationError(reason) }
    if !Topic.isValid(name: topic) {
      throw ValidationError("--topic: \(LogError.invalidTopicName(topic))")
    }
  }

  func run() throws {
    // Not in validate, which comes before options that are unknown are named.
    guard let dir else {
      throw CommandFailure.usage("--dir: missing, expected the data directory")
    }
    Interruption.install(once: true)
    let isNewDirectory = InputFile.isFolder(dir) == nil
    do {
      var events = try EventReader(path: file, keyField: keyField)
      let directory = try LogDirectory(
        path: dir, io: LinuxFileIO(isPrivate: true), drivers: Backends.makeDrivers(),
        defaults: settings())
      do { try appendAll(&events, to: directory) } catch {
        if isNewDirectory { Self.removeEmptyDirectory(dir) }
        throw error
      }
    } catch let error as CommandFailure {
      throw error
    } catch let error as ExitCode {
      throw error
    } catch {
      throw CommandFailure.failed("\(error)")
    }
  }

  /// Removes a data directory that this import made, unless somebody has put a topic there since.
  private static func removeEmptyDirectory(_ path: String) {
    let io = LinuxFileIO()
    guard let topics = try? io.list("\(path)/topics"), topics.isEmpty,
      let entries = try? io.list(path),
      entries.allSatisfy({ !$0.isDirectory || $0.name == "topics" })
    else { return }
    try? FileTree.remove(path)
  }

  private func appendAll(_ events: inout EventReader, to directory: LogDirectory) throws {
    let isNewTopic = directory.topics[topic] == nil
    let progress = LineProgress()
    var importer: LogImporter?
    do {
      let target = try openTopic(directory)
      let made = try LogImporter(directory, topic: target, options: batchOptions())
      importer = made
      try made.run(&events) { count in
        progress.tell("\(count) records")
        return !Interruption.flag.isRaised
      }
    } catch {
      progress.end()
      throw failure(error, importer?.recordCount ?? 0, isNewTopic, directory)
    }
    progress.end()
    if Interruption.flag.isRaised {
      let told = failure("interrupted", importer?.recordCount ?? 0, isNewTopic, directory)
      writeError("varve: \(told.message)")
      throw ExitCode(ExitStatus.interrupted)
    }
    try directory.close()
    printNotices(directory.notices)
    printLine(
      "imported \(importer?.recordCount ?? 0) records, \(importer?.byteCount ?? 0) bytes, into "
        + "\(topic) (\(directory.topics[topic]?.partitionCount ?? 0) partitions) in \(dataDirectory)"
    )
  }

  /// Takes a new topic away again, closes the directory cleanly, and says what is left.
  private func failure(
    _ reason: some Any, _ count: Int64, _ isNewTopic: Bool, _ directory: LogDirectory
  ) -> CommandFailure {
    if let failure = reason as? CommandFailure {
      try? directory.close()
      return failure
    }
    var left = "nothing of the new topic '\(topic)' was kept"
    if isNewTopic {
      do { if directory.topics[topic] != nil { try directory.deleteTopic(topic) } } catch {
        left = "the new topic '\(topic)' could not be deleted again: \(error)"
      }
    } else {
      left =
        "\(count) events of \(file) were read before that; those that were appended are in "
        + "\(dataDirectory), and a second import would append them again"
    }
    printNotices(directory.notices)
    // What was acknowledged stays; the stop is a clean one.
    try? directory.close()
    return .failed("\(reason)\nvarve: \(left)")
  }

  private func openTopic(_ directory: LogDirectory) throws -> Topic {
    guard var existing = directory.topics[topic] else {
      var random = SystemRandomNumberGenerator()
      return try directory.createTopic(
        topic, partitions: partitionCount() ?? 1, settings: settings(), using: &random)
    }
    if let partitions = try partitionCount(), partitions != Int(existing.partitionCount) {
      throw CommandFailure.usage(
        "--partitions: found \(partitions), but topic '\(topic)' has "
          + "\(existing.partitionCount); leave the option out, or choose another --topic")
    }
    let given = given
    if given.isEmpty { return existing }
    for (name, value) in given { _ = existing.settings.set(name, to: value) }
    if let reason = Self.reasonToRefuseSpace(existing.settings) {
      // What it follows is for the backend that it had.
      let follows = existing.ownSettings?.contains("varve.preallocation") == false
      guard follows && preallocation == nil else { throw CommandFailure.usage(reason) }
      existing.settings.preallocation = nil
    }
    existing.ownSettings?.formUnion(given.map(\.name))
    try directory.alterTopic(topic, existing.settings, own: existing.ownSettings)
    return existing
  }

  private static func reasonToRefuseSpace(_ topic: TopicSettings) -> String? {
    topic.reasonToRefuseSpace(Backends.named(topic.backend)?.capabilities.preallocations)
      .map { "\($0) (--preallocation, --backend)" }
  }

  private var dataDirectory: String { dir ?? "" }

  private func partitionCount() throws -> Int? {
    try number("--partitions", partitions, 1...Int64(TopicSettings.partitionCountMax))
      .map { Int($0) }
  }

  private func batchOptions() throws -> LogImporter.Options {
    var options = LogImporter.Options()
    options.batchBytes = Int(try number("--batch-bytes", batchBytes, 128...(256 << 20), .bytes))
    options.batchRecords = Int(try number("--batch-records", batchRecords, 1...1_000_000))
    return options
  }

  /// The settings that options give, by their names.
  private var given: [(name: String, value: String)] {
    [
      ("varve.backend", backend), ("varve.durability", durability),
      ("varve.preallocation", preallocation),
    ].compactMap { name, value in value.map { (name, $0) } }
  }

  private func settings() throws -> TopicSettings {
    var settings = TopicSettings(backend: "buffered")
    // Validated, so that none is refused.
    for (name, value) in given { _ = settings.set(name, to: value) }
    settings.segmentBytes = Int(
      try number("--segment-bytes", segmentBytes, 1024...Int64(Int32.max), .bytes))
    // Events carry their own time: a year of them is not a year of waiting.
    settings.segmentMilliseconds = Int64.max
    return settings
  }
}
