import CommitLog
import LinuxIO
import LogRuntime
import LogStorage
import Records
import SimulatedStorage

// Stops, of three kinds, and the start after each.
extension HistoryRun {
  enum Stop {
    case powerCut(seed: UInt64)
    case kill
  }

  /// The log as a new process opens it; makes the topic where it is missing.
  mutating func open() throws(Violation) {
    let notices = LogNotices()
    defer { read(notices) }
    do throws(LogError) {
      life = try Self.open(SimulatedFileIO(disk), history.setup, backends, notices)
    } catch {
      if isRotten { return tell("does not open: \(error)") }
      throw Violation(.opens, "\(error)")
    }
  }

  /// What the log told its operator, who reads it even where the process ends meanwhile.
  private mutating func read(_ notices: LogNotices) {
    for notice in notices.take() {
      hasNotices = true
      tell("\(notice)")
    }
  }

  static func open(
    _ io: SimulatedFileIO, _ setup: HistorySetup, _ backends: [CrashBackend],
    _ notices: LogNotices = LogNotices()
  ) throws(LogError) -> Life {
    let options = BackendOptions(queueDepth: setup.queueDepth)
    let shards = (0..<min(2, setup.partitionCount)).map { _ in
      BackendDrivers { name throws(LogError) in
        guard let backend = backends.first(where: { $0.name == name }) else {
          throw .unknownBackend(name, reason: "no backend of this history")
        }
        do throws(StorageError) { return try backend.make(io, options) } catch {
          throw .storage(error)
        }
      }
    }
    let settings = settings(setup, backends)
    let directory = try LogDirectory(
      path: "/data/log", io: io, shards: shards, threads: CallersThread(), defaults: settings,
      progressBytes: 0, notices: notices)
    let flushes = BegunFlushes()
    directory.flushInBackground = { flushes.flushes = $0 }
    if directory.topics["t"] == nil {
      var random = SeededGenerator(seed: setup.diskSeed)
      _ = try directory.createTopic(
        "t", partitions: setup.partitionCount, settings: settings, using: &random)
    }
    let partitions = try (0..<setup.partitionCount).map { number throws(LogError) in
      LogPartition(
        id: number,
        log: try directory.log(TopicPartition(topic: "t", partition: Int32(number))))
    }
    return Life(
      directory: directory,
      // Few, so that some rounds leave partitions for the next.
      appends: directory.shards.map { AppendLoop($0, flushesMax: 1, membersMax: 1) },
      partitions: partitions, flushes: flushes, faultsBefore: io.disk.faultCount)
  }

  private static func settings(
    _ setup: HistorySetup, _ backends: [CrashBackend]
  ) -> TopicSettings {
    var settings = TopicSettings(backend: backends[setup.backend].name)
    settings.segmentBytes = setup.segmentBytes
    settings.indexIntervalBytes = setup.indexIntervalBytes
    settings.durability = setup.durability
    settings.flushMilliseconds = setup.flushMilliseconds
    settings.flushBytes = setup.flushBytes
    settings.preallocation = setup.preallocation
    settings.retentionBytes = setup.retentionBytes
    settings.retentionMilliseconds = setup.retentionMilliseconds
    return settings
  }

  // MARK: - Stops

  /// Ends the process one way or the other, opens the log again, and checks what is there.
  mutating func restart(
    _ stop: Stop, _ recovery: HistoryStep.Recovery
  ) throws(Violation) {
    try checkStores()
    // A cut may find the process dead by its own error: what it promised before stands.
    tally.acknowledgedRecords += models.reduce(0) { $0 + $1.acknowledgedRecords }
    let hadFaults = mayHaveFailed
    var isPowerCut = disk.isPowerOff
    let left: SimulatedDisk
    switch stop {
    case .powerCut(let seed):
      isPowerCut = true
      left = disk.powerCut(seed: seed)
    case .kill where isPowerCut: left = disk.powerCut(seed: 0)
    case .kill: left = disk.processKill()
    }
    // Only now: a ring that is let go waits for what is under way, on a disk that is no more.
    life = nil
    disk = left
    faults = FaultPlan()
    lastStop = disk.elapsedNanoseconds
    if isPowerCut { tally.powerCuts += 1 } else { tally.kills += 1 }
    if try recoverInPart(recovery) { isPowerCut = true }
    try open()
    if life == nil { return }
    try checkAll(
      isPowerCut ? .powerCut(mayHaveFailed: hadFaults) : .kill(mayHaveFailed: hadFaults))
  }

  /// A first recovery that comes to nothing: calls of it fail, or its power goes. True where that went.
  private mutating func recoverInPart(_ recovery: HistoryStep.Recovery) throws(Violation) -> Bool {
    if recovery == HistoryStep.Recovery() { return false }
    if let shape = recovery.faults { set(shape) }
    if let call = recovery.powerCutAtCall {
      plan { plan, disk in plan.powerCutAtOperation = disk.operationCount + call }
    }
    let before = disk.faultCount
    let notices = LogNotices()
    defer {
      faults = FaultPlan()
      read(notices)
    }
    do throws(LogError) {
      let life = try Self.open(SimulatedFileIO(disk), history.setup, backends, notices)
      _ = consume life
    } catch {
      tell("the recovery throws: \(error)")
      if !disk.isPowerOff && !isRotten && disk.faultCount == before {
        throw Violation(.opens, "\(error)")
      }
    }
    if disk.isPowerOff {
      tally.recoveryCuts += 1
      disk = disk.powerCut(seed: UInt64(recovery.powerCutAtCall ?? 0))
      return true
    }
    disk = disk.processKill()
    return false
  }

  /// A clean stop and another start; where the stop fails, the process is killed.
  mutating func reopen() throws(Violation) {
    guard let current = life else { return }
    do throws(LogError) {
      try current.directory.close()
    } catch {
      tell("the stop throws: \(error)")
      if disk.isPowerOff { return }
      if !isRotten && !mayHaveFailed { throw Violation(.goesOn, "a clean stop throws: \(error)") }
      return try restart(.kill, .init())
    }
    try checkStores()
    var offline: Set<Int> = []
    for partition in models.indices {
      guard let log = try? log(partition) else {
        offline.insert(partition)
        continue
      }
      try models[partition].refresh(log)
      models[partition].closed(at: log.nextOffset.rawValue)
    }
    // Its very last call, which gives the lock up, may have been the one at which the power went.
    if disk.isPowerOff { return }
    tally.acknowledgedRecords += models.reduce(0) { $0 + $1.acknowledgedRecords }
    tally.cleanStops += 1
    let hadFaults = mayHaveFailed
    life = nil
    faults = FaultPlan()
    disk.set(faults)
    try open()
    if life != nil { try checkAll(.cleanStop(mayHaveFailed: hadFaults), offline: offline) }
  }

  private func checkStores() throws(Violation) {
    if disk.fatalStoreCount > 0 {
      throw Violation(.noFatalStore, "\(disk.fatalStoreCount) stores to a mapping were SIGBUS")
    }
    if disk.endlessWaitCount > 0 {
      throw Violation(.goesOn, "a wait for completions that nothing could end")
    }
  }

  // MARK: - The end

  /// What is left takes appends, keeps them over a clean stop, and then over a power cut.
  mutating func end() throws(Violation) {
    try restart(.kill, .init())
    do throws(LogError) { try appendEverywhere() } catch {
      throw Violation(.goesOn, "appending after the last start: \(error)")
    }
    if let pendingViolation { throw pendingViolation }
    for partition in models.indices {
      guard let log = try? log(partition) else { continue }
      try models[partition].refresh(log)
      if log.published.endOffset.rawValue != models[partition].end {
        throw Violation(.goesOn, "t-\(partition): the last append is never acknowledged")
      }
    }
    try reopen()
    try restart(.powerCut(seed: history.seed), .init())
  }
}
