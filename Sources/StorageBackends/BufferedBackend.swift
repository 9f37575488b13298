import LinuxIO
import LogStorage
import Records

/// Appends through the page cache: `pwrite(2)` from the caller's buffer, `fdatasync(2)` to flush.
///
/// Written means in the page cache: a killed process loses nothing, a power cut what was not
/// flushed. Each call ends before it returns.
package struct BufferedBackend<IO: FileIO>: StorageBackend, ~Copyable {
  package static var capabilities: StorageCapabilities {
    StorageCapabilities(name: "buffered", blockBytes: 1, isAsynchronous: false, isDirect: false)
  }

  package let io: IO
  private var segments = SegmentTable<BufferedSegment<IO>>()
  private var flushes = FinishedFlushes()
  private var lastAppend: UInt64 = 0

  package init(_ io: IO) { self.io = io }

  package mutating func open(
    _ file: SegmentFile, _ options: SegmentOptions
  ) throws(StorageError) -> SegmentID {
    do {
      let creation: FileOpening.Creation = options.origin == .new ? .mustBeNew : .never
      let handle = try FileHandle(io, file.path, FileOpening(.readWrite, creation: creation))
      let size = try handle.size()
      let position = options.position.rawValue
      if size > position { try handle.truncate(to: position) }
      if size < position { throw StorageError.unexpectedEnd(path: file.path, position: size) }
      return segments.insert(BufferedSegment(handle, position: position))
    } catch let error as StorageError {
      throw error
    } catch let error as SystemCallError {
      throw .fileFailed(error)
    } catch {
      preconditionFailure("unexpected error type: \(error)")
    }
  }

  package func placement(of segment: SegmentID) -> Int { 0 }

  package mutating func append(
    _ buffer: consuming AlignedBuffer, to segment: SegmentID
  ) -> Submission {
    lastAppend += 1
    let result = segments[segment].append(buffer.bytes)
    return .completed(
      AppendCompletion(
        ticket: AppendTicket(rawValue: lastAppend), segment: segment, buffer: buffer,
        result: result))
  }

  package mutating func flush(_ ids: [SegmentID]) -> FlushTicket {
    flushes.run(ids) { id throws(StorageError) in try segments[id].flush() }
  }

  package mutating func reap(
    waiting: Bool, _ body: (consuming Completion) -> Void
  ) throws(StorageError) -> Int { flushes.reap(body) }

  package mutating func truncate(
    _ segment: SegmentID, to position: FilePosition
  ) throws(StorageError) { try segments[segment].truncate(to: position.rawValue) }

  package mutating func seal(_ segment: SegmentID) throws(StorageError) {
    // Nothing is padded or preallocated: the file already ends with the last appended byte.
    let sealed = segments.remove(segment)
    if sealed.health != .sound { throw .fenced(path: sealed.handle.path) }
  }

  package mutating func abandon(_ segment: SegmentID) { _ = segments.remove(segment) }
}

/// One open segment file. The descriptor closes when the backend lets the segment go.
private final class BufferedSegment<IO: FileIO> {
  let handle: FileHandle<IO>
  private var position: Int64
  private(set) var health = SegmentHealth.sound

  init(_ handle: consuming FileHandle<IO>, position: Int64) {
    self.handle = handle
    self.position = position
  }

  func append(_ bytes: RawSpan) -> Result<FilePosition, StorageError> {
    guard health == .sound else { return .failure(.fenced(path: handle.path)) }
    do {
      try handle.write(bytes, at: position)
    } catch {
      health = .endInDoubt
      return .failure(.ofWrite(error))
    }
    defer { position += Int64(bytes.byteCount) }
    return .success(FilePosition(position))
  }

  func flush() throws(StorageError) {
    guard health != .fenced else { throw .fenced(path: handle.path) }
    do { try handle.synchronizeData() } catch {
      health = .fenced
      throw .flushFailed(error)
    }
  }

  func truncate(to newPosition: Int64) throws(StorageError) {
    guard health != .fenced else { throw .fenced(path: handle.path) }
    do { try handle.truncate(to: newPosition) } catch {
      health = .fenced
      throw .fileFailed(error)
    }
    position = newPosition
    health = .sound
  }
}
