import LinuxIO

/// The space of one segment's file ahead of its end: taken in steps, from 64 KiB each four times the
/// last up to 256 MiB, never past the segment's greatest size, and within the backend's budget.
/// Where the budget is used up a step is as small as the append that asks for it.
///
/// Few and large steps, because `fallocate(2)` waits for every direct write that is under way, which
/// empties a ring; small ones at first, because most of a thousand partitions may never get further;
/// none above 16 MiB where zeros are written, which the append that needs them waits for.
///
/// ```
///   file   [ written ... | taken ahead      ]
///                        ^ end of the log   ^ takenEnd
/// ```
package struct SegmentSpace {
  private static let stepBytesMin: Int64 = 64 << 10
  private static let unitBytes: Int64 = 4096

  /// How space is taken once what the file brought along is used up.
  package let way: Preallocation
  private let sizeMax: Int64
  private let isDirect: Bool
  private let budget: SpaceBudget
  private var step = SegmentSpace.stepBytesMin
  /// Space is there up to here; what the way `none` needs it takes by writing.
  package private(set) var takenEnd: Int64
  private var position: Int64
  /// What the budget knows of.
  private var accounted: Int64 = 0

  /// `position` is the log's end, `size` how far the file already reaches.
  package init(
    _ way: Preallocation, position: Int64, size: Int64, sizeMax: Int64, isDirect: Bool,
    _ budget: SpaceBudget
  ) {
    self.way = way
    self.sizeMax = sizeMax
    self.isDirect = isDirect
    self.budget = budget
    self.position = position
    takenEnd = max(position, size)
  }

  /// Takes space so that a write up to `end` has it. `fallocate(2)`, or writes of zeros and
  /// `fdatasync(2)`; nothing at all in most calls. After a throw nothing was written.
  package mutating func take<IO: FileIO>(
    upTo end: Int64, _ handle: borrowing FileHandle<IO>
  ) throws(SystemCallError) {
    if end <= takenEnd || way == .none { return }
    let least = Self.roundUp(end) - takenEnd
    let room = max(least, Self.roundUp(min(sizeMax, .max - Self.unitBytes)) - takenEnd)
    let target = takenEnd + max(least, min(step, room, budget.available))
    let wanted = target / Self.unitBytes * Self.unitBytes - takenEnd
    do { try extend(by: wanted, handle) } catch {
      // A nearly full disk may have room for the append and not for the step.
      guard error.number.meansNoRoom, wanted > least else { throw error }
      try extend(by: least, handle)
    }
    step = min(step * 4, way == .zero ? 16 << 20 : 256 << 20)
    account()
  }

  /// Tells the budget where the log ends now.
  package mutating func advance(to position: Int64) {
    self.position = position
    if way != .none || accounted != 0 { account() }
  }

  private mutating func account() {
    let ahead = max(0, takenEnd - position)
    budget.change(by: ahead - accounted)
    accounted = ahead
  }

  /// The file was cut at `position`, and all that was ahead of it is gone.
  package mutating func cut(to position: Int64) {
    self.position = position
    takenEnd = position
    step = Self.stepBytesMin
    release()
  }

  /// The segment is let go.
  package mutating func release() {
    budget.change(by: -accounted)
    accounted = 0
  }

  /// True where the file may be longer than the log.
  package func reachesPast(_ position: Int64) -> Bool { way != .none || takenEnd > position }

  private mutating func extend<IO: FileIO>(
    by bytes: Int64, _ handle: borrowing FileHandle<IO>
  ) throws(SystemCallError) {
    let newEnd = takenEnd + bytes
    if way == .zero {
      try writeZeros(takenEnd..<newEnd, handle)
    } else {
      // From the block's start: a file system with smaller blocks has perhaps not all of it.
      let start = takenEnd / Self.unitBytes * Self.unitBytes
      do {
        try handle.io.allocate(
          handle.number, at: start, count: newEnd - start, keepingSize: way == .fallocate)
      } catch { throw error.naming(handle.path) }
    }
    takenEnd = newEnd
  }

  /// Flushed at once: zeros that are only in the page cache are overwritten there, and then the
  /// write pays for the block after all.
  private func writeZeros<IO: FileIO>(
    _ range: Range<Int64>, _ handle: borrowing FileHandle<IO>
  ) throws(SystemCallError) {
    let (io, number, path) = (handle.io, handle.number, handle.path)
    try budget.withZeros { zeros throws(SystemCallError) in
      // Whole blocks on a direct file; the rest of the last one its next write fills.
      var position = isDirect ? Self.roundUp(range.lowerBound) : range.lowerBound
      while position < range.upperBound {
        let count = Int(min(Int64(zeros.byteCount), range.upperBound - position))
        try io.writeFully(number, zeros.extracting(first: count), at: position, path: path)
        position += Int64(count)
      }
    }
    try handle.synchronizeData()
  }

  private static func roundUp(_ position: Int64) -> Int64 {
    (position + unitBytes - 1) / unitBytes * unitBytes
  }
}
