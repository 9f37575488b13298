import LinuxIO
import Synchronization

/// `FileIO` on a simulated disk: the calls that `LinuxFileIO` makes on the kernel, with the same
/// results and error numbers, and with the faults that the disk's plan has for them.
package struct SimulatedFileIO: FileIO {
  package let disk: SimulatedDisk

  package init(_ disk: SimulatedDisk) { self.disk = disk }

  package func open(_ path: String, _ opening: FileOpening) throws(SystemCallError) -> FileNumber {
    try call { state throws(SystemCallError) in try state.open(path, opening) }
  }

  package func close(_ file: FileNumber) throws(SystemCallError) {
    try call { state throws(SystemCallError) in try state.close(file) }
  }

  package func read(
    _ file: FileNumber, into bytes: inout MutableRawSpan, at position: Int64
  ) throws(SystemCallError) -> Int {
    try bytes.withUnsafeMutableBytes { target throws(SystemCallError) in
      try call { state throws(SystemCallError) in
        try state.read(file, into: target, at: position)
      }
    }
  }

  package func write(
    _ file: FileNumber, _ bytes: RawSpan, at position: Int64
  ) throws(SystemCallError) -> Int {
    try bytes.withUnsafeBytes { source throws(SystemCallError) in
      try call { state throws(SystemCallError) in try state.write(file, source, at: position) }
    }
  }

  /// As `write`: what the page cache keeps is not seen from here.
  package func writeUncached(
    _ file: FileNumber, _ bytes: RawSpan, at position: Int64
  ) throws(SystemCallError) -> Int {
    if disk.state.withLock({ !$0.options.hasUncachedWrites }) {
      throw SystemCallError(.pwritev2, .notSupported, path: "")
    }
    do { return try write(file, bytes, at: position) } catch {
      throw SystemCallError(.pwritev2, error.number, path: error.path)
    }
  }

  package func synchronizeData(_ file: FileNumber) throws(SystemCallError) {
    try call { state throws(SystemCallError) in try state.synchronizeData(file) }
  }

  package func synchronizeData(_ files: [FileNumber]) -> [SystemCallError?] {
    files.map { file in
      do throws(SystemCallError) { try synchronizeData(file) } catch { return error }
      return nil
    }
  }

  package func map(
    _ file: FileNumber, at position: Int64, count: Int
  ) throws(SystemCallError) -> MappedRegion {
    let mapped = try call { state throws(SystemCallError) in
      try state.map(file, at: position, count: count)
    }
    return MappedRegion(id: mapped, start: position, count: count) { bytes, position in
      bytes.withUnsafeBytes { source in
        disk.state.withLock { $0.store(source, to: mapped, at: position) }
      }
    } unmap: {
      disk.state.withLock { $0.unmap(mapped) }
    }
  }

  package func populate(
    _ region: MappedRegion, _ range: Range<Int64>
  ) throws(SystemCallError) {
    try call { state throws(SystemCallError) in try state.populate(region.id, range) }
  }

  package func allocate(
    _ file: FileNumber, at position: Int64, count: Int64, keepingSize: Bool
  ) throws(SystemCallError) {
    try call { state throws(SystemCallError) in
      try state.allocate(file, at: position, count: count, keepingSize: keepingSize)
    }
  }

  package func truncate(_ file: FileNumber, to size: Int64) throws(SystemCallError) {
    try call { state throws(SystemCallError) in try state.truncate(file, to: size) }
  }

  package func size(_ file: FileNumber) throws(SystemCallError) -> Int64 {
    try call { state throws(SystemCallError) in try state.size(file) }
  }

  /// As the disk's options say; not counted, and never a fault.
  package func directAlignment(_ file: FileNumber) -> DirectAlignment? {
    disk.state.withLock { state in
      guard case .file = state.openFiles[file.rawValue]?.node else { return nil }
      return state.options.directAlignment
    }
  }

  package func lockExclusively(_ file: FileNumber) throws(SystemCallError) {
    try call { state throws(SystemCallError) in try state.lockExclusively(file) }
  }

  package func isLocked(_ file: FileNumber) throws(SystemCallError) -> Bool {
    try call { state throws(SystemCallError) in try state.isLocked(file) }
  }

  package func kernelFile(_ file: FileNumber) -> KernelFile? { nil }

  /// Nothing: there is no readahead here.
  package func adviseReadahead(_ file: FileNumber, isWanted: Bool) {}

  /// Nothing: pages that no flush covers survive a power cut by chance, with or without it.
  package func beginWriteback(_ file: FileNumber, at position: Int64, count: Int64) {}

  package func size(ofFileAt path: String) throws(SystemCallError) -> Int64? {
    try call { state throws(SystemCallError) in try state.size(ofFileAt: path) }
  }

  package func rename(_ path: String, to newPath: String) throws(SystemCallError) {
    try call { state throws(SystemCallError) in try state.rename(path, to: newPath) }
  }

  package func remove(_ path: String) throws(SystemCallError) {
    try call { state throws(SystemCallError) in try state.remove(path) }
  }

  package func createDirectory(_ path: String) throws(SystemCallError) {
    try call { state throws(SystemCallError) in try state.createDirectory(path) }
  }

  package func removeDirectory(_ path: String) throws(SystemCallError) {
    try call { state throws(SystemCallError) in try state.removeDirectory(path) }
  }

  /// Sorted by name, so that a history does not depend on chance.
  package func list(_ path: String) throws(SystemCallError) -> [DirectoryEntry] {
    try call { state throws(SystemCallError) in try state.list(path) }
  }

  package func synchronizeDirectory(_ path: String) throws(SystemCallError) {
    try call { state throws(SystemCallError) in try state.synchronizeDirectory(path) }
  }

  private func call<Result: Sendable>(
    _ body: (inout DiskState) throws(SystemCallError) -> Result
  ) throws(SystemCallError) -> Result {
    try disk.state.withLock { state throws(SystemCallError) in try body(&state) }
  }
}
