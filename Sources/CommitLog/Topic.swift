import LinuxIO
import Records

/// A topic of a data directory.
package struct Topic: Hashable, Sendable {
  package let name: String
  package let id: TopicID
  package internal(set) var partitionCount: Int32
  package var settings: TopicSettings
  /// The names of the settings that the topic was given. The others are its broker's defaults, whatever
  /// those are when the broker starts. Nil where all are the topic's, as where no broker made it.
  package var ownSettings: Set<String>?
  /// True where records were deleted on request: then the file of log starts speaks of the topic.
  var hasDeletedRecords = false

  /// Kafka's is 249, which leaves room for a partition's number in a file name of Linux; here the topic's
  /// own file needs some more, `.properties.tmp` while it is being written.
  package static let nameBytesMax = 240

  /// Kafka's rule for names, which also keeps them safe as file names.
  package static func isValid(name: String) -> Bool {
    guard (1...nameBytesMax).contains(name.utf8.count) else { return false }
    if name == "." || name == ".." { return false }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "-"):
        true
      default: false
      }
    }
  }

  package var partitions: [TopicPartition] {
    (0..<partitionCount).map { TopicPartition(topic: name, partition: $0) }
  }
}

/// Topics on disk: `topics/<name>.properties`, one `name=value` a line. The file is written when
/// the partitions' directories are durable, so a topic is there as a whole or not at all. While a topic
/// is being deleted its file is called `<name>.deleted`.
struct TopicFiles {
  static let directoryName = "topics"
  private static let suffix = ".properties"
  private static let deletedSuffix = ".deleted"
  private static let deletedRecordsKey = "varve.records.deleted"
  private static let ownSettingsKey = "varve.own.settings"

  let io: any FileIO
  /// The data directory.
  let directory: String

  private var topicsPath: String { "\(directory)/\(Self.directoryName)" }

  func path(_ name: String, deleted: Bool = false) -> String {
    "\(topicsPath)/\(name)\(deleted ? Self.deletedSuffix : Self.suffix)"
  }

  /// The topics that there are, and those whose deletion has begun and not ended, by name.
  func names() throws(LogError) -> (topics: [String], deleted: [String]) {
    let names: [String]
    do {
      names = try io.list(topicsPath).filter { !$0.isDirectory }.map(\.name).sorted()
    } catch { throw .system(error) }
    func topics(_ suffix: String) -> [String] {
      names.filter { $0.hasSuffix(suffix) }.map { String($0.dropLast(suffix.count)) }
    }
    return (topics(Self.suffix), topics(Self.deletedSuffix))
  }

  func read(_ names: [String], defaults: TopicSettings) throws(LogError) -> [Topic] {
    var topics: [Topic] = []
    for name in names { topics.append(try readTopic(name, defaults)) }
    return topics
  }

  /// From here on the topic is one whose deletion has begun; durable with the directory.
  func beginDeletion(_ name: String) throws(SystemCallError) {
    try io.rename(path(name), to: path(name, deleted: true))
  }

  func synchronize() throws(SystemCallError) { try io.synchronizeDirectory(topicsPath) }

  /// Nothing of the topic is left; durable on return.
  func endDeletion(_ name: String) throws(SystemCallError) {
    if try io.size(ofFileAt: path(name, deleted: true)) != nil {
      try io.remove(path(name, deleted: true))
    }
    try io.synchronizeDirectory(topicsPath)
  }

  func write(_ topic: Topic) throws(SystemCallError) {
    var text = "topic.id=\(topic.id)\npartitions=\(topic.partitionCount)\n"
    if topic.hasDeletedRecords { text += "\(Self.deletedRecordsKey)=true\n" }
    if let own = topic.ownSettings {
      text += "\(Self.ownSettingsKey)=\(own.sorted().joined(separator: ","))\n"
    }
    text += topic.settings.fileText
    try io.replaceFile(at: path(topic.name), with: Array(text.utf8).span.bytes)
  }

  private func readTopic(_ name: String, _ defaults: TopicSettings) throws(LogError) -> Topic {
    let path = path(name)
    guard Topic.isValid(name: name) else { throw .invalidTopicName(name) }
    let bytes: [UInt8]
    do { bytes = try io.readFile(at: path) ?? [] } catch { throw .system(error) }
    var id: TopicID?
    var partitionCount: Int32?
    var hasDeletedRecords = false
    var ownSettings: Set<String>?
    var settings = defaults
    settings.setWhatIsLeftOut()
    let lines = TextLines.of(bytes)
    for (index, line) in lines.enumerated() where !line.isEmpty && !line.hasPrefix("#") {
      func invalid(_ reason: String) -> LogError {
        .invalidSetting(file: path, line: index + 1, reason: reason)
      }
      guard let equals = line.firstIndex(of: "=") else {
        throw invalid("found '\(line)', expected name=value")
      }
      let (key, value) = (String(line[..<equals]), String(line[line.index(after: equals)...]))
      switch key {
      case "topic.id":
        id = TopicID(value)
        if id == nil { throw invalid("topic.id: '\(value)' is no UUID in base64") }
      case "partitions":
        partitionCount = Int32(value).flatMap {
          (1...Int32(TopicSettings.partitionCountMax)).contains($0) ? $0 : nil
        }
        if partitionCount == nil { throw invalid("partitions: '\(value)' is no partition count") }
      case Self.deletedRecordsKey: hasDeletedRecords = value == "true"
      case Self.ownSettingsKey:
        let own = value.split(separator: ",").map(String.init)
        if let unknown = own.first(where: { TopicSettings.setting($0) == nil }) {
          throw invalid("\(key): unknown setting '\(unknown)'")
        }
        ownSettings = Set(own)
      default:
        if let reason = settings.set(key, to: value) { throw invalid(reason) }
      }
    }
    guard let id, let partitionCount else {
      throw .invalidSetting(
        file: path, line: lines.count, reason: "expected topic.id and partitions")
    }
    return Topic(
      name: name, id: id, partitionCount: partitionCount, settings: settings,
      ownSettings: ownSettings, hasDeletedRecords: hasDeletedRecords)
  }
}
