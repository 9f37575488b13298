import LinuxIO
import LogStorage
import SimulatedStorage

/// Makes histories from seeds: what can happen, and how often.
///
/// The seed draws a backend and a durability even where they are given, and everything else from other
/// generators: a seed's history is the same whether its backend was asked for or drawn.
package struct HistoryGenerator: Sendable {
  package let backends: [CrashBackend]
  /// Those to draw the first backend from, by their places.
  package let chosenBackends: [Int]
  package let durabilities: [Durability]

  package init(
    _ backends: [CrashBackend], chosen: [Int]? = nil,
    durabilities: [Durability] = Durability.allCases
  ) {
    precondition(!backends.isEmpty && !durabilities.isEmpty && chosen?.isEmpty != true)
    self.backends = backends
    chosenBackends = chosen ?? Array(backends.indices)
    self.durabilities = durabilities
  }

  package func history(seed: UInt64) -> History {
    var pick = SeededGenerator(seed: seed)
    let backend = chosenBackends[pick.below(chosenBackends.count)]
    let durability = durabilities[pick.below(durabilities.count)]
    var random = SeededGenerator(seed: seed ^ 0x5EED_0000_0000_0001)
    let setup = setup(backend, durability, &random)
    var generator = StepGenerator(setup: setup, backendCount: backends.count)
    var steps = generator.steps(&random)
    var clockRandom = SeededGenerator(seed: seed ^ 0x5EED_0000_0000_0002)
    if setup.retentionMilliseconds != nil { Self.addClockJumps(to: &steps, &clockRandom) }
    return History(seed: seed, setup: setup, steps: steps)
  }

  /// Sets the wall clock wrong, and right again, in every second history with retention by time,
  /// and has retention applied soon after. Drawn from a generator of its own: the other steps stay
  /// what they were.
  private static func addClockJumps(
    to steps: inout [HistoryStep], _ random: inout SeededGenerator
  ) {
    guard random.chance(0.5) else { return }
    for _ in 0..<(1 + random.below(4)) {
      let days = Int64(2 + random.below(30))
      let lead = [days, days, -days, 0][random.below(4)] * 86_400_000
      let place = random.below(steps.count + 1)
      steps.insert(.setClock(aheadMilliseconds: lead), at: place)
      let later = place + 1 + random.below(steps.count - place)
      steps.insert(.retention, at: later)
    }
  }

  private func setup(
    _ backend: Int, _ durability: Durability, _ random: inout SeededGenerator
  ) -> HistorySetup {
    let ways = backends[backend].capabilities.preallocations
    let preallocationRoll = random.next()
    let preallocation =
      random.chance(0.4) ? nil : ways[Int(preallocationRoll % UInt64(ways.count))]
    let forgets = preallocation == .recycle || random.chance(0.25)
    return HistorySetup(
      backend: backend, durability: durability, preallocation: preallocation,
      partitionCount: 1 + random.below(3), segmentBytes: 6000 + random.below(10_000),
      indexIntervalBytes: 200 + random.below(1500),
      retentionBytes: forgets ? 8000 + Int64(random.below(20_000)) : nil,
      retentionMilliseconds: random.chance(0.1) ? 500 + Int64(random.below(5000)) : nil,
      flushMilliseconds: 10 + Int64(random.below(500)),
      flushBytes: 2000 + Int64(random.below(20_000)), queueDepth: 1 + random.below(6),
      granule: random.chance(0.5) ? .sector : .page,
      directOffsetAlignment: random.chance(0.5) ? 512 : 4096, diskSeed: random.next())
  }
}

/// Draws a history's steps.
private struct StepGenerator {
  let setup: HistorySetup
  let backendCount: Int
  /// What this history is about, so that histories differ from each other more than their steps do.
  private var changes = false
  private var largeShare = 0.0
  private var roundShare = 0.0
  /// Calls of this life may fail, and fence a log.
  private var mayFail = false

  init(setup: HistorySetup, backendCount: Int) {
    self.setup = setup
    self.backendCount = backendCount
  }

  mutating func steps(_ random: inout SeededGenerator) -> [HistoryStep] {
    changes = backendCount > 1 && random.chance(0.15)
    largeShare = random.chance(0.3) ? 0.4 : 0.05
    roundShare = random.fraction() * 0.4
    let rots = random.chance(0.05)
    let lives = 1 + random.below(3)
    var steps: [HistoryStep] = []
    for life in 0..<lives {
      mayFail = random.chance(0.3)
      if mayFail { steps.append(.faults(faults(&random))) }
      if random.chance(0.7) {
        steps.append(.powerCutAhead(calls: 1 + random.below(250), seed: random.next()))
      }
      for _ in 0..<(4 + random.below(30)) { steps.append(step(&random)) }
      if rots && life == lives - 1 { steps.append(.bitRot(seed: random.next())) }
      steps.append(stop(&random))
    }
    return steps
  }

  private mutating func step(_ random: inout SeededGenerator) -> HistoryStep {
    let partition = random.below(setup.partitionCount)
    switch random.below(100) {
    case 0..<4: return .roll(partition: partition)
    case 4..<8: return .checkpoint
    case 8..<12: return .tick(afterMilliseconds: Int64(random.below(600)))
    case 12..<15: return .round(isIdle: true)
    case 15..<20: return .round(isIdle: false)
    case 30..<33: return .read(partition: partition)
    case 20..<22: return .loseIndexes(partition: partition, indexLoss(&random))
    case 22..<24 where changes: return .changeBackend(random.below(backendCount))
    case 24..<28 where setup.retentionBytes != nil || setup.retentionMilliseconds != nil:
      return .retention
    case 28..<30: return .reopen
    case 33..<40: return .backgroundFlush
    case 40..<43: return .mend(partition: partition)
    case 43..<55 where mayFail: return .mend(partition: partition)
    case 55..<57:
      mayFail = true
      return .faults(failedFlush(&random))
    default:
      return random.chance(roundShare) ? .round(isIdle: false) : append(partition, &random)
    }
  }

  private func append(_ partition: Int, _ random: inout SeededGenerator) -> HistoryStep {
    let batchCount = random.chance(0.15) ? 2 + random.below(2) : 1
    let batches = (0..<batchCount).map { _ in
      // Some as large as several blocks, most of a part of one, a few that end where a block does.
      let valueBytes =
        random.chance(largeShare)
        ? 500 + random.below(5000)
        : random.chance(0.05) ? 512 * (1 + random.below(2)) - 70 : 8 + random.below(300)
      return HistoryStep.BatchShape(
        recordCount: 1 + random.below(valueBytes > 1000 ? 1 : 4), valueBytes: valueBytes,
        ageMilliseconds: random.chance(0.3) ? Int64(random.below(2000)) : 0)
    }
    return .append(partition: partition, batches: batches)
  }

  private func indexLoss(_ random: inout SeededGenerator) -> HistoryStep.IndexLoss {
    switch random.below(3) {
    case 0: .removed
    case 1: .resized(random.below(512))
    default: .overwritten(seed: random.next())
    }
  }

  private func faults(_ random: inout SeededGenerator) -> HistoryStep.DiskFaults {
    var faults = HistoryStep.DiskFaults()
    faults.seed = random.next()
    switch random.below(6) {
    case 0: faults.bytesLeft = random.below(60_000)
    case 1: faults.shortProbability = 0.2
    case 2:
      faults.slowProbability = 0.05
      faults.slowMilliseconds = 1 + Int64(random.below(400))
    default:
      // Those that hurt most are drawn most.
      let kinds: [DiskOperation] = [
        .write, .synchronizeData, .synchronizeData, .synchronizeDirectory, .allocate, .truncate,
        .rename, .open, .read, .map, .populate, .close, .remove,
      ]
      let operation = kinds[random.below(kinds.count)]
      let isFull = random.chance(0.3) && operation != .read && operation != .synchronizeData
      faults.script = FaultPlan.Script(
        operation, nth: 1 + random.below(30), goesOn: random.chance(0.2),
        error: isFull ? .noSpace : .inputOutput)
    }
    return faults
  }

  /// What fences a log.
  private func failedFlush(_ random: inout SeededGenerator) -> HistoryStep.DiskFaults {
    var faults = HistoryStep.DiskFaults()
    faults.script = FaultPlan.Script(
      .synchronizeData, nth: 1 + random.below(3), goesOn: random.chance(0.1),
      error: random.chance(0.2) ? .noSpace : .inputOutput, pathSuffix: ".log")
    return faults
  }

  private func stop(_ random: inout SeededGenerator) -> HistoryStep {
    let recovery = HistoryStep.Recovery(
      powerCutAtCall: random.chance(0.15) ? 1 + random.below(40) : nil,
      faults: random.chance(0.1) ? faults(&random) : nil)
    switch random.below(10) {
    case 0: return .reopen
    case 1..<3: return .kill(recovery)
    default: return .powerCut(seed: random.next(), recovery)
    }
  }
}
