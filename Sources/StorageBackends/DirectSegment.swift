import LinuxIO
import LogStorage
import Records

/// One segment file open with O_DIRECT, and the memory of its last, partial block. Blocks before
/// that one are never written again.
package final class DirectSegment<IO: FileIO>: SynchronousSegment {
  package let open: OpenSegment<IO>
  private let memoryAlignment: Int
  private let file: SegmentFile
  private let tail: SegmentTail
  private let staging: StagingBuffer
  private var last: LastBlock

  init(
    _ open: OpenSegment<IO>, _ file: SegmentFile, _ staging: StagingBuffer
  ) throws(StorageError) {
    self.open = open
    self.staging = staging
    memoryAlignment = open.alignment?.memory ?? AlignedBuffer.alignment
    // A file system's block is the least that is not read back before it is written.
    let blockBytes = max(open.alignment?.offset ?? 0, AlignedBuffer.alignment)
    last = LastBlock(blockBytes: blockBytes)
    self.file = file
    tail = file.makeTail(blockBytes: blockBytes)
    try last.read(to: open.position, of: open.handle)
    last.publish(to: tail)
  }

  package var placement: Int { last.count }

  package func write(_ buffer: inout AlignedBuffer) throws(StorageError) -> FilePosition {
    let end = last.start + Int64(last.count + buffer.count)
    try open.takeSpace(upTo: end + Int64(last.padding(after: last.count + buffer.count)))
    do throws(SystemCallError) {
      if try !writeInPlace(&buffer) { try writeThroughStaging(buffer.bytes) }
    } catch { throw .ofWrite(error) }
    last.advance(past: buffer.bytes)
    last.publish(to: tail)
    return open.advance(by: buffer.count)
  }

  package func truncate(to position: Int64) throws(StorageError) {
    let isRead = position != open.position
    try open.truncate(to: position)
    // After a failed append the memory of the last block is still right, and the file's may not
    // be readable; elsewhere it is read back.
    guard isRead else { return }
    do throws(StorageError) { try last.read(to: position, of: open.handle) } catch {
      open.health = .fenced
      throw error
    }
    last.publish(to: tail)
  }

  /// Cuts the padding off. Readers then find the last bytes in the file.
  package func seal() throws(StorageError) {
    try open.seal(isPadded: true)
    file.finishTail(at: open.position)
  }

  /// Writes from the caller's own memory, completing its first and last block there. False where
  /// the memory lies wrong for this position, or has no room for that.
  private func writeInPlace(_ buffer: inout AlignedBuffer) throws(SystemCallError) -> Bool {
    let before = last.count
    guard buffer.isAligned(before: before, to: memoryAlignment) else { return false }
    let after = last.padding(after: before + buffer.count)
    let blockStart = last.start
    let written: Void? = try buffer.withBlocks(before: before, after: after) {
      span throws(SystemCallError) in
      span.copy(last.bytes.bytes, at: 0)
      span.zero((span.byteCount - after)..<span.byteCount)
      try writeBlocks(span.bytes, at: blockStart)
    }
    return written != nil
  }

  private func writeThroughStaging(_ bytes: RawSpan) throws(SystemCallError) {
    try staging.withBuffer { staged throws(SystemCallError) in
      staged.clear()
      staged.append(last.bytes.bytes)
      var blockStart = last.start
      var taken = 0
      while taken < bytes.byteCount {
        let room = StagingBuffer.byteCount - staged.count
        let part = min(room, bytes.byteCount - taken)
        staged.append(bytes.extracting(taken..<(taken + part)))
        taken += part
        // Only the last piece can end inside a block: the others fill the staging buffer.
        let unpadded = staged.count
        staged.resize(to: unpadded + last.padding(after: unpadded))
        var span = staged.mutableBytes
        span.zero(unpadded..<span.byteCount)
        try writeBlocks(staged.bytes, at: blockStart)
        blockStart += Int64(staged.count)
        staged.clear()
      }
    }
  }

  /// `pwrite(2)` until every block is written. A short write may end inside a block: that block is
  /// written again, since O_DIRECT cannot go on from the middle of one.
  private func writeBlocks(_ blocks: RawSpan, at start: Int64) throws(SystemCallError) {
    var done = 0
    var fruitless = 0
    while done < blocks.byteCount {
      let count: Int
      do {
        count = try open.handle.io.write(
          open.handle.number, blocks.extracting(done..<blocks.byteCount), at: start + Int64(done))
      } catch { throw error.naming(open.path) }
      let whole = count / last.blockBytes * last.blockBytes
      fruitless = whole == 0 ? fruitless + 1 : 0
      if fruitless > 100 { throw SystemCallError(.pwrite, .inputOutput, path: open.path) }
      done += whole
    }
  }
}
