import LinuxIO
import Records

/// The small text files beside the logs: line by line, replaced atomically, checked when read.
///
/// ```
/// recovery-point-offset-checkpoint    Kafka's: version, count, then "topic partition offset"
/// log-start-offset-checkpoint         likewise: where logs begin, inside their first segment
/// .varve_cleanshutdown                where each partition ended; there only while nobody writes
/// .varve_walltime                     the last time that retention went by, since 1970
/// <topic>-<partition>/partition.metadata   Kafka's: version, topic_id
/// ```
struct LogFiles {
  static let recoveryPointName = "recovery-point-offset-checkpoint"
  static let logStartName = "log-start-offset-checkpoint"
  static let cleanShutdownName = ".varve_cleanshutdown"
  static let wallTimeName = ".varve_walltime"
  static let lockName = ".lock"
  static let partitionMetadataName = "partition.metadata"

  /// What `partition.metadata` says.
  static func partitionMetadata(_ topic: TopicID) -> String { "version: 0\ntopic_id: \(topic)\n" }

  let io: any FileIO
  let directory: String

  private func path(_ name: String) -> String { "\(directory)/\(name)" }

  // MARK: - Recovery points, log starts

  /// What is known to be durable, by partition; empty where the file is missing or does not hold:
  /// then everything is checked.
  func readRecoveryPoints() throws(SystemCallError) -> [TopicPartition: Offset]? {
    try readOffsets(Self.recoveryPointName)
  }

  func writeRecoveryPoints(_ points: [(TopicPartition, Offset)]) throws(SystemCallError) {
    try writeOffsets(points, Self.recoveryPointName)
  }

  /// Where logs begin from which records were deleted; nil where the file does not hold.
  func readLogStarts() throws(SystemCallError) -> [TopicPartition: Offset]? {
    try readOffsets(Self.logStartName)
  }

  func writeLogStarts(_ starts: [(TopicPartition, Offset)]) throws(SystemCallError) {
    try writeOffsets(starts, Self.logStartName)
  }

  private func readOffsets(_ name: String) throws(SystemCallError) -> [TopicPartition: Offset]? {
    guard let lines = try readLines(name) else { return [:] }
    guard lines.count >= 2, lines[0] == "0", let count = Int(lines[1]), count == lines.count - 2
    else { return nil }
    var points: [TopicPartition: Offset] = [:]
    for line in lines.dropFirst(2) {
      let fields = line.split(separator: " ")
      guard fields.count == 3, let partition = Int32(fields[1]), let offset = Int64(fields[2]),
        offset >= 0
      else { return nil }
      points[TopicPartition(topic: String(fields[0]), partition: partition)] = Offset(offset)
    }
    return points
  }

  private func writeOffsets(
    _ offsets: [(TopicPartition, Offset)], _ name: String
  ) throws(SystemCallError) {
    var text = "0\n\(offsets.count)\n"
    for (partition, offset) in offsets {
      text += "\(partition.topic) \(partition.partition) \(offset)\n"
    }
    try write(text, name)
  }

  // MARK: - Clean shutdown

  /// Where a partition ended when the process that had it stopped cleanly.
  struct CleanEnd: Hashable {
    let activeBase: Offset
    let activeBytes: Int64
    let end: Offset
  }

  /// Nil where the last stop was no clean one, or the marker does not hold.
  func readCleanShutdown() throws(SystemCallError) -> [TopicPartition: CleanEnd]? {
    guard let lines = try readLines(Self.cleanShutdownName), lines.count >= 2,
      lines.first == "varve clean shutdown 1", let last = lines.last
    else { return nil }
    let body = lines.dropLast().joined(separator: "\n") + "\n"
    guard last == checksumLine(body) else { return nil }
    var ends: [TopicPartition: CleanEnd] = [:]
    for line in lines.dropFirst().dropLast() {
      let fields = line.split(separator: " ")
      guard fields.count == 5, let partition = Int32(fields[1]), let base = Int64(fields[2]),
        let bytes = Int64(fields[3]), let end = Int64(fields[4]), base >= 0, end >= base
      else { return nil }
      ends[TopicPartition(topic: String(fields[0]), partition: partition)] = CleanEnd(
        activeBase: Offset(base), activeBytes: bytes, end: Offset(end))
    }
    return ends
  }

  func writeCleanShutdown(_ ends: [(TopicPartition, CleanEnd)]) throws(SystemCallError) {
    var body = "varve clean shutdown 1\n"
    for (partition, end) in ends {
      body += "\(partition.topic) \(partition.partition) \(end.activeBase) \(end.activeBytes) "
      body += "\(end.end)\n"
    }
    try write(body + checksumLine(body) + "\n", Self.cleanShutdownName)
  }

  /// Before anything is appended: from here on a stop is unclean until it is written again.
  func removeCleanShutdown() throws(SystemCallError) {
    guard try io.size(ofFileAt: path(Self.cleanShutdownName)) != nil else { return }
    try io.remove(path(Self.cleanShutdownName))
    try io.synchronizeDirectory(directory)
  }

  // MARK: - Wall time

  enum WallTime: Hashable {
    case missing
    case damaged
    /// Milliseconds since 1970.
    case time(Int64)
  }

  func readWallTime() throws(SystemCallError) -> WallTime {
    guard let lines = try readLines(Self.wallTimeName) else { return .missing }
    guard lines.count == 3, let milliseconds = Int64(lines[1]),
      lines == wallTimeText(milliseconds).split(separator: "\n").map(String.init)
    else { return .damaged }
    return .time(milliseconds)
  }

  func writeWallTime(_ milliseconds: Int64) throws(SystemCallError) {
    try write(wallTimeText(milliseconds), Self.wallTimeName)
  }

  private func wallTimeText(_ milliseconds: Int64) -> String {
    let body = "varve wall time 1\n\(milliseconds)\n"
    return body + checksumLine(body) + "\n"
  }

  private func checksumLine(_ body: String) -> String {
    let crc = CRC32C.checksum(Array(body.utf8).span.bytes)
    return "crc32c \(String(crc, radix: 16))"
  }

  // MARK: - Lines

  func readLines(_ name: String) throws(SystemCallError) -> [String]? {
    guard let bytes = try io.readFile(at: path(name)) else { return nil }
    return TextLines.of(bytes).filter { !$0.isEmpty }
  }

  func write(_ text: String, _ name: String) throws(SystemCallError) {
    try io.replaceFile(at: path(name), with: Array(text.utf8).span.bytes)
  }
}
