import LinuxIO
import LogStorage
import Measurements
import Suites

/// The files of a bare trial, and the bytes that are written to them.
final class BareFiles {
  let io = LinuxFileIO()
  /// Bytes of each write.
  let batchBytes: Int
  private(set) var handles: [BareFile] = []
  /// As many batches as the log's trial has, one after the other: a single one would stay in the
  /// processor's cache, and be written faster than any log's.
  private var batches: AlignedBuffer
  private let batchCount: Int
  private let strideBytes: Int
  private var nextBatch = 0

  /// Makes the files, with what is there before the trial begins.
  init(
    _ parameters: TrialParameters, _ capabilities: StorageCapabilities, in directory: String,
    _ stop: StopFlag
  ) throws {
    batchBytes = parameters.batchBytes
    let alignment = AlignedBuffer.alignment
    strideBytes = (batchBytes + alignment - 1) / alignment * alignment
    batchCount = parameters.preparedBatchCount
    batches = Self.makeBuffer(count: strideBytes * batchCount)
    let (total, overflow) = parameters.plannedBytes.addingReportingOverflow(
      parameters.prefillBytes)
    if overflow || total > 1 << 60 { throw TrialSkipped("no file can be as large as the trial") }
    let each = total / Int64(parameters.partitions) + Int64(batchBytes)
    let budget = SpaceBudget(bytesMax: BackendOptions().spaceAheadBytesMax)
    for number in 0..<parameters.partitions {
      let path = "\(directory)/bare-\(number).dat"
      if parameters.preallocation == .recycle {
        try writeOld(path, bytes: each, isDirect: capabilities.isDirect, stop)
      }
      handles.append(
        try BareFile(io, path, parameters.preallocation, sizeMax: each, capabilities, budget))
    }
    if capabilities.isDirect { try checkAlignment() }
  }

  var count: Int { handles.count }

  /// The next batch; in place for as long as this object lives.
  @inline(__always)
  func takeBatch() -> UnsafeRawBufferPointer {
    let start = nextBatch * strideBytes
    nextBatch = nextBatch + 1 == batchCount ? 0 : nextBatch + 1
    guard let memory = batches.memory(before: 0, after: 0) else {
      return UnsafeRawBufferPointer(start: nil, count: 0)
    }
    return UnsafeRawBufferPointer(rebasing: memory[start..<(start + batchBytes)])
  }

  func synchronize() throws {
    for file in handles { try file.handle.synchronizeData() }
  }

  /// All at once, as a group commit does.
  func synchronizeGroup() throws {
    for (error, file) in zip(io.synchronizeData(handles.map { $0.handle.number }), handles) {
      if let error { throw error.naming(file.handle.path) }
    }
  }

  /// What a recycled file holds: old bytes, on the disk. Past the page cache where the trial's are,
  /// so that it does not find pages there.
  private func writeOld(_ path: String, bytes: Int64, isDirect: Bool, _ stop: StopFlag) throws {
    let old = Self.makeBuffer(count: 1 << 20)
    let handle = try FileHandle(
      io, path, FileOpening(.readWrite, creation: .mustBeNew, direct: isDirect))
    var position: Int64 = 0
    while position < bytes {
      if stop.isRaised { throw TrialStopped() }
      try handle.write(old.bytes, at: position)
      position += Int64(old.count)
    }
    try handle.synchronizeData()
    try handle.close()
  }

  private func checkAlignment() throws {
    guard let file = handles.first else { return }
    guard let alignment = io.directAlignment(file.handle.number) else {
      throw TrialSkipped("\(StorageError.directUnsupported(path: file.handle.path))")
    }
    if batchBytes % alignment.offset != 0 {
      throw TrialSkipped(
        "bare O_DIRECT calls need batch_bytes in multiples of \(alignment.offset) here, "
          + "not \(batchBytes)")
    }
  }

  /// Bytes that no compressing device or file system makes smaller.
  private static func makeBuffer(count: Int) -> AlignedBuffer {
    var random = SeededGenerator(seed: 1)
    var bytes = [UInt8](repeating: 0, count: count)
    for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: random.next()) }
    var filled = AlignedBuffer(capacity: count)
    filled.append(bytes.span.bytes)
    return filled
  }
}

/// One file, and where the next write goes.
final class BareFile {
  let handle: FileHandle<LinuxFileIO>
  private(set) var position: Int64 = 0
  private var space: SegmentSpace

  init(
    _ io: LinuxFileIO, _ path: String, _ preallocation: Preallocation?, sizeMax: Int64,
    _ capabilities: StorageCapabilities, _ budget: SpaceBudget
  ) throws {
    let isRecycled = preallocation == .recycle
    let opening = FileOpening(
      .readWrite, creation: isRecycled ? .never : .mustBeNew, direct: capabilities.isDirect)
    do { handle = try FileHandle(io, path, opening) } catch {
      if capabilities.isDirect && error.number == .invalidArgument {
        throw TrialSkipped("\(StorageError.directUnsupported(path: path))")
      }
      throw error
    }
    let own = capabilities.preallocations.first ?? .none
    space = SegmentSpace(
      isRecycled ? own : preallocation ?? own, position: 0,
      size: isRecycled ? try handle.size() : 0, sizeMax: sizeMax, isDirect: capabilities.isDirect,
      budget)
  }

  /// Where space is taken up to.
  var takenEnd: Int64 { space.takenEnd }

  /// Takes space for a write of so many bytes, and moves on past it; where it begins.
  @inline(__always)
  func advance(by count: Int) throws -> Int64 {
    let start = position
    do { try space.take(upTo: start + Int64(count), handle) } catch {
      if error.call == .fallocate && error.number.meansUnsupported {
        throw TrialSkipped("\(StorageError.preallocationUnsupported(error, space.way))")
      }
      throw error
    }
    position = start + Int64(count)
    space.advance(to: position)
    return start
  }
}
