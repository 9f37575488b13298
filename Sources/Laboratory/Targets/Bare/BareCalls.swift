import Glibc
import LinuxIO
import LogStorage
import Measurements
import Suites

/// `pwrite(2)`, with `fdatasync(2)` after each write under `batch`, after a round over all files
/// under `group`, and after so many bytes or milliseconds under `interval`.
final class BareCalls: BareWriter {
  let files: BareFiles
  private let rounds: BareRounds
  /// By `pwritev2(2)` with RWF_DONTCACHE instead.
  private let isUncached: Bool

  init(_ files: BareFiles, _ parameters: TrialParameters, isUncached: Bool) {
    self.files = files
    self.isUncached = isUncached
    rounds = BareRounds(parameters)
  }

  func write(
    batches: Int64, _ durability: Durability, _ recorder: TrialRecorder
  ) throws -> Int64 {
    try rounds.run(batches: batches, durability, files, recorder) { file in
      let bytes = files.takeBatch()
      let position = try file.advance(by: bytes.count)
      if isUncached {
        try Self.writeUncached(bytes, to: file.handle, at: position)
      } else {
        try Self.write(bytes, to: file.handle, at: position)
      }
    }
  }

  private static func writeUncached(
    _ bytes: UnsafeRawBufferPointer, to handle: borrowing LinuxIO.FileHandle<LinuxFileIO>,
    at position: Int64
  ) throws {
    do throws(SystemCallError) {
      try handle.write(RawSpan(_unsafeBytes: bytes), at: position, uncached: true)
    } catch {
      guard error.number == .notSupported else { throw error }
      throw TrialSkipped("\(StorageError.uncachedUnsupported(error))")
    }
  }

  @inline(__always)
  private static func write(
    _ bytes: UnsafeRawBufferPointer, to handle: borrowing LinuxIO.FileHandle<LinuxFileIO>,
    at position: Int64
  ) throws {
    var done = 0
    while done < bytes.count {
      let count = pwrite(
        handle.number.rawValue, bytes.baseAddress.map { $0 + done }, bytes.count - done,
        off_t(position) + done)
      if count > 0 {
        done += count
      } else if count == 0 {
        throw SystemCallError(.pwrite, .inputOutput, path: handle.path)
      } else if errno != EINTR {
        throw SystemCallError(.pwrite, .current, path: handle.path)
      }
    }
  }
}

/// The loop of the writers that end before they return: files in turn, and when to flush.
struct BareRounds {
  private let intervalNanoseconds: Int64
  private let intervalBytes: Int64

  init(_ parameters: TrialParameters) {
    intervalNanoseconds = parameters.intervalMilliseconds * 1_000_000
    intervalBytes = parameters.intervalBytes
  }

  @inline(__always)
  func run(
    batches: Int64, _ durability: Durability, _ files: BareFiles, _ recorder: TrialRecorder,
    _ write: (BareFile) throws -> Void
  ) throws -> Int64 {
    var unsynced: Int64 = 0
    var lastSync = MonotonicClock.nanoseconds()
    var roundStarts: [Int64] = []
    roundStarts.reserveCapacity(files.count)
    var next = 0
    var done: Int64 = 0
    while done < batches && !recorder.isStopped {
      let file = files.handles[next]
      next = next + 1 == files.count ? 0 : next + 1
      let start = MonotonicClock.nanoseconds()
      try write(file)
      done += 1
      switch durability {
      case .none: break
      case .batch: try file.handle.synchronizeData()
      case .group:
        roundStarts.append(start)
        if next == 0 || done == batches {
          try files.synchronizeGroup()
          let end = MonotonicClock.nanoseconds()
          for start in roundStarts { recorder.recordService(from: start, to: end) }
          roundStarts.removeAll(keepingCapacity: true)
        }
        continue
      case .interval:
        unsynced += Int64(files.batchBytes)
        if unsynced >= intervalBytes || start - lastSync >= intervalNanoseconds {
          try files.synchronize()
          unsynced = 0
          lastSync = start
        }
      }
      recorder.recordService(since: start)
    }
    return done
  }
}
