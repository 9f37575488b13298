import LinuxIO
import LogStorage
import Records

/// One segment file open with O_DIRECT, and the memory of its last, partial block.
///
/// ```
///   file    [ block ][ block ][ last block: bytes | zeros ]
///                             ^ blockStart  ^ position
///   memory                    [ lastBlock          ]
/// ```
/// Blocks before `blockStart` are never written again.
final class DirectSegment<IO: FileIO> {
  private let handle: FileHandle<IO>
  private let alignment: DirectAlignment
  private let blockBytes: Int
  private let tail: SegmentTail
  private let staging: StagingBuffer
  /// The last block's bytes so far: `position % blockBytes` of them.
  private var lastBlock: AlignedBuffer
  private var position: Int64
  private var health = SegmentHealth.sound

  init(
    _ io: IO, _ file: SegmentFile, _ options: SegmentOptions, _ staging: StagingBuffer
  ) throws(StorageError) {
    let creation: FileOpening.Creation = options.origin == .new ? .mustBeNew : .never
    let size: Int64
    do {
      handle = try FileHandle(
        io, file.path, FileOpening(.readWrite, creation: creation, direct: true))
      size = try handle.size()
    } catch {
      // Some file systems refuse the flag at open; an existing file was not touched.
      if error.number == .invalidArgument { throw .directUnsupported(path: file.path) }
      throw .fileFailed(error)
    }
    guard let alignment = io.directAlignment(handle.number) else {
      if options.origin == .new { try? io.remove(file.path) }
      throw .directUnsupported(path: file.path)
    }
    guard size >= options.position.rawValue else {
      throw .unexpectedEnd(path: file.path, position: size)
    }
    self.alignment = alignment
    self.staging = staging
    // A file system's block is the least that is not read back before it is written.
    blockBytes = max(alignment.offset, AlignedBuffer.alignment)
    lastBlock = AlignedBuffer(capacity: blockBytes)
    tail = file.makeTail(blockBytes: blockBytes)
    position = options.position.rawValue
    if size > position {
      do { try handle.truncate(to: position) } catch { throw .fileFailed(error) }
    }
    try readLastBlock()
  }

  /// How far the next append's first byte lies into its block.
  var placement: Int { lastBlock.count }

  func append(_ buffer: inout AlignedBuffer) -> Result<FilePosition, StorageError> {
    guard health == .sound else { return .failure(.fenced(path: handle.path)) }
    do {
      if try !writeInPlace(&buffer) { try writeThroughStaging(buffer.bytes) }
    } catch {
      health = .endInDoubt
      return .failure(.ofWrite(error))
    }
    let start = position
    advance(past: buffer.bytes)
    return .success(FilePosition(start))
  }

  func flush() throws(StorageError) {
    guard health != .fenced else { throw .fenced(path: handle.path) }
    do { try handle.synchronizeData() } catch {
      health = .fenced
      throw .flushFailed(error)
    }
  }

  func truncate(to newPosition: Int64) throws(StorageError) {
    guard health != .fenced else { throw .fenced(path: handle.path) }
    do { try handle.truncate(to: newPosition) } catch {
      health = .fenced
      throw .fileFailed(error)
    }
    // After a failed append the memory of the last block is still right, and the file's may not
    // be readable; elsewhere it is read back.
    if newPosition != position {
      position = newPosition
      do { try readLastBlock() } catch {
        health = .fenced
        throw error
      }
    }
    health = .sound
  }

  /// Cuts the padding off. Readers then find the last bytes in the file.
  func seal() throws(StorageError) {
    guard health == .sound else { throw .fenced(path: handle.path) }
    do { try handle.truncate(to: position) } catch { throw .fileFailed(error) }
    tail.publish(start: position, RawSpan())
  }

  // MARK: - Writing

  /// Writes from the caller's own memory, completing its first and last block there. False where
  /// the memory lies wrong for this position, or has no room for that.
  private func writeInPlace(_ buffer: inout AlignedBuffer) throws(SystemCallError) -> Bool {
    let before = lastBlock.count
    guard buffer.isAligned(before: before, to: alignment.memory) else { return false }
    let after = padding(after: before + buffer.count)
    let blockStart = position - Int64(before)
    let written: Void? = try buffer.withBlocks(before: before, after: after) {
      span throws(SystemCallError) in
      span.copy(lastBlock.bytes, at: 0)
      span.zero((span.byteCount - after)..<span.byteCount)
      try writeBlocks(span.bytes, at: blockStart)
    }
    return written != nil
  }

  private func writeThroughStaging(_ bytes: RawSpan) throws(SystemCallError) {
    try staging.withBuffer { staged throws(SystemCallError) in
      staged.clear()
      staged.append(lastBlock.bytes)
      var blockStart = position - Int64(lastBlock.count)
      var taken = 0
      while taken < bytes.byteCount {
        let room = (1 << 20) - staged.count
        let part = min(room, bytes.byteCount - taken)
        staged.append(bytes.extracting(taken..<(taken + part)))
        taken += part
        // Only the last piece can end inside a block: the others fill the staging buffer.
        let unpadded = staged.count
        staged.resize(to: unpadded + padding(after: unpadded))
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
        count = try handle.io.write(
          handle.number, blocks.extracting(done..<blocks.byteCount), at: start + Int64(done))
      } catch { throw error.naming(handle.path) }
      let whole = count / blockBytes * blockBytes
      fruitless = whole == 0 ? fruitless + 1 : 0
      if fruitless > 100 { throw SystemCallError(.pwrite, .inputOutput, path: handle.path) }
      done += whole
    }
  }

  private func padding(after count: Int) -> Int {
    (blockBytes - count % blockBytes) % blockBytes
  }

  // MARK: - The last block

  /// Remembers the new last block and moves the end past `bytes`, which are written.
  private func advance(past bytes: RawSpan) {
    let total = lastBlock.count + bytes.byteCount
    let kept = total % blockBytes
    if total >= blockBytes {
      lastBlock.clear()
      lastBlock.append(bytes.extracting((bytes.byteCount - kept)..<bytes.byteCount))
    } else {
      lastBlock.append(bytes)
    }
    position += Int64(bytes.byteCount)
    let start = position - Int64(kept)
    lastBlock.withBytes { tail.publish(start: start, $0) }
  }

  private func readLastBlock() throws(StorageError) {
    let kept = Int(position % Int64(blockBytes))
    lastBlock.clear()
    if kept > 0 {
      lastBlock.resize(to: blockBytes)
      let blockStart = position - Int64(kept)
      let count: Int
      do {
        count = try lastBlock.withMutableBytes { span throws(SystemCallError) in
          try handle.read(into: &span, at: blockStart)
        }
      } catch { throw .readFailed(error) }
      guard count >= kept else {
        throw .unexpectedEnd(path: handle.path, position: position - Int64(kept - count))
      }
      lastBlock.truncate(to: kept)
    }
    let start = position - Int64(kept)
    lastBlock.withBytes { tail.publish(start: start, $0) }
  }
}

extension MutableRawSpan {
  /// Copies all of `source` to `position`.
  mutating func copy(_ source: RawSpan, at position: Int) {
    let count = source.byteCount
    if count == 0 { return }
    withUnsafeMutableBytes { target in
      source.withUnsafeBytes { bytes in
        UnsafeMutableRawBufferPointer(rebasing: target[position..<(position + count)])
          .copyMemory(from: bytes)
      }
    }
  }

  /// Sets `range` to zero.
  mutating func zero(_ range: Range<Int>) {
    if range.isEmpty { return }
    withUnsafeMutableBytes { target in
      _ = UnsafeMutableRawBufferPointer(rebasing: target[range])
        .initializeMemory(as: UInt8.self, repeating: 0)
    }
  }
}
