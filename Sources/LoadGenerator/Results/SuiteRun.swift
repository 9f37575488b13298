import Foundation
import Histogram
import LinuxIO

/// How a suite is to be run.
package struct SuiteOptions {
  /// `--out`: the run's folder; nil makes one under `resultsDirectory`.
  package var outputDirectory: String?
  package var resultsDirectory = "Results"
  /// Where trials write their files; nil is `scratch` under `resultsDirectory`.
  package var dataDirectory: String?
  /// `--repeats`, stronger than the suite's.
  package var repeats: Int?
  /// For the record: the command as typed.
  package var commandLine: [String] = []
  package var console = Console.standard
  package var stop = StopFlag()

  package init() {}
}

/// What a suite's run left.
package struct SuiteOutcome: Sendable {
  /// The run's folder.
  package let directory: String
  package let results: [TrialResult]
  package let summary: SuiteSummary
  /// True where the run ended before its last trial.
  package let wasStopped: Bool

  /// True where every trial ran and none failed; a skipped one is not a failure.
  package var isComplete: Bool { !wasStopped && summary.statuses[.failed] == nil }
}

/// Runs a suite: the entry point of `varve bench`.
package struct SuiteRun {
  package let suite: Suite
  package let options: SuiteOptions
  package let context: LaboratoryContext
  package let plan: SuitePlan

  package init(suite: Suite, options: SuiteOptions, context: LaboratoryContext) {
    self.suite = suite
    self.options = options
    self.context = context
    plan = SuitePlan(suite, repeats: options.repeats)
  }

  /// Runs every trial in its order and writes `trials.csv`, `environment.json` and `README.md`.
  /// Prints the table, the verdicts and, last, the result in one line.
  ///
  /// A trial that fails is a row. What is thrown is a place for results or data that cannot be
  /// used; the rows written before it stay.
  package func run() throws(LaboratoryError) -> SuiteOutcome {
    let data = try prepareDataDirectory()
    defer { try? FileTree.remove(data) }
    let environment = environment(dataDirectory: data)
    let directory = try ResultsDirectory.create(
      chosen: options.outputDirectory, parent: options.resultsDirectory, suite: suite.name,
      host: environment.machine.host ?? "host", day: ResultsDirectory.today())
    try directory.write("environment.json", environment.json())
    if environment.program.build == "debug" {
      options.console.progress("a debug build: its numbers say nothing; build with -c release\n")
    }

    var session = Session()
    let commit = environment.program.commit
    try runTrials(data, commit, directory, &session)
    let summary = SuiteSummary(suite, plan, session.results, service: session.service)
    let text = SummaryText(suite: suite, plan: plan, summary: summary)
    let last = text.lastLine(directory: directory.path, wasStopped: session.wasStopped)
    let page = RunPage(
      text: text, environment: environment, commandLine: options.commandLine, lastLine: last)
    try directory.write("README.md", Array(page.markdown().utf8))
    for line in text.terminalTable() + [""] + text.complaints() + text.verdicts() + [last] {
      options.console.print(line)
    }
    return SuiteOutcome(
      directory: directory.path, results: session.results, summary: summary,
      wasStopped: session.wasStopped)
  }

  /// `--dry-run`: prints what `run` would do, and touches nothing.
  package func dryRun() {
    for line in PlanText(suite: suite, plan: plan).lines() { options.console.print(line) }
  }

  private struct Session {
    var results: [TrialResult] = []
    var service: [Int: TrialRecorder.Times] = [:]
    var wasStopped = false
  }

  private func runTrials(
    _ data: String, _ commit: String, _ directory: ResultsDirectory, _ session: inout Session
  ) throws(LaboratoryError) {
    let runner = TrialRunner(
      suite: suite.name, commit: commit, context: context, directory: data, stop: options.stop)
    var progress = Progress(plan, options.console)
    defer { progress.close() }
    do {
      var table = try TrialTable(path: "\(directory.path)/trials.csv")
      for trial in plan.trials {
        progress.begin(trial)
        let outcome =
          options.stop.isRaised ? nil : runner.run(trial, plan.cells[trial.cell].parameters)
        guard let outcome else {
          session.wasStopped = true
          break
        }
        progress.end(trial, outcome.result)
        if trial.block == 0 { continue }
        try table.append(outcome.result)
        session.results.append(outcome.result)
        if let times = outcome.service {
          session.service[trial.cell, default: TrialRecorder.emptyTimes()].add(times)
        }
        // A trial's reference may have run after it, so ratios are known at the block's end.
        if trial.position == plan.cells.count, fillReferenceRatios(&session.results, trial.block) {
          try table.replace(with: session.results)
        }
      }
      for block in Set(session.results.map(\.trial.block)) where session.wasStopped {
        if fillReferenceRatios(&session.results, block) {
          try table.replace(with: session.results)
        }
      }
    } catch { throw .results(error) }
  }

  /// Sets the block's `reference_ratio`s; true where there were any to set.
  private func fillReferenceRatios(_ results: inout [TrialResult], _ block: Int) -> Bool {
    var rates: [Int: Double] = [:]
    for each in results where each.trial.block == block && each.status == .ok {
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

  /// A folder of this run's own, so that two runs do not meet and nothing else is deleted.
  private func prepareDataDirectory() throws(LaboratoryError) -> String {
    let base = options.dataDirectory ?? "\(options.resultsDirectory)/scratch"
    let path = "\(base)/varve-bench-\(ProcessInfo.processInfo.processIdentifier)"
    do {
      try FileTree.remove(path)
      try FileTree.create(path)
    } catch { throw .data(error) }
    return path
  }

  private func environment(dataDirectory: String) -> Environment {
    let format = ISO8601DateFormatter()
    return Environment(
      startedAt: format.string(from: Date()), machine: .probe(),
      storage: .probe(dataDirectory), limits: .probe(), network: .probe(),
      program: .probe(commandLine: options.commandLine), suite: suiteRecord())
  }

  private func suiteRecord() -> Environment.SuiteRecord {
    var cells: [String: [String: String]] = [:]
    for cell in plan.cells {
      var values: [String: String] = [:]
      for key in ParameterKey.allCases { values[key.rawValue] = cell.parameters.text(of: key) }
      cells[SuitePlan.name(ofCell: cell.number)] = values
    }
    return Environment.SuiteRecord(
      name: suite.name, text: suite.text,
      overrides: suite.overrides.map { "\($0.key.rawValue)=\($0.text)" },
      repeats: options.repeats ?? suite.repeats, warmup: suite.warmup, seed: suite.seed,
      headline: suite.headline.rawValue, cells: cells)
  }
}
