import Glibc
import LinuxIO
import Measurements

/// Brings the page cache into the stated state before a trial.
struct CachePreparation {
  /// Dirty and Writeback at or below this count as drained: a living system always has a little.
  static let dirtyBytesMax: Int64 = 4 << 20

  let stop: StopFlag
  var timeoutNanoseconds: Int64 = 30_000_000_000

  /// `sync(2)`, then waits until what is dirty or being written back is near zero. False where it
  /// still is not after the timeout.
  func drain() -> Bool {
    let deadline = MonotonicClock.nanoseconds() + timeoutNanoseconds
    sync()
    while !stop.isRaised {
      guard let dirty = Self.dirtyBytes() else { return true }
      if dirty <= Self.dirtyBytesMax { return true }
      if MonotonicClock.nanoseconds() >= deadline { return false }
      usleep(20_000)
    }
    return true
  }

  /// Writes a file of `bytes`, `appendBytes` at a time, or of half the available memory where that is less, and deletes it:
  /// a virtual machine's host then backs as many pages as the trial will need. The bytes written.
  func warm(
    bytes: Int64, appendBytes: Int, in directory: String
  ) throws(SystemCallError) -> Int64 {
    let available = KernelText.bytes("MemAvailable", in: "/proc/meminfo") ?? .max
    let wanted = min(bytes, available / 2)
    let path = "\(directory)/warm.tmp"
    let io = LinuxFileIO()
    let file = try LinuxIO.FileHandle(io, path, FileOpening(.readWrite, creation: .mustBeNew))
    defer { try? io.remove(path) }
    var chunk = AlignedBuffer(capacity: appendBytes)
    chunk.resize(to: max(1, appendBytes))
    var span = chunk.mutableBytes
    span.withUnsafeMutableBytes { for index in $0.indices { $0[index] = 0 } }
    var done: Int64 = 0
    while done < wanted && !stop.isRaised {
      try file.write(chunk.bytes, at: done)
      done += Int64(chunk.bytes.byteCount)
    }
    return done
  }

  private static func dirtyBytes() -> Int64? {
    guard let dirty = KernelText.bytes("Dirty", in: "/proc/meminfo"),
      let writeback = KernelText.bytes("Writeback", in: "/proc/meminfo")
    else { return nil }
    return dirty + writeback
  }
}
