import Foundation
import LinuxIO
import Measurements
import Suites
import Targets
import Trials

/// How a suite is to be run.
package struct SuiteOptions {
  /// `--out`: the run's folder; nil makes one under `resultsDirectory`.
  package var outputDirectory: String?
  package var resultsDirectory = "Results"
  /// Where trials write their files; nil is `scratch` under `resultsDirectory`.
  package var dataDirectory: String?
  /// `--repeats`, stronger than the suite's.
  package var repeats: Int?
  /// `--resume`: goes on with the run in `outputDirectory`.
  package var resumes = false
  /// `--syscalls`: one more trial of each cell, traced.
  package var countsSystemCalls = false
  /// Finds out what each backend and durability of the suite keeps: the text of `survives.csv`,
  /// empty where it was interrupted. Nil leaves that out.
  package var survival: (([SurvivalCell]) throws -> String)?
  /// How many histories that takes for each of them: for the announced time.
  package var historyCount = 0
  /// Makes what runs the trials; nil runs them in this process.
  package var executor: ((TrialRunner) -> any TrialExecutor)?
  /// `--against`: another build, run alternately with this one.
  package var base: BaseBuild?
  /// `--fail-above`: the largest share by which this build may be worse.
  package var failAbove: Double?
  /// `--json`: prints the result as one JSON document.
  package var printsJSON = false
  /// For the record: the command as typed.
  package var commandLine: [String] = []
  package var console = Console.standard
  package var stop = StopFlag()

  package init() {}
}

/// The build that a run compares its own with.
package struct BaseBuild {
  package let program: Environment.Program
  package let executor: (TrialRunner) -> any TrialExecutor

  package init(
    program: Environment.Program, executor: @escaping (TrialRunner) -> any TrialExecutor
  ) {
    self.program = program
    self.executor = executor
  }
}

/// What a suite's run left.
package struct SuiteOutcome {
  /// The run's folder.
  package let directory: String
  package let results: [TrialResult]
  package let judgement: Judgement

  package var summary: SuiteSummary { judgement.summary }
  /// True where the run ended before its last trial.
  package var wasStopped: Bool { judgement.isStopped }

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
    plan = SuitePlan(suite, repeats: options.repeats, comparesBuilds: options.base != nil)
  }

  /// Runs every trial in its order and writes `trials.csv`, `intervals.csv`, `histograms/`,
  /// `environment.json` and `README.md`. Prints the table, the verdicts and, last, the result in
  /// one line.
  ///
  /// A trial that fails is a row. What is thrown is a place for results or data that cannot be
  /// used; the rows written before it stay.
  package func run() throws(LaboratoryError) -> SuiteOutcome {
    for note in suite.overrideNotes { options.console.progress(note + "\n") }
    let data = try prepareDataDirectory()
    defer { try? FileTree.remove(data) }
    var environment = environment(dataDirectory: data)
    let stored = options.resumes ? try storedRun(environment) : nil
    let directory = try ResultsDirectory.create(
      chosen: options.outputDirectory, resuming: stored != nil,
      parent: options.resultsDirectory, suite: suite.name,
      host: environment.machine.host ?? "host", day: ResultsDirectory.today())
    if let stored {
      environment = stored.environment
    } else {
      try directory.write("environment.json", environment.json())
    }
    if environment.program.build == "debug" {
      options.console.progress("a debug build: its numbers say nothing; build with -c release\n")
    }

    var session = TrialSession(plan: plan, suite: suite, options: options)
    if let stored { try session.resume(stored) }
    var runner = TrialRunner(
      suite: suite.name, commit: environment.program.commit, context: context, directory: data,
      stop: options.stop)
    runner.seed = suite.seed
    let executors = TrialExecutors(
      this: options.executor?(runner) ?? runner,
      base: options.base.map { base in
        var runner = runner
        runner.commit = base.program.commit
        return base.executor(runner)
      })
    if let base = executors.base { try checkThatItAnswers(base) }
    var planText = planText
    planText.disk = PlanText.DiskSpeed(environment.storage)
    if options.survival != nil { planText.historyCount = options.historyCount }
    if stored == nil { options.console.progress(planText.estimate() + "\n") }
    let survival = try survival(in: directory, resuming: stored != nil)
    try session.run(executors, into: directory, planText: planText)
    if options.countsSystemCalls && !session.wasStopped {
      runner.countsCalls = true
      session.countSystemCalls(options.executor?(runner) ?? runner)
    }
    let judgement = Judgement(
      suite, plan, session.results, times: session.times, survival: survival,
      environment: environment, directory: directory.path,
      failAbove: environment.suite.failAbove, isStopped: session.wasStopped)
    let calls = session.systemCallLines
    try judgement.write(systemCalls: calls)
    if options.printsJSON {
      options.console.print(judgement.document().text)
    } else {
      for line in judgement.lines() + calls + [judgement.lastLine] { options.console.print(line) }
    }
    return SuiteOutcome(
      directory: directory.path, results: session.results, judgement: judgement)
  }

  /// A build that cannot run these trials is found out before the first of them.
  private func checkThatItAnswers(_ base: any TrialExecutor) throws(LaboratoryError) {
    var parameters = TrialParameters()
    parameters.target = TargetName.syscalls
    parameters.backend = suite.firstBackend
    parameters.length = .bytes(4096)
    parameters.batchBytes = 4096
    parameters.drain = false
    let report = base.run(SuitePlan.Trial(cell: 0, block: 0, position: 0), parameters)
    guard let report, !report.result.status.isMeasured else { return }
    throw .baseBuild(report.result.reason ?? "it gave no reason")
  }

  /// What the suite's backends keep: read where the run that goes on has found it out, found out
  /// where not.
  private func survival(
    in directory: ResultsDirectory, resuming: Bool
  ) throws(LaboratoryError) -> Survival {
    do {
      let known = resuming ? try Survival(directory: directory.path, toResume: true) : Survival()
      let cells = plan.survivalCells
      let isKnown = cells.allSatisfy { cell in
        known.statements.contains {
          $0.backend == cell.backend && $0.durability == cell.durability
        }
      }
      guard !isKnown, let find = options.survival else { return known }
      let text = try find(cells)
      // Interrupted: to be found out when the run goes on.
      if text.isEmpty { return known }
      try directory.write(Survival.fileName, Array(text.utf8))
      return try Survival(csv: text, path: Survival.fileName)
    } catch let error as LaboratoryError { throw error } catch { throw .other("\(error)") }
  }

  private var planText: PlanText {
    PlanText(suite: suite, plan: plan, isFixed: options.repeats != nil)
  }

  /// `--dry-run`: prints what `run` would do, and touches nothing.
  package func dryRun() {
    for note in suite.overrideNotes { options.console.progress(note + "\n") }
    for line in planText.lines() { options.console.print(line) }
  }

  /// The run to go on with; what it was made by and of must be what would be run now.
  private func storedRun(_ now: Environment) throws(LaboratoryError) -> StoredRun {
    guard let path = options.outputDirectory else {
      throw .cannotResume("--resume needs --out DIR, the run's folder")
    }
    let stored: StoredRun
    do {
      stored = try StoredRun(directory: path, vocabulary: context.vocabulary, toResume: true)
    } catch { throw .cannotResume("\(error)") }
    let changed = stored.environment.reasonsNotToContinue(as: now)
    if changed.isEmpty { return stored }
    throw .cannotResume(
      "what differs from when \(path) was begun (then, now): \(changed.joined(separator: "; ")); "
        + "start a new run")
  }

  /// A folder of this run's own, so that two runs do not meet and nothing else is deleted.
  private func prepareDataDirectory() throws(LaboratoryError) -> String {
    let base = options.dataDirectory ?? "\(options.resultsDirectory)/scratch"
    let path = "\(base)/varve-bench-\(ProcessInfo.processInfo.processIdentifier)"
    do {
      try FileTree.create(base)
      try removeOrphans(base)
      try FileTree.remove(path)
      try FileTree.create(path)
    } catch { throw .data(error) }
    return path
  }

  /// Folders of runs that were killed: gigabytes that nobody else would remove.
  private func removeOrphans(_ base: String) throws(SystemCallError) {
    for entry in try LinuxFileIO().list(base) {
      guard let match = entry.name.wholeMatch(of: /varve-bench-([0-9]{1,9})/),
        let process = Int32(match.1), kill(process, 0) != 0, errno == ESRCH
      else { continue }
      try FileTree.remove("\(base)/\(entry.name)")
    }
  }

  private func environment(dataDirectory: String) -> Environment {
    let format = ISO8601DateFormatter()
    return Environment(
      startedAt: format.string(from: Date()), machine: .probe(),
      storage: .probe(dataDirectory), limits: .probe(), network: .probe(),
      program: .probe(commandLine: options.commandLine), base: options.base?.program,
      suite: suiteRecord())
  }

  private func suiteRecord() -> Environment.SuiteRecord {
    var cells: [String: [String: String]] = [:]
    for cell in plan.cells where !cell.isBase {
      var values: [String: String] = [:]
      for key in ParameterKey.allCases { values[key.rawValue] = cell.parameters.text(of: key) }
      cells[SuitePlan.name(ofCell: cell.number)] = values
    }
    return Environment.SuiteRecord(
      name: suite.name, text: suite.text,
      overrides: suite.overrides.map(\.assignment),
      repeats: options.repeats ?? suite.repeatsMax ?? suite.repeats, warmup: suite.warmup,
      seed: suite.seed,
      headline: suite.headline.rawValue, failAbove: options.failAbove, cells: cells)
  }
}
