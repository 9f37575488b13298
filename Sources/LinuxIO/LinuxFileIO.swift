import CLinux
import Glibc

/// `FileIO` on the kernel: one system call for each call, repeated only on EINTR.
package struct LinuxFileIO: FileIO {
  /// Is told of calls that take long, where somebody wants to know.
  let watch: (any FileWatch)?

  /// True where files and folders that are made are for this user alone: records are nobody else's.
  private let isPrivate: Bool

  package init(watch: (any FileWatch)? = nil, isPrivate: Bool = false) {
    self.watch = watch
    self.isPrivate = isPrivate
  }

  package func open(_ path: String, _ opening: FileOpening) throws(SystemCallError) -> FileNumber {
    if let watch, opening.creation == .mustBeNew {
      return try watch.time(.create(path: path)) { () throws(SystemCallError) in
        try openUnwatched(path, opening)
      }
    }
    return try openUnwatched(path, opening)
  }

  private func openUnwatched(
    _ path: String, _ opening: FileOpening
  ) throws(SystemCallError) -> FileNumber {
    var flags = clinux_o_cloexec()
    flags |= opening.access == .read ? O_RDONLY : O_RDWR
    switch opening.creation {
    case .never: break
    case .ifMissing: flags |= O_CREAT
    case .mustBeNew: flags |= O_CREAT | O_EXCL
    }
    if opening.direct { flags |= clinux_o_direct() }
    let number = try call(.open, path) { Glibc.open(path, flags, isPrivate ? 0o600 : 0o644) }
    return FileNumber(rawValue: number)
  }

  package func close(_ file: FileNumber) throws(SystemCallError) {
    // Linux releases the descriptor even when close is interrupted: never repeat it.
    guard Glibc.close(file.rawValue) == 0 || errno == EINTR else {
      throw SystemCallError(.close, .current, path: "")
    }
  }

  package func read(
    _ file: FileNumber, into bytes: inout MutableRawSpan, at position: Int64
  ) throws(SystemCallError) -> Int {
    while true {
      let count = bytes.withUnsafeMutableBytes {
        pread(file.rawValue, $0.baseAddress, $0.count, off_t(position))
      }
      if count >= 0 { return count }
      if errno != EINTR { throw SystemCallError(.pread, .current, path: "") }
    }
  }

  package func write(
    _ file: FileNumber, _ bytes: RawSpan, at position: Int64
  ) throws(SystemCallError) -> Int {
    while true {
      let count = bytes.withUnsafeBytes {
        pwrite(file.rawValue, $0.baseAddress, $0.count, off_t(position))
      }
      if count >= 0 { return count }
      if errno != EINTR { throw SystemCallError(.pwrite, .current, path: "") }
    }
  }

  package func writeUncached(
    _ file: FileNumber, _ bytes: RawSpan, at position: Int64
  ) throws(SystemCallError) -> Int {
    let result = bytes.withUnsafeBytes {
      clinux_write_uncached(file.rawValue, $0.baseAddress, $0.count, position)
    }
    if result >= 0 { return result }
    throw SystemCallError(.pwritev2, ErrorNumber(rawValue: Int32(-result)), path: "")
  }

  package func synchronizeData(_ file: FileNumber) throws(SystemCallError) {
    let error =
      if let watch {
        watch.time(.synchronize) { Self.datasync(file.rawValue) }
      } else {
        Self.datasync(file.rawValue)
      }
    if let error { throw SystemCallError(.fdatasync, error, path: "") }
  }

  package func synchronizeData(_ files: [FileNumber]) -> [SystemCallError?] {
    let errors =
      if let watch {
        watch.time(.synchronize) { Self.synchronizeAll(files) }
      } else {
        Self.synchronizeAll(files)
      }
    return errors.map { error in error.map { SystemCallError(.fdatasync, $0, path: "") } }
  }

  private static func synchronizeAll(_ files: [FileNumber]) -> [ErrorNumber?] {
    files.count == 1 ? [datasync(files[0].rawValue)] : FlushWorkers.shared.synchronize(files)
  }

  static func datasync(_ file: Int32) -> ErrorNumber? {
    while fdatasync(file) != 0 {
      if errno != EINTR { return .current }
    }
    return nil
  }

  package func map(
    _ file: FileNumber, at position: Int64, count: Int
  ) throws(SystemCallError) -> MappedRegion {
    let base = mmap(
      nil, count, PROT_READ | PROT_WRITE, MAP_SHARED, file.rawValue, off_t(position))
    guard let base, base != MAP_FAILED else {
      throw SystemCallError(.mmap, .current, path: "")
    }
    let memory = UnsafeMutableRawBufferPointer(start: base, count: count)
    return MappedRegion(start: position, memory: memory) { _ = munmap(base, count) }
  }

  package func populate(
    _ region: MappedRegion, _ range: Range<Int64>
  ) throws(SystemCallError) {
    if range.isEmpty { return }
    let page = Int64(sysconf(Int32(_SC_PAGESIZE)))
    let start = max(region.start, range.lowerBound / page * page)
    let memory = region.memory(start..<range.upperBound)
    let result = clinux_populate(memory?.baseAddress, memory?.count ?? 0)
    if result < 0 { throw SystemCallError(.madvise, ErrorNumber(rawValue: -result), path: "") }
  }

  package func allocate(
    _ file: FileNumber, at position: Int64, count: Int64, keepingSize: Bool
  ) throws(SystemCallError) {
    let call = { clinux_fallocate(file.rawValue, keepingSize ? 1 : 0, position, count) }
    let result = if let watch { watch.time(.allocate, call) } else { call() }
    if result < 0 { throw SystemCallError(.fallocate, ErrorNumber(rawValue: -result), path: "") }
  }

  package func truncate(_ file: FileNumber, to size: Int64) throws(SystemCallError) {
    _ = try call(.ftruncate, "") { ftruncate(file.rawValue, off_t(size)) }
  }

  package func size(_ file: FileNumber) throws(SystemCallError) -> Int64 {
    var status = stat()
    _ = try call(.fstat, "") { fstat(file.rawValue, &status) }
    return Int64(status.st_size)
  }

  package func directAlignment(_ file: FileNumber) -> DirectAlignment? {
    var memory: UInt32 = 0
    var offset: UInt32 = 0
    let result = clinux_direct_io_alignment(file.rawValue, &memory, &offset)
    guard result == 0, memory > 0, offset > 0 else { return nil }
    return DirectAlignment(memory: Int(memory), offset: Int(offset))
  }

  package func lockExclusively(_ file: FileNumber) throws(SystemCallError) {
    let result = clinux_lock_exclusively(file.rawValue)
    if result < 0 { throw SystemCallError(.flock, ErrorNumber(rawValue: -result), path: "") }
  }

  package func isLocked(_ file: FileNumber) throws(SystemCallError) -> Bool {
    let result = clinux_is_locked(file.rawValue)
    if result < 0 { throw SystemCallError(.flock, ErrorNumber(rawValue: -result), path: "") }
    return result == 1
  }

  package func kernelFile(_ file: FileNumber) -> KernelFile? {
    KernelFile(number: file.rawValue)
  }

  package func adviseReadahead(_ file: FileNumber, isWanted: Bool) {
    _ = posix_fadvise(
      file.rawValue, 0, 0, isWanted ? POSIX_FADV_NORMAL : POSIX_FADV_RANDOM)
  }

  package func beginWriteback(_ file: FileNumber, at position: Int64, count: Int64) {
    _ = clinux_begin_writeback(file.rawValue, position, count)
  }

  package func size(ofFileAt path: String) throws(SystemCallError) -> Int64? {
    var status = stat()
    if stat(path, &status) == 0 { return Int64(status.st_size) }
    if errno == ENOENT { return nil }
    throw SystemCallError(.stat, .current, path: path)
  }

  package func rename(_ path: String, to newPath: String) throws(SystemCallError) {
    let start = watch == nil ? 0 : MonotonicClock.nanoseconds()
    _ = try call(.rename, path) { Glibc.rename(path, newPath) }
    // A spare file that becomes a segment, or the other way round.
    watch?.ended(
      .rename(from: path, to: newPath), start: start,
      nanoseconds: MonotonicClock.nanoseconds() - start)
  }

  package func remove(_ path: String) throws(SystemCallError) {
    guard let watch else {
      _ = try call(.unlink, path) { unlink(path) }
      return
    }
    _ = try watch.time(.remove(path: path)) { () throws(SystemCallError) in
      try call(.unlink, path) { unlink(path) }
    }
  }

  package func createDirectory(_ path: String) throws(SystemCallError) {
    _ = try call(.mkdir, path) { mkdir(path, isPrivate ? 0o700 : 0o755) }
  }

  package func removeDirectory(_ path: String) throws(SystemCallError) {
    _ = try call(.rmdir, path) { rmdir(path) }
  }

  package func list(_ path: String) throws(SystemCallError) -> [DirectoryEntry] {
    guard let directory = opendir(path) else {
      throw SystemCallError(.open, .current, path: path)
    }
    defer { closedir(directory) }
    var entries: [DirectoryEntry] = []
    while true {
      errno = 0
      guard let entry = readdir(directory) else {
        if errno != 0 { throw SystemCallError(.readdir, .current, path: path) }
        return entries
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name == "." || name == ".." { continue }
      let isDirectory = isDirectory(entry.pointee.d_type, "\(path)/\(name)")
      entries.append(DirectoryEntry(name: name, isDirectory: isDirectory))
    }
  }

  package func synchronizeDirectory(_ path: String) throws(SystemCallError) {
    let file = try open(path, FileOpening(.read))
    defer { _ = Glibc.close(file.rawValue) }
    _ = try call(.fsync, path) { fsync(file.rawValue) }
  }

  /// Some file systems leave d_type unknown; then ask.
  private func isDirectory(_ type: UInt8, _ path: String) -> Bool {
    if type != UInt8(DT_UNKNOWN) { return type == UInt8(DT_DIR) }
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  private func call(
    _ name: SystemCall, _ path: String, _ body: () -> Int32
  ) throws(SystemCallError) -> Int32 {
    while true {
      let result = body()
      if result >= 0 { return result }
      if errno != EINTR { throw SystemCallError(name, .current, path: path) }
    }
  }
}
