import CommitLog
import LinuxIO

/// Gives out producer ids, none twice, over restarts too: from blocks that the metadata gives this
/// broker alone. Belongs to the administration's thread.
package struct ProducerIDs {
  private static let blockCount: Int64 = 1000

  private let metadata: any ClusterMetadata
  private var block: Range<Int64> = 0..<0

  package init(_ metadata: any ClusterMetadata) { self.metadata = metadata }

  /// An id that nobody has had. A crash may skip ids, and repeats none.
  package mutating func take() throws(LogError) -> Int64 {
    if block.isEmpty { block = try metadata.reserveProducerIDs(Self.blockCount) }
    let id = block.lowerBound
    block = (id + 1)..<block.upperBound
    return id
  }
}

/// The file that says up to which producer ids may have been given out.
struct ProducerIDFile {
  static let fileName = "varve-producer-ids"

  private let io: any FileIO
  private let path: String
  private var next: Int64 = 0

  /// Reads the file, where there is one.
  init(io: any FileIO, directory: String) throws(LogError) {
    self.io = io
    path = "\(directory)/\(Self.fileName)"
    let bytes: [UInt8]?
    do { bytes = try io.readFile(at: path) } catch { throw .system(error) }
    guard let bytes else { return }
    let text = String(decoding: bytes, as: UTF8.self)
    guard text.hasSuffix("\n"), let value = Int64(text.dropLast()), value >= 0 else {
      throw .invalidSetting(
        file: path, line: 1, reason: "found '\(text)', expected the next producer id")
    }
    next = value
  }

  /// The next `count` ids; durable on return.
  mutating func reserve(_ count: Int64) throws(LogError) -> Range<Int64> {
    let (end, overflow) = next.addingReportingOverflow(count)
    guard !overflow else {
      throw .invalidSetting(file: path, line: 1, reason: "no producer id is left")
    }
    do { try io.replaceFile(at: path, with: Array("\(end)\n".utf8).span.bytes) } catch {
      throw .system(error)
    }
    defer { next = end }
    return next..<end
  }
}
