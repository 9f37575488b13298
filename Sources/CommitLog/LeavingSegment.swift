import LinuxIO
import LogStorage

/// A segment that has left its log, and whose files are still there. On any thread.
struct LeavingSegment: Sendable {
  let segment: LogSegment
  let io: any FileIO
  let directory: String
  /// The file becomes the partition's spare one, where it can.
  let isRecycled: Bool
  /// Names of segments that stay may not be durable yet.
  let hasUnflushedNames: Bool

  /// Removes the files; durable on return. Until then no segment after it may go, or recovery would
  /// find a hole where the log has none.
  func removeFiles() throws(SystemCallError) {
    // What stays must have its name before what goes loses it.
    if hasUnflushedNames { try io.synchronizeDirectory(directory) }
    do throws(SystemCallError) {
      if try io.size(ofFileAt: segment.file.path) != nil { try letGo(segment.file) }
      try segment.indexFiles.remove()
    } catch {
      // What did go stays gone: else the next start finds the log without it, and one after a power
      // cut with it, so that the log's start would move back.
      try? io.synchronizeDirectory(directory)
      throw error
    }
    try io.synchronizeDirectory(directory)
  }

  private func letGo(_ file: SegmentFile) throws(SystemCallError) {
    let spare = SpareSegment(io: io, directory: directory)
    if isRecycled, try spare.keep(file) { return }
    try io.remove(file.path)
  }
}
