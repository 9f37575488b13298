import Synchronization

/// An open file that this value owns: closed once, by `close` or, as a net, by going out of scope.
///
/// Generic over the calls it makes, so that a backend's data path is specialized to the kernel.
/// May move between threads; calls may overlap as `FileIO` says.
package struct FileHandle<IO: FileIO>: ~Copyable, Sendable {
  package let path: String
  private let descriptor: OpenDescriptor<IO>

  package var io: IO { descriptor.io }
  package var number: FileNumber { descriptor.number }

  package init(_ io: IO, _ path: String, _ opening: FileOpening) throws(SystemCallError) {
    self.path = path
    descriptor = OpenDescriptor(io, try io.open(path, opening))
  }

  /// Closes now, and says where the kernel reports a late error.
  package consuming func close() throws(SystemCallError) {
    do { try descriptor.close() } catch { throw error.naming(path) }
  }

  /// `pread(2)` until `bytes` is full or the file ends; the count read. Repeats short reads.
  package func read(
    into bytes: inout MutableRawSpan, at position: Int64
  ) throws(SystemCallError) -> Int {
    try io.readFully(number, into: &bytes, at: position, path: path)
  }

  /// `pwrite(2)` until all of `bytes` is written. Repeats short writes; after a throw, any prefix
  /// may have been written.
  package func write(_ bytes: RawSpan, at position: Int64) throws(SystemCallError) {
    try io.writeFully(number, bytes, at: position, path: path)
  }

  /// The same by `pwritev2(2)` with RWF_DONTCACHE where `uncached`.
  package func write(
    _ bytes: RawSpan, at position: Int64, uncached: Bool
  ) throws(SystemCallError) {
    try io.writeFully(number, bytes, at: position, path: path, uncached: uncached)
  }

  /// `fdatasync(2)`: on return everything written before is durable.
  package func synchronizeData() throws(SystemCallError) {
    do { try io.synchronizeData(number) } catch { throw error.naming(path) }
  }

  /// `ftruncate(2)`.
  package func truncate(to size: Int64) throws(SystemCallError) {
    do { try io.truncate(number, to: size) } catch { throw error.naming(path) }
  }

  /// The file's size in bytes.
  package func size() throws(SystemCallError) -> Int64 {
    do { return try io.size(number) } catch { throw error.naming(path) }
  }
}

/// Closes its descriptor when the handle goes out of scope. A class, because the optimizer of Swift
/// 6.3 leaves out the deinit of a generic noncopyable struct where another module drops the value:
/// a release build then never closes.
private final class OpenDescriptor<IO: FileIO>: Sendable {
  let io: IO
  let number: FileNumber
  // Relaxed: the one owner of the handle is the only one to look.
  private let isOpen = Atomic(true)

  init(_ io: IO, _ number: FileNumber) {
    self.io = io
    self.number = number
  }

  deinit { if isOpen.load(ordering: .relaxed) { try? io.close(number) } }

  func close() throws(SystemCallError) {
    isOpen.store(false, ordering: .relaxed)
    try io.close(number)
  }
}

extension FileIO {
  /// `pread(2)` until `bytes` is full or the file ends.
  package func readFully(
    _ file: FileNumber, into bytes: inout MutableRawSpan, at position: Int64, path: String
  ) throws(SystemCallError) -> Int {
    var done = 0
    while done < bytes.byteCount {
      var rest = bytes._mutatingExtracting(droppingFirst: done)
      let count: Int
      do {
        count = try read(file, into: &rest, at: position + Int64(done))
      } catch { throw error.naming(path) }
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// `pwrite(2)`, or `writeUncached`, until all of `bytes` is written.
  package func writeFully(
    _ file: FileNumber, _ bytes: RawSpan, at position: Int64, path: String,
    uncached: Bool = false
  ) throws(SystemCallError) {
    var done = 0
    while done < bytes.byteCount {
      let rest = bytes.extracting(droppingFirst: done)
      let count: Int
      do {
        count =
          try uncached
          ? writeUncached(file, rest, at: position + Int64(done))
          : write(file, rest, at: position + Int64(done))
      } catch { throw error.naming(path) }
      // A write of some bytes that writes none and gives no reason cannot go on for ever.
      if count == 0 { throw SystemCallError(.pwrite, .inputOutput, path: path) }
      done += count
    }
  }

  /// Replaces the file at `path` with `bytes`, atomically and durably: a temporary file beside it,
  /// fdatasync, rename, fsync of the directory. After a throw the old file stands.
  package func replaceFile(at path: String, with bytes: RawSpan) throws(SystemCallError) {
    let temporary = path + ".tmp"
    do {
      if try size(ofFileAt: temporary) != nil { try remove(temporary) }
      let file = try FileHandle(
        self, temporary, FileOpening(.readWrite, creation: .mustBeNew))
      try file.write(bytes, at: 0)
      try file.synchronizeData()
      try file.close()
      try rename(temporary, to: path)
      try synchronizeDirectory(parentDirectory(of: path))
    } catch {
      try? remove(temporary)
      throw error
    }
  }

  /// The whole file as bytes; nil where there is none. For small files: markers and checkpoints.
  package func readFile(at path: String, bytesMax: Int = 64 << 20) throws(SystemCallError)
    -> [UInt8]?
  {
    guard let size = try size(ofFileAt: path) else { return nil }
    guard size <= bytesMax else { throw SystemCallError(.pread, .fileTooLarge, path: path) }
    let file = try FileHandle(self, path, FileOpening(.read))
    var bytes = [UInt8](repeating: 0, count: Int(size))
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    let count = try file.read(into: &raw, at: 0)
    if count < bytes.count { bytes.removeLast(bytes.count - count) }
    return bytes
  }
}

/// The directory that holds `path`.
package func parentDirectory(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}

extension SystemCallError {
  /// The same error, with the path that the failing layer did not know.
  package func naming(_ path: String) -> SystemCallError {
    self.path.isEmpty ? SystemCallError(call, number, path: path) : self
  }
}
