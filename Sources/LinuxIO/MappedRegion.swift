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
  private let base: UnsafeMutableRawPointer
  private let unmap: (UnsafeMutableRawBufferPointer) -> Void

  /// `unmap` is called once, with the memory.
  package init(
    start: Int64, memory: UnsafeMutableRawBufferPointer, base: UnsafeMutableRawPointer,
    unmap: @escaping (UnsafeMutableRawBufferPointer) -> Void
  ) {
    self.start = start
    self.count = memory.count
    self.base = base
    self.unmap = unmap
  }

  deinit { unmap(UnsafeMutableRawBufferPointer(start: base, count: count)) }

  /// Where the region ends in the file.
  package var end: Int64 { start + Int64(count) }

  /// Copies `bytes` to the file's `position`, which with all of them lies in the region.
  package func store(_ bytes: RawSpan, at position: Int64) {
    precondition(position >= start && Int64(bytes.byteCount) <= end - position)
    bytes.withUnsafeBytes { source in
      guard let address = source.baseAddress else { return }
      (base + Int(position - start)).copyMemory(from: address, byteCount: source.count)
    }
  }

  /// Lends the memory of a range of the file's positions, for the calls on it.
  package func withMemory<Result>(
    _ range: Range<Int64>, _ body: (UnsafeMutableRawBufferPointer) -> Result
  ) -> Result {
    precondition(range.lowerBound >= start && range.upperBound <= end)
    return body(
      UnsafeMutableRawBufferPointer(
        start: base + Int(range.lowerBound - start), count: range.count))
  }
}
