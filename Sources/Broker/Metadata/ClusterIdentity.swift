import CommitLog
import LinuxIO
import Records

/// Which cluster a data directory belongs to: Kafka's file `meta.properties`, written once.
enum ClusterIdentity {
  static let fileName = "meta.properties"

  /// The cluster id in the directory, or a new one, or `wanted` where it is not empty. Durable on
  /// return. Throws where the directory is another cluster's or node's.
  static func settle(
    io: any FileIO, directory: String, wanted: String, nodeID: Int32,
    _ randomness: () -> any RandomNumberGenerator
  ) throws(LogError) -> String {
    let path = "\(directory)/\(fileName)"
    do {
      if let bytes = try io.readFile(at: path) {
        return try read(TextLines.of(bytes), path, wanted, nodeID)
      }
      var random = randomness()
      let id = wanted.isEmpty ? "\(TopicID.random(using: &random))" : wanted
      let text = "version=1\ncluster.id=\(id)\nnode.id=\(nodeID)\n"
      try io.replaceFile(at: path, with: Array(text.utf8).span.bytes)
      return id
    } catch let error as SystemCallError {
      throw .system(error)
    } catch let error as LogError {
      throw error
    } catch {
      throw .invalidSetting(file: path, line: 1, reason: "\(error)")
    }
  }

  private static func read(
    _ lines: [String], _ path: String, _ wanted: String, _ nodeID: Int32
  ) throws(LogError) -> String {
    var id: String?
    for (index, line) in lines.enumerated() where !line.hasPrefix("#") {
      let parts = line.split(separator: "=", maxSplits: 1)
      guard parts.count == 2 else { continue }
      let value = String(parts[1])
      func refuse(_ expected: String) -> LogError {
        .invalidSetting(
          file: path, line: index + 1,
          reason: "\(parts[0]): found '\(value)', expected \(expected); this data directory is "
            + "another's: choose another log.dirs, or the setting that fits it")
      }
      switch parts[0] {
      case "cluster.id":
        if !wanted.isEmpty && value != wanted { throw refuse("'\(wanted)' (cluster.id)") }
        id = value
      case "node.id", "broker.id":
        if value != "\(nodeID)" { throw refuse("'\(nodeID)' (node.id)") }
      default: continue
      }
    }
    guard let id else {
      throw .invalidSetting(file: path, line: 1, reason: "expected a line cluster.id=…")
    }
    return id
  }
}
