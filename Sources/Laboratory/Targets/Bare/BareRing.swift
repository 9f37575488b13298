import LinuxIO
import LogStorage
import Measurements
import Suites

/// An io_uring with `queue_depth` writes under way at once; under `batch` each is linked to an
/// `fdatasync`, under `group` a round over all files is, and awaited as a whole.
final class BareRing: BareWriter {
  let files: BareFiles
  private let depth: Int
  private let ring: LinuxRing
  private let ringFiles: [RingFile]
  private var slots: [Slot]
  private var freeSlots: [Int]

  /// A write under way, and the flush that is linked to it.
  private struct Slot {
    var file = 0
    var start: Int64 = 0
    var awaited = 0
  }

  init(_ files: BareFiles, _ parameters: TrialParameters) throws {
    if parameters.durability == .interval {
      throw TrialSkipped("bare calls through a ring have no durability 'interval'")
    }
    self.files = files
    depth = parameters.durability == .group ? files.count : parameters.queueDepth
    do throws(SystemCallError) { ring = try files.io.makeRing(depth: 2 * depth) } catch {
      throw TrialSkipped("\(StorageError.ringUnavailable(error))")
    }
    ringFiles = files.handles.map { [ring] in ring.register($0.handle.number) }
    slots = [Slot](repeating: Slot(), count: depth)
    freeSlots = Array((0..<depth).reversed())
  }

  /// After a failure the kernel may still read the buffer: it is waited for.
  deinit {
    var left = awaitedCount
    while left > 0 {
      do { try ring.submit(waitingFor: 1) } catch { return }
      while ring.next() != nil { left -= 1 }
    }
  }

  func write(
    batches: Int64, _ durability: Durability, _ recorder: TrialRecorder
  ) throws -> Int64 {
    var next = 0
    var started: Int64 = 0
    var done: Int64 = 0
    while done < batches && !(recorder.isStopped && freeSlots.count == depth) {
      // A group begins when the one before it has ended.
      let mayBegin = durability != .group || freeSlots.count == depth
      while mayBegin, started < batches, !recorder.isStopped, let slot = freeSlots.popLast() {
        try begin(slot, next, isFlushed: durability.acknowledgesDurable)
        next = next + 1 == files.count ? 0 : next + 1
        started += 1
        if durability == .group && next == 0 { break }
      }
      try ring.submit(waitingFor: durability == .group ? awaitedCount : 1)
      while let completion = ring.next() { done += try take(completion, recorder) }
    }
    return done
  }

  private var awaitedCount: Int { slots.reduce(0) { $0 + $1.awaited } }

  private func begin(_ slot: Int, _ number: Int, isFlushed: Bool) throws {
    let file = files.handles[number]
    let start = MonotonicClock.nanoseconds()
    let position = try file.advance(by: files.batchBytes)
    let tag = UInt64(slot) * 2
    let isQueued =
      ring.write(
        ringFiles[number], files.takeBatch(), at: position, isRegistered: false,
        link: isFlushed, tag: tag)
      && (!isFlushed || ring.synchronizeData(ringFiles[number], link: false, tag: tag + 1))
    if !isQueued { throw SystemCallError(.ioUringEnter, .wouldBlock, path: file.handle.path) }
    slots[slot] = Slot(file: number, start: start, awaited: isFlushed ? 2 : 1)
  }

  /// 1 where a write has ended with all that belongs to it.
  private func take(_ completion: RingCompletion, _ recorder: TrialRecorder) throws -> Int64 {
    let slot = Int(completion.tag / 2)
    let isFlush = completion.tag % 2 == 1
    let path = files.handles[slots[slot].file].handle.path
    switch completion.result {
    case .success(let count) where isFlush || count == files.batchBytes: break
    // A short write is legal, and here, with room on the disk, does not happen.
    case .success: throw SystemCallError(.pwrite, .inputOutput, path: path)
    case .failure(let number):
      throw SystemCallError(isFlush ? .fdatasync : .pwrite, number, path: path)
    }
    slots[slot].awaited -= 1
    if slots[slot].awaited > 0 { return 0 }
    recorder.recordService(since: slots[slot].start)
    freeSlots.append(slot)
    return 1
  }
}
