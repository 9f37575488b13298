import Histogram
import LinuxIO

/// The trials of a run, one after another, and what they left so far.
struct TrialSession {
  let plan: SuitePlan
  let suite: Suite
  let options: SuiteOptions
  private(set) var results: [TrialResult] = []
  /// Of each cell, over its trials.
  private(set) var times: [Int: [LatencyKind: TrialRecorder.Times]] = [:]
  private(set) var wasStopped = false
  /// Of a traced trial of each cell: calls by name, for each 1,000 records, or for each MB where the
  /// target knows no records.
  private(set) var systemCalls: [Int: SystemCallCounts] = [:]
  /// Of producers, records and batches that are alike: records per second into `null`.
  private var ceilings: [TrialParameters: Double?] = [:]
  private var isResumed = false

  init(plan: SuitePlan, suite: Suite, options: SuiteOptions) {
    self.plan = plan
    self.suite = suite
    self.options = options
  }

  /// Takes over what an earlier run measured; its failed trials run again.
  mutating func resume(_ stored: StoredRun) throws(LaboratoryError) {
    results = stored.results.filter { $0.status != .failed }
    isResumed = true
    do { times = try stored.times() } catch { throw .cannotResume("\(error)") }
  }

  /// Runs what is left of the plan, and keeps each trial as it ends.
  mutating func run(
    _ executor: any TrialExecutor, into directory: ResultsDirectory
  ) throws(LaboratoryError) {
    let done = Set(results.map(\.trial.id))
    let left = plan.trials.filter { $0.block == 0 || !done.contains($0.id) }
    guard let next = left.first(where: { $0.block > 0 }) else { return }
    // A run that had enough blocks has enough when it goes on.
    let whole = Dictionary(grouping: results, by: \.trial.block).filter {
      $0.value.count == plan.cells.count
    }
    if isResumed, let last = whole.keys.max(), last < next.block, isEnough(after: last) { return }
    var progress = Progress(plan, left, options.console)
    defer { progress.close() }
    do throws(SystemCallError) {
      var files = try RunFiles(directory, continuing: isResumed ? results : nil)
      for (index, trial) in left.enumerated() {
        progress.begin(trial)
        guard let report = run(trial, executor) else {
          wasStopped = true
          break
        }
        progress.end(trial, report.result)
        if trial.block > 0 { try keep(report, &files) }
        // A trial's reference may have run after it, so ratios are known at the block's end.
        let isBlockEnd = index + 1 == left.count || left[index + 1].block != trial.block
        if isBlockEnd && trial.block > 0 {
          if fillReferenceRatios(trial.block) { try files.replace(with: results) }
          if isEnough(after: trial.block) { break }
        }
      }
      if wasStopped, let last = results.last, fillReferenceRatios(last.trial.block) {
        try files.replace(with: results)
      }
    } catch { throw .results(error) }
  }

  /// One more trial of each cell, traced, whose times count for nothing.
  mutating func countSystemCalls(_ executor: any TrialExecutor) {
    for cell in plan.cells where !options.stop.isRaised {
      options.console.progress("system calls: \(cell.label)\n")
      let trial = SuitePlan.Trial(cell: cell.number, block: 0, position: 0)
      guard let report = executor.run(trial, cell.parameters) else { return }
      systemCalls[cell.number] = SystemCallCounts(report)
    }
  }

  private mutating func run(
    _ trial: SuitePlan.Trial, _ executor: any TrialExecutor
  ) -> TrialReport? {
    if options.stop.isRaised { return nil }
    let parameters = plan.cells[trial.cell].parameters
    let ceiling = ceiling(of: parameters, executor)
    var report =
      if let search = suite.search, parameters.isOpenLoop {
        search.run(parameters) { executor.run(trial, $0) }
      } else {
        executor.run(trial, parameters)
      }
    report?.result.generatorCeiling = ceiling
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

  /// What the generator reaches by itself with such producers, records and batches, measured once: a
  /// target near it was not what was measured.
  private mutating func ceiling(
    of parameters: TrialParameters, _ executor: any TrialExecutor
  ) -> Double? {
    guard parameters.isLoaded else { return nil }
    var shape = TrialParameters()
    shape.target = "null"
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

  /// Sets the block's `reference_ratio`s; true where there were any to set.
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
      results[index].referenceRatio = rate / bare
      hasAny = true
    }
    return hasAny
  }

  /// True where blocks past `repeats` are not needed: those that ran would find the difference that
  /// the suite wants found. Looks at how much trials scatter, and not at who is ahead.
  private func isEnough(after block: Int) -> Bool {
    guard suite.repeatsMax != nil, options.repeats == nil, block >= suite.repeats else {
      return false
    }
    let summary = SuiteSummary(suite, plan, results, times: [:])
    return summary.cells.allSatisfy { cell in
      // A cell that cannot run here has nothing to find.
      guard let comparison = cell.comparison, comparison.p != nil else { return true }
      return comparison.pairsNeeded.map { $0 <= comparison.pairs } ?? false
    }
  }
}
