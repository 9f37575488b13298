import CommitLog
import KafkaProtocol
import LinuxIO
import LogStorage
import Records

/// The log, as the thread that it belongs to keeps it: appends and their acknowledgement here; topics in
/// `LogKeeper+Topics`.
final class LogKeeper {
  let directory: LogDirectory
  let services: BrokerServices
  let producerIDs: ProducerIDs
  var nextEntry = 0

  private struct Awaited {
    let job: ProduceJob
    let part: Int
    let entry: PartitionEntry
    /// The append's, or, for a batch that was sent again, its first copy's.
    let receipt: AppendReceipt
  }

  private var awaited: [Awaited] = []
  private var touched: [PartitionEntry] = []
  private var isCommitDue = false
  private let buffers = BufferStack()
  private var nextTick: Int64 = 0
  private var nextLook: Int64 = 0
  private let tickNanoseconds: Int64 = 50_000_000

  init(_ directory: LogDirectory, _ services: BrokerServices, _ producerIDs: ProducerIDs) {
    self.directory = directory
    self.services = services
    self.producerIDs = producerIDs
  }

  var millisecondsToTick: Int {
    let left = max(0, nextTick - MonotonicClock.nanoseconds())
    return Int(min(left / 1_000_000 + 1, 1000))
  }

  // MARK: - Appends

  /// Appends what the request's checks have let through, and answers what is acknowledged at once.
  func take(_ job: ProduceJob) {
    let now = Self.time()
    for index in job.parts.indices where job.parts[index].error == .none {
      guard let entry = job.parts[index].entry, let batch = job.parts[index].batch else { continue }
      do throws(LogError) {
        if entry.isDeleted { throw .unknownTopic(entry.partition.topic) }
        try append(job, index, entry, batch, now)
      } catch { fail(job, index, entry, RequestRefusal(error)) }
    }
    if job.unfinished == 0 { finish(job) }
  }

  private func append(
    _ job: ProduceJob, _ index: Int, _ entry: PartitionEntry, _ batch: RecordBatchHeader,
    _ now: LogTime
  ) throws(LogError) {
    // The place that a producer's batch was let through for.
    var place: Offset?
    if batch.producerID >= 0 {
      switch try entry.ledger.verdict(on: batch) {
      case .accept: place = entry.log.nextOffset
      case .duplicate(let base, let next, let appendTime):
        job.parts[index].baseOffset = base.rawValue
        if entry.log.settings.timestampSource == .appendTime {
          job.parts[index].appendTime = appendTime
        }
        let receipt = entry.log.receipt(baseOffset: base, nextOffset: next)
        if entry.log.status(of: receipt) != .acknowledged {
          wait(job, index, entry, receipt)
          // Whatever became of the commit that the first copy waited for.
          if entry.log.settings.durability == .group { isCommitDue = true }
        }
        return
      case .refuse(let fault):
        let refusal = RequestRefusal(fault, batch)
        job.parts[index].error = refusal.code
        job.parts[index].message = refusal.message
        return
      }
    }
    var buffer: AlignedBuffer? = copy(job, job.parts[index].range, entry.log)
    defer { if let left = buffer.take() { keep(left) } }
    let receipt = try entry.log.append(&buffer, check: .header, at: place, now: now)
    note(batch, receipt, job, index, entry, now)
    if case .acknowledged = entry.log.status(of: receipt) {
      touch(entry)
    } else {
      wait(job, index, entry, receipt)
    }
  }

  private func note(
    _ batch: RecordBatchHeader, _ receipt: AppendReceipt, _ job: ProduceJob, _ index: Int,
    _ entry: PartitionEntry, _ now: LogTime
  ) {
    var placed = batch
    placed.baseOffset = receipt.baseOffset
    if entry.log.settings.timestampSource == .appendTime {
      placed.maxTimestamp = now.wallMilliseconds
      job.parts[index].appendTime = now.wallMilliseconds
    }
    entry.ledger.accepted(placed)
    job.parts[index].baseOffset = receipt.baseOffset.rawValue
    services.metrics.appended(
      batches: 1, records: Int(batch.recordCount), bytes: batch.byteCountTotal)
    if entry.log.settings.durability == .group { isCommitDue = true }
  }

  /// The batch in a buffer of its own, placed so that the backend writes it from there.
  private func copy(
    _ job: ProduceJob, _ range: Range<Int>, _ log: PartitionLog
  ) -> AlignedBuffer {
    var buffer = buffers.pop() ?? AlignedBuffer(capacity: range.count + AlignedBuffer.alignment)
    buffer.clear(shiftedBy: log.placement)
    job.frame?.withBytes { buffer.append($0.extracting(range)) }
    return buffer
  }

  private func keep(_ buffer: consuming AlignedBuffer) {
    // What one large batch needed is not kept for the small ones that follow.
    if buffers.count < 64 && buffer.remainingCapacity + buffer.count <= 4 << 20 {
      buffers.push(buffer)
    }
  }

  private func wait(
    _ job: ProduceJob, _ index: Int, _ entry: PartitionEntry, _ receipt: AppendReceipt
  ) {
    job.unfinished += 1
    awaited.append(Awaited(job: job, part: index, entry: entry, receipt: receipt))
  }

  private func fail(
    _ job: ProduceJob, _ index: Int, _ entry: PartitionEntry, _ refusal: RequestRefusal
  ) {
    job.parts[index].error = refusal.code
    job.parts[index].message = refusal.message
    job.parts[index].baseOffset = -1
    job.parts[index].appendTime = -1
    services.log.limited("append", "append to \(entry.partition): \(refusal.message)")
    if entry.log.failure != nil { report(entry) }
  }

  private func report(_ entry: PartitionEntry) {
    entry.setFenced()
    if entry.isReported { return }
    entry.isReported = true
    services.log.error(
      "\(entry.partition) takes no appends until the broker is started again: "
        + "\(entry.log.failure.map { "\($0)" } ?? "")")
  }

  private func finish(_ job: ProduceJob) {
    job.loop.mailbox.post(.produced(job))
  }

  // MARK: - Rounds

  /// After a round of work: flushes what waits for it, hands out what has completed, does what is due.
  /// True where something is under way.
  func endRound(isIdle: Bool) -> Bool {
    do throws(LogError) {
      if isCommitDue {
        isCommitDue = false
        try directory.commit()
        collect()
      }
      if !awaited.isEmpty {
        try directory.poll(waiting: isIdle)
        collect()
      }
    } catch {
      // What was done all the same, as by another backend.
      collect()
      let failed = awaited
      awaited.removeAll()
      for each in failed { end(each, RequestRefusal(error)) }
    }
    announce()
    if MonotonicClock.nanoseconds() >= nextTick { tick() }
    return !awaited.isEmpty
  }

  /// Ends what is acknowledged or has failed.
  private func collect() {
    if awaited.isEmpty { return }
    awaited.removeAll { each in
      switch standing(each) {
      case .pending: return false
      case .acknowledged: end(each, nil)
      case .failed(let error): end(each, RequestRefusal(error))
      }
      return true
    }
  }

  private func standing(_ each: Awaited) -> AppendStatus {
    let status = each.entry.log.status(of: each.receipt)
    if status == .pending && each.entry.isDeleted {
      return .failed(.unknownTopic(each.entry.partition.topic))
    }
    return status
  }

  private func end(_ each: Awaited, _ refusal: RequestRefusal?) {
    if let buffer = each.entry.log.takeFinishedBuffer() { keep(buffer) }
    if let refusal { fail(each.job, each.part, each.entry, refusal) } else { touch(each.entry) }
    each.job.unfinished -= 1
    if each.job.unfinished == 0 { finish(each.job) }
  }

  private func touch(_ entry: PartitionEntry) {
    if entry.isTouched { return }
    entry.isTouched = true
    touched.append(entry)
  }

  /// Tells loops whose fetches wait for what was appended.
  private func announce() {
    if touched.isEmpty { return }
    var told: [Int: [PartitionEntry]] = [:]
    for entry in touched {
      entry.isTouched = false
      var loops = entry.takeWaiters()
      while loops != 0 {
        told[loops.trailingZeroBitCount, default: []].append(entry)
        loops &= loops - 1
      }
    }
    touched.removeAll(keepingCapacity: true)
    for (loop, entries) in told { services.loops[loop].mailbox.post(.advanced(entries)) }
  }

  // MARK: - Time

  private func tick() {
    let now = Self.time()
    nextTick = now.monotonicNanoseconds + tickNanoseconds
    do throws(LogError) { try directory.tick(now) } catch {
      services.log.limited("tick", "background work failed: \(error)")
    }
    tellNotices()
    if now.monotonicNanoseconds >= nextLook { lookAtAll(now) }
  }

  /// Once a second: what each partition may be due.
  private func lookAtAll(_ now: LogTime) {
    nextLook = now.monotonicNanoseconds + 1_000_000_000
    for topic in services.registry.snapshot.topics.values {
      for entry in topic.partitions {
        if entry.log.failure != nil {
          report(entry)
        } else if entry.ledger.isSaveDue {
          save(entry, now)
        }
      }
    }
  }

  private func save(_ entry: PartitionEntry, _ now: LogTime) {
    do throws(LogError) { try entry.ledger.save(now: now.wallMilliseconds) } catch {
      services.log.limited("producers", "producers of \(entry.partition): \(error)")
    }
  }

  func tellNotices() {
    for notice in directory.notices.take() { services.log.warning("\(notice)") }
  }

  /// Everything durable, and the marker of a clean stop written.
  func close() {
    let now = Self.time()
    for entry in services.registry.snapshot.topics.values.flatMap(\.partitions)
    where entry.log.failure == nil && entry.ledger.isWorthSaving {
      save(entry, now)
    }
    do throws(LogError) { try directory.close() } catch {
      services.log.error("the stop is not a clean one: \(error)")
    }
    tellNotices()
  }

  static func time() -> LogTime {
    LogTime(
      monotonicNanoseconds: MonotonicClock.nanoseconds(),
      wallMilliseconds: WallClock.milliseconds())
  }
}
