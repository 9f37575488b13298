import LinuxIO
import LogStorage

/// A segment file that retention let go and that a later segment is to be written over (the
/// preallocation `recycle`): its space is there, and its blocks have been written before.
///
/// ```
/// <topic>-<partition>/recycle.spare     at most one
/// ```
/// What it holds are batches of this very partition, each with a lower offset than any that is still
/// to come. So whatever of them shines through behind the end of a log that was cut off by a crash
/// is known by its offset, and never taken for a batch of the new segment. For that reason a spare
/// never leaves its partition.
struct SpareSegment {
  static let name = "recycle.spare"

  let io: any FileIO
  let directory: String

  private var path: String { "\(directory)/\(Self.name)" }

  /// Makes the segment's file the spare one; false where there is one already, or somebody has the
  /// file open and would see it change. Durable with the directory.
  func keep(_ file: SegmentFile) throws(SystemCallError) -> Bool {
    guard try io.size(ofFileAt: path) == nil, file.retire() else { return false }
    // Where that cannot be found out, the file is deleted like any other.
    if file.hasLentPages, (try? hasNoPages(file)) != true { return false }
    try io.rename(file.path, to: path)
    return true
  }

  /// True where none of the file's pages is in the page cache any more: those on their way through a
  /// socket are, and would change under the reader.
  private func hasNoPages(_ file: SegmentFile) throws(SystemCallError) -> Bool {
    let number = try io.open(file.path, FileOpening(.read))
    defer { try? io.close(number) }
    // What is not the kernel's is never lent.
    guard let kernelFile = io.kernelFile(number) else { return true }
    return try kernelFile.evict(first: try io.size(number))
  }

  /// Gives the spare file a segment's name; false where there is none, or the name is taken.
  func take(as segmentPath: String) throws(SystemCallError) -> Bool {
    guard try io.size(ofFileAt: path) != nil, try io.size(ofFileAt: segmentPath) == nil
    else { return false }
    try io.rename(path, to: segmentPath)
    return true
  }

  /// For a topic that does not recycle any more.
  func remove() throws(SystemCallError) {
    if try io.size(ofFileAt: path) != nil { try io.remove(path) }
  }
}
