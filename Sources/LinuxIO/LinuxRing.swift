import CLinux
import Glibc

extension LinuxFileIO: RingIO {
  package func makeRing(depth: Int) throws(SystemCallError) -> LinuxRing {
    try LinuxRing(depth: depth, watch: watch)
  }
}

/// An io_uring (`io_uring_setup(2)`, through liburing) with a table of registered files.
package final class LinuxRing: SubmissionRing {
  package let depth: Int
  private let ring: OpaquePointer
  private var freeSlots: [Int]
  /// Queued, and not completed yet.
  private var underWay = 0
  private let watch: (any FileWatch)?
  /// When each flush that is under way was queued, by its tag; empty where nobody watches.
  private var flushStarts: [UInt64: Int64] = [:]

  package init(depth: Int, watch: (any FileWatch)? = nil) throws(SystemCallError) {
    var opened: OpaquePointer?
    let result = clinux_ring_open(UInt32(clamping: max(1, depth)), &opened)
    guard result == 0, let opened else {
      throw SystemCallError(.ioUringSetup, ErrorNumber(rawValue: -result), path: "")
    }
    self.depth = max(1, depth)
    self.watch = watch
    ring = opened
    // A table is limited like descriptors; a file past its end is used without one.
    let count = 1024
    let hasTable = clinux_ring_register_files(opened, UInt32(count)) == 0
    freeSlots = hasTable ? Array((0..<count).reversed()) : []
  }

  deinit { clinux_ring_close(ring) }

  /// The kernel's features (IORING_FEAT_*), by their names in lower case.
  package var features: [String] {
    let bits = clinux_ring_features(ring)
    return Self.featureNames.enumerated().filter { bits & (1 << $0.offset) != 0 }.map(\.element)
  }

  /// In the order of their bits (io_uring_setup(2)).
  private static let featureNames = [
    "single_mmap", "nodrop", "submit_stable", "rw_cur_pos", "cur_personality", "fast_poll",
    "poll_32bits", "sqpoll_nonfixed", "ext_arg", "native_workers", "rsrc_tags", "cqe_skip",
    "linked_file", "reg_reg_ring", "recvsend_bundle", "min_timeout", "rw_attr", "no_iowait",
  ]

  package func register(_ file: FileNumber) -> RingFile {
    guard let slot = freeSlots.popLast() else { return RingFile(number: file, slot: nil) }
    if clinux_ring_set_file(ring, UInt32(slot), file.rawValue) == 0 {
      return RingFile(number: file, slot: slot)
    }
    freeSlots.append(slot)
    return RingFile(number: file, slot: nil)
  }

  package func unregister(_ file: RingFile) {
    guard let slot = file.slot else { return }
    _ = clinux_ring_set_file(ring, UInt32(slot), -1)
    freeSlots.append(slot)
  }

  package func registerMemory(_ memory: UnsafeMutableRawBufferPointer) -> Bool {
    clinux_ring_register_memory(ring, memory.baseAddress, memory.count) == 0
  }

  package func write(
    _ file: RingFile, _ bytes: UnsafeRawBufferPointer, at position: Int64, isRegistered: Bool,
    link: Bool, tag: UInt64
  ) -> Bool {
    let isQueued =
      clinux_ring_write(
        ring, descriptor(file), file.slot == nil ? 0 : 1, bytes.baseAddress,
        UInt32(min(bytes.count, Self.writeBytesMax)), position, isRegistered ? 1 : 0,
        link ? 1 : 0, tag) == 0
    if isQueued { underWay += 1 }
    return isQueued
  }

  package func synchronizeData(_ file: RingFile, link: Bool, tag: UInt64) -> Bool {
    let isQueued =
      clinux_ring_datasync(
        ring, descriptor(file), file.slot == nil ? 0 : 1, link ? 1 : 0, tag) == 0
    if isQueued { underWay += 1 }
    if watch != nil && isQueued { flushStarts[tag] = MonotonicClock.nanoseconds() }
    return isQueued
  }

  package func submit(waitingFor count: Int) throws(SystemCallError) {
    while true {
      let result = clinux_ring_submit(ring, UInt32(clamping: max(0, count)))
      if result >= 0 { return }
      if result != -EINTR {
        throw SystemCallError(.ioUringEnter, ErrorNumber(rawValue: -result), path: "")
      }
    }
  }

  package func next() -> RingCompletion? {
    var tag: UInt64 = 0
    var result: Int32 = 0
    guard clinux_ring_next(ring, &tag, &result) == 1 else { return nil }
    underWay -= 1
    assert(underWay >= 0, "a completion of nothing that was queued")
    if let watch, let start = flushStarts.removeValue(forKey: tag) {
      watch.ended(
        .synchronize, start: start, nanoseconds: MonotonicClock.nanoseconds() - start)
    }
    return RingCompletion(
      tag: tag,
      result: result >= 0 ? .success(Int(result)) : .failure(ErrorNumber(rawValue: -result)))
  }

  /// Whole blocks; the rest of a longer write is a short write's rest.
  private static let writeBytesMax = 1 << 30

  private func descriptor(_ file: RingFile) -> Int32 {
    file.slot.map { Int32($0) } ?? file.number.rawValue
  }
}
