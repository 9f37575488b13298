import LinuxIO
import LogStorage
import Records

/// A segment of a backend whose calls end before they return.
package protocol SynchronousSegment: AnyObject {
  associatedtype IO: FileIO
  var open: OpenSegment<IO> { get }
  /// How far the next append's first byte lies into its block.
  var placement: Int { get }
  /// Writes the buffer's bytes at the end; where they begin. The segment is sound.
  func write(_ buffer: inout AlignedBuffer) throws(StorageError) -> FilePosition
  func truncate(to position: Int64) throws(StorageError)
  func seal() throws(StorageError)
}

/// The segments of a synchronous backend, and the verbs that such backends share. Belongs to the
/// backend's thread.
package final class SynchronousSegments<Segment: SynchronousSegment> {
  let budget: SpaceBudget
  private let io: Segment.IO
  private var table = SegmentTable<Segment>()
  private var flushes = FinishedFlushes()
  private var lastAppend: UInt64 = 0

  init(_ io: Segment.IO, _ options: BackendOptions) {
    self.io = io
    budget = SpaceBudget(bytesMax: options.spaceAheadBytesMax)
  }

  func insert(_ segment: Segment) -> SegmentID { table.insert(segment) }

  func placement(of id: SegmentID) -> Int { table[id].placement }

  func append(_ buffer: consuming AlignedBuffer, to id: SegmentID) -> Submission {
    lastAppend += 1
    let result = write(&buffer, to: table[id])
    return .completed(
      AppendCompletion(
        ticket: AppendTicket(rawValue: lastAppend), segment: id, buffer: buffer, result: result))
  }

  private func write(
    _ buffer: inout AlignedBuffer, to segment: Segment
  ) -> Result<FilePosition, StorageError> {
    let open = segment.open
    guard open.health == .sound else { return .failure(.fenced(path: open.path)) }
    do throws(StorageError) { return .success(try segment.write(&buffer)) } catch {
      if open.health != .fenced { open.health = .endInDoubt }
      return .failure(error)
    }
  }

  func flush(_ ids: [SegmentID]) -> FlushTicket {
    if ids.count == 1 {
      let open = table[ids[0]].open
      return flushes.run(ids) { _ throws(StorageError) in
        guard open.health != .fenced else { throw .fenced(path: open.path) }
        var failure: SystemCallError?
        do throws(SystemCallError) { try open.handle.synchronizeData() } catch { failure = error }
        try open.flushed(failure)
      }
    }
    let sound = ids.filter { table[$0].open.health != .fenced }
    let answers = io.synchronizeData(sound.map { table[$0].open.handle.number })
    var errors: [SegmentID: SystemCallError] = [:]
    for (id, error) in zip(sound, answers) { errors[id] = error }
    return flushes.run(ids) { id throws(StorageError) in
      let open = table[id].open
      guard open.health != .fenced else { throw .fenced(path: open.path) }
      try open.flushed(errors[id])
    }
  }

  func reap(_ body: (consuming Completion) -> Void) -> Int { flushes.reap(body) }

  func truncate(_ id: SegmentID, to position: FilePosition) throws(StorageError) {
    try table[id].truncate(to: position.rawValue)
  }

  func seal(_ id: SegmentID) throws(StorageError) { try table.remove(id).seal() }

  func abandon(_ id: SegmentID) { table.remove(id).open.abandon() }
}

/// A backend made of `SynchronousSegments`: it says what it can do and how a segment is opened.
package protocol SynchronousBackend: StorageBackend, ~Copyable {
  associatedtype Segment: SynchronousSegment where Segment.IO == IO
  var segments: SynchronousSegments<Segment> { get }
}

extension SynchronousBackend where Self: ~Copyable {
  package func placement(of segment: SegmentID) -> Int { segments.placement(of: segment) }

  package mutating func append(
    _ buffer: consuming AlignedBuffer, to segment: SegmentID
  ) -> Submission { segments.append(buffer, to: segment) }

  package mutating func flush(_ ids: [SegmentID]) -> FlushTicket { segments.flush(ids) }

  package mutating func reap(
    waiting: Bool, _ body: (consuming Completion) -> Void
  ) throws(StorageError) -> Int { segments.reap(body) }

  package mutating func truncate(
    _ segment: SegmentID, to position: FilePosition
  ) throws(StorageError) { try segments.truncate(segment, to: position) }

  package mutating func seal(_ segment: SegmentID) throws(StorageError) {
    try segments.seal(segment)
  }

  package mutating func abandon(_ segment: SegmentID) { segments.abandon(segment) }
}
