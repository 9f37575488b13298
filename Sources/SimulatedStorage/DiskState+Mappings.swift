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

  mutating func map(
    _ number: FileNumber, at position: Int64, count: Int
  ) throws(SystemCallError) -> Int {
    let open = try openFile(number, .map)
    let fault = try begin(.map, open.path, at: position, count: count)
    guard position % Int64(PageTable.pageBytes) == 0, count > 0 else {
      throw SystemCallError(.mmap, .invalidArgument, path: "")
    }
    guard position >= 0 else {
      throw SystemCallError(.mmap, ErrorNumber(rawValue: EOVERFLOW), path: "")
    }
    guard open.opening.access == .readWrite else {
      throw SystemCallError(.mmap, ErrorNumber(rawValue: EACCES), path: "")
    }
    guard case .file(let file) = open.node else {
      throw SystemCallError(.mmap, ErrorNumber(rawValue: ENODEV), path: "")
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
    guard let mapped = mappings[mapping] else {
      throw SystemCallError(.madvise, .noMemory, path: "")
    }
    if let fault = try begin(
      .populate, mapped.path, at: range.lowerBound, count: range.count)
    {
      throw fault
    }
    guard takeSpace(mapped.file, Int(range.lowerBound)..<Int(range.upperBound)) else {
      throw SystemCallError(.madvise, .badAddress, path: "")
    }
  }

  /// As the processor stores: no call, and no answer.
  mutating func store(
    _ bytes: UnsafeRawBufferPointer, to mapping: Int, at position: Int64
  ) {
    guard let mapped = mappings[mapping], !bytes.isEmpty else { return }
    if let cut = plan.powerCutAtOperation, operationCount >= cut { return }
    let start = Int(position)
    guard takeSpace(mapped.file, start..<(start + bytes.count)) else {
      fatalStoreCount += 1
      return
    }
    // Past the end of the file, in its last page, is memory and nothing else.
    let count = files[mapped.file]?.readableCount(at: start, bytes.count) ?? 0
    if count == 0 { return }
    files[mapped.file]?.write(
      UnsafeRawBufferPointer(rebasing: bytes[..<count]), at: start, isDirect: false)
    counts.bytesWritten += count
    pathCounts[mapped.path].bytesWritten += count
  }

  /// True where every page of the range is in the file, and has space or can get it.
  private mutating func takeSpace(_ file: Int, _ range: Range<Int>) -> Bool {
    guard let found = files[file] else { return false }
    let pages = PageTable.pages(of: range)
    let sizePages = (found.size + PageTable.pageBytes - 1) / PageTable.pageBytes
    guard pages.upperBound <= sizePages, found.space.missing(in: pages) <= freePages else {
      return false
    }
    usedPages += files[file]?.reserve(pages) ?? 0
    return true
  }
}
