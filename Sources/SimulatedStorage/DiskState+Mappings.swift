import Glibc
import LinuxIO

// Files mapped into memory. A store is a write to the page cache that cannot fail, and so must not:
// where a real one would have been SIGBUS it is counted, and does not happen.
extension DiskState {
  /// What a mapping is of; it keeps the file as an open descriptor would.
  struct MappedFile: Sendable {
    let file: Int
    let path: Int
  }

  /// The number that stands for the mapping.
  mutating func map(
    _ number: FileNumber, at position: Int64, count: Int
  ) throws(SystemCallError) -> Int {
    let open = try openFile(number, .map)
    let fault = try begin(.map, open.path, at: position, count: count)
    try checkMapping(at: position, count: count)
    guard open.opening.access == .readWrite, case .file(let file) = open.node else {
      throw SystemCallError(.mmap, ErrorNumber(rawValue: EACCES), path: "")
    }
    if let fault { throw fault }
    files[file]?.openCount += 1
    lastMapping += 1
    mappings[lastMapping] = MappedFile(file: file, path: open.path)
    return lastMapping
  }

  mutating func unmap(_ mapping: Int) {
    guard let mapped = mappings.removeValue(forKey: mapping) else { return }
    files[mapped.file]?.openCount -= 1
    releaseSpace(of: mapped.file)
  }

  mutating func populate(
    _ mapping: Int, _ range: Range<Int64>
  ) throws(SystemCallError) {
    // A region of another disk, or of none.
    guard let mapped = mappings[mapping] else {
      throw SystemCallError(.madvise, .noMemory, path: "")
    }
    if let fault = try begin(
      .populate, mapped.path, at: range.lowerBound, count: range.count)
    {
      throw fault
    }
    let pages = PageTable.pages(of: Int(range.lowerBound)..<Int(range.upperBound))
    guard fault(in: pages, of: mapped.file) == pages.upperBound else {
      faultCount += 1
      throw SystemCallError(.madvise, .badAddress, path: "")
    }
  }

  /// As the processor stores: no call, and no answer. Up to the first fatal page, where there is
  /// one: so far a real process would have come.
  mutating func store(
    _ bytes: UnsafeRawBufferPointer, to mapping: Int, at position: Int64
  ) {
    guard let mapped = mappings[mapping], !bytes.isEmpty, !isPowerOff else { return }
    let start = Int(position)
    let pages = PageTable.pages(of: start..<(start + bytes.count))
    let firstFatal = fault(in: pages, of: mapped.file)
    if firstFatal < pages.upperBound { fatalStoreCount += 1 }
    // Past the end of the file, in its last page, is memory and nothing else.
    let size = files[mapped.file]?.size ?? 0
    let end = min(start + bytes.count, size, firstFatal * PageTable.pageBytes)
    if end <= start { return }
    store(
      mapped.file, UnsafeRawBufferPointer(rebasing: bytes[..<(end - start)]), at: start, false)
    counts.bytesWritten += end - start
    pathCounts[mapped.path].bytesWritten += end - start
  }

  /// Makes the pages ready to be stored to, one after the other: each must begin inside the file,
  /// and have space or get it. The first that does not, or the end of the range.
  private mutating func fault(in pages: Range<Int>, of file: Int) -> Int {
    let size = files[file]?.size ?? 0
    let inside = (size + PageTable.pageBytes - 1) / PageTable.pageBytes
    let end = max(pages.lowerBound, min(pages.upperBound, inside))
    let missing = files[file]?.space.missing(in: pages.lowerBound..<end) ?? 0
    if missing <= freePages {
      if missing > 0 { usedPages += files[file]?.reserve(pages.lowerBound..<end) ?? 0 }
      return end
    }
    for page in pages.lowerBound..<end {
      let isMissing = files[file]?.space.missing(in: page..<(page + 1)) == 1
      if isMissing && freePages == 0 { return page }
      usedPages += files[file]?.reserve(page..<(page + 1)) ?? 0
    }
    return end
  }

  /// As the kernel, in its order: no bytes, more than there are addresses, past what a file can be.
  private func checkMapping(at position: Int64, count: Int) throws(SystemCallError) {
    guard position % Int64(PageTable.pageBytes) == 0, count != 0 else {
      throw SystemCallError(.mmap, .invalidArgument, path: "")
    }
    guard (1...Self.addressesMax).contains(count) else {
      throw SystemCallError(.mmap, .noMemory, path: "")
    }
    guard position >= 0, position <= Int64.max - Int64(count) else {
      throw SystemCallError(.mmap, ErrorNumber(rawValue: EOVERFLOW), path: "")
    }
  }

  /// A process has 47 bits of addresses.
  private static let addressesMax = 1 << 47
}
