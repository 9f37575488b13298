import LinuxIO
import LogStorage
import Measurements
import Suites
import Targets

/// Runs one trial after another in the same directory, each from the same state of the machine.
package struct TrialRunner: TrialExecutor {
  let suite: String
  /// Of the build that runs the trials.
  package var commit: String
  let context: LaboratoryContext
  /// Where trials write; each has a folder in it while it runs.
  let directory: String
  let stop: StopFlag
  /// The suite's: arrivals and sizes of a block follow from it, the same for all its cells.
  package var seed: UInt64 = 1
  /// The trial is traced, and its report has the system calls that it made.
  package var countsCalls = false

  package init(
    suite: String, commit: String, context: LaboratoryContext, directory: String, stop: StopFlag,
    seed: UInt64 = 1, countsCalls: Bool = false
  ) {
    self.suite = suite
    self.commit = commit
    self.context = context
    self.directory = directory
    self.stop = stop
    self.seed = seed
    self.countsCalls = countsCalls
  }

  /// Runs one trial. Whatever the target throws becomes the row's status; nil is a trial that was
  /// stopped and does not count.
  package func run(_ trial: SuitePlan.Trial, _ planned: TrialParameters) -> TrialReport? {
    var parameters = planned
    let backend = context.backends.first { $0.name == planned.backend }
    parameters.preallocation = planned.preallocation ?? backend?.capabilities.preallocations.first
    var report = TrialReport(
      TrialResult(suite: suite, trial: trial, commit: commit, parameters: parameters))
    let folder = "\(directory)/trial"
    defer { try? FileTree.remove(folder) }
    do {
      try FreeSpace.check(parameters, at: directory)
      try FileTree.remove(folder)
      try LinuxFileIO().createDirectory(folder)
      // For everything that the trial does: what it writes before is in the cache, too.
      let group =
        parameters.memoryLimit > 0 ? try MemoryGroup(limitBytes: parameters.memoryLimit) : nil
      defer { group?.leave() }
      let recorder = TrialRecorder(stop: stop)
      let (target, setting) = try target(
        for: parameters, in: folder, recorder,
        blockSeed: seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(trial.block))
      do {
        try drive(target, setting, recorder, &report)
        try target.finish()
      } catch {
        // The first error is the one that tells; finishing only gives the files back.
        try? target.finish()
        throw error
      }
    } catch is TrialStopped {
      return nil
    } catch {
      if let skipped = TrialSkipped(error) {
        report.end(.skipped, skipped.description)
      } else {
        report.end(.failed, "\(error)")
      }
    }
    return report
  }

  private func target(
    for parameters: TrialParameters, in folder: String, _ recorder: TrialRecorder,
    blockSeed: UInt64
  ) throws(TrialSkipped) -> (any LoadTarget, TrialSetting) {
    guard let target = context.targets.first(where: { $0.name == parameters.target }) else {
      throw TrialSkipped("this program has no target '\(parameters.target)'")
    }
    guard let backend = context.backends.first(where: { $0.name == parameters.backend }) else {
      throw TrialSkipped("this program has no backend '\(parameters.backend)'")
    }
    if let way = parameters.preallocation, !backend.capabilities.preallocations.contains(way) {
      throw TrialSkipped(
        "\(StorageError.preallocationRefused(way, backend: backend.name, accepted: backend.capabilities.preallocations))"
      )
    }
    let transfer = context.transfers.first { $0.name == parameters.transfer }
    if let reason = parameters.contradiction(transfer?.capabilities) { throw TrialSkipped(reason) }
    var setting = TrialSetting(
      parameters: parameters, backend: backend, directory: folder, stop: stop)
    setting.watch = recorder.marks
    setting.seed = blockSeed
    setting.transfer = transfer
    return (target.make(), setting)
  }

  private func drive(
    _ target: any LoadTarget, _ setting: TrialSetting, _ recorder: TrialRecorder,
    _ report: inout TrialReport
  ) throws {
    try target.prepare(setting)
    try bringToState(setting, appendBytes: target.appendBytes, &report.result)
    try target.bringCacheToState()
    if stop.isRaised { throw TrialStopped() }

    let trace = countsCalls ? try SystemCallTrace(in: setting.directory) : nil
    let device = BlockDevice(of: setting.directory)
    let isPeakKnown = PeakMemory.reset()
    let sampler = try TrialSampler(start: MonotonicClock.nanoseconds(), device: device)
    let machine = MachineCPU.find()
    let before = MachineCounters.now(.start, device: device, machine: machine)
    let wallStart = WallClock.milliseconds()
    let start = MonotonicClock.nanoseconds()
    recorder.begin(at: start)
    let ran = Result { try target.run(recorder) }
    let end = MonotonicClock.nanoseconds()
    recorder.marks.end()
    let after = MachineCounters.now(.end, device: device, machine: nil)
    let (samples, sampling) = sampler.end()
    report.systemCalls = try trace?.end()
    let counts = try ran.get()
    let peak = isPeakKnown ? PeakMemory.mebibytes() : nil
    let syncStart = MonotonicClock.nanoseconds()
    try target.synchronize()
    let synced = MonotonicClock.nanoseconds()
    let last = MachineCounters.now(.end, device: device, machine: machine)

    report.result.seconds = counts.seconds ?? Double(end - start) / 1e9
    report.result.finalSyncSeconds = Double(synced - syncStart) / 1e9
    report.result.rssPeakMebibytes = peak
    report.result.take(before, after, last)
    report.result.take(counts)
    if let target = report.result.load?.targetCPUSeconds {
      report.result.load?.targetCPUSeconds = max(0, target - sampling.seconds)
    }
    try report.take(recorder, samples, wallStart: Double(wallStart) / 1000)
  }

  /// Drains, warms, and drains what the warming left.
  private func bringToState(
    _ setting: TrialSetting, appendBytes: Int, _ result: inout TrialResult
  ) throws {
    let parameters = setting.parameters
    let cache = CachePreparation(stop: stop)
    if parameters.drain { result.drained = cache.drain() }
    // Pages that the trial will need anew: of a log that is sent, those that come from the disk.
    let isSending = parameters.isTransfer && parameters.reading == .whole
    let usesPages =
      isSending ? parameters.cache == .cold : !setting.backend.capabilities.isDirect
    if !usesPages { return }
    result.memory = parameters.memory
    if parameters.memory == .warm {
      _ = try cache.warm(
        bytes: isSending ? parameters.sentLogBytes : parameters.plannedBytes,
        appendBytes: isSending ? 1 << 20 : appendBytes, in: setting.directory)
      if parameters.drain { result.drained = cache.drain() && result.drained == true }
    }
  }
}

extension TrialResult {
  fileprivate mutating func take(_ counts: TrialCounts) {
    records = counts.records
    bytes = counts.bytes
    errors = counts.errors
    if let cost = counts.transfer { take(cost) }
    load = counts.load
    receiverCPUSeconds = counts.load?.consumerCPUSeconds ?? receiverCPUSeconds
    // Against what the schedule asked for in this trial: random arrivals are not exactly at their
    // rate.
    guard let offeredSeconds = load?.offeredSeconds, offeredSeconds > 0, let records,
      let achieved = achievedRecordsPerSecond
    else { return }
    let offered = Double(records) / offeredSeconds
    if achieved < offered * 0.95 {
      status = .saturated
      reason = "achieved \(Int(achieved)) of \(Int(offered)) records/s offered"
    }
  }

  /// What is measured is the sender alone: the process has the receiver in it, too.
  fileprivate mutating func take(_ cost: TransferCost) {
    cpuUserSeconds = Double(cost.sender.userNanoseconds) / 1e9
    cpuSystemSeconds = Double(cost.sender.systemNanoseconds) / 1e9
    minorFaults = cost.sender.minorFaults
    majorFaults = cost.sender.majorFaults
    contextSwitches = cost.sender.contextSwitches
    let receiver = cost.receiver
    receiverCPUSeconds = Double(receiver.userNanoseconds + receiver.systemNanoseconds) / 1e9
    zeroCopySends = cost.zeroCopySends
    zeroCopyFallbacks = cost.zeroCopyFallbacks
  }

  fileprivate mutating func take(
    _ before: MachineCounters, _ after: MachineCounters, _ last: MachineCounters
  ) {
    let process = after.process - before.process
    cpuUserSeconds = Double(process.userNanoseconds) / 1e9
    cpuSystemSeconds = Double(process.systemNanoseconds) / 1e9
    minorFaults = process.minorFaults
    majorFaults = process.majorFaults
    contextSwitches = process.contextSwitches
    let thread = after.thread - before.thread
    threadCPUSeconds = Double(thread.userNanoseconds + thread.systemNanoseconds) / 1e9
    processCPUSeconds = last.processSeconds - before.processSeconds
    if let first = before.machineSeconds, let end = last.machineSeconds {
      machineCPUSeconds = end - first
    }
    if let first = before.machineStealSeconds, let end = last.machineStealSeconds {
      machineStealSeconds = end - first
    }
    if let first = before.deviceWriteBytes, let end = last.deviceWriteBytes {
      deviceWriteBytes = end - first
    }
  }
}
