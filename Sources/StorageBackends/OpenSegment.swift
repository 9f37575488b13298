import LinuxIO
import LogStorage
import Records

/// What every backend's open segment has: its file, where the log ends in it, the space ahead, and
/// whether all this can be believed.
package final class OpenSegment<IO: FileIO> {
  let handle: FileHandle<IO>
  /// What O_DIRECT asks; nil on a file that goes through the page cache.
  let alignment: DirectAlignment?
  /// Where the log ends in the file.
  private(set) var position: Int64
  var health = SegmentHealth.sound
  private var space: SegmentSpace

  var path: String { handle.path }

  /// Opens the file as the options say. Throws before anything is changed where the file is too
  /// short, or the file system cannot do what the backend needs; a new file is then removed.
  init(
    _ io: IO, _ file: SegmentFile, _ options: SegmentOptions, _ capabilities: StorageCapabilities,
    _ budget: SpaceBudget
  ) throws(StorageError) {
    let way = try Self.way(options, capabilities)
    let creation: FileOpening.Creation = options.origin == .new ? .mustBeNew : .never
    let size: Int64
    do {
      handle = try FileHandle(
        io, file.path,
        FileOpening(.readWrite, creation: creation, direct: capabilities.isDirect))
      size = try handle.size()
    } catch {
      // Some file systems refuse the flag at open; an existing file was not touched.
      if capabilities.isDirect && error.number == .invalidArgument {
        throw .directUnsupported(path: file.path)
      }
      throw .fileFailed(error)
    }
    alignment = capabilities.isDirect ? io.directAlignment(handle.number) : nil
    position = options.position.rawValue
    let keepsSpace = options.origin == .recycled
    space = SegmentSpace(
      way, position: position, size: keepsSpace ? size : 0, sizeMax: options.sizeMax,
      isDirect: capabilities.isDirect, budget)
    if capabilities.isDirect && alignment == nil {
      if options.origin == .new { try? io.remove(file.path) }
      throw .directUnsupported(path: file.path)
    }
    guard size >= position else { throw .unexpectedEnd(path: file.path, position: size) }
    if size > position && !keepsSpace {
      do { try handle.truncate(to: position) } catch { throw .fileFailed(error) }
    }
  }

  /// `recycle` decides where a file comes from, and that is done when it is opened; the rest of the
  /// space is taken in the backend's own way.
  private static func way(
    _ options: SegmentOptions, _ capabilities: StorageCapabilities
  ) throws(StorageError) -> Preallocation {
    let own = capabilities.preallocations.first ?? .none
    guard let asked = options.preallocation else { return own }
    guard capabilities.preallocations.contains(asked) else {
      throw .preallocationRefused(
        asked, backend: capabilities.name, accepted: capabilities.preallocations)
    }
    return asked == .recycle ? own : asked
  }

  /// Where space is there up to.
  var takenEnd: Int64 { space.takenEnd }

  /// Makes sure that a write up to `end` finds the space that the preallocation promises.
  func takeSpace(upTo end: Int64) throws(StorageError) {
    do { try space.take(upTo: end, handle) } catch {
      if error.call == .fallocate && error.number.meansUnsupported {
        throw .preallocationUnsupported(error, space.way)
      }
      // Zeros are flushed, and with them whatever else was not: a flush that fails here puts that in
      // doubt like any other.
      if error.call == .fdatasync { try flushed(error) }
      throw .ofWrite(error)
    }
  }

  /// The log ends `count` bytes further on; where it ended before.
  func advance(by count: Int) -> FilePosition {
    let start = position
    position += Int64(count)
    space.advance(to: position)
    return FilePosition(start)
  }

  /// `fdatasync(2)` has answered.
  func flushed(_ error: SystemCallError?) throws(StorageError) {
    guard let error else { return }
    health = .fenced
    throw .flushFailed(error.naming(path))
  }

  /// `ftruncate(2)`, space ahead and all.
  func truncate(to newPosition: Int64) throws(StorageError) {
    guard health != .fenced else { throw .fenced(path: path) }
    do { try handle.truncate(to: newPosition) } catch {
      health = .fenced
      throw .fileFailed(error)
    }
    position = newPosition
    space.cut(to: newPosition)
    health = .sound
  }

  /// Cuts off padding and space ahead, where there can be any.
  func seal(isPadded: Bool) throws(StorageError) {
    space.release()
    guard health == .sound else { throw .fenced(path: path) }
    if isPadded || space.reachesPast(position) {
      do { try handle.truncate(to: position) } catch { throw .fileFailed(error) }
    }
  }

  /// The budget gets back what the segment had.
  func abandon() { space.release() }
}
