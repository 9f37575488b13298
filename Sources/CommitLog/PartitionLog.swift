import LinuxIO
import LogStorage
import Records

/// The log of one partition: a state machine without threads or a clock, driven by its shard's
/// thread (or a test, or a simulator). Readers on other threads use `published`.
///
/// ```
///   start                                        durable   written   accepted
///     |  sealed segments  |  active segment          |         |         |
///     0 ................ base ......................             next offset
/// ```
/// accepted >= written >= durable. Readers see up to what is acknowledged: written under `none`
/// and `interval`, durable under `batch` and `group`.
package final class PartitionLog {
  package let partition: TopicPartition
  package let published: PublishedLog
  /// The number of the shard that it belongs to.
  package let shard: Int
  /// Where it stands among the shard's logs.
  var place = 0
  package internal(set) var settings: TopicSettings
  let directory: String
  let io: any FileIO
  let drivers: BackendDrivers
  let notices: LogNotices

  var active: ActiveSegment?
  /// Where the last segment ends, while none is active; nil where a new one must begin.
  var resumePosition: FilePosition?
  /// What was read of that segment already.
  var prepared: PreparedSegment?
  var fence: StorageError?
  /// True where the topic was deleted.
  var isDiscarded = false
  /// What no flush of the active segment covers.
  var unflushed = UnflushedFiles()
  /// Segments that have left the log, oldest first, with files that are still there, or whose names
  /// are.
  var leaving: [LogSegment] = []
  /// Buffers that came back from the queue.
  private let finished = BufferStack()
  private let appendedBytes: ByteCounter
  private var failures = AppendFailures()

  private(set) var acceptedOffset: Offset
  private(set) var writtenOffset: Offset
  /// Everything below survives a power cut, as far as this process knows.
  package internal(set) var durableOffset: Offset

  init(
    _ partition: TopicPartition, directory: String, settings: TopicSettings, shard: LogShard,
    io: any FileIO, notices: LogNotices, state: RecoveredLog
  ) {
    self.partition = partition
    self.shard = shard.number
    self.directory = directory
    self.settings = settings
    drivers = shard.drivers
    appendedBytes = shard.appendedBytes
    self.io = io
    self.notices = notices
    published = PublishedLog(
      partition, segments: state.segments, start: state.start, end: state.end)
    for (segment, next) in zip(state.segments, state.segments.dropFirst()) {
      segment.file.end(before: next.baseOffset)
    }
    acceptedOffset = state.end
    writtenOffset = state.end
    durableOffset = state.end
    resumePosition = state.segments.last.map { $0.file.end }
  }

  /// Why the partition takes no more appends, where it does not.
  package var failure: StorageError? { fence }

  /// Appends that failed and were cut off, since the log was opened.
  package var failureCount: Int { failures.count }

  /// Where the log was cut back to at the first failure after `count`; nil where there was none.
  func failureEnd(after count: Int) -> Offset? { failures.first(after: count)?.end }

  /// The offset that the next record gets.
  package var nextOffset: Offset { acceptedOffset }

  /// By how much the next append's buffer should be shifted to be written without a copy.
  package var placement: Int {
    active.map { $0.driver.backend.placement(of: $0.id) } ?? 0
  }

  /// Appends the whole batches in `slot`: gives them their offsets (in place: the CRC does not
  /// cover those) and hands them to the backend. The buffer comes back to `slot` when the backend
  /// is done with it: at once where the backend is synchronous, else by `takeFinishedBuffer`.
  ///
  /// When this returns under `none` or `interval` with a synchronous backend the append is
  /// acknowledged; under `batch` it was flushed too, or, with `flushes` false, waits for
  /// `LogShard.flush`; under `group` it waits for `BackendDrivers.commit`. After a throw nothing
  /// was appended and the buffer is back; only after `fenced` the append is in doubt until the log
  /// is opened again.
  ///
  /// With `expected`, a `nextOffset` of before, the batches get that offset or none:
  /// `lostBehindFailure` where the log ends earlier, since an append before them has failed.
  package func append(
    _ slot: inout AlignedBuffer?, check: BatchCheck = .header, at expected: Offset? = nil,
    flushes: Bool = true, now: LogTime
  ) throws(LogError) -> AppendReceipt {
    guard var buffer = slot.take() else { preconditionFailure("append without a buffer") }
    switch prepare(&buffer, check, expected, now) {
    case .failure(let error):
      slot = .some(consume buffer)
      throw error
    case .success(let (batches, target)):
      // Taken before: what is handed out while it asks for a flush may be this append's failure.
      let generation = failures.count
      try submit(buffer, batches, to: target, givingBack: &slot)
      try promiseDurability(target, flushes, now)
      return AppendReceipt(
        baseOffset: batches.first.baseOffset, nextOffset: batches.nextOffset,
        generation: generation)
    }
  }

  /// A receipt for what was accepted before: offsets up to `nextOffset` at most. It says what the
  /// first one said, as long as nothing has failed in between.
  package func receipt(baseOffset: Offset, nextOffset: Offset) -> AppendReceipt {
    AppendReceipt(baseOffset: baseOffset, nextOffset: nextOffset, generation: failures.count)
  }

  /// Where an append stands.
  package func status(of receipt: AppendReceipt) -> AppendStatus {
    if let failure = failures.first(after: receipt.generation), receipt.nextOffset > failure.end {
      return .failed(.lostBehindFailure(partition, failure.error))
    }
    if receipt.nextOffset <= published.endOffset { return .acknowledged }
    if isDiscarded { return .failed(.unknownTopic(partition.topic)) }
    if let fence { return .failed(.fenced(partition, fence)) }
    return .pending
  }

  /// A buffer that an asynchronous backend is done with; nil where there is none left.
  package func takeFinishedBuffer() -> AlignedBuffer? { finished.pop() }

  // MARK: - Submitting

  /// Everything that can fail before the backend is asked.
  private func prepare(
    _ buffer: inout AlignedBuffer, _ check: BatchCheck, _ expected: Offset?, _ now: LogTime
  ) -> Result<(AppendBatches, ActiveSegment), LogError> {
    do throws(LogError) {
      try settleFailure()
      if isDiscarded { throw .unknownTopic(partition.topic) }
      if let fence { throw .fenced(partition, fence) }
      while true {
        let batches = try stamp(&buffer, check, now)
        let target = try segment(for: batches)
        if let expected, acceptedOffset != expected {
          let error = failures.last ?? .fenced(path: target.segment.file.path)
          throw .lostBehindFailure(partition, error)
        }
        // A roll waits for what is queued. Where that failed the log ends earlier than it did.
        if batches.first.baseOffset == acceptedOffset { return .success((batches, target)) }
      }
    } catch { return .failure(error) }
  }

  private func stamp(
    _ buffer: inout AlignedBuffer, _ check: BatchCheck, _ now: LogTime
  ) throws(LogError) -> AppendBatches {
    let stamper = BatchStamper(
      next: acceptedOffset, check: check,
      appendTime: settings.timestampSource == .appendTime ? now.wallMilliseconds : nil)
    do { return try buffer.withMutableBytes(stamper.stamp) } catch {
      throw .batch(error, place: "append to \(partition)")
    }
  }

  private func submit(
    _ buffer: consuming AlignedBuffer, _ batches: AppendBatches, to target: ActiveSegment,
    givingBack slot: inout AlignedBuffer?
  ) throws(LogError) {
    let position = target.acceptedEnd
    var next: AlignedBuffer? = consume buffer
    while let submitted = next.take() {
      switch target.driver.backend.append(submitted, to: target.id) {
      case .busy(let refused):
        next = consume refused
        do throws(LogError) {
          try target.driver.poll(waiting: true)
          // A flush that failed meanwhile took the segment away.
          if let fence { throw .fenced(partition, fence) }
          // An append that failed meanwhile moves the end back: the offsets do not hold any more.
          if target.failure != nil || acceptedOffset != batches.first.baseOffset {
            try settleFailure()
            let error = failures.last ?? .fenced(path: target.segment.file.path)
            throw .lostBehindFailure(partition, error)
          }
        } catch {
          slot = next.take()
          throw error
        }
      case .queued(let ticket):
        accept(batches, target)
        target.pending.append(
          PendingAppend(ticket: ticket, batches: batches, position: position, isWritten: false))
      case .completed(let completion):
        let result = completion.result
        slot = .some(completion.takeBuffer())
        if case .failure(let error) = result {
          try repair(target, after: error)
          if let fence { throw .fenced(partition, fence) }
          throw .storage(error)
        }
        accept(batches, target)
        written(batches, at: position, target)
      }
    }
  }

  private func accept(_ batches: AppendBatches, _ target: ActiveSegment) {
    acceptedOffset = batches.nextOffset
    appendedBytes.add(batches.byteCount)
    target.acceptedEnd = target.acceptedEnd.advanced(by: batches.byteCount)
  }

  /// Asks for what the topic's durability owes this append.
  private func promiseDurability(
    _ target: ActiveSegment, _ flushes: Bool, _ now: LogTime
  ) throws(LogError) {
    if target.oldestUnflushedNanoseconds == nil {
      target.oldestUnflushedNanoseconds = now.monotonicNanoseconds
    }
    switch settings.durability {
    case .none: return
    case .interval:
      let unflushed = target.acceptedEnd.rawValue - target.promisedEnd.rawValue
      if unflushed >= settings.flushBytes { try target.driver.flush([self]) }
    case .batch:
      if !flushes { return }
      try target.driver.flush([self])
    case .group:
      if !target.isInGroup {
        target.isInGroup = true
        target.driver.joinGroup(self)
      }
      return
    }
    if let fence { throw .fenced(partition, fence) }
  }

  // MARK: - Completions

  /// An append that the backend had queued has ended.
  func completed(_ completion: consuming AppendCompletion) {
    let (ticket, result) = (completion.ticket, completion.result)
    finished.push(completion.takeBuffer())
    guard let target = active else { return }
    guard let index = target.pending.firstIndex(where: { $0.ticket == ticket }) else { return }
    switch result {
    case .success: target.pending[index].isWritten = true
    case .failure(let error):
      if target.failure == nil { target.failure = error }
      target.pending.remove(at: index)
    }
    // Written in order only: a batch that overtook another waits for it.
    while target.failure == nil, let first = target.pending.first, first.isWritten {
      target.pending.removeFirst()
      written(first.batches, at: first.position, target)
    }
    if target.failure != nil {
      target.pending.removeAll { $0.isWritten }
      if target.pending.isEmpty { target.driver.repairAfterReaping(self) }
    }
  }

  private func written(
    _ batches: AppendBatches, at position: FilePosition, _ target: ActiveSegment
  ) {
    target.index.add(batches.first, at: position)
    var end = position.advanced(by: batches.first.byteCountTotal)
    for header in batches.others {
      target.index.add(header, at: end)
      end = end.advanced(by: header.byteCountTotal)
    }
    target.writtenEnd = end
    writtenOffset = batches.nextOffset
    if !settings.durability.acknowledgesDurable { publish(writtenOffset, end, target) }
    assert(isConsistent, "offsets are out of order")
  }

  /// Accepted ≥ written and durable, and the published end is one of those two.
  private var isConsistent: Bool {
    let end = published.endOffset
    return published.startOffset <= end && end <= acceptedOffset
      && writtenOffset <= acceptedOffset && durableOffset <= acceptedOffset
      && end <= max(writtenOffset, durableOffset)
  }

  private func publish(_ offset: Offset, _ end: FilePosition, _ target: ActiveSegment) {
    target.segment.file.publish(end: end)
    published.publish(end: offset)
  }

  // MARK: - Flushes

  /// What a flush by this driver that begins now will make durable; nil where nothing is in doubt,
  /// or the log has another driver since it asked for a flush (its backend changed at a roll).
  func promiseFlush(_ driver: BackendDriver) -> FlushPromise? {
    if let active, active.driver !== driver { return nil }
    guard let target = active, fence == nil, target.promisedEnd < target.acceptedEnd else {
      active?.isInGroup = false
      return nil
    }
    target.promisedEnd = target.acceptedEnd
    target.isInGroup = false
    target.oldestUnflushedNanoseconds = nil
    return FlushPromise(
      log: self, segment: target.id, offset: acceptedOffset, position: target.acceptedEnd,
      generation: failures.count)
  }

  func flushed(_ promise: FlushPromise, failure: StorageError?) {
    guard let target = active, target.id == promise.segment else { return }
    if let failure { return giveUp(target, because: failure) }
    // Where an append failed meanwhile, the flush covered less than it promised; the next one,
    // after the log was cut back, covers all of it again.
    guard promise.generation == failures.count, target.failure == nil else { return }
    // Flushes may end out of order; what a later one covered stays covered.
    guard promise.offset > durableOffset else { return }
    durableOffset = promise.offset
    target.durableEnd = promise.position
    if settings.durability.acknowledgesDurable {
      publish(promise.offset, promise.position, target)
    }
    assert(isConsistent, "offsets are out of order")
  }

  // MARK: - Failures

  /// Waits out what is queued behind a failed append, then cuts the log back.
  func settleFailure() throws(LogError) {
    while let target = active, let failure = target.failure {
      if target.pending.isEmpty {
        try repair(target, after: failure)
      } else {
        try target.driver.poll(waiting: true)
      }
    }
  }

  /// Cuts the segment back to the last written batch, so that the next append can go on.
  private func repair(_ target: ActiveSegment, after error: StorageError) throws(LogError) {
    // A flush under way then covers less than it promised and is not believed: what it would have
    // acknowledged needs another, which nobody else asks for.
    let owesFlush =
      target.durableEnd < target.promisedEnd && target.durableEnd < target.writtenEnd
    failures.add(writtenOffset, error)
    acceptedOffset = writtenOffset
    target.failure = nil
    target.acceptedEnd = target.writtenEnd
    target.promisedEnd = target.durableEnd
    do throws(StorageError) {
      try target.driver.backend.truncate(target.id, to: target.writtenEnd)
      try makeCutDurable(target)
    } catch {
      // Whoever was told nothing yet is told that it is in doubt, not that it failed.
      failures.removeLast()
      return giveUp(target, because: error)
    }
    if owesFlush { try target.driver.flush([self]) }
  }

  /// A power cut must not bring back what was said to have failed.
  private func makeCutDurable(_ target: ActiveSegment) throws(StorageError) {
    let file = try target.segment.file.openForReading()
    do { try synchronize(file) } catch { throw .flushFailed(error) }
  }

  /// The end is in doubt: no more appends until the log is opened again, and recovered.
  func giveUp(_ target: ActiveSegment, because error: StorageError) {
    fence = error
    // Their completions find no owner any more: whoever waits for them must not wait for ever.
    target.pending.removeAll()
    target.failure = nil
    target.driver.abandon(target.id)
    active = nil
    resumePosition = nil
  }

  /// Lets the active segment go as it is, without a word to its backend, which goes too.
  func letGo() {
    drivers.forget(self)
    active = nil
  }

  /// Waits until nothing is queued on `target`; throws where it was given up meanwhile.
  func drain(_ target: ActiveSegment) throws(LogError) {
    while !target.pending.isEmpty { try target.driver.poll(waiting: true) }
    try settleFailure()
    if let fence { throw .fenced(partition, fence) }
  }
}
