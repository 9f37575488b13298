import LinuxIO
import LogStorage
import Records

/// What leaves a log at a recovery though it may have been acknowledged: kept beside the log, in files
/// whose names end in `.cut`. Each is whole, and none is ever written over.
///
/// ```
/// 00000000000000000000.log.4711.cut      what lay behind byte 4711
/// 00000000000000000000.log.4711.1.cut    the same place, at a later recovery
/// 00000000000000000009.log.cut           a whole segment behind the log's end
/// ```
struct CutFiles {
  let io: any FileIO
  /// The partition's.
  let directory: String

  /// Copies the segment's bytes from `position` on; the path of the copy, which is durable on return.
  /// The copy that a recovery made which did not come to its end serves again.
  func keep(_ file: SegmentFile, from position: FilePosition) throws(LogError) -> String {
    let place = "\(file.path).\(position)"
    var number = 0
    while try exists(Self.name(place, number)) {
      let path = Self.name(place, number)
      if try isCopy(path, of: file, from: position) { return path }
      number += 1
    }
    let path = Self.name(place, number)
    let unfinished = path + ".tmp"
    do throws(LogError) {
      if try exists(unfinished) {
        try system { () throws(SystemCallError) in try io.remove(unfinished) }
      }
      try copy(file, from: position, to: unfinished)
      try system { () throws(SystemCallError) in
        try io.rename(unfinished, to: path)
        try io.synchronizeDirectory(directory)
      }
    } catch {
      try? io.remove(unfinished)
      throw error
    }
    return path
  }

  /// Gives a whole segment another name, and says which. Durable with the directory.
  func setAside(_ path: String) throws(LogError) -> String {
    var number = 0
    while try exists(Self.name(path, number)) { number += 1 }
    let newPath = Self.name(path, number)
    try system { () throws(SystemCallError) in try io.rename(path, to: newPath) }
    return newPath
  }

  private static func name(_ place: String, _ number: Int) -> String {
    number == 0 ? "\(place).cut" : "\(place).\(number).cut"
  }

  private func exists(_ path: String) throws(LogError) -> Bool {
    try system { () throws(SystemCallError) in try io.size(ofFileAt: path) != nil }
  }

  private func copy(
    _ file: SegmentFile, from position: FilePosition, to path: String
  ) throws(LogError) {
    let number = try system { () throws(SystemCallError) in
      try io.open(path, FileOpening(.readWrite, creation: .mustBeNew))
    }
    defer { try? io.close(number) }
    try forEachPiece(of: file, from: position) { bytes, done throws(SystemCallError) in
      try io.writeFully(number, bytes, at: done, path: path)
      return true
    }
    try synchronize(number, path)
  }

  private func isCopy(
    _ path: String, of file: SegmentFile, from position: FilePosition
  ) throws(LogError) -> Bool {
    let size = try system { () throws(SystemCallError) in try io.size(ofFileAt: path) }
    guard size == file.end.rawValue - position.rawValue,
      // What cannot be opened, a directory say, is no copy.
      let number = try? io.open(path, FileOpening(.readWrite))
    else { return false }
    defer { try? io.close(number) }
    var isSame = true
    try forEachPiece(of: file, from: position) { bytes, done throws(SystemCallError) in
      var kept = [UInt8](repeating: 0, count: bytes.byteCount)
      var span = kept.mutableSpan
      var raw = span.mutableBytes
      let count = try io.readFully(number, into: &raw, at: done, path: path)
      isSame = count == kept.count && bytes.withUnsafeBytes { $0.elementsEqual(kept) }
      return isSame
    }
    // It may not have been durable when the power went.
    if isSame {
      try synchronize(number, path)
      try system { () throws(SystemCallError) in try io.synchronizeDirectory(directory) }
    }
    return isSame
  }

  private func synchronize(_ number: FileNumber, _ path: String) throws(LogError) {
    do { try io.synchronizeData(number) } catch { throw .system(error.naming(path)) }
  }

  /// Lends the segment's bytes from `position` on, with how many went before, while `body` is true.
  private func forEachPiece(
    of file: SegmentFile, from position: FilePosition,
    _ body: (RawSpan, Int64) throws(SystemCallError) -> Bool
  ) throws(LogError) {
    let result: Result<Bool, SystemCallError>
    do throws(StorageError) {
      var scanner = try BatchScanner(file, from: position)
      var done: Int64 = 0
      var last: Result<Bool, SystemCallError> = .success(true)
      while scanner.remaining > 0, case .success(true) = last {
        var count = 0
        last = try scanner.withBytes(1 << 20) { bytes in
          count = bytes.byteCount
          return Result { () throws(SystemCallError) in try body(bytes, done) }
        }
        done += Int64(count)
        scanner.search(from: scanner.position.advanced(by: count))
      }
      result = last
    } catch { throw .storage(error) }
    _ = try system { () throws(SystemCallError) in try result.get() }
  }

  private func system<Value>(
    _ call: () throws(SystemCallError) -> Value
  ) throws(LogError) -> Value {
    do { return try call() } catch { throw .system(error) }
  }
}
