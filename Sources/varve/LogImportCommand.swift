import ArgumentParser
import CommitLog
import Foundation
import LinuxIO
import LoadGenerator
import LogStorage

/// `varve log import FILE --dir DIR`
struct LogImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Append the events of a JSONL file to a topic.",
    discussion: """
      One event a line: {"key": …, "timestamp": milliseconds, "headers": {…}, "value": …}. The \
      record's value is the line's value exactly as written there. Records go to partitions by the \
      key's hash, as Kafka's clients place them; those without a key in turn, from partition 0. The \
      same file leaves the same log.

      Example: varve log import Bench/Data/flights-2013-01.jsonl.gz --dir ./data --partitions 3
      """)

  @Argument(help: "The file: JSON lines, plain or gzip.")
  var file: String

  // Required, but not by its type: a misspelt '--dir' is then named as such.
  @Option(help: "The data directory; made where it is missing. Required.")
  var dir: String?

  @Option(help: "The topic; made where it is missing.")
  var topic = "events"

  @Option(help: "Partitions of a new topic (default: 1).")
  var partitions: Int?

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

  @Option(help: "Most bytes of a batch.")
  var batchBytes = 64 << 10

  @Option(help: "Most records of a batch.")
  var batchRecords = 1000

  @Option(help: "Bytes at which a new topic's segments roll.")
  var segmentBytes = 1 << 30

  func validate() throws {
    if let backend { try expect("--backend", backend, Backends.names) }
    if let preallocation {
      try expect(
        "--preallocation", preallocation, ["default"] + Preallocation.allCases.map(\.rawValue))
    }
    if let durability {
      try expect("--durability", durability, Durability.allCases.map(\.rawValue))
    }
    if let reason = Self.reasonToRefuseSpace(settings) { throw ValidationError(reason) }
    try expect("--partitions", partitions ?? 1, 1...TopicSettings.partitionCountMax)
    try expect("--batch-bytes", batchBytes, 128...(256 << 20))
    try expect("--batch-records", batchRecords, 1...1_000_000)
    try expect("--segment-bytes", segmentBytes, 1024...Int(Int32.max))
    if !Topic.isValid(name: topic) {
      throw ValidationError("--topic: \(LogError.invalidTopicName(topic))")
    }
  }

  func run() throws {
    // Not in validate, which comes before options that are unknown are named.
    if dir == nil {
      throw CommandFailure.usage("--dir: missing, expected the data directory")
    }
    do {
      var events = try EventReader(path: file, keyField: keyField)
      let directory = try LogDirectory(
        path: dataDirectory, io: LinuxFileIO(), drivers: Backends.makeDrivers(), defaults: settings)
      try appendAll(&events, to: directory)
    } catch let error as CommandFailure {
      throw error
    } catch {
      throw CommandFailure.failed("\(error)")
    }
  }

  private func appendAll(_ events: inout EventReader, to directory: LogDirectory) throws {
    let target = try openTopic(directory)
    var options = LogImporter.Options()
    options.batchBytes = batchBytes
    options.batchRecords = batchRecords
    let importer = try LogImporter(directory, topic: target, options: options)
    let progress = LineProgress()
    do {
      try importer.run(&events) { count in
        progress.tell("\(count) records")
        return true
      }
    } catch {
      // What was acknowledged stays; the stop is a clean one.
      printNotices(directory.notices)
      try? directory.close()
      throw CommandFailure.failed(
        "\(error)\n"
          + "varve: \(importer.recordCount) events of \(file) were read before that; those that "
          + "were appended are in \(dataDirectory), and a second import would append them again")
    }
    try directory.close()
    progress.end()
    printNotices(directory.notices)
    print(
      "imported \(importer.recordCount) records, \(importer.byteCount) bytes, into \(topic) "
        + "(\(target.partitionCount) partitions) in \(dataDirectory)")
  }

  private func openTopic(_ directory: LogDirectory) throws -> Topic {
    guard var existing = directory.topics[topic] else {
      var random = SystemRandomNumberGenerator()
      return try directory.createTopic(
        topic, partitions: partitions ?? 1, settings: settings, using: &random)
    }
    if let partitions, partitions != Int(existing.partitionCount) {
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
    topic.reasonToRefuseSpace(Backends.preallocations(of: topic.backend))
      .map { "\($0) (--preallocation, --backend)" }
  }

  private var dataDirectory: String { dir ?? "" }

  /// The settings that options give, by their names.
  private var given: [(name: String, value: String)] {
    [
      ("varve.backend", backend), ("varve.durability", durability),
      ("varve.preallocation", preallocation),
    ].compactMap { name, value in value.map { (name, $0) } }
  }

  private var settings: TopicSettings {
    var settings = TopicSettings(backend: "buffered")
    // Validated, so that none is refused.
    for (name, value) in given { _ = settings.set(name, to: value) }
    settings.segmentBytes = segmentBytes
    // Events carry their own time: a year of them is not a year of waiting.
    settings.segmentMilliseconds = Int64.max
    return settings
  }
}

/// A mistake in an option names the option, the value and what would have been accepted.
func expect(_ option: String, _ value: String, _ accepted: [String]) throws {
  if !accepted.contains(value) {
    throw ValidationError(
      "\(option): found '\(value)', expected \(accepted.joined(separator: ", "))")
  }
}

func expect(_ option: String, _ value: Int, _ accepted: ClosedRange<Int>) throws {
  if !accepted.contains(value) {
    throw ValidationError(
      "\(option): found \(value), expected \(accepted.lowerBound) to \(accepted.upperBound)")
  }
}

func printNotices(_ notices: LogNotices) {
  for notice in notices.take() { writeError("varve: \(notice)") }
}

/// Says on standard error how far long work has come: on a terminal by rewriting one line, elsewhere
/// by a line every few seconds.
final class LineProgress {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private var last = MonotonicClock.nanoseconds()
  private var hasLine = false

  func tell(_ text: String) {
    let now = MonotonicClock.nanoseconds()
    if now - last < (isTerminal ? 200_000_000 : 5_000_000_000) { return }
    last = now
    hasLine = isTerminal
    FileHandle.standardError.write(Data((isTerminal ? "\r\(text)\u{1b}[K" : "\(text)\n").utf8))
  }

  func end() {
    if hasLine { FileHandle.standardError.write(Data("\r\u{1b}[K".utf8)) }
    hasLine = false
  }
}
