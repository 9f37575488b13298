/// A file that a `FileIO` has open. Meaningful only to the conformer that gave it.
package struct FileNumber: Hashable, Sendable {
  package let rawValue: Int32
  package init(rawValue: Int32) { self.rawValue = rawValue }
}

/// How a file is to be opened.
package struct FileOpening: Hashable, Sendable {
  package enum Access: Hashable, Sendable { case read, readWrite }
  package enum Creation: Hashable, Sendable { case never, ifMissing, mustBeNew }

  package var access: Access
  package var creation: Creation
  /// O_DIRECT: transfers bypass the page cache, and memory, position and count must be aligned.
  package var direct: Bool

  package init(_ access: Access, creation: Creation = .never, direct: Bool = false) {
    self.access = access
    self.creation = creation
    self.direct = direct
  }
}

/// What O_DIRECT asks of a transfer, in bytes (`STATX_DIOALIGN`).
package struct DirectAlignment: Hashable, Sendable {
  package let memory: Int
  package let offset: Int
  package init(memory: Int, offset: Int) {
    self.memory = memory
    self.offset = offset
  }
}

/// One name in a directory.
package struct DirectoryEntry: Hashable, Sendable {
  package let name: String
  package let isDirectory: Bool
  package init(name: String, isDirectory: Bool) {
    self.name = name
    self.isDirectory = isDirectory
  }
}

/// The lower seam: every call on files that the log and its backends make.
///
/// `LinuxFileIO` is the real conformer, `SimulatedFileIO` the one that fails on purpose, so that
/// crash tests run the very code that ships. Calls may come from any thread; two calls on one file
/// may overlap, as the kernel allows. Nothing here retries a short transfer: that is the caller's
/// part, and a test of it.
///
/// Paths are UTF-8, absolute or relative to the process's working directory.
package protocol FileIO: Sendable {
  /// `open(2)` with O_CLOEXEC. A new file's name is durable only after `synchronizeDirectory` of
  /// its parent.
  func open(_ path: String, _ opening: FileOpening) throws(SystemCallError) -> FileNumber

  /// `close(2)`. The number is dead afterwards, whatever is thrown.
  func close(_ file: FileNumber) throws(SystemCallError)

  /// `pread(2)`: up to `bytes.byteCount` bytes; fewer, and 0 at the end of the file, are legal.
  func read(
    _ file: FileNumber, into bytes: inout MutableRawSpan, at position: Int64
  ) throws(SystemCallError) -> Int

  /// `pwrite(2)`: at least 1 byte of a non-empty span; fewer than asked is legal.
  func write(
    _ file: FileNumber, _ bytes: RawSpan, at position: Int64
  ) throws(SystemCallError) -> Int

  /// `pwritev2(2)` with RWF_DONTCACHE (Linux 6.14): the same, and the pages leave the page cache when
  /// they have reached the disk. Throws `ErrorNumber.notSupported`, with nothing written, where the
  /// kernel or the file system does not know the flag.
  func writeUncached(
    _ file: FileNumber, _ bytes: RawSpan, at position: Int64
  ) throws(SystemCallError) -> Int

  /// `fdatasync(2)`: on return the file's bytes, and the size needed to read them, are durable.
  /// After a failure the kernel marks the pages clean: what was written since the last success is
  /// in doubt for ever, and calling again proves nothing.
  func synchronizeData(_ file: FileNumber) throws(SystemCallError)

  /// The same for many files, perhaps at once, and no earlier for one than for another: for each,
  /// in their order, why it failed, or nil.
  func synchronizeData(_ files: [FileNumber]) -> [SystemCallError?]

  /// `mmap(2)`, MAP_SHARED, for reading and writing. `position` is a multiple of the page size. The
  /// file must reach to the region's end, in size and in space (`allocate`), before it is stored
  /// to, and must not be truncated below it.
  func map(
    _ file: FileNumber, at position: Int64, count: Int
  ) throws(SystemCallError) -> MappedRegion

  /// `madvise(2)` with MADV_POPULATE_WRITE (Linux 5.14): brings the pages of these positions in for
  /// writing, all at once, and throws where a store would have raised SIGBUS.
  func populate(_ region: MappedRegion, _ range: Range<Int64>) throws(SystemCallError)

  /// `fallocate(2)`; with `keepingSize` the size stays and only the space is reserved.
  func allocate(
    _ file: FileNumber, at position: Int64, count: Int64, keepingSize: Bool
  ) throws(SystemCallError)

  /// `ftruncate(2)`, in either direction; new bytes read as zero. Space past the new size is given
  /// back, also where the size stays.
  func truncate(_ file: FileNumber, to size: Int64) throws(SystemCallError)

  /// The file's size in bytes (`fstat(2)`).
  func size(_ file: FileNumber) throws(SystemCallError) -> Int64

  /// What O_DIRECT asks on this file; nil where it is not supported (`statx(2)`).
  func directAlignment(_ file: FileNumber) -> DirectAlignment?

  /// `flock(2)`, exclusive, without waiting; held until the file is closed. Throws
  /// `ErrorNumber.wouldBlock` where another process holds it.
  func lockExclusively(_ file: FileNumber) throws(SystemCallError)

  /// Whether somebody holds that lock (`flock(2)`, shared, given back at once). Whoever locks at this
  /// very moment gets the lock all the same.
  func isLocked(_ file: FileNumber) throws(SystemCallError) -> Bool

  /// The kernel's own file behind it, for calls that take only that (sendfile, splice, a mapping for
  /// reading); nil where it is not the kernel's.
  func kernelFile(_ file: FileNumber) -> KernelFile?

  /// `posix_fadvise(2)` with POSIX_FADV_RANDOM, no readahead past what is asked, or POSIX_FADV_NORMAL.
  /// Advice only.
  func adviseReadahead(_ file: FileNumber, isWanted: Bool)

  /// `sync_file_range(2)` with SYNC_FILE_RANGE_WRITE: the kernel begins to write these bytes back. Advice
  /// only: nothing is durable before `synchronizeData`, which also reports the errors of this writeback.
  func beginWriteback(_ file: FileNumber, at position: Int64, count: Int64)

  /// The size of the file at `path`, without opening it (`stat(2)`); nil where there is none.
  func size(ofFileAt path: String) throws(SystemCallError) -> Int64?

  /// `rename(2)`: atomic, and durable after `synchronizeDirectory` of the parent.
  func rename(_ path: String, to newPath: String) throws(SystemCallError)

  /// `unlink(2)`. Who has the file open keeps it.
  func remove(_ path: String) throws(SystemCallError)

  /// `mkdir(2)`; its name is durable after `synchronizeDirectory` of the parent.
  func createDirectory(_ path: String) throws(SystemCallError)

  /// `rmdir(2)`: the directory must be empty.
  func removeDirectory(_ path: String) throws(SystemCallError)

  /// The names in a directory, without `.` and `..`, in no particular order (`readdir(3)`).
  func list(_ path: String) throws(SystemCallError) -> [DirectoryEntry]

  /// `fsync(2)` of a directory: names created, renamed or removed in it before are durable.
  func synchronizeDirectory(_ path: String) throws(SystemCallError)
}
