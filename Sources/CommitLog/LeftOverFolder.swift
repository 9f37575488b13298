import LinuxIO
import Records

/// A partition's folder with files that are not its own: of an earlier topic of that name, whose
/// file somebody removed, or folders that somebody made. It keeps them under another name, beside
/// the partitions.
///
/// ```
/// <data>/<topic>-<partition>.leftover      no partition of ours
/// <data>/<topic>-<partition>.1.leftover    another one
/// ```
struct LeftOverFolder {
  static let suffix = ".leftover"

  let io: any FileIO
  let path: String

  /// True where there is more than what an unfinished creation leaves.
  func isOccupied() throws(SystemCallError) -> Bool {
    try io.list(path).contains { $0.isDirectory || $0.name != LogFiles.partitionMetadataName }
  }

  /// Gives the folder another name, and says which. Durable with the parent.
  func setAside() throws(SystemCallError) -> String {
    var number = 0
    while try exists(name(number)) { number += 1 }
    try io.rename(path, to: name(number))
    return name(number)
  }

  private func name(_ number: Int) -> String {
    number == 0 ? path + Self.suffix : "\(path).\(number)\(Self.suffix)"
  }

  private func exists(_ path: String) throws(SystemCallError) -> Bool {
    do {
      _ = try io.list(path)
      return true
    } catch {
      if error.number == .noSuchFile { return false }
      throw error
    }
  }
}
