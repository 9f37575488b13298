import CommitLog
import DequeModule
import LinuxIO
import LogStorage
import Records

/// Appends batches to the partitions of a log, in rounds, and tells their owners when they are
/// acknowledged: under `batch` one flush acknowledges all of a round's batches of one partition,
/// under `group` those of all partitions.
///
/// A state machine without a thread, and, the slices that its driver gives it aside, without a
/// clock. It belongs to its shard's thread, which submits what has come, ends the round, and begins
/// again. A round flushes some partitions at most, so that many that are due at once do not keep
/// others' appends waiting.
package final class AppendLoop {
  private struct Awaited {
    let owner: any AppendOwner
    let part: Int
    let partition: LogPartition
    let batch: AppendedBatch
    /// The append's, or, for a batch that was sent again, its first copy's.
    let receipt: AppendReceipt
  }

  /// How a round left things.
  package struct RoundEnd: Hashable, Sendable {
    /// Appends wait for their acknowledgement, or flushes that are due are yet to be made.
    package let isWaiting: Bool
    /// Appends have ended since the round before.
    package let hasEnded: Bool
  }

  package let shard: LogShard
  private let flushesMax: Int
  private let membersMax: Int
  private var awaited: [Awaited] = []
  /// Partitions under `batch` with appends that wait for a flush, in the order of the first.
  private var owingFlush: [LogPartition] = []
  /// Partitions under `interval` whose flush is due.
  private var dueFlush: [PartitionLog] = []
  private var isCommitDue = false
  private var hasEnded = false
  private var advanced: [LogPartition] = []
  private let buffers = BufferStack()
  /// The size of all of those.
  private var keptBytes = 0
  private var backgroundFailure: LogError?
  /// Partitions whose appends wait: of which something is being read, or which wait for a
  /// checkpoint.
  private var parkedCount = 0
  /// Those that wait for a checkpoint.
  private var held: [LogPartition] = []
  /// As it was looked at last.
  private var isFarAhead = false
  /// Those of them that wait no more.
  private var resumable: Deque<LogPartition> = []
  /// Has somebody else read what a log needs before its next append, who hands it to `prepared` on
  /// this loop's thread. Nil: the loop reads it itself, and all its partitions wait.
  package var prepare: ((LogPartition, LogPreparation) -> Void)?
  /// When the next tick is due, on the monotonic clock.
  package private(set) var nextTick: Int64 = 0

  /// `flushesMax`: partitions that a round flushes at once under `batch` and `interval`: as many as
  /// a device takes well together, and a part of a millisecond on one that is fast. `membersMax`:
  /// those of a group commit.
  package init(_ shard: LogShard, flushesMax: Int = 16, membersMax: Int = 64) {
    self.shard = shard
    self.flushesMax = flushesMax
    self.membersMax = membersMax
    awaited.reserveCapacity(1024)
  }

  // MARK: - Appends

  /// An empty buffer for a batch, placed so that the partition's backend writes it from there. It
  /// grows where `byteCount` is more than it holds.
  package func takeBuffer(for partition: LogPartition, byteCount: Int) -> AlignedBuffer {
    var buffer = takeBuffer(byteCount: byteCount)
    buffer.clear(shiftedBy: partition.log.placement)
    return buffer
  }

  /// A buffer that came back from a backend, or a new one for so many bytes.
  package func takeBuffer(byteCount: Int) -> AlignedBuffer {
    guard let buffer = buffers.pop() else {
      return AlignedBuffer(capacity: byteCount + AlignedBuffer.alignment)
    }
    keptBytes -= buffer.capacity
    return buffer
  }

  private static let keptBytesMax = 16 << 20
  private static let trimNanoseconds: Int64 = 2_000_000_000
  private var nextTrim: Int64 = 0

  private func keep(_ buffer: consuming AlignedBuffer) {
    // What one large batch needed is not kept for the small ones that follow.
    guard buffer.capacity <= 4 << 20, keptBytes + buffer.capacity <= Self.keptBytesMax else {
      return
    }
    keptBytes += buffer.capacity
    buffers.push(buffer)
  }

  /// Drops buffers that no append has needed since the last call.
  private func trimBuffers() {
    keptBytes -= buffers.trim().bytes
  }

  /// Appends the batch in `buffer`, of which `batch` is the header. `owner` is told how it ended:
  /// within this call, or in a later `round`. The buffer is the loop's from here on. Gives the
  /// append's receipt where the log accepted the batch.
  @discardableResult
  package func submit(
    _ buffer: consuming AlignedBuffer, _ batch: RecordBatchHeader, to partition: LogPartition,
    for owner: any AppendOwner, part: Int = 0, now: LogTime
  ) -> AppendReceipt? {
    var slot: AlignedBuffer? = consume buffer
    var accepted: AppendReceipt?
    var end: AppendEnd?
    do throws(LogError) {
      if partition.isDeleted { throw partition.goneError }
      if try needsPreparation(partition, batch) || isHeld(partition) {
        partition.parked?.append(ParkedAppend(slot.take(), batch, owner, part))
        return nil
      }
      end = try append(&slot, batch, partition, owner, part, now, &accepted)
    } catch { end = .failed(error) }
    if let left = slot.take() { keep(left) }
    if let end { tell(owner, part, partition, end) }
    return accepted
  }

  // MARK: - Waiting for a checkpoint

  /// True where appends to the partition wait until a checkpoint covers more: they promise no
  /// durability, and the log is as far ahead as it may be.
  private func isHeld(_ partition: LogPartition) -> Bool {
    if !isFarAhead || partition.log.settings.durability.acknowledgesDurable { return false }
    park(partition)
    held.append(partition)
    return true
  }

  private func park(_ partition: LogPartition) {
    if partition.parked != nil { return }
    partition.parked = []
    parkedCount += 1
  }

  private func lookAtLag() {
    isFarAhead = shard.isFarAhead
    if isFarAhead || held.isEmpty { return }
    resumable.append(contentsOf: held)
    held = []
  }

  // MARK: - Preparing

  /// True while a partition's appends wait for what is being read, or for a checkpoint.
  package var isParking: Bool { parkedCount > 0 }

  /// True where the batch has to wait for what is being read, or is to be from now on.
  private func needsPreparation(
    _ partition: LogPartition, _ batch: RecordBatchHeader
  ) throws(LogError) -> Bool {
    if partition.parked != nil { return true }
    return try beginPreparation(of: partition, producers: batch.producerID >= 0)
  }

  /// True where something has to be read, and is being read.
  private func beginPreparation(
    of partition: LogPartition, producers: Bool
  ) throws(LogError) -> Bool {
    guard let prepare,
      let preparation = try partition.log.preparation(producers ? partition.ledger : nil)
    else { return false }
    park(partition)
    prepare(partition, preparation)
    return true
  }

  /// Has the partition's producers read, where they are not known.
  package func loadProducers(of partition: LogPartition) {
    if partition.parked != nil || partition.isDeleted { return }
    do throws(LogError) { _ = try beginPreparation(of: partition, producers: true) } catch {
      backgroundFailure = backgroundFailure ?? error
    }
  }

  /// The most producers that an inquiry is told: some hundred microseconds of this thread.
  package static let describedProducersMax = 20_000

  /// Tells who the partition's producers are, within this call where they are known, else when they
  /// have been read.
  package func describeProducers(
    of partition: LogPartition, to answer: @escaping ProducerInquiry
  ) {
    partition.inquiries.append(answer)
    if partition.parked == nil { _ = answerInquiries(of: partition) }
  }

  /// False where they have to wait for what is being read.
  private func answerInquiries(of partition: LogPartition) -> Bool {
    if partition.inquiries.isEmpty { return true }
    do throws(LogError) {
      if partition.isDeleted { throw partition.goneError }
      // What has to be read is not read any more: an empty answer would be wrong.
      if let fence = partition.log.failure { throw .fenced(partition.partition, fence) }
      if try beginPreparation(of: partition, producers: true) { return false }
      tellInquiries(
        of: partition, .success(partition.ledger.producers(max: Self.describedProducersMax)))
    } catch { tellInquiries(of: partition, .failure(error)) }
    return true
  }

  private func tellInquiries(
    of partition: LogPartition, _ answer: Result<[KnownProducer]?, LogError>
  ) {
    let inquiries = partition.inquiries
    partition.inquiries = []
    for inquiry in inquiries { inquiry(answer) }
  }

  /// What was to be read of a partition has been, or could not be. What waited for it is appended
  /// by `resume`.
  package func prepared(_ partition: LogPartition, _ found: Result<PreparedLog, LogError>) {
    switch found {
    case .success(let found):
      partition.preparationTries = 0
      partition.log.take(found)
      partition.ledger.take(found)
    case .failure(let error):
      if isBegunAnew(partition, error) { return }
      partition.preparationTries = 0
      partition.ledger.loadFailed()
      failParked(of: partition, error)
    }
    resumable.append(partition)
  }

  /// Retention, or a deletion of records, may have taken a segment away: what is there now is read.
  private func isBegunAnew(_ partition: LogPartition, _ error: LogError) -> Bool {
    guard error.isOfMissingFile, !partition.isDeleted, partition.preparationTries < 3 else {
      return false
    }
    partition.preparationTries += 1
    let needsProducers =
      !partition.inquiries.isEmpty
      || partition.parked?.contains { $0.batch.producerID >= 0 } ?? false
    return (try? beginPreparation(of: partition, producers: needsProducers)) ?? false
  }

  /// Fails those that cannot be appended without what could not be read.
  private func failParked(of partition: LogPartition, _ error: LogError) {
    tellInquiries(of: partition, .failure(error))
    let isCold = partition.log.isCold
    let waiting = partition.parked ?? []
    let failed = waiting.filter { isCold || $0.batch.producerID >= 0 }
    partition.parked = waiting.filter { !isCold && $0.batch.producerID < 0 }
    for each in failed {
      if let buffer = each.buffer.take() { keep(buffer) }
      tell(each.owner, each.part, partition, .failed(error))
    }
    if failed.isEmpty { backgroundFailure = backgroundFailure ?? error }
  }

  /// Appends what waited for what has been read since: one batch, and more while the slice lasts.
  package func resume(during slice: TimeSlice, now: LogTime) {
    while let partition = resumable.first {
      while partition.parked?.isEmpty == false {
        isFarAhead = shard.isFarAhead
        if isHeld(partition) { break }
        guard appendParked(of: partition, now) else { break }
        if slice.isOver { return }
      }
      resumable.removeFirst()
      if partition.parked?.isEmpty != false && answerInquiries(of: partition) {
        partition.parked = nil
        parkedCount -= 1
      }
    }
  }

  /// Appends the first batch that waits; false where it has to wait on, since the log has moved and
  /// there is something else to be read.
  private func appendParked(of partition: LogPartition, _ now: LogTime) -> Bool {
    guard let first = partition.parked?.first else { return false }
    var end: AppendEnd?
    var slot: AlignedBuffer?
    var accepted: AppendReceipt?
    do throws(LogError) {
      if partition.isDeleted { throw partition.goneError }
      if try beginPreparation(of: partition, producers: first.batch.producerID >= 0) {
        return false
      }
      slot = first.buffer.take()
      end = try append(
        &slot, first.batch, partition, first.owner, first.part, now, &accepted)
    } catch { end = .failed(error) }
    partition.parked?.removeFirst()
    if let left = slot.take() ?? first.buffer.take() { keep(left) }
    if let end { tell(first.owner, first.part, partition, end) }
    return true
  }

  // MARK: - Appending

  /// How the append ended; nil where it waits.
  private func append(
    _ slot: inout AlignedBuffer?, _ batch: RecordBatchHeader, _ partition: LogPartition,
    _ owner: any AppendOwner, _ part: Int, _ now: LogTime, _ accepted: inout AppendReceipt?
  ) throws(LogError) -> AppendEnd? {
    let log = partition.log
    // The place that a producer's batch was let through for.
    var place: Offset?
    if batch.producerID >= 0 {
      switch try partition.ledger.verdict(on: batch) {
      case .accept: place = log.nextOffset
      case .refuse(let fault): return .refused(fault)
      case .duplicate(let base, let next, let appendTime):
        let isStamped = log.settings.timestampSource == .appendTime
        let earlier = AppendedBatch(
          baseOffset: base, appendTime: isStamped ? appendTime : nil, isDuplicate: true)
        return settle(
          Awaited(
            owner: owner, part: part, partition: partition, batch: earlier,
            receipt: log.receipt(baseOffset: base, nextOffset: next)))
      }
    }
    let receipt = try log.append(&slot, check: .header, at: place, flushes: false, now: now)
    accepted = receipt
    let appended = note(batch, receipt, partition, now)
    return settle(
      Awaited(
        owner: owner, part: part, partition: partition, batch: appended, receipt: receipt))
  }

  private func note(
    _ batch: RecordBatchHeader, _ receipt: AppendReceipt, _ partition: LogPartition, _ now: LogTime
  ) -> AppendedBatch {
    var placed = batch
    placed.baseOffset = receipt.baseOffset
    var appendTime: Int64?
    if partition.log.settings.timestampSource == .appendTime {
      placed.maxTimestamp = now.wallMilliseconds
      appendTime = now.wallMilliseconds
    }
    partition.ledger.accepted(placed)
    return AppendedBatch(
      baseOffset: receipt.baseOffset, appendTime: appendTime, isDuplicate: false)
  }

  /// Keeps what is not acknowledged, and sees to the flush that will acknowledge it; of a batch
  /// that was sent again too, whatever became of the flush that its first copy waited for.
  private func settle(_ each: Awaited) -> AppendEnd? {
    let log = each.partition.log
    if case .acknowledged = log.status(of: each.receipt) { return .acknowledged(each.batch) }
    awaited.append(each)
    switch log.settings.durability {
    case .none, .interval: break
    case .group: isCommitDue = true
    case .batch where !each.partition.owesFlush:
      each.partition.owesFlush = true
      owingFlush.append(each.partition)
    case .batch: break
    }
    return nil
  }

  private func tell(
    _ owner: any AppendOwner, _ part: Int, _ partition: LogPartition, _ end: AppendEnd
  ) {
    hasEnded = true
    if case .acknowledged = end, !partition.hasAdvanced {
      partition.hasAdvanced = true
      advanced.append(partition)
    }
    owner.appendEnded(part, end)
  }

  // MARK: - Rounds

  /// Ends a round: makes flushes that are owed or due, tells the owners of what has completed. With
  /// `isIdle` it waits for something where anything is under way.
  package func round(isIdle: Bool, now: LogTime) -> RoundEnd {
    lookAtLag()
    do throws(LogError) {
      try flush()
      if !awaited.isEmpty {
        try shard.poll(waiting: isIdle && !isFlushing)
        collect()
      }
    } catch {
      // What was done all the same, as by another backend.
      collect()
      let failed = awaited
      awaited.removeAll(keepingCapacity: true)
      for each in failed { end(each, .failed(error)) }
    }
    work(now)
    assert(isConsistent, "an append loop's state does not fit together")
    defer { hasEnded = false }
    return RoundEnd(
      isWaiting: !awaited.isEmpty || isFlushing || !resumable.isEmpty, hasEnded: hasEnded)
  }

  /// What holds between rounds.
  private var isConsistent: Bool {
    parkedCount >= resumable.count + held.count
      && resumable.allSatisfy { $0.parked != nil } && held.allSatisfy { $0.parked != nil }
      && owingFlush.allSatisfy(\.owesFlush) && advanced.allSatisfy(\.hasAdvanced)
      && (0...Self.keptBytesMax).contains(keptBytes)
  }

  /// True where flushes are left for the next round.
  private var isFlushing: Bool { !owingFlush.isEmpty || !dueFlush.isEmpty || isCommitDue }

  private func flush() throws(LogError) {
    if owingFlush.isEmpty && !isCommitDue { return }
    var failure: LogError?
    if !owingFlush.isEmpty {
      let now = owingFlush.prefix(flushesMax)
      for partition in now { partition.owesFlush = false }
      owingFlush.removeFirst(now.count)
      do throws(LogError) { try shard.flush(now.map(\.log)) } catch { failure = error }
    }
    if isCommitDue {
      // Not tried again where it fails: nobody waits for it then.
      isCommitDue = false
      do throws(LogError) { isCommitDue = try shard.commit(membersMax) } catch {
        failure = failure ?? error
      }
    }
    collect()
    if let failure { throw failure }
  }

  /// Ends what is acknowledged or has failed.
  private func collect() {
    if awaited.isEmpty { return }
    awaited.removeAll { each in
      switch standing(each) {
      case .pending: return false
      case .acknowledged: end(each, .acknowledged(each.batch))
      case .failed(let error): end(each, .failed(error))
      }
      return true
    }
  }

  private func standing(_ each: Awaited) -> AppendStatus {
    let status = each.partition.log.status(of: each.receipt)
    if status == .pending && each.partition.isDeleted {
      return .failed(each.partition.goneError)
    }
    return status
  }

  private func end(_ each: Awaited, _ end: AppendEnd) {
    if let buffer = each.partition.log.takeFinishedBuffer() { keep(buffer) }
    tell(each.owner, each.part, each.partition, end)
  }

  /// Partitions whose end has moved since the last call, each once.
  package func takeAdvanced() -> [LogPartition] {
    if advanced.isEmpty { return [] }
    defer { advanced.removeAll(keepingCapacity: true) }
    for partition in advanced { partition.hasAdvanced = false }
    return advanced
  }

  // MARK: - Time

  /// Looks for flushes that are due by this time at the latest: topics or their settings have
  /// changed.
  package func tick(by time: Int64) { nextTick = min(nextTick, time) }

  /// Looks for flushes that are due where it is time, and makes some of them.
  private func work(_ now: LogTime) {
    do throws(LogError) {
      if now.monotonicNanoseconds >= nextTick {
        nextTick = now.monotonicNanoseconds + shard.tickNanoseconds
        if now.monotonicNanoseconds >= nextTrim {
          nextTrim = now.monotonicNanoseconds + Self.trimNanoseconds
          trimBuffers()
        }
        addDue(try shard.logsToFlush(now))
      }
      if dueFlush.isEmpty { return }
      let first = Array(dueFlush.prefix(flushesMax))
      dueFlush.removeFirst(first.count)
      try shard.flushDue(first)
    } catch { backgroundFailure = backgroundFailure ?? error }
  }

  /// Behind those that wait already, whose turn comes first.
  private func addDue(_ logs: [PartitionLog]) {
    if dueFlush.isEmpty {
      dueFlush = logs
    } else {
      let waiting = Set(dueFlush.map { ObjectIdentifier($0) })
      dueFlush += logs.filter { !waiting.contains(ObjectIdentifier($0)) }
    }
  }

  /// What failed and belongs to no append, since the last call: a flush under `interval`.
  package func takeBackgroundFailure() -> LogError? {
    defer { backgroundFailure = nil }
    return backgroundFailure
  }
}
