import Glibc
import LinuxIO
import LogStorage

/// The reference: the system calls that a log cannot do without, and nothing else.
///
/// One prebuilt buffer of `batch_bytes` goes by `pwrite(2)` to consecutive positions of
/// `partitions` files in turn, with O_DIRECT where the backend is direct, with `fdatasync(2)` after
/// each under the durability `batch`, after so many bytes or milliseconds under `interval`.
/// Segments do not roll: each partition is one file.
package final class BareTarget: LoadTarget {
  private let io = LinuxFileIO()
  private var parameters = TrialParameters()
  private var files: [FileNumber] = []
  private var paths: [String] = []
  private var positions: [Int64] = []
  private var buffer = AlignedBuffer(capacity: 0)

  package init() {}

  deinit { for file in files { try? io.close(file) } }

  package func prepare(_ trial: TrialSetting) throws {
    parameters = trial.parameters
    try checkPossible()
    let isDirect = trial.backend.capabilities.isDirect
    for number in 0..<parameters.partitions {
      let path = "\(trial.directory)/bare-\(number).dat"
      let opening = FileOpening(.readWrite, creation: .mustBeNew, direct: isDirect)
      do { files.append(try io.open(path, opening)) } catch {
        if isDirect, error.number == .invalidArgument { throw Self.directUnsupported(path) }
        throw error
      }
      paths.append(path)
      positions.append(0)
    }
    if isDirect { try checkAlignment() }
    try preallocate()
    buildBuffer()
    if parameters.prefillBytes > 0 {
      let count = (parameters.prefillBytes - 1) / Int64(parameters.batchBytes) + 1
      _ = try write(batches: count, .none, TrialRecorder(stop: trial.stop))
      if trial.stop.isRaised { throw TrialStopped() }
    }
  }

  package var appendBytes: Int { parameters.batchBytes }

  package func run(_ recorder: TrialRecorder) throws -> TrialCounts {
    let batches = try write(
      batches: parameters.plannedBatches, parameters.durability, recorder)
    if recorder.isStopped { throw TrialStopped() }
    return TrialCounts(records: nil, bytes: batches * Int64(parameters.batchBytes))
  }

  package func synchronize() throws {
    for (file, path) in zip(files, paths) {
      do { try io.synchronizeData(file) } catch { throw error.naming(path) }
    }
  }

  package func finish() throws {
    let open = files
    files = []
    for file in open { try io.close(file) }
  }

  /// The loop that the log is judged against; the count of batches written.
  private func write(
    batches: Int64, _ durability: Durability, _ recorder: TrialRecorder
  ) throws -> Int64 {
    let intervalNanoseconds = parameters.intervalMilliseconds * 1_000_000
    let size = parameters.batchBytes
    var unsynced: Int64 = 0
    var lastSync = MonotonicClock.nanoseconds()
    var partition = 0
    var done: Int64 = 0
    // Borrowed for the whole loop, so that nothing is looked up in it.
    var buffer = AlignedBuffer(capacity: 0)
    swap(&buffer, &self.buffer)
    defer { swap(&buffer, &self.buffer) }
    while done < batches && !recorder.isStopped {
      let file = files[partition].rawValue
      let start = MonotonicClock.nanoseconds()
      try buffer.bytes.withUnsafeBytes { bytes in
        try Self.write(bytes, to: file, at: positions[partition], paths[partition])
      }
      positions[partition] += Int64(size)
      unsynced += Int64(size)
      switch durability {
      case .none, .group: break
      case .batch: try sync(partition)
      case .interval:
        if unsynced >= parameters.intervalBytes || start - lastSync >= intervalNanoseconds {
          for number in files.indices { try sync(number) }
          unsynced = 0
          lastSync = start
        }
      }
      recorder.recordService(nanoseconds: MonotonicClock.nanoseconds() - start)
      partition = partition + 1 == files.count ? 0 : partition + 1
      done += 1
    }
    return done
  }

  @inline(__always)
  private static func write(
    _ bytes: UnsafeRawBufferPointer, to file: Int32, at position: Int64, _ path: String
  ) throws {
    var done = 0
    while done < bytes.count {
      let count = pwrite(
        file, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(position) + done)
      if count > 0 {
        done += count
      } else if count == 0 {
        throw SystemCallError(.pwrite, .inputOutput, path: path)
      } else if errno != EINTR {
        throw SystemCallError(.pwrite, .current, path: path)
      }
    }
  }

  @inline(__always)
  private func sync(_ partition: Int) throws {
    while fdatasync(files[partition].rawValue) != 0 {
      if errno != EINTR { throw SystemCallError(.fdatasync, .current, path: paths[partition]) }
    }
  }

  private func checkPossible() throws {
    if parameters.durability == .group {
      throw TrialSkipped("bare calls from one thread have no group commit; use durability 'batch'")
    }
    if parameters.queueDepth > 1 {
      throw TrialSkipped("bare calls are synchronous: queue_depth 1 only")
    }
  }

  private func checkAlignment() throws {
    guard let file = files.first, let path = paths.first else { return }
    guard let alignment = io.directAlignment(file) else { throw Self.directUnsupported(path) }
    if parameters.batchBytes % alignment.offset != 0 {
      throw TrialSkipped(
        "bare O_DIRECT calls need batch_bytes in multiples of \(alignment.offset) here, "
          + "not \(parameters.batchBytes)")
    }
  }

  private static func directUnsupported(_ path: String) -> TrialSkipped {
    TrialSkipped("\(StorageError.directUnsupported(path: path))")
  }

  private func preallocate() throws {
    if parameters.preallocation == .none { return }
    let (total, overflow) = parameters.plannedBytes.addingReportingOverflow(
      parameters.prefillBytes)
    if overflow || total > 1 << 60 { throw TrialSkipped("no file can be as large as the trial") }
    let each = total / Int64(files.count) + Int64(parameters.batchBytes)
    for (file, path) in zip(files, paths) {
      do {
        try io.allocate(
          file, at: 0, count: each, keepingSize: parameters.preallocation == .keepSize)
      } catch { throw error.naming(path) }
    }
  }

  /// Bytes that no compressing device or file system makes smaller.
  private func buildBuffer() {
    var random = SeededGenerator(seed: 1)
    var bytes = [UInt8](repeating: 0, count: parameters.batchBytes)
    for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: random.next()) }
    var filled = AlignedBuffer(capacity: bytes.count)
    filled.append(bytes.span.bytes)
    buffer = filled
  }
}
