import LinuxIO
import LogStorage

/// Brings pages of a segment into the page cache by reading them (`pread(2)`): on a thread that may wait.
enum PageWarmer {
  private static let stepBytes = 256 << 10

  /// Stops early where a read fails: whoever sends the bytes is told then.
  static func bringIn(_ slice: LogSlice, _ range: Range<Int64>) {
    var buffer = AlignedBuffer(capacity: stepBytes)
    var position = range.lowerBound
    while position < range.upperBound {
      buffer.clear()
      buffer.resize(to: Int(min(Int64(stepBytes), range.upperBound - position)))
      let at = position
      let count = try? buffer.withMutableBytes { (bytes) throws(SystemCallError) in
        try slice.file.io.read(slice.file.number, into: &bytes, at: at)
      }
      guard let count, count > 0 else { return }
      position += Int64(count)
    }
  }
}
