import LinuxIO
import Measurements
import Records

/// Takes whole batches from one producer, on the producer's thread.
package protocol ProducerPort: AnyObject {
  /// Hands over a slot that is `queued`. Never waits; the target finishes it later, from any
  /// thread.
  func submit(_ slot: BatchSlot)
  /// Returns when the slot has `ended`, or at `deadline`, or sooner: the caller looks again.
  func wait(for slot: BatchSlot, until deadline: Int64?)
}

/// What one producer is to do.
package struct ProducerPlan {
  /// Nil: as fast as the target takes it, and there are no response times.
  package var schedule: ArrivalSchedule?
  /// A closed loop ends after so many records, or at `durationNanoseconds`.
  package var recordsMax = Int64.max
  package var durationNanoseconds = Int64.max
  package var batchBytes = 16384
  package var lingerNanoseconds: Int64 = 0
  /// Batches go to them in turn.
  package var partitions = [0]
  /// Batches handed over and not acknowledged yet, at most.
  package var inFlight = 5

  package init() {}
}

/// What one producer measured.
package struct ProducerOutcome {
  package var records: Int64 = 0
  package var bytes: Int64 = 0
  package var errors: Int64 = 0
  package var firstError: (any Error)?
  /// When the last acknowledgement came.
  package var lastEnd: Int64 = 0
  /// When the last record was to be sent; 0 in a closed loop.
  package var lastIntended: Int64 = 0
  package var seconds: [SecondCount] = []
  /// From the intended time to the acknowledgement; empty in a closed loop.
  package let response: IntervalTimes
  /// From the hand-over of a record's batch to its acknowledgement.
  package let service: IntervalTimes
  /// From the time that a record was intended for, or at which the target let the producer go on,
  /// to the time at which the producer took it up: the generator's own schedule delay.
  package let scheduleDelay: IntervalTimes

  package init(secondsExpected: Int, isOpenLoop: Bool) {
    response = IntervalTimes(secondsExpected: isOpenLoop ? secondsExpected : 1)
    service = IntervalTimes(secondsExpected: secondsExpected)
    scheduleDelay = IntervalTimes(secondsExpected: isOpenLoop ? secondsExpected : 1)
    seconds.reserveCapacity(secondsExpected + 8)
  }
}

/// One producer: takes records up when they are due, fills batches, hands them over, and notes how
/// long each record took. One thread's.
///
/// Open loop: what the target does moves no record's intended time. A record that waits for a free
/// batch, for its batch to fill, for `linger`, or because the generator woke late, is charged for
/// all of it. Buffers and histograms are made before the first arrival; those of a long trial's
/// later seconds when they come.
package final class Producer {
  private let plan: ProducerPlan
  private let clock: any LoadClock
  private let port: any ProducerPort
  private let source: RecordSource
  private let slots: [BatchSlot]
  private let stop: StopFlag
  private let start: Int64
  private var schedule: ArrivalSchedule?
  private var outcome: ProducerOutcome

  /// The slots in their order: `oldest` is the first that has not come back, `inUse` how many are
  /// out.
  private var oldest = 0
  private var inUse = 0
  private var nextPartition = 0
  private var builder: RecordBatchBuilder?
  private var current: BatchSlot?
  private var batchStart: Int64 = 0
  private var wallMilliseconds: Int64 = 0
  /// Until then the producer could not go on for want of a slot.
  private var heldUntil: Int64 = 0
  private var budget = WakeBudget()
  private var taken: Int64 = 0

  /// `start` is the clock's time that the schedule counts from.
  package init(
    _ plan: ProducerPlan, clock: any LoadClock, port: any ProducerPort, source: RecordSource,
    start: Int64, secondsExpected: Int, stop: StopFlag = StopFlag()
  ) {
    self.plan = plan
    self.clock = clock
    self.port = port
    self.source = source
    self.start = start
    self.stop = stop
    schedule = plan.schedule
    let isOpenLoop = plan.schedule != nil
    let fitting = isOpenLoop ? max(1, plan.batchBytes / source.smallestByteCount) + 1 : 0
    slots = (0..<max(1, plan.inFlight)).map { _ in
      BatchSlot(batchBytes: plan.batchBytes, recordsMax: fitting)
    }
    outcome = ProducerOutcome(secondsExpected: secondsExpected, isOpenLoop: isOpenLoop)
  }

  /// Until the last record is acknowledged, or has failed.
  package func run() throws -> ProducerOutcome {
    clock.sleep(until: start)
    if schedule == nil { try runClosedLoop() } else { try runOpenLoop() }
    try send()
    while inUse > 0 && !stop.isRaised { waitForOldest(until: clock.now() + 200_000_000) }
    return outcome
  }

  // MARK: - The two loops

  private func runOpenLoop() throws {
    while !stop.isRaised {
      collect()
      try takeDue()
      if schedule?.next == nil { return }
      let now = clock.now()
      if current != nil && now >= batchStart + plan.lingerNanoseconds { try send() }
      rest(now)
    }
  }

  /// Takes up every record that is due.
  private func takeDue() throws {
    var now = clock.now()
    wallMilliseconds = WallClock.milliseconds()
    while let next = schedule?.next, start + next <= now {
      let intended = start + next
      if current == nil {
        if !takeSlot() {
          heldUntil = clock.now()
          if stop.isRaised { return }
          continue
        }
        now = clock.now()
        batchStart = now
      } else if !hasRoom {
        try send()
        continue
      }
      let late = now - max(intended, heldUntil)
      outcome.scheduleDelay.record(late, second: second(now))
      current?.intended.append(intended)
      outcome.lastIntended = intended
      try append(stamp: intended)
      schedule?.advance()
      if taken & 63 == 0 { now = clock.now() }
    }
  }

  private func runClosedLoop() throws {
    let end = plan.durationNanoseconds == .max ? Int64.max : start + plan.durationNanoseconds
    while !stop.isRaised && taken < plan.recordsMax {
      let now = clock.now()
      if now >= end { return }
      collect()
      if !takeSlot() { continue }
      wallMilliseconds = WallClock.milliseconds()
      try fill(stamp: clock.now())
      try send()
    }
  }

  // MARK: - Steps

  private var hasRoom: Bool {
    guard let count = builder?.byteCount else { return false }
    return count + source.nextByteCountMax <= plan.batchBytes
  }

  /// One record into the current batch. A throw ends the trial, and loses the batch.
  private func append(stamp: Int64) throws {
    guard var open = builder.take() else { return }
    try source.append(to: &open, stamp: stamp, timestamp: wallMilliseconds)
    builder = consume open
    taken += 1
  }

  /// As many as fit.
  private func fill(stamp: Int64) throws {
    guard var open = builder.take() else { return }
    while taken < plan.recordsMax,
      open.isEmpty || open.byteCount + source.nextByteCountMax <= plan.batchBytes
    {
      try source.append(to: &open, stamp: stamp, timestamp: wallMilliseconds)
      taken += 1
    }
    builder = consume open
  }

  /// Makes the next slot current; false where all are out, after a wait.
  private func takeSlot() -> Bool {
    if inUse == slots.count {
      waitForOldest(until: clock.now() + 200_000_000)
      if inUse == slots.count { return false }
      heldUntil = clock.now()
    }
    let slot = slots[(oldest + inUse) % slots.count]
    guard let buffer = slot.buffer.take() else { return false }
    builder = RecordBatchBuilder(buffer: buffer)
    current = slot
    return true
  }

  private func send() throws {
    guard let slot = current, let finished = builder.take() else { return }
    current = nil
    if finished.isEmpty {
      slot.buffer = finished.discard()
      return
    }
    slot.recordCount = finished.recordCount
    slot.byteCount = finished.byteCount
    slot.buffer = finished.finish(baseOffset: .zero)
    slot.partition = plan.partitions[nextPartition]
    nextPartition = nextPartition + 1 == plan.partitions.count ? 0 : nextPartition + 1
    inUse += 1
    slot.sentAt = clock.now()
    slot.queue()
    port.submit(slot)
  }

  private func waitForOldest(until deadline: Int64) {
    let slot = slots[oldest]
    if slot.state != .ended { port.wait(for: slot, until: deadline) }
    collect()
  }

  /// Takes back what has ended, in the order in which it was handed over.
  private func collect() {
    while inUse > 0, slots[oldest].state == .ended {
      note(slots[oldest])
      slots[oldest].reuse()
      oldest = oldest + 1 == slots.count ? 0 : oldest + 1
      inUse -= 1
    }
  }

  private func note(_ slot: BatchSlot) {
    if let failure = slot.failure {
      outcome.errors += Int64(slot.recordCount)
      outcome.firstError = outcome.firstError ?? failure
      return
    }
    let second = second(slot.endedAt)
    outcome.service.record(
      slot.endedAt - slot.sentAt, second: second, count: UInt32(slot.recordCount))
    for intended in slot.intended {
      outcome.response.record(slot.endedAt - intended, second: second)
    }
    outcome.records += Int64(slot.recordCount)
    outcome.bytes += Int64(slot.byteCount)
    while outcome.seconds.count <= second { outcome.seconds.append(SecondCount()) }
    outcome.seconds[second].records += Int64(slot.recordCount)
    outcome.seconds[second].bytes += Int64(slot.byteCount)
    outcome.lastEnd = max(outcome.lastEnd, slot.endedAt)
  }

  private func second(_ time: Int64) -> Int { Int(max(0, time - start) / 1_000_000_000) }

  /// Sleeps until the next arrival that the budget has a wake-up for, or the end of the open
  /// batch's linger.
  private func rest(_ now: Int64) {
    var spent = budget
    guard var ahead = schedule, let arrival = spent.wake(&ahead) else { return }
    let wake = start + arrival
    var later = spent
    // What comes while the thread wakes is taken up with the rest, and will not be waited for.
    while let soon = ahead.next, start + soon < wake + WakeBudget.wakingNanoseconds {
      ahead.advance()
    }
    let following = later.wake(&ahead).map { start + $0 }
    // A stop is looked for a few times a second.
    var deadline = min(wake, now + 200_000_000)
    if current != nil { deadline = min(deadline, batchStart + plan.lingerNanoseconds) }
    // A sleep that ends for another reason costs the arrival's budget nothing.
    if deadline == wake { budget = spent }
    if deadline > now { clock.sleep(until: deadline, following: following) }
  }
}
