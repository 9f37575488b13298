import CommitLog
import LinuxIO
import LogRuntime
import LogStorage
import Records
import SimulatedStorage

/// What one run of a history came to.
package struct Verdict: Hashable, Sendable {
  /// Nil where every promise held.
  package var violation: Violation?
  package var tally: HistoryTally
  /// Of every call on the disk: equal runs have equal ones, in any build.
  package var digest: UInt64
}

/// Runs a history: the shipping append loop and log over a shipping backend on a simulated disk, beside a
/// model of what the log must hold. One thread; nothing but the history decides what happens.
package struct HistoryRun: ~Copyable {
  let history: History
  let backends: [CrashBackend]
  var disk: SimulatedDisk
  var life: Life?
  var models: [PartitionModel]
  var tally = HistoryTally()
  /// The survival seed of a cut that a step announced.
  private var powerCutSeed: UInt64?
  private var nextNumber = 0
  /// True once a bit has flipped: what was promised may be gone, but not unsaid.
  var isRotten = false
  /// True where the log told its operator something at a start, since the bit flipped if one did.
  var hasNotices = false
  /// How far the wall clock is ahead of the true time.
  private var clockLead: Int64 = 0
  /// When the last process ended, on the disk's clock.
  var lastStop: Int64 = 0
  /// What is planned to go wrong in this life.
  var faults = FaultPlan()
  /// Steps from 1; for violations.
  private var stepNumber = 0
  /// A line for each thing that happens, for a reader; nil where nobody reads.
  private var account: (@Sendable (String) -> Void)?

  /// One process that has the log open.
  struct Life {
    let directory: LogDirectory
    /// One for each shard.
    let appends: [AppendLoop]
    var partitions: [LogPartition]
    /// Flushes of a checkpoint that has begun.
    let flushes: BegunFlushes
    /// What the loop told of its appends.
    let told = ToldFailures()
    /// The disk's `faultCount` when it began.
    let faultsBefore: Int
  }

  /// What the directory has handed out to be flushed.
  final class BegunFlushes {
    var flushes: [BackgroundFlush] = []
  }

  /// True where a call of this process has failed: what it was asked may fail with it, and after.
  var mayHaveFailed: Bool { life.map { disk.faultCount > $0.faultsBefore } ?? true }

  package init(
    _ history: History, _ backends: [CrashBackend],
    account: (@Sendable (String) -> Void)? = nil
  ) {
    self.history = history
    self.backends = backends
    self.account = account
    let setup = history.setup
    disk = SimulatedDisk(
      SimulatedDiskOptions(
        directAlignment: DirectAlignment(memory: 512, offset: setup.directOffsetAlignment),
        granule: setup.granule, ringSeed: setup.diskSeed))
    disk.makeDirectory("/data")
    models = [PartitionModel](repeating: PartitionModel(), count: setup.partitionCount)
  }

  package consuming func verdict() -> Verdict {
    tally.histories = 1
    var violation: Violation?
    do throws(Violation) {
      try run()
    } catch {
      violation = error
      violation?.step = stepNumber
      tally.violations = 1
    }
    life = nil
    return Verdict(violation: violation, tally: tally, digest: disk.historyDigest)
  }

  private mutating func run() throws(Violation) {
    try open()
    try noteTime()
    for step in history.steps {
      stepNumber += 1
      account?("\(stepNumber). \(step.text(backends))")
      try perform(step)
      if disk.isPowerOff { try restart(.powerCut(seed: powerCutSeed ?? 0), .init()) }
      if isRotten && life == nil { return }
    }
    stepNumber += 1
    if isRotten { return }
    try end()
  }

  func tell(_ text: @autoclosure () -> String) { account?("   " + text()) }

  // MARK: - Steps

  private mutating func perform(_ step: HistoryStep) throws(Violation) {
    switch step {
    case .powerCut(let seed, let recovery): return try restart(.powerCut(seed: seed), recovery)
    case .kill(let recovery): return try restart(.kill, recovery)
    case .reopen: return try reopen()
    case .bitRot(let seed): return rot(seed)
    case .loseIndexes(let partition, let loss): return lose(loss, partition)
    case .faults(let faults): return set(faults)
    case .read(let partition): return try read(partition)
    case .mend(let partition): return try mend(partition)
    case .setClock(let milliseconds): return clockLead = milliseconds
    case .powerCutAhead(let calls, let seed):
      powerCutSeed = seed
      return plan { plan, disk in plan.powerCutAtOperation = disk.operationCount + calls }
    default: break
    }
    do throws(LogError) {
      try performOnLog(step)
    } catch {
      tell("throws: \(error)")
      try refresh()
      try excuse(error)
    }
    try refresh()
  }

  /// What a process asks of its log.
  private mutating func performOnLog(_ step: HistoryStep) throws(LogError) {
    guard let life else { return }
    switch step {
    case .append(let partition, let batches):
      for shape in batches { try append(to: partition, shape) }
    case .round(let isIdle): try round(life, isIdle: isIdle)
    case .tick(let milliseconds):
      disk.wait(nanoseconds: milliseconds * 1_000_000)
      try tick()
    case .checkpoint: try life.directory.checkpoint()
    case .backgroundFlush: try flushInBackground(life)
    case .roll(let partition): try log(partition).roll()
    case .retention: try applyRetention(life)
    case .changeBackend(let index):
      guard var settings = life.directory.topics["t"]?.settings else { return }
      settings.backend = backends[index % backends.count].name
      settings.preallocation = nil
      try life.directory.alterTopic("t", settings)
    default: break
    }
  }

  /// An error is a broken promise where nothing stood in the way.
  private mutating func excuse(_ error: LogError) throws(Violation) {
    if disk.isPowerOff || isRotten || mayHaveFailed { return }
    // Said of what was asked, not of the log.
    if case .batchTooLarge(let byteCount, _) = error, byteCount > history.setup.segmentBytes {
      return
    }
    throw Violation(.goesOn, "nothing stood in the way, and: \(error)")
  }

  private mutating func append(
    to number: Int, _ shape: HistoryStep.BatchShape
  ) throws(LogError) {
    guard let life else { return }
    let partition = life.partitions[number]
    let appends = life.appends[partition.shard]
    var buffer = appends.takeBuffer(for: partition, byteCount: 16 << 10)
    let identity: NumberedBatch.Identity
    let header: RecordBatchHeader
    do throws(BatchError) {
      identity = try NumberedBatch.add(
        to: &buffer, firstNumber: nextNumber, shape, now: now.wallMilliseconds)
      header = try buffer.withBytes { (bytes) throws(BatchError) in
        try RecordBatchHeader(parsing: bytes)
      }
    } catch { throw .batch(error, place: "a history's own batch") }
    nextNumber += shape.recordCount
    let wasOpen = partition.log.failure == nil
    let owner = HistoryAppend(life.told)
    let receipt = appends.submit(buffer, header, to: partition, for: owner, now: now)
    if let receipt {
      try model(number, partition.log, identity, at: receipt.baseOffset.rawValue, receipt, owner)
    } else if wasOpen && (partition.log.failure != nil || disk.isPowerOff) {
      // Only where the log gave itself up meanwhile may the bytes be there after all.
      try model(number, partition.log, identity, at: nil, nil, owner)
    }
    try life.told.rethrow()
  }

  /// Ends the loops' rounds. What fails in one was told to the appends' owners.
  private func round(_ life: Life, isIdle: Bool) throws(LogError) {
    for appends in life.appends { _ = appends.round(isIdle: isIdle, now: now) }
    try life.told.rethrow()
    for appends in life.appends {
      if let error = appends.takeBackgroundFailure() { throw error }
    }
  }

  /// Tells the model of an append. What the log did meanwhile to those before it comes first.
  private mutating func model(
    _ partition: Int, _ log: PartitionLog, _ identity: NumberedBatch.Identity,
    at base: Int64?, _ receipt: AppendReceipt?, _ owner: HistoryAppend
  ) throws(LogError) {
    do throws(Violation) {
      try models[partition].refresh(log)
      // One before it failed while the log asked for its flush, and took it along.
      if let receipt, Self.hasFailed(log.status(of: receipt)) { return }
      try models[partition].appended(
        [identity], at: base ?? models[partition].end, receipt: receipt,
        now: disk.elapsedNanoseconds, owner: owner)
    } catch { pendingViolation = error }
  }

  private static func hasFailed(_ status: AppendStatus) -> Bool {
    switch status {
    case .pending, .acknowledged, .failed(.fenced): false
    case .failed: true
    }
  }

  /// A violation found where only the log's errors can be thrown.
  var pendingViolation: Violation?

  private mutating func tick() throws(LogError) {
    guard let life else { return }
    let began = now
    for appends in life.appends { appends.tick(by: began.monotonicNanoseconds) }
    // Until every slice of what is due is flushed.
    for _ in models.indices { try round(life, isIdle: false) }
    try life.directory.maintain(began)
    guard history.setup.durability == .interval else { return }
    try waitForFlushes()
    let flush = history.setup.flushMilliseconds * 1_000_000
    for index in models.indices where try log(index).failure == nil {
      models[index].ticked(flushNanoseconds: flush, now: began.monotonicNanoseconds)
    }
  }

  /// Until nothing completes any more: what a tick began is then done.
  private func waitForFlushes() throws(LogError) {
    guard let life else { return }
    for _ in 0..<64 { try life.directory.poll(waiting: true) }
  }

  private mutating func refresh() throws(Violation) {
    if let pendingViolation { throw pendingViolation }
    guard life != nil else { return }
    for index in models.indices {
      guard let log = try? log(index) else { continue }
      try models[index].refresh(log)
    }
  }

  // MARK: - What it stands on

  var now: LogTime {
    LogTime(
      monotonicNanoseconds: disk.elapsedNanoseconds,
      wallMilliseconds: trueMilliseconds + clockLead)
  }

  /// Since 1970, whatever the wall clock says. Far enough from 1970 that a clock that is set back
  /// does not pass it.
  var trueMilliseconds: Int64 { 1_800_000_000_000 + disk.elapsedNanoseconds / 1_000_000 }

  /// Before anything happens, while the clock is right: from here on a start has a time to compare
  /// with.
  private mutating func noteTime() throws(Violation) {
    guard let life, history.setsClock else { return }
    try must(.goesOn, "noting the time") { () throws(LogError) in
      try life.directory.maintain(now)
      try life.directory.checkpoint()
    }
  }

  func log(_ partition: Int) throws(LogError) -> PartitionLog {
    guard let life else { throw .unknownTopic("t") }
    return try life.directory.log(TopicPartition(topic: "t", partition: Int32(partition)))
  }

  /// Appends to each partition, waits until all is acknowledged.
  mutating func appendEverywhere() throws(LogError) {
    for partition in models.indices {
      try append(to: partition, .init(recordCount: 2, valueBytes: 100, ageMilliseconds: 0))
    }
    guard let life else { return }
    try round(life, isIdle: false)
    for partition in life.partitions {
      let log = partition.log
      for _ in 0..<10_000 where log.failure == nil && log.published.endOffset < log.nextOffset {
        try round(life, isIdle: true)
      }
    }
  }
}
