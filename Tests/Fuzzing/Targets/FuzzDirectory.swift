import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport

/// The files of a data directory, to be put together and then onto a simulated disk.
struct FuzzDirectory: Equatable {
  static let root = "/data/log"

  /// By path, from the data directory on.
  var files: [String: [UInt8]] = [:]
  var directories: Set<String> = ["topics"]

  init() {}

  /// What a disk holds.
  init(_ disk: SimulatedDisk) {
    for path in disk.allPaths {
      let name = String(path.dropFirst(Self.root.utf8.count + 1))
      files[name] = disk.contents(of: path) ?? []
    }
  }

  var disk: SimulatedDisk {
    let disk = SimulatedDisk()
    disk.makeDirectory(Self.root)
    for directory in directories.sorted() { disk.makeDirectory("\(Self.root)/\(directory)") }
    for (name, bytes) in files.sorted(by: { $0.key < $1.key }) {
      disk.setContents(of: "\(Self.root)/\(name)", bytes)
    }
    return disk
  }

  /// A topic `t`, with its partitions' directories.
  mutating func addTopic(partitions: Int = 1, _ settings: TopicSettings) {
    var text = "topic.id=AAAAAAAAQACAAAAAAAAAAQ\npartitions=\(partitions)\n"
    for name in TopicSettings.names { text += "\(name)=\(settings.value(of: name) ?? "")\n" }
    files["topics/t.properties"] = Array(text.utf8)
    for partition in 0..<partitions { directories.insert("t-\(partition)") }
  }

  static func segment(_ base: Int64, _ suffix: String = ".log", partition: Int = 0) -> String {
    let digits = String(base)
    let zeros = String(repeating: "0", count: max(0, 20 - digits.count))
    return "t-\(partition)/\(zeros)\(digits)\(suffix)"
  }

  /// The segments of a partition's directory, in order.
  func segments(of directory: String) -> [(base: Int64, name: String)] {
    files.keys.compactMap { name in
      guard name.hasPrefix(directory + "/"),
        let base = SegmentNames.baseOffset(
          of: String(name.dropFirst(directory.utf8.count + 1)), suffix: ".log")
      else { return nil }
      return (base.rawValue, name)
    }.sorted { $0.base < $1.base }
  }
}

extension FuzzDirectory: CustomStringConvertible {
  var description: String {
    let lines = files.sorted { $0.key < $1.key }.map { name, bytes in
      let isText = bytes.allSatisfy { $0 == 0x0A || 0x20..<0x7F ~= $0 }
      if isText {
        return "\(name): \(bytes.count) bytes\n\(String(decoding: bytes, as: UTF8.self))"
      }
      let found = (0..<bytes.count).compactMap { PlainSegment.batch(in: bytes, at: $0) }
      let batches = found.map {
        "  \($0.position): offsets \($0.header.baseOffset) to \($0.header.lastOffset), "
          + "\($0.header.byteCountTotal) bytes"
      }
      return (["\(name): \(bytes.count) bytes"] + batches).joined(separator: "\n")
    }
    return (directories.sorted().map { $0 + "/" } + lines).joined(separator: "\n")
  }
}

/// A data directory that is open.
final class OpenDirectory {
  let disk: SimulatedDisk
  let drivers: BackendDrivers
  let directory: LogDirectory

  init(_ disk: SimulatedDisk) throws(LogError) {
    self.disk = disk
    let io = SimulatedFileIO(disk)
    drivers = BackendDrivers { name throws(LogError) in
      guard let kind = BackendUnderTest(rawValue: name) else {
        throw .unknownBackend(name, reason: "the fuzz target does not have it")
      }
      do throws(StorageError) { return try kind.make(io, seed: 1) } catch { throw .storage(error) }
    }
    directory = try LogDirectory(
      path: FuzzDirectory.root, io: io, drivers: drivers,
      defaults: TopicSettings(backend: "buffered"))
  }
}
