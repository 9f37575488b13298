import LinuxIO
import LogStorage

/// Runs one trial after another in the same directory, each from the same state of the machine.
struct TrialRunner {
  let suite: String
  let commit: String
  let context: LaboratoryContext
  /// Where trials write; each has a folder in it while it runs.
  let directory: String
  let stop: StopFlag

  /// A trial's row, and its service times.
  struct Outcome {
    var result: TrialResult
    var service: TrialRecorder.Times?
  }

  /// Runs one trial. Whatever the target throws becomes the row's status; nil is a trial that was
  /// stopped and does not count.
  func run(_ trial: SuitePlan.Trial, _ planned: TrialParameters) -> Outcome? {
    var parameters = planned
    let backend = context.backends.first { $0.name == planned.backend }
    parameters.preallocation = planned.preallocation ?? backend?.capabilities.preallocations.first
    var outcome = Outcome(
      result: TrialResult(suite: suite, trial: trial, commit: commit, parameters: parameters))
    let folder = "\(directory)/trial"
    defer { try? FileTree.remove(folder) }
    do {
      try FreeSpace.check(parameters, at: directory)
      try FileTree.remove(folder)
      try LinuxFileIO().createDirectory(folder)
      let (target, setting) = try target(for: parameters, in: folder)
      do {
        try drive(target, setting, &outcome)
        try target.finish()
      } catch {
        // The first error is the one that tells; finishing only gives the files back.
        try? target.finish()
        throw error
      }
    } catch is TrialStopped {
      return nil
    } catch let skipped as TrialSkipped {
      outcome.end(.skipped, skipped.description)
    } catch {
      outcome.end(.failed, "\(error)")
    }
    return outcome
  }

  private func target(
    for parameters: TrialParameters, in folder: String
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
    var setting = TrialSetting(
      parameters: parameters, backend: backend, directory: folder, stop: stop)
    setting.transfer = context.transfers.first { $0.name == parameters.transfer }
    return (target.make(), setting)
  }

  private func drive(
    _ target: any LoadTarget, _ setting: TrialSetting, _ outcome: inout Outcome
  ) throws {
    try target.prepare(setting)
    try bringToState(setting, appendBytes: target.appendBytes, &outcome.result)
    try target.bringCacheToState()
    if stop.isRaised { throw TrialStopped() }

    let recorder = TrialRecorder(stop: stop)
    let device = BlockDevice(of: setting.directory)
    let isPeakKnown = PeakMemory.reset()
    let before = MachineCounters.now(device: device)
    let start = MonotonicClock.nanoseconds()
    let counts = try target.run(recorder)
    let end = MonotonicClock.nanoseconds()
    let after = MachineCounters.now(device: device)
    let peak = isPeakKnown ? PeakMemory.mebibytes() : nil
    try target.synchronize()
    let synced = MonotonicClock.nanoseconds()
    let last = MachineCounters.now(device: device)

    outcome.service = recorder.service
    outcome.result.service = LatencySummary(recorder.service)
    outcome.result.records = counts.records
    outcome.result.bytes = counts.bytes
    outcome.result.errors = counts.errors
    outcome.result.seconds = Double(end - start) / 1e9
    outcome.result.finalSyncSeconds = Double(synced - end) / 1e9
    outcome.result.rssPeakMebibytes = peak
    outcome.result.take(before, after, last)
    if let cost = counts.transfer { outcome.result.take(cost) }
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

extension TrialRunner.Outcome {
  /// A trial that did not go well has no numbers: what it measured is of nothing in particular.
  fileprivate mutating func end(_ status: TrialStatus, _ reason: String) {
    let old = result
    result = TrialResult(
      suite: old.suite, trial: old.trial, commit: old.commit, parameters: old.parameters)
    result.status = status
    result.reason = reason
    service = nil
  }
}

extension TrialResult {
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
    copiedSends = cost.copiedSends
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
    if let first = before.machineBusySeconds, let end = last.machineBusySeconds {
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
