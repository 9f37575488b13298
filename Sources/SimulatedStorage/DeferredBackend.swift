import LinuxIO
import LogStorage
import Records

/// A backend that wraps a synchronous one and answers later: appends and flushes queue up to a
/// depth, and `reap` hands their completions out in a seeded, shuffled order, over segments and
/// within one. It uses all the freedom that `StorageBackend` gives an asynchronous backend, so
/// that a log which is right over it is right over io_uring as far as order goes.
///
/// The base writes an append's bytes at the submission or not before its completion is handed out,
/// as the seed has it, and runs a flush no earlier than it must: who acknowledges early is caught.
/// One thread, like every backend.
package struct DeferredBackend<Base: StorageBackend & ~Copyable>: StorageBackend, ~Copyable {
  package static var capabilities: StorageCapabilities {
    StorageCapabilities(
      name: "deferred", blockBytes: Base.capabilities.blockBytes, isAsynchronous: true,
      isDirect: Base.capabilities.isDirect)
  }

  private var base: Base
  private let depthMax: Int
  private var random: SeededGenerator
  private var nextTicket: UInt64 = 0
  /// Accepted and not handed out, oldest first.
  private var appends: [HeldAppend] = []
  private var flushes: [HeldFlush] = []
  /// The failure of an append that the ones behind it share, until the segment has drained.
  private var failures: [SegmentID: StorageError] = [:]

  /// `depthMax` appends at most are held; one more gets `.busy`. The base must be synchronous.
  package init(_ base: consuming Base, depthMax: Int, seed: UInt64) {
    precondition(depthMax > 0)
    precondition(!Base.capabilities.isAsynchronous)
    self.base = base
    self.depthMax = depthMax
    random = SeededGenerator(seed: seed)
  }

  package var io: Base.IO { base.io }

  package mutating func open(
    _ file: SegmentFile, _ options: SegmentOptions
  ) throws(StorageError) -> SegmentID { try base.open(file, options) }

  /// The base's hint, which does not know of appends that it was not given yet.
  package func placement(of segment: SegmentID) -> Int { base.placement(of: segment) }

  package mutating func append(
    _ buffer: consuming AlignedBuffer, to segment: SegmentID
  ) -> Submission {
    if appends.count >= depthMax { return .busy(buffer) }
    let ticket = AppendTicket(rawValue: takeTicket())
    let held = HeldAppend(ticket, segment, buffer)
    appends.append(held)
    if random.chance(0.5) { write(upTo: held) }
    return .queued(ticket)
  }

  package mutating func flush(_ segments: [SegmentID]) -> FlushTicket {
    let ticket = FlushTicket(rawValue: takeTicket())
    let named = Set(segments)
    let awaited = appends.filter { named.contains($0.segment) }.map(\.ticket)
    flushes.append(HeldFlush(ticket: ticket, segments: segments, awaited: Set(awaited)))
    return ticket
  }

  /// Hands out some of what is held, at least one where `waiting`.
  package mutating func reap(
    waiting: Bool, _ body: (consuming Completion) -> Void
  ) throws(StorageError) -> Int {
    let heldCount = appends.count + flushes.count
    if heldCount == 0 { return 0 }
    let least = waiting ? 1 : 0
    let wanted = least + random.below(heldCount + 1 - least)
    for _ in 0..<wanted { try handOutOne(body) }
    return wanted
  }

  package mutating func truncate(
    _ segment: SegmentID, to position: FilePosition
  ) throws(StorageError) {
    try runFlushes(naming: segment)
    failures[segment] = nil
    try base.truncate(segment, to: position)
  }

  package mutating func seal(_ segment: SegmentID) throws(StorageError) {
    try runFlushes(naming: segment)
    failures[segment] = nil
    try base.seal(segment)
  }

  /// What is queued on the segment goes to the base first, and completes by `reap` as usual.
  package mutating func abandon(_ segment: SegmentID) {
    for held in appends where held.segment == segment { write(upTo: held) }
    try? runFlushes(naming: segment)
    failures[segment] = nil
    base.abandon(segment)
  }

  private mutating func takeTicket() -> UInt64 {
    nextTicket += 1
    return nextTicket
  }

  /// Any append may be next, and any flush whose appends are out.
  private mutating func handOutOne(
    _ body: (consuming Completion) -> Void
  ) throws(StorageError) {
    let ready = flushes.indices.filter { flushes[$0].awaited.isEmpty }
    let choice = random.below(appends.count + ready.count)
    if choice < appends.count {
      let held = appends[choice]
      write(upTo: held)
      appends.remove(at: choice)
      for index in flushes.indices { flushes[index].awaited.remove(held.ticket) }
      if !appends.contains(where: { $0.segment == held.segment }) {
        failures[held.segment] = nil
      }
      if let completion = held.takeCompletion() { body(.append(completion)) }
    } else {
      let index = ready[choice - appends.count]
      try run(flushAt: index)
      let flush = flushes.remove(at: index)
      body(.flush(FlushCompletion(ticket: flush.ticket, failures: flush.outcome ?? [:])))
    }
  }

  /// Gives the base this append and those of its segment before it.
  private mutating func write(upTo last: HeldAppend) {
    for held in appends where held.segment == last.segment {
      if let buffer = held.takeBuffer() {
        if let failure = failures[held.segment] {
          held.end(buffer, .failure(failure))
        } else {
          write(held, buffer)
        }
      }
      if held === last { return }
    }
  }

  private mutating func write(_ held: HeldAppend, _ buffer: consuming AlignedBuffer) {
    switch base.append(buffer, to: held.segment) {
    case .completed(let completion):
      if case .failure(let error) = completion.result { failures[held.segment] = error }
      held.end(completion)
    case .queued:
      preconditionFailure("a base that says it is synchronous completes every append at once")
    case .busy:
      preconditionFailure("a base that says it is synchronous has no queue to be full")
    }
  }

  private mutating func runFlushes(naming segment: SegmentID) throws(StorageError) {
    for index in flushes.indices where flushes[index].segments.contains(segment) {
      try run(flushAt: index)
    }
  }

  /// Flushes the base now, unless that was done; the completion stays held.
  private mutating func run(flushAt index: Int) throws(StorageError) {
    if flushes[index].outcome != nil { return }
    for held in appends where flushes[index].awaited.contains(held.ticket) { write(upTo: held) }
    let ticket = base.flush(flushes[index].segments)
    var outcome: [SegmentID: StorageError]?
    while outcome == nil {
      let count = try base.reap(waiting: true) { completion in
        if case .flush(let flush) = completion, flush.ticket == ticket {
          outcome = flush.failures
        }
      }
      if count == 0 { break }
    }
    flushes[index].outcome = outcome ?? [:]
  }
}

private struct HeldFlush {
  let ticket: FlushTicket
  let segments: [SegmentID]
  /// Appends that must be handed out first.
  var awaited: Set<AppendTicket>
  /// Set when the base has flushed.
  var outcome: [SegmentID: StorageError]?
}

/// An append between its submission and its completion. A class, because an array cannot hold the
/// noncopyable buffer.
private final class HeldAppend {
  let ticket: AppendTicket
  let segment: SegmentID
  private var buffer: AlignedBuffer?
  private var completion: AppendCompletion?

  init(_ ticket: AppendTicket, _ segment: SegmentID, _ buffer: consuming AlignedBuffer) {
    self.ticket = ticket
    self.segment = segment
    self.buffer = consume buffer
    completion = nil
  }

  /// The buffer, the first time.
  func takeBuffer() -> AlignedBuffer? { buffer.take() }

  func takeCompletion() -> AppendCompletion? { completion.take() }

  func end(_ buffer: consuming AlignedBuffer, _ result: Result<FilePosition, StorageError>) {
    completion = AppendCompletion(
      ticket: ticket, segment: segment, buffer: buffer, result: result)
  }

  /// The base's completion, under our ticket.
  func end(_ ended: consuming AppendCompletion) {
    var ended = ended
    // Another module's noncopyable value cannot be taken apart, but its buffer can be exchanged.
    var buffer = AlignedBuffer(capacity: 1)
    swap(&buffer, &ended.buffer)
    end(buffer, ended.result)
  }
}
