import LinuxIO
import Records

/// A topic of a data directory.
package struct Topic: Hashable, Sendable {
  package let name: String
  package let id: TopicID
  package let partitionCount: Int32
  package var settings: TopicSettings

  /// Kafka's rule for names, which also keeps them safe as file names.
  package static func isValid(name: String) -> Bool {
    guard (1...249).contains(name.utf8.count), name != ".", name != ".." else { return false }
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
/// the partitions' directories are durable, so a topic is there as a whole or not at all.
struct TopicFiles {
  static let directoryName = "topics"
  private static let suffix = ".properties"

  let io: any FileIO
  /// The data directory.
  let directory: String

  private var topicsPath: String { "\(directory)/\(Self.directoryName)" }

  func read(defaults: TopicSettings) throws(LogError) -> [Topic] {
    let names: [String]
    do {
      names = try io.list(topicsPath).filter { !$0.isDirectory }.map(\.name)
    } catch { throw .system(error) }
    var topics: [Topic] = []
    for file in names.sorted() where file.hasSuffix(Self.suffix) {
      topics.append(try readTopic(String(file.dropLast(Self.suffix.count)), defaults))
    }
    return topics
  }

  func write(_ topic: Topic) throws(SystemCallError) {
    var text = "topic.id=\(topic.id)\npartitions=\(topic.partitionCount)\n"
    for name in TopicSettings.names {
      text += "\(name)=\(topic.settings.value(of: name) ?? "")\n"
    }
    try io.replaceFile(
      at: "\(topicsPath)/\(topic.name)\(Self.suffix)", with: Array(text.utf8).span.bytes)
  }

  private func readTopic(_ name: String, _ defaults: TopicSettings) throws(LogError) -> Topic {
    let path = "\(topicsPath)/\(name)\(Self.suffix)"
    guard Topic.isValid(name: name) else { throw .invalidTopicName(name) }
    let bytes: [UInt8]
    do { bytes = try io.readFile(at: path) ?? [] } catch { throw .system(error) }
    var id: TopicID?
    var partitionCount: Int32?
    var settings = defaults
    let lines = String(decoding: bytes, as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false)
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
      default:
        if let reason = settings.set(key, to: value) { throw invalid(reason) }
      }
    }
    guard let id, let partitionCount else {
      throw .invalidSetting(
        file: path, line: lines.count, reason: "expected topic.id and partitions")
    }
    return Topic(name: name, id: id, partitionCount: partitionCount, settings: settings)
  }
}
