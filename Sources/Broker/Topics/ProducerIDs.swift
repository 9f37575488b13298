import CommitLog
import LinuxIO

/// Gives out producer ids, none twice, over restarts too: a file says up to which they may have been
/// given, and moves on a thousand at a time. Belongs to the administration's thread.
final class ProducerIDs {
  static let fileName = "varve-producer-ids"
  private static let blockCount: Int64 = 1000

  private let io: any FileIO
  private let path: String
  private var next: Int64
  private var reserved: Int64

  /// Reads the file, where there is one.
  init(io: any FileIO, directory: String) throws(LogError) {
    self.io = io
    path = "\(directory)/\(Self.fileName)"
    let bytes: [UInt8]?
    do { bytes = try io.readFile(at: path) } catch { throw .system(error) }
    if let bytes {
      let text = String(decoding: bytes, as: UTF8.self)
      guard text.hasSuffix("\n"), let value = Int64(text.dropLast()), value >= 0 else {
        throw .invalidSetting(
          file: path, line: 1, reason: "found '\(text)', expected the next producer id")
      }
      next = value
    } else {
      next = 0
    }
    reserved = next
  }

  /// An id that nobody has had. Durable: a crash may skip ids, and repeats none.
  func take() throws(LogError) -> Int64 {
    if next == reserved {
      let (end, overflow) = next.addingReportingOverflow(Self.blockCount)
      guard !overflow else {
        throw .invalidSetting(file: path, line: 1, reason: "no producer id is left")
      }
      do { try io.replaceFile(at: path, with: Array("\(end)\n".utf8).span.bytes) } catch {
        throw .system(error)
      }
      reserved = end
    }
    defer { next += 1 }
    return next
  }
}
