import CLinux
import Glibc

/// A file that the kernel has open: what sendfile, splice and a mapping for reading take. Valid for
/// as long as its `FileNumber` is.
package struct KernelFile: Hashable, Sendable {
  let number: Int32

  /// How many bytes of the file's first `count` lie on pages in the page cache (`mincore(2)`), in
  /// whole pages.
  package func residentBytes(ofFirst count: Int64) throws(SystemCallError) -> Int64 {
    if count <= 0 { return 0 }
    let pages = clinux_resident_pages(number, count)
    if pages < 0 {
      throw SystemCallError(.mincore, ErrorNumber(rawValue: Int32(-pages)), path: "")
    }
    return pages * Int64(sysconf(Int32(_SC_PAGESIZE)))
  }

  /// True where all pages of the range, which is not empty, are in the page cache (`cachestat(2)`,
  /// Linux 6.5): a read of it does not wait for the disk, unless the kernel drops them before. False
  /// where that is not known.
  package func isCached(_ range: Range<Int64>) -> Bool {
    let pageBytes = Int64(sysconf(Int32(_SC_PAGESIZE)))
    let wanted = (range.upperBound - 1) / pageBytes - range.lowerBound / pageBytes + 1
    let count = range.upperBound - range.lowerBound
    return clinux_cached_pages(number, range.lowerBound, count) >= wanted
  }

  /// Writes the file back and drops its pages from the page cache (`fdatasync(2)`, `posix_fadvise(2)`
  /// with POSIX_FADV_DONTNEED); true where none of the first `count` bytes' pages is left. A page
  /// stays that somebody uses: one mapped, or on its way through a socket.
  package func evict(first count: Int64) throws(SystemCallError) -> Bool {
    if let error = LinuxFileIO.datasync(number) {
      throw SystemCallError(.fdatasync, error, path: "")
    }
    _ = posix_fadvise(number, 0, 0, POSIX_FADV_DONTNEED)
    return try residentBytes(ofFirst: count) == 0
  }
}

/// Part of a file mapped for reading, shared, for as long as this lives. From any thread.
///
/// Meant to be handed to the kernel, which answers a page that is not there (the file was cut, or the
/// disk failed) with an error; a load of the program's own would be SIGBUS.
// SAFETY: the pointer is set once and the memory is never written through it.
package final class ReadMapping: @unchecked Sendable {
  /// Where it begins in the file, in bytes.
  package let start: Int64
  package let count: Int
  private let base: UnsafeRawPointer

  /// `mmap(2)`, PROT_READ; `start` is a multiple of the page size. The file may end inside.
  package init(_ file: KernelFile, at start: Int64, count: Int) throws(SystemCallError) {
    guard let base = clinux_map_for_reading(file.number, start, count) else {
      throw SystemCallError(.mmap, .current, path: "")
    }
    self.base = base
    self.start = start
    self.count = count
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: base), count) }

  package var end: Int64 { start + Int64(count) }

  /// The memory of a range of the file's positions, to be read by system calls only.
  func memory(_ range: Range<Int64>) -> UnsafeRawBufferPointer {
    precondition(range.lowerBound >= start && range.upperBound <= end)
    return UnsafeRawBufferPointer(start: base + Int(range.lowerBound - start), count: range.count)
  }
}
