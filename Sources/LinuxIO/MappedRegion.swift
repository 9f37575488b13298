/// Part of a file mapped into memory, shared: what is stored here is in the page cache, where
/// `read(2)` sees it and `fdatasync(2)` writes it back. Unmapped when the last user lets it go.
///
/// Belongs to one thread. The file must not shrink below the region while it lives: a store past
/// the end of a file is SIGBUS, which no program survives.
package final class MappedRegion {
  /// Where the region begins in the file; a multiple of the page size.
  package let start: Int64
  /// Bytes.
  package let count: Int
  /// Meaningful only to the `FileIO` that made it.
  package let id: Int
  /// Nil where stores are not to memory.
  private let base: UnsafeMutableRawPointer?
  private let storeElsewhere: ((RawSpan, Int64) -> Void)?
  private let unmap: () -> Void

  /// A region of memory; `unmap` is called once.
  package init(
    start: Int64, memory: UnsafeMutableRawBufferPointer, unmap: @escaping () -> Void
  ) {
    self.start = start
    self.count = memory.count
    self.base = memory.baseAddress
    id = 0
    storeElsewhere = nil
    self.unmap = unmap
  }

  /// A region of a file that is not the kernel's: each store is a call.
  package init(
    id: Int, start: Int64, count: Int, store: @escaping (RawSpan, Int64) -> Void,
    unmap: @escaping () -> Void
  ) {
    self.start = start
    self.count = count
    base = nil
    self.id = id
    storeElsewhere = store
    self.unmap = unmap
  }

  deinit { unmap() }

  /// Where the region ends in the file.
  package var end: Int64 { start + Int64(count) }

  /// Copies `bytes` to the file's `position`, which with all of them lies in the region.
  package func store(_ bytes: RawSpan, at position: Int64) {
    precondition(position >= start && Int64(bytes.byteCount) <= end - position)
    guard let base else {
      storeElsewhere?(bytes, position)
      return
    }
    bytes.withUnsafeBytes { source in
      guard let address = source.baseAddress else { return }
      (base + Int(position - start)).copyMemory(from: address, byteCount: source.count)
    }
  }

  /// The memory of a range of the file's positions, for the calls on it while the region lives.
  func memory(_ range: Range<Int64>) -> UnsafeMutableRawBufferPointer? {
    precondition(range.lowerBound >= start && range.upperBound <= end)
    return base.map {
      UnsafeMutableRawBufferPointer(
        start: $0 + Int(range.lowerBound - start), count: range.count)
    }
  }
}
