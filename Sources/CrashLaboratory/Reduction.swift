import SimulatedStorage

/// Makes a history that breaks a promise shorter, as long as it breaks the same one: first without
/// ever smaller parts of its steps (delta debugging; Zeller and Hildebrandt, 2002), then with simpler
/// steps. Deterministic: the same history is reduced to the same one.
package struct Reduction {
  package let history: History
  package let violation: Violation
  /// How many histories were run for it.
  package let runCount: Int

  /// Reduces `history`, which breaks `violation`'s promise; runs at most `runsMax` histories, and ends with
  /// what it has where `shouldStop`.
  package init(
    _ history: History, _ violation: Violation, _ backends: [CrashBackend], runsMax: Int = 20_000,
    shouldStop: @escaping () -> Bool = { false }
  ) {
    var search = ReductionSearch(
      best: history, violation: violation, backends: backends, runsLeft: runsMax,
      shouldStop: shouldStop)
    search.run()
    self.history = search.best
    self.violation = search.violation
    runCount = runsMax - search.runsLeft
  }
}

private struct ReductionSearch {
  var best: History
  var violation: Violation
  let backends: [CrashBackend]
  var runsLeft: Int
  let shouldStop: () -> Bool

  mutating func run() {
    var size = 0
    while size != best.steps.count && runsLeft > 0 {
      size = best.steps.count
      dropAfterViolation()
      dropParts()
      while simplifySteps() {}
      simplifySetup()
    }
  }

  /// Takes `candidate` where it breaks the same promise.
  private mutating func accept(_ candidate: History) -> Bool {
    guard runsLeft > 0, !shouldStop() else { return false }
    runsLeft -= 1
    guard let found = HistoryRun(candidate, backends).verdict().violation,
      found.promise == violation.promise
    else { return false }
    best = candidate
    violation = found
    return true
  }

  /// What comes after the step where it showed is of no account.
  private mutating func dropAfterViolation() {
    guard violation.step < best.steps.count else { return }
    var candidate = best
    candidate.steps.removeSubrange(violation.step...)
    _ = accept(candidate)
  }

  private mutating func dropParts() {
    var size = max(1, best.steps.count / 2)
    while true {
      var start = 0
      var dropped = false
      while start < best.steps.count {
        var candidate = best
        candidate.steps.removeSubrange(start..<min(start + size, best.steps.count))
        if accept(candidate) { dropped = true } else { start += size }
      }
      if size == 1 && !dropped { return }
      if !dropped { size = max(1, size / 2) }
      if runsLeft == 0 { return }
    }
  }

  /// True where a step could be made simpler.
  private mutating func simplifySteps() -> Bool {
    var simplified = false
    for index in best.steps.indices {
      for step in best.steps[index].simpler {
        var candidate = best
        candidate.steps[index] = step
        if accept(candidate) {
          simplified = true
          break
        }
      }
    }
    return simplified
  }

  private mutating func simplifySetup() {
    let changes: [(inout HistorySetup) -> Void] = [
      { $0.retentionMilliseconds = nil }, { $0.retentionBytes = nil }, { $0.preallocation = nil },
      { $0.queueDepth = 1 }, { $0.granule = .page }, { $0.flushBytes = 1 << 20 },
    ]
    for change in changes {
      var candidate = best
      change(&candidate.setup)
      if candidate != best { _ = accept(candidate) }
    }
  }
}

extension HistoryStep {
  /// The same, with less of something: to be tried in this order.
  var simpler: [HistoryStep] {
    switch self {
    case .append(let partition, let batches):
      return Self.simpler(batches).map { .append(partition: partition, batches: $0) }
    case .tick(let milliseconds) where milliseconds > 0:
      return [.tick(afterMilliseconds: 0), .tick(afterMilliseconds: milliseconds / 2)]
    case .setClock(let milliseconds) where milliseconds != 0:
      return [.setClock(aheadMilliseconds: 0)]
    case .faults(let faults):
      return faults.simpler.map { .faults($0) }
    case .powerCutAhead(let calls, let seed) where calls > 1:
      return [calls / 2, calls * 7 / 8, calls - 1].map { .powerCutAhead(calls: $0, seed: seed) }
    case .powerCut(let seed, let recovery):
      return recovery.simpler.map { .powerCut(seed: seed, $0) }
    case .kill(let recovery): return recovery.simpler.map { .kill($0) }
    default: return []
    }
  }

  private static func simpler(_ batches: [BatchShape]) -> [[BatchShape]] {
    var found: [[BatchShape]] = []
    if batches.count > 1 {
      found += batches.indices.map { index in
        var fewer = batches
        fewer.remove(at: index)
        return fewer
      }
    }
    for index in batches.indices {
      var smaller = batches
      func add(_ change: (inout BatchShape) -> Void) {
        smaller = batches
        change(&smaller[index])
        if smaller != batches { found.append(smaller) }
      }
      add { $0.valueBytes = 8 }
      add { $0.valueBytes = max(8, $0.valueBytes / 2) }
      add { $0.recordCount = 1 }
      add { $0.ageMilliseconds = 0 }
    }
    return found
  }
}

extension HistoryStep.Recovery {
  fileprivate var simpler: [HistoryStep.Recovery] {
    let fewer = [
      HistoryStep.Recovery(), HistoryStep.Recovery(faults: faults),
      HistoryStep.Recovery(powerCutAtCall: powerCutAtCall),
    ]
    return fewer.filter { $0 != self }
  }
}

extension HistoryStep.DiskFaults {
  fileprivate var simpler: [HistoryStep.DiskFaults] {
    var found: [HistoryStep.DiskFaults] = []
    func add(_ change: (inout HistoryStep.DiskFaults) -> Void) {
      var changed = self
      change(&changed)
      if changed != self { found.append(changed) }
    }
    add { $0.script?.goesOn = false }
    add { faults in
      if let nth = faults.script?.nth, nth > 1 { faults.script?.nth = nth - 1 }
    }
    return found
  }
}
