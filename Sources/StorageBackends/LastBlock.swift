import LinuxIO
import LogStorage

/// The last, partial block of a file that is written in whole blocks, in memory: what a rewrite of
/// the block begins with.
///
/// ```
///   file    [ block ][ block ][ last block: bytes | zeros ]
///                             ^ start     ^ end
/// ```
struct LastBlock: ~Copyable {
  let blockBytes: Int
  /// `end % blockBytes` bytes.
  private(set) var bytes: AlignedBuffer
  private(set) var end: Int64 = 0

  init(blockBytes: Int) {
    self.blockBytes = blockBytes
    bytes = AlignedBuffer(capacity: blockBytes)
  }

  var count: Int { bytes.count }
  var start: Int64 { end - Int64(bytes.count) }

  /// Zeros after `count` bytes from the block's start, up to a whole block.
  func padding(after count: Int) -> Int { (blockBytes - count % blockBytes) % blockBytes }

  /// True where the block is not full after so many more bytes.
  func endsInsideBlock(after count: Int) -> Bool { padding(after: self.count + count) != 0 }

  /// Moves the end past `appended`.
  mutating func advance(past appended: RawSpan) {
    let total = bytes.count + appended.byteCount
    if total >= blockBytes {
      let kept = total % blockBytes
      bytes.clear()
      bytes.append(appended.extracting((appended.byteCount - kept)..<appended.byteCount))
    } else {
      bytes.append(appended)
    }
    end += Int64(appended.byteCount)
  }

  /// Copies the bytes to the beginning of `target`.
  borrowing func copyBytes(to target: UnsafeMutableRawBufferPointer) {
    bytes.bytes.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(rebasing: target[..<$0.count]).copyMemory(from: $0)
    }
  }

  /// Appends the bytes to `buffer`.
  borrowing func append(to buffer: inout AlignedBuffer) { buffer.append(bytes.bytes) }

  /// Takes over what another has.
  mutating func copy(_ other: borrowing LastBlock) {
    bytes.clear()
    bytes.append(other.bytes.bytes)
    end = other.end
  }

  /// Reads the block that `position` lies in back from the file.
  mutating func read<IO: FileIO>(
    to position: Int64, of handle: borrowing FileHandle<IO>
  ) throws(StorageError) {
    let kept = Int(position % Int64(blockBytes))
    bytes.clear()
    end = position
    if kept == 0 { return }
    bytes.resize(to: blockBytes)
    let count: Int
    do {
      count = try bytes.withMutableBytes { span throws(SystemCallError) in
        try handle.read(into: &span, at: position - Int64(kept))
      }
    } catch { throw .readFailed(error) }
    guard count >= kept else {
      throw .unexpectedEnd(path: handle.path, position: position - Int64(kept - count))
    }
    bytes.truncate(to: kept)
  }

  /// Serves the block's bytes to readers from now on.
  borrowing func publish(to tail: SegmentTail) { tail.publish(start: start, bytes.bytes) }
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

extension UnsafeMutableRawBufferPointer {
  func copy(_ source: RawSpan, at position: Int) {
    if source.byteCount == 0 { return }
    source.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(rebasing: self[position..<(position + $0.count)])
        .copyMemory(from: $0)
    }
  }

  func zero(_ range: Range<Int>) {
    if range.isEmpty { return }
    _ = UnsafeMutableRawBufferPointer(rebasing: self[range])
      .initializeMemory(as: UInt8.self, repeating: 0)
  }
}
