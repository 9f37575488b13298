import LogStorage

/// The open segments of one backend, by `SegmentID`.
///
/// Holds classes, because an array cannot hold values that own a descriptor.
struct SegmentTable<Segment: AnyObject> {
  private var slots: [Segment?] = []
  private var free: [Int] = []

  mutating func insert(_ segment: Segment) -> SegmentID { insert { _ in segment } }

  /// For a segment that knows its own id. Nothing is changed where `make` throws.
  mutating func insert<Failure: Error>(
    _ make: (SegmentID) throws(Failure) -> Segment
  ) throws(Failure) -> SegmentID {
    let id = SegmentID(rawValue: free.last ?? slots.count)
    let segment = try make(id)
    if free.popLast() == nil { slots.append(segment) } else { slots[id.rawValue] = segment }
    return id
  }

  /// An id that this table did not give, or that was removed, is a mistake of the caller's code.
  subscript(id: SegmentID) -> Segment {
    guard let segment = slots[id.rawValue] else {
      preconditionFailure("segment \(id.rawValue) is not open")
    }
    return segment
  }

  var all: [Segment] { slots.compactMap { $0 } }

  mutating func remove(_ id: SegmentID) -> Segment {
    let segment = self[id]
    slots[id.rawValue] = nil
    free.append(id.rawValue)
    return segment
  }
}

/// What a segment's last failure allows.
enum SegmentHealth {
  case sound
  /// A write failed: bytes past the end are in doubt until they are cut off.
  case endInDoubt
  /// A flush failed: nothing since the last good one can be believed, whatever is done here.
  case fenced
}

/// Flushes of a backend that flushes before it returns: done already, handed out by `reap`.
struct FinishedFlushes {
  private var completions: [FlushCompletion] = []
  private var lastTicket: UInt64 = 0

  /// Runs `synchronize` for each segment and keeps the answer.
  mutating func run(
    _ segments: [SegmentID], _ synchronize: (SegmentID) throws(StorageError) -> Void
  ) -> FlushTicket {
    lastTicket += 1
    var failures: [SegmentID: StorageError] = [:]
    for segment in segments {
      do throws(StorageError) { try synchronize(segment) } catch { failures[segment] = error }
    }
    let ticket = FlushTicket(rawValue: lastTicket)
    completions.append(FlushCompletion(ticket: ticket, failures: failures))
    return ticket
  }

  mutating func reap(_ body: (consuming Completion) -> Void) -> Int {
    let finished = completions
    completions.removeAll(keepingCapacity: true)
    for completion in finished { body(.flush(completion)) }
    return finished.count
  }
}
