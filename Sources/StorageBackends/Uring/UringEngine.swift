import LinuxIO
import LogStorage
import Records

/// The ring and all that is under way on it. Belongs to the backend's thread; when it goes, it waits
/// for what the kernel still reads.
final class UringEngine<IO: RingIO> {
  private let io: IO
  let ring: IO.Ring
  private let capabilities: StorageCapabilities
  private let depthMax: Int
  private let budget: SpaceBudget
  let blocks: BlockMemory
  private var segments = SegmentTable<UringSegment<IO>>()
  private var lastTicket: UInt64 = 0
  private var appendsUnderWay = 0
  /// Ended, and not handed out yet, in order.
  private var ended: [Ended] = []
  private var handedOut: [Ended] = []

  /// Operations by tag; what has no tag is not under way.
  private var operations: [Operation?] = []
  private var freeTags: [Int] = []
  private var underWay = 0
  /// To be given to the ring, in order.
  private var unsubmitted: [UringWrite<IO>] = []
  private var submitting: [UringWrite<IO>] = []
  /// In the ring's queue, and not submitted.
  private var queued = 0

  private enum Operation {
    case write(UringWrite<IO>)
    case flush(UringFlush<IO>)
  }

  private enum Ended {
    case append(UringAppend)
    case flush(FlushCompletion)
  }

  init(
    _ io: IO, _ options: BackendOptions, _ capabilities: StorageCapabilities
  ) throws(StorageError) {
    self.io = io
    self.capabilities = capabilities
    depthMax = max(1, options.queueDepth)
    budget = SpaceBudget(bytesMax: options.spaceAheadBytesMax)
    // Each append is at most a rewrite of a block, a write and a flush.
    do { ring = try io.makeRing(depth: max(64, 3 * depthMax)) } catch {
      throw .ringUnavailable(error)
    }
    blocks = BlockMemory(
      blockBytes: AlignedBuffer.alignment, count: capabilities.isDirect ? 2 * depthMax : 1)
    if capabilities.isDirect { blocks.register(with: ring) }
  }

  deinit {
    while underWay > 0 {
      do { try submit(waitingFor: 1) } catch {
        // The kernel may still read the memory: it is better lost than used for something else.
        for operation in operations {
          if let operation { _ = Unmanaged.passRetained(Kept(operation)) }
        }
        return
      }
    }
    // These hold their segment, as it holds them.
    for segment in segments.all { segment.forgetWork() }
  }

  private final class Kept {
    let operation: Operation
    init(_ operation: Operation) { self.operation = operation }
  }

  // MARK: - Segments

  func open(_ file: SegmentFile, _ options: SegmentOptions) throws(StorageError) -> SegmentID {
    let open = try OpenSegment(io, file, options, capabilities, budget)
    let ringFile = ring.register(open.handle.number)
    do throws(StorageError) {
      return try segments.insert { id throws(StorageError) in
        try UringSegment(id, open, file, ringFile)
      }
    } catch {
      ring.unregister(ringFile)
      throw error
    }
  }

  func placement(of id: SegmentID) -> Int { segments[id].accepted.count }

  func truncate(_ id: SegmentID, to position: FilePosition) throws(StorageError) {
    let segment = segments[id]
    try settle(segment)
    try segment.truncate(to: position.rawValue)
  }

  func seal(_ id: SegmentID) throws(StorageError) {
    let segment = segments[id]
    defer {
      ring.unregister(segment.file)
      _ = segments.remove(id)
    }
    try settle(segment)
    try segment.seal()
  }

  /// Waits for what is under way: the kernel still reads the memory. Its completions stay to be
  /// reaped.
  func abandon(_ id: SegmentID) {
    let segment = segments[id]
    try? settle(segment)
    segment.open.abandon()
    ring.unregister(segment.file)
    _ = segments.remove(id)
  }

  // MARK: - Appends

  func append(_ buffer: consuming AlignedBuffer, to id: SegmentID) -> Submission {
    submitEarlier()
    if appendsUnderWay >= depthMax { return .busy(buffer) }
    appendsUnderWay += 1
    lastTicket += 1
    let segment = segments[id]
    let ticket = AppendTicket(rawValue: lastTicket)
    let append = UringAppend(ticket, id, position: segment.open.position, buffer)
    segment.enqueue(append)
    do throws(StorageError) {
      guard segment.open.health == .sound else { throw .fenced(path: segment.open.path) }
      try begin(append, segment)
    } catch {
      append.failure = error
      collectEnded(segment)
    }
    return .queued(ticket)
  }

  /// Sends what earlier appends left, some of it at a time: one system call for a few, and the device
  /// never waits for the last of them. Where that fails, the next `reap` says so.
  private func submitEarlier() {
    if unsubmitted.count + queued < max(1, depthMax / 4) { return }
    queueWrites()
    try? submit(waitingFor: 0)
  }

  /// Takes the space, and plans the writes. Nothing was planned where it throws.
  private func begin(
    _ append: UringAppend, _ segment: UringSegment<IO>
  ) throws(StorageError) {
    let accepted = segment.accepted.count
    let padding = segment.accepted.padding(after: accepted + append.count)
    try segment.open.takeSpace(upTo: append.position + Int64(append.count + padding))
    if let last = segment.lastWrite, accepted > 0 {
      share(last, append, segment)
    } else {
      let write = makeWrite(append, from: 0, before: accepted, segment)
      plan(write)
      segment.lastWrite = segment.accepted.endsInsideBlock(after: append.count) ? write : nil
    }
    append.withBuffer { segment.accepted.advance(past: $0.bytes) }
    _ = segment.open.advance(by: append.count)
  }

  /// The append begins in a block that `last` has under way: that part becomes a rewrite of the
  /// block, the rest a write of its own.
  private func share(
    _ last: UringWrite<IO>, _ append: UringAppend, _ segment: UringSegment<IO>
  ) {
    let rewrite = last.rewrite ?? makeRewrite(segment)
    last.rewrite = rewrite
    let accepted = segment.accepted.count
    let shared = min(append.count, segment.blockBytes - accepted)
    append.withBuffer { buffer in
      rewrite.block?.bytes.copy(buffer.bytes.extracting(first: shared), at: accepted)
    }
    rewrite.appends.append(append)
    append.remaining += 1
    if accepted + shared < segment.blockBytes { return }
    segment.lastWrite = nil
    if append.count > shared {
      let rest = makeWrite(append, from: shared, before: 0, segment)
      plan(rest)
      if segment.accepted.endsInsideBlock(after: append.count) { segment.lastWrite = rest }
    }
  }

  /// The last block as it is, with zeros behind, in the backend's own memory.
  private func makeRewrite(_ segment: UringSegment<IO>) -> UringWrite<IO> {
    let block = blocks.take()
    let target = UnsafeMutableRawBufferPointer(rebasing: block.bytes[..<segment.blockBytes])
    _ = target.initializeMemory(as: UInt8.self, repeating: 0)
    segment.accepted.copyBytes(to: target)
    let write = UringWrite(segment, UnsafeRawBufferPointer(target), at: segment.accepted.start)
    write.block = block
    return write
  }

  /// A write of the append's bytes from `from` on, whole blocks: `before` bytes of the last block
  /// ahead of them, zeros behind.
  private func makeWrite(
    _ append: UringAppend, from: Int, before: Int, _ segment: UringSegment<IO>
  ) -> UringWrite<IO> {
    let after = segment.accepted.padding(after: segment.accepted.count + append.count)
    let inPlace = append.withBuffer { buffer -> UnsafeRawBufferPointer? in
      guard buffer.isAligned(before: before - from, to: segment.memoryAlignment),
        let memory = buffer.memory(before: before, after: after)
      else { return nil }
      if before > 0 { segment.accepted.copyBytes(to: memory) }
      memory.zero((memory.count - after)..<memory.count)
      return UnsafeRawBufferPointer(rebasing: memory[from...])
    }
    let memory = inPlace ?? stage(append, from: from, before: before, after: after, segment)
    let write = UringWrite(segment, memory, at: append.position + Int64(from - before))
    write.appends.append(append)
    append.remaining += 1
    return write
  }

  private func stage(
    _ append: UringAppend, from: Int, before: Int, after: Int, _ segment: UringSegment<IO>
  ) -> UnsafeRawBufferPointer {
    let total = before + append.count - from + after
    var copy = AlignedBuffer(capacity: total)
    if before > 0 { segment.accepted.append(to: &copy) }
    append.withBuffer { copy.append($0.bytes.extracting(from..<$0.count)) }
    let end = copy.count
    copy.resize(to: total)
    var span = copy.mutableBytes
    span.zero(end..<total)
    return append.stage(copy) ?? UnsafeRawBufferPointer(start: nil, count: 0)
  }

  private func plan(_ write: UringWrite<IO>) { unsubmitted.append(write) }

  // MARK: - Flushes

  func flush(_ ids: [SegmentID]) -> FlushTicket {
    lastTicket += 1
    let request = FlushRequest(
      FlushTicket(rawValue: lastTicket), segmentCount: ids.count)
    for id in ids {
      let segment = segments[id]
      if segment.open.health == .fenced {
        answer(request, id, .fenced(path: segment.open.path))
      } else if let write = onlyWrite(of: segment) {
        let flush = UringFlush(segment, after: segment.appends.last?.ticket, [request])
        write.linkedFlush = flush
        segment.begin(flush)
      } else {
        segment.waitingFlushes.append((segment.appends.last?.ticket, request))
        flushWhereReady(segment)
      }
    }
    if ids.isEmpty { ended.append(.flush(FlushCompletion(ticket: request.ticket, failures: [:]))) }
    return request.ticket
  }

  /// The one write that all the segment's appends wait for, where it has not gone out yet: a flush
  /// can be linked to it.
  private func onlyWrite(of segment: UringSegment<IO>) -> UringWrite<IO>? {
    guard segment.appends.count == 1, segment.appends[0].remaining == 1,
      let write = unsubmitted.last(where: { $0.segment === segment }),
      write.linkedFlush == nil, write.done == 0
    else { return nil }
    return write
  }

  /// Begins one flush for all requests whose appends have ended, unless one is under way: what
  /// comes meanwhile shares the next.
  private func flushWhereReady(_ segment: UringSegment<IO>) {
    guard !segment.isFlushing, !segment.waitingFlushes.isEmpty else { return }
    let ready = segment.waitingFlushes.prefix { segment.hasEnded($0.after) }
    if ready.isEmpty { return }
    let requests = ready.map(\.request)
    segment.waitingFlushes.removeFirst(requests.count)
    if segment.open.health == .fenced {
      for request in requests { answer(request, segment.id, .fenced(path: segment.open.path)) }
      return
    }
    let flush = UringFlush(segment, after: ready.last?.after, requests)
    segment.begin(flush)
    queue(flush)
  }

  private func answer(_ request: FlushRequest, _ id: SegmentID, _ failure: StorageError?) {
    request.failures[id] = failure
    request.remaining -= 1
    if request.remaining == 0 {
      ended.append(
        .flush(FlushCompletion(ticket: request.ticket, failures: request.failures)))
    }
  }

  // MARK: - The ring

  func reap(
    waiting: Bool, _ body: (consuming Completion) -> Void
  ) throws(StorageError) -> Int {
    try advance(waiting: waiting && ended.isEmpty)
    while waiting && ended.isEmpty && underWay > 0 { try advance(waiting: true) }
    swap(&ended, &handedOut)
    for each in handedOut {
      switch each {
      case .append(let append):
        appendsUnderWay -= 1
        if let completion = append.takeCompletion() { body(.append(completion)) }
      case .flush(let flush): body(.flush(flush))
      }
    }
    let count = handedOut.count
    handedOut.removeAll(keepingCapacity: true)
    return count
  }

  /// Submits what is planned, and takes what has ended.
  private func advance(waiting: Bool) throws(StorageError) {
    queueWrites()
    if underWay == 0 { return }
    do throws(SystemCallError) { try submit(waitingFor: waiting ? 1 : 0) } catch {
      throw .writeFailed(error)
    }
    // What ended may have let other writes and flushes begin.
    queueWrites()
    if queued > 0 {
      do throws(SystemCallError) { try submit(waitingFor: 0) } catch { throw .writeFailed(error) }
    }
  }

  private func settle(_ segment: UringSegment<IO>) throws(StorageError) {
    while !segment.isIdle && (underWay > 0 || !unsubmitted.isEmpty) { try advance(waiting: true) }
  }

  /// Gives the planned writes to the ring, each with the flush that is linked to it.
  private func queueWrites() {
    if unsubmitted.isEmpty { return }
    swap(&unsubmitted, &submitting)
    for write in submitting { queue(write) }
    submitting.removeAll(keepingCapacity: true)
  }

  private func queue(_ write: UringWrite<IO>) {
    let flush = write.linkedFlush
    // A chain must not end with a submission.
    makeRoom(for: flush == nil ? 1 : 2)
    let rest = UnsafeRawBufferPointer(rebasing: write.memory[write.done...])
    let tag = tag(.write(write))
    let isQueued = ring.write(
      write.segment.file, rest, at: write.position + Int64(write.done),
      isRegistered: blocks.isRegistered(write.block), link: flush != nil, tag: tag)
    queued += 1
    if let flush { queue(flush) }
    if !isQueued { take(RingCompletion(tag: tag, result: .failure(.wouldBlock))) }
  }

  private func queue(_ flush: UringFlush<IO>) {
    makeRoom(for: 1)
    let tag = tag(.flush(flush))
    let isQueued = ring.synchronizeData(flush.segment.file, link: false, tag: tag)
    queued += 1
    if !isQueued { take(RingCompletion(tag: tag, result: .failure(.wouldBlock))) }
  }

  private func makeRoom(for count: Int) {
    // Where that fails there is no room, and the operation says so.
    if queued + count > ring.depth { try? submitQueued(waitingFor: 0) }
  }

  private func submitQueued(waitingFor count: Int) throws(SystemCallError) {
    try ring.submit(waitingFor: count)
    queued = 0
  }

  private func submit(waitingFor count: Int) throws(SystemCallError) {
    try submitQueued(waitingFor: count)
    while let completion = ring.next() { take(completion) }
  }

  private func tag(_ operation: Operation) -> UInt64 {
    underWay += 1
    if let tag = freeTags.popLast() {
      operations[tag] = operation
      return UInt64(tag)
    }
    operations.append(operation)
    return UInt64(operations.count - 1)
  }

  private func take(_ completion: RingCompletion) {
    let tag = Int(completion.tag)
    guard operations.indices.contains(tag), let operation = operations[tag] else { return }
    operations[tag] = nil
    freeTags.append(tag)
    underWay -= 1
    switch operation {
    case .write(let write): finish(write, completion.result)
    case .flush(let flush): finish(flush, completion.result)
    }
  }

  // MARK: - Endings

  private func finish(_ write: UringWrite<IO>, _ result: Result<Int, ErrorNumber>) {
    let segment = write.segment
    let remaining = write.memory.count - write.done
    switch result {
    case .success(let count) where count < remaining:
      // A short write is legal. It may end inside a block, which is then written again.
      let whole = count / segment.blockBytes * segment.blockBytes
      write.done += whole
      write.fruitless = whole == 0 ? write.fruitless + 1 : 0
      if write.fruitless <= 100 {
        write.linkedFlush = nil
        return plan(write)
      }
      end(write, SystemCallError(.pwrite, .inputOutput, path: segment.open.path))
    case .success: end(write, nil)
    case .failure(let number):
      end(write, SystemCallError(.pwrite, number, path: segment.open.path))
    }
  }

  private func end(_ write: UringWrite<IO>, _ error: SystemCallError?) {
    let segment = write.segment
    for append in write.appends {
      append.remaining -= 1
      if let error, append.failure == nil { append.failure = .ofWrite(error) }
    }
    if let block = write.block { blocks.giveBack(block) }
    if let rewrite = write.rewrite {
      write.rewrite = nil
      plan(rewrite)
      if segment.lastWrite === write { segment.lastWrite = rewrite }
    } else if segment.lastWrite === write {
      segment.lastWrite = nil
    }
    collectEnded(segment)
  }

  private func finish(_ flush: UringFlush<IO>, _ result: Result<Int, ErrorNumber>) {
    let segment = flush.segment
    segment.end(flush)
    var failure: StorageError?
    switch result {
    case .success: break
    case .failure(.cancelled):
      // The write before it fell short or failed: the flush follows when all have ended.
      for request in flush.requests {
        segment.waitingFlushes.append((flush.after, request))
      }
      flush.overlapping = []
      answerFlushes(segment)
      return flushWhereReady(segment)
    case .failure(let number):
      do throws(StorageError) {
        try segment.open.flushed(SystemCallError(.fdatasync, number, path: segment.open.path))
      } catch { failure = error }
    }
    segment.endedFlushes.append((flush, failure))
    answerFlushes(segment)
    flushWhereReady(segment)
  }

  /// After the appends that they cover: the completion of a linked flush may be seen before that of
  /// its write. And after the flushes that they ran beside: where one of those failed, which fences
  /// the segment, this one has proven nothing.
  private func answerFlushes(_ segment: UringSegment<IO>) {
    if segment.endedFlushes.isEmpty { return }
    segment.endedFlushes.removeAll { flush, failure in
      guard segment.hasEnded(flush.after), flush.isCertain else { return false }
      let isFenced = segment.open.health == .fenced
      let outcome = failure ?? (isFenced ? .fenced(path: segment.open.path) : nil)
      for request in flush.requests { answer(request, segment.id, outcome) }
      flush.overlapping = []
      return true
    }
  }

  private func collectEnded(_ segment: UringSegment<IO>) {
    segment.takeEnded { ended.append(.append($0)) }
    answerFlushes(segment)
    flushWhereReady(segment)
  }
}
