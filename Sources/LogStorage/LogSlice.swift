import LinuxIO
import Records

/// Consecutive bytes of one segment: a range of the file, then at most one piece of memory.
///
/// A value that may go to any thread. It holds the file open, so a segment that retention deletes
/// stays readable through it; a truncation below its end makes it throw.
package struct LogSlice: Sendable {
  /// The file, with a plain descriptor that sendfile and splice accept.
  package let file: ReadableFile
  /// The file's part, in bytes; no later write changes these bytes.
  package let fileRange: Range<Int64>
  /// What follows it: a copy of the last block's bytes.
  package let memory: [UInt8]

  /// Slices of one file with one version have the same bytes at the same positions.
  package let version: UInt64
  private let segment: SegmentFile

  init(
    file: ReadableFile, fileRange: Range<Int64>, memory: [UInt8], segment: SegmentFile,
    version: UInt64
  ) {
    self.file = file
    self.fileRange = fileRange
    self.memory = memory
    self.segment = segment
    self.version = version
  }

  /// Bytes in all.
  package var count: Int { Int(fileRange.upperBound - fileRange.lowerBound) + memory.count }

  /// True until bytes of the segment were cut off after the slice was made. Who sends a slice
  /// without reading it asks afterwards.
  package var isValid: Bool { segment.truncationCount == version }

  /// Says that pages of the file are about to go to a socket by reference: from now on nobody may
  /// write over what was readable, even when no reader has the file open any more.
  package func lendPages() { segment.lendPages() }

  /// Reads bytes of the slice from `start` on, until `bytes` is full or the slice ends; the count.
  /// `pread(2)` for the file's part.
  package func read(
    into bytes: inout MutableRawSpan, from start: Int = 0
  ) throws(StorageError) -> Int {
    let fileCount = Int(fileRange.upperBound - fileRange.lowerBound)
    var done = 0
    if start < fileCount {
      let wanted = min(bytes.byteCount, fileCount - start)
      var part = bytes._mutatingExtracting(first: wanted)
      let position = fileRange.lowerBound + Int64(start)
      do {
        done = try file.io.readFully(file.number, into: &part, at: position, path: file.path)
      } catch { throw .readFailed(error) }
      if done < wanted && isValid {
        throw .unexpectedEnd(path: file.path, position: position + Int64(done))
      }
    }
    guard isValid else {
      throw .unexpectedEnd(path: file.path, position: segment.end.rawValue)
    }
    let from = max(0, start + done - fileCount)
    let upTo = min(memory.count, from + bytes.byteCount - done)
    if from >= upTo { return done }
    bytes.withUnsafeMutableBytes { target in
      memory.withUnsafeBytes {
        UnsafeMutableRawBufferPointer(rebasing: target[done...]).copyBytes(from: $0[from..<upTo])
      }
    }
    return done + upTo - from
  }
}
