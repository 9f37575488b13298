/// Owned memory for bytes on their way to a file: aligned for O_DIRECT, with room before and after
/// the bytes so that a backend can complete the first and last block in place.
///
/// ```
///   0        start               start + count        capacity end
///   | headroom |      bytes        |   tailroom          |
/// ```
///
/// A backend that writes whole blocks wants the bytes to start at the file position modulo the
/// block: `clear(shiftedBy:)` says so before they are built, and then nothing is copied.
/// The kernel may hold the address while a write is queued, so the memory moves hands (consumed,
/// and given back with the completion) and never changes place while it does.
package struct AlignedBuffer: ~Copyable {
  /// In bytes; large enough for every device that `STATX_DIOALIGN` has been seen to report.
  package static let alignment = 4096

  private var base: UnsafeMutableRawPointer
  private var allocatedCount: Int
  /// Where the bytes begin, in bytes from the (aligned) beginning of the memory.
  package private(set) var start: Int
  /// The owner's mark, which comes back with the buffer.
  package var tag = 0
  /// How many bytes the buffer holds.
  package private(set) var count: Int

  /// A buffer that takes at least `capacity` bytes.
  package init(capacity: Int) {
    let block = Self.alignment
    allocatedCount = 3 * block + (max(capacity, 1) + block - 1) / block * block
    base = .allocate(byteCount: allocatedCount, alignment: block)
    start = block
    count = 0
  }

  deinit { base.deallocate() }

  /// Bytes of memory, whatever they hold.
  package var capacity: Int { allocatedCount }

  /// Bytes that can still be appended, one block of tailroom aside.
  package var remainingCapacity: Int { allocatedCount - Self.alignment - start - count }

  /// Empties the buffer and places the next first byte `shift` bytes past an aligned address,
  /// where `0 <= shift < alignment`, with at least `shift` bytes of headroom.
  package mutating func clear(shiftedBy shift: Int = 0) {
    precondition(shift >= 0 && shift < Self.alignment)
    start = Self.alignment + shift
    count = 0
  }

  /// The bytes.
  package var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      let span = RawSpan(_unsafeStart: base + start, byteCount: count)
      return _overrideLifetime(span, borrowing: self)
    }
  }

  /// The bytes, to change in place.
  package var mutableBytes: MutableRawSpan {
    @_lifetime(&self)
    mutating get {
      let span = MutableRawSpan(_unsafeStart: base + start, byteCount: count)
      return _overrideLifetime(span, mutating: &self)
    }
  }

  /// Lends the bytes where a property of a class holds the buffer, and `bytes` could not outlive
  /// the access.
  package borrowing func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(bytes) }

  /// Likewise, to change in place.
  package mutating func withMutableBytes<Result: ~Copyable, Failure: Error>(
    _ body: (inout MutableRawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var span = MutableRawSpan(_unsafeStart: base + start, byteCount: count)
    return try body(&span)
  }

  /// Grows the memory, once, to hold `capacity` bytes in all. Not for a data path.
  package mutating func reserve(capacity: Int) {
    if capacity - count <= remainingCapacity { return }
    let block = Self.alignment
    let wanted = max(capacity, 2 * count)
    let newCount = 3 * block + (wanted + block - 1) / block * block
    let memory = UnsafeMutableRawPointer.allocate(byteCount: newCount, alignment: block)
    (memory + start).copyMemory(from: base + start, byteCount: count)
    base.deallocate()
    base = memory
    allocatedCount = newCount
  }

  /// Appends `source`, growing where it does not fit.
  package mutating func append(_ source: RawSpan) {
    let added = source.byteCount
    if added > remainingCapacity { reserve(capacity: count + added) }
    let end = base + start + count
    source.withUnsafeBytes { bytes in
      if let address = bytes.baseAddress { end.copyMemory(from: address, byteCount: added) }
    }
    count += added
  }

  /// Makes the buffer hold `count` bytes; those it did not hold before are not initialized, and
  /// the caller writes them.
  package mutating func resize(to newCount: Int) {
    precondition(newCount >= 0)
    reserve(capacity: newCount)
    count = newCount
  }

  /// Drops the bytes past `newCount`.
  package mutating func truncate(to newCount: Int) {
    precondition(newCount >= 0 && newCount <= count)
    count = newCount
  }

  /// Drops the first `dropped` bytes and moves the rest to the front.
  package mutating func dropFirst(_ dropped: Int) {
    precondition(dropped >= 0 && dropped <= count)
    if dropped == 0 { return }
    let first = base + start
    first.copyMemory(from: first + dropped, byteCount: count - dropped)
    count -= dropped
  }

  /// The bytes with up to `before` bytes of headroom and `after` bytes of tailroom around them,
  /// for a backend that completes blocks in place. Nil where the room does not suffice.
  package mutating func withBlocks<Result, Failure: Error>(
    before: Int, after: Int,
    _ body: (inout MutableRawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result? {
    guard before <= start, after <= allocatedCount - start - count else { return nil }
    var span = MutableRawSpan(
      _unsafeStart: base + start - before, byteCount: before + count + after)
    return try body(&span)
  }

  /// The same memory for the kernel, which may read it for as long as the buffer is kept, and not
  /// changed, after this returns.
  package mutating func memory(before: Int, after: Int) -> UnsafeMutableRawBufferPointer? {
    guard before <= start, after <= allocatedCount - start - count else { return nil }
    return UnsafeMutableRawBufferPointer(
      start: base + start - before, count: before + count + after)
  }

  /// True where the byte `before` bytes ahead of the first lies at an aligned address.
  package func isAligned(before: Int, to alignment: Int) -> Bool {
    before <= start && (start - before) % alignment == 0
  }
}

// SAFETY: the memory is owned by exactly one value, which is not copyable: who holds the value
// holds the only way to the bytes.
extension AlignedBuffer: @unchecked Sendable {}
