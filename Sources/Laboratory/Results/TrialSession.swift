import Histogram
import LinuxIO
import Measurements
import Statistics
import Suites
import Trials

/// The trials of a run, one after another, and what they left so far.
struct TrialSession {
  let plan: SuitePlan
  let suite: Suite
  let options: SuiteOptions
  private(set) var results: [TrialResult] = []
  /// Of each cell, over its trials.
  private(set) var times: [Int: [LatencyKind: TrialRecorder.Times]] = [:]
  private(set) var wasStopped = false
  /// Of a traced trial of each cell: calls by name, for each 1,000 records, or for each MB where
  /// the target knows no records.
  private(set) var systemCalls: [Int: SystemCallCounts] = [:]
  /// Of producers, records and batches that are alike: records per second into the target
  /// `generator`.
  private var ceilings: [TrialParameters: Double?] = [:]
  /// What an earlier run measured, where this one goes on with it.
  private var kept: RunFiles.Kept?

  init(plan: SuitePlan, suite: Suite, options: SuiteOptions) {
    self.plan = plan
    self.suite = suite
    self.options = options
  }

  /// Takes over what an earlier run measured; its failed trials run again.
  mutating func resume(_ stored: StoredRun) throws(LaboratoryError) {
    results = stored.results.filter { $0.status != .failed }
    do throws(StoredRunError) {
      kept = RunFiles.Kept(
        results: results,
        intervalRows: try RunFiles.intervalRows(
          in: stored.directory, of: Set(results.map(\.trial.id))))
      times = try stored.times()
    } catch { throw .cannotResume("\(error)") }
  }

  /// Runs what is left of the plan, block by block, and keeps each trial as it ends.
  mutating func run(
    _ executors: TrialExecutors, into directory: ResultsDirectory, planText: PlanText
  ) throws(LaboratoryError) {
    let begin = MonotonicClock.nanoseconds()
    let blocks = Dictionary(grouping: plan.trials, by: \.block)
    let last = blocks.keys.max() ?? 0
    func left(_ block: Int, _ wanted: Set<Int>?) -> [SuitePlan.Trial] {
      let done = Set(results.lazy.filter { $0.trial.block == block }.map(\.trial.cell))
      return (blocks[block] ?? []).filter {
        !done.contains($0.cell) && wanted?.contains($0.cell) != false
      }
    }
    let first = (1...max(1, last)).first { !left($0, cellsWanted(in: $0)).isEmpty }
    guard let first else { return }
    let warmup = blocks[0] ?? []
    let ahead = (first...last).flatMap { left($0, nil) }
    var progress = Progress(suite, plan, warmup + ahead, options.console, planText)
    defer { progress.close() }
    do throws(SystemCallError) {
      var files = try RunFiles(directory, continuing: kept)
      try warmUp(warmup, executors, &progress, &files)
      for block in first...last where !wasStopped {
        let wanted = cellsWanted(in: block)
        if wanted?.isEmpty == true || isOutOfTime(block, since: begin) { break }
        let trials = left(block, wanted)
        progress.begin(block: block, trials)
        for trial in trials where !wasStopped {
          try run(trial, executors, &progress, &files)
        }
        // A trial's bare calls may have run after it, so ratios are known at the block's end.
        if fillReferenceRatios(block) { try files.replace(with: results) }
      }
    } catch { throw .results(error) }
  }

  /// Runs the discarded trials. Where the suite says so, they end when every cell is steady in the
  /// headline; a cell that cannot be measured does not hold the others up.
  private mutating func warmUp(
    _ trials: [SuitePlan.Trial], _ executors: TrialExecutors, _ progress: inout Progress,
    _ files: inout RunFiles
  ) throws(SystemCallError) {
    var values: [Int: [Double]] = [:]
    let cellCount = max(1, plan.cells.count)
    for (index, trial) in trials.enumerated() where !wasStopped {
      if suite.warmsUpUntilSteady, index >= Steadiness.window * cellCount, index % cellCount == 0,
        !values.isEmpty, values.values.allSatisfy(Steadiness.isSteady)
      {
        progress.close()
        progress.skip(trials.count - index)
        options.console.progress("steady after \(index / cellCount) warm-up blocks\n")
        return
      }
      if let result = try run(trial, executors, &progress, &files),
        let value = suite.headline.value(of: result)
      {
        values[trial.cell, default: []].append(value)
      }
    }
    if suite.warmsUpUntilSteady, !wasStopped, !values.values.allSatisfy(Steadiness.isSteady) {
      progress.close()
      let unsteady = values.filter { !Steadiness.isSteady($0.value) }.keys.sorted()
      options.console.progress(
        "not steady after \(suite.warmup) warm-up blocks: "
          + unsteady.map { plan.cells[$0].label }.joined(separator: "; ") + "\n")
    }
  }

  /// The cells of the families that need a block past `repeats`: the blocks before it would not
  /// find the difference that the suite wants found. Nil for all cells.
  private func cellsWanted(in block: Int) -> Set<Int>? {
    guard suite.repeatsMax != nil, options.repeats == nil, block > suite.repeats else { return nil }
    let earlier = results.filter { $0.trial.block < block }
    let effect = min(Double(suite.detectPercent) / 100, options.failAbove ?? .infinity)
    let families = FamilySummary.all(suite, plan, earlier)
    // Bare calls beside other comparisons are told and not waited for.
    let hasOthers = families.contains { $0.kind != .syscalls }
    return families.reduce(into: []) { cells, family in
      let isAsked =
        plan.comparesBuilds ? family.kind == .build : family.kind != .syscalls || !hasOthers
      if isAsked, family.isDeciding, !family.hasEnough(toFind: effect) {
        cells.formUnion(family.cells)
      }
    }
  }

  /// Blocks up to `repeats` run whatever they take.
  private func isOutOfTime(_ block: Int, since begin: Int64) -> Bool {
    guard let most = suite.millisecondsMax, block > suite.repeats, options.repeats == nil else {
      return false
    }
    return MonotonicClock.nanoseconds() - begin >= most * 1_000_000
  }

  /// Nil where it was stopped.
  @discardableResult
  private mutating func run(
    _ trial: SuitePlan.Trial, _ executors: TrialExecutors, _ progress: inout Progress,
    _ files: inout RunFiles
  ) throws(SystemCallError) -> TrialResult? {
    progress.begin(trial)
    guard let report = run(trial, executors) else {
      wasStopped = true
      return nil
    }
    progress.end(trial, report.result)
    if trial.block > 0 { try keep(report, &files) }
    return report.result
  }

  /// One more trial of each cell, traced, whose times count for nothing.
  mutating func countSystemCalls(_ executor: any TrialExecutor) {
    for cell in plan.cells where !cell.isBase {
      options.console.progress("system calls: \(cell.label)\n")
      let trial = SuitePlan.Trial(cell: cell.number, block: 0, position: 0)
      guard !options.stop.isRaised, let report = executor.run(trial, cell.parameters) else {
        // Counts of some cells would replace those of all.
        systemCalls = [:]
        wasStopped = true
        return
      }
      systemCalls[cell.number] = SystemCallCounts(report)
    }
  }

  /// `system calls of direct: pwrite64 1.2, fdatasync 1.2 per 1,000 records`
  var systemCallLines: [String] {
    plan.cells.compactMap { cell in
      systemCalls[cell.number].map { "system calls of \(cell.label): \($0.text)" }
    }
  }

  private mutating func run(
    _ trial: SuitePlan.Trial, _ executors: TrialExecutors
  ) -> TrialReport? {
    if options.stop.isRaised { return nil }
    let cell = plan.cells[trial.cell]
    let parameters = cell.parameters
    let ceiling = ceiling(of: parameters, executors.this)
    let executor = cell.isBase ? executors.base ?? executors.this : executors.this
    var report =
      if let search = suite.search, parameters.isOpenLoop {
        search.run(parameters) { executor.run(trial, $0) }
      } else {
        executor.run(trial, parameters)
      }
    report?.result.generatorCeiling = ceiling
    if plan.comparesBuilds { report?.result.build = cell.isBase ? .base : .this }
    return report
  }

  private mutating func keep(
    _ report: TrialReport, _ files: inout RunFiles
  ) throws(SystemCallError) {
    try files.append(report)
    results.append(report.result)
    // Written by this program a moment ago: it can be read.
    guard report.result.status.isMeasured,
      let mine = try? report.times(name: report.result.trial.id)
    else { return }
    for (kind, more) in mine {
      times[report.result.trial.cell, default: [:]][kind, default: TrialRecorder.emptyTimes()]
        .add(more)
    }
  }

  /// What the generator reaches by itself with such producers, records and batches, measured once:
  /// a target near it was not what was measured.
  private mutating func ceiling(
    of parameters: TrialParameters, _ executor: any TrialExecutor
  ) -> Double? {
    guard parameters.isLoaded else { return nil }
    var shape = TrialParameters()
    shape.target = TargetName.generator
    shape.backend = parameters.backend
    shape.payload = parameters.payload
    shape.recordBytes = parameters.recordBytes
    shape.recordSizes = parameters.recordSizes
    shape.batchBytes = parameters.batchBytes
    shape.producers = parameters.producers
    shape.partitions = parameters.producers
    shape.inFlight = parameters.inFlight
    shape.placeProducers = parameters.placeProducers
    shape.placeLog = parameters.placeLog
    shape.length = .duration(milliseconds: 250)
    shape.drain = false
    if let known = ceilings[shape] { return known }
    let trial = SuitePlan.Trial(cell: 0, block: 0, position: 0)
    let rate = executor.run(trial, shape)?.result.achievedRecordsPerSecond
    // A failure too is known: it would fail before every trial.
    ceilings[shape] = .some(rate)
    return rate
  }

  /// Sets the block's `vs_syscalls_ratio`s; true where there were any to set.
  private mutating func fillReferenceRatios(_ block: Int) -> Bool {
    var rates: [Int: Double] = [:]
    for each in results where each.trial.block == block && each.status.isMeasured {
      rates[each.trial.cell] = each.megabytesPerSecond
    }
    var hasAny = false
    for index in results.indices where results[index].trial.block == block {
      let cell = results[index].trial.cell
      guard let reference = plan.cells[cell].reference, let rate = rates[cell],
        let bare = rates[reference], bare > 0
      else { continue }
      results[index].syscallsRatio = rate / bare
      hasAny = true
    }
    return hasAny
  }
}

/// What runs a run's trials.
struct TrialExecutors {
  let this: any TrialExecutor
  /// The other build's; nil where the run compares no builds.
  let base: (any TrialExecutor)?
}
