import ArgumentParser
import LinuxIO
import Results
import Suites
import Targets
import Trials

/// `varve bench SUITE.yaml`
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Run a suite of trials and say what it found.",
    discussion: """
      First finds out, by histories on a simulated disk (varve crash), what each backend and \
      durability of the suite keeps. Writes that (survives.csv), trials.csv, intervals.csv, \
      histograms, verdicts.csv, cells.csv, environment.json and README.md into a folder of its own, \
      prints the table, and ends with the result in one line. Ctrl-C keeps the finished trials, and --resume goes on \
      after them.

      --against BASE runs each trial by another build, too, right before or after this one's, and \
      compares the two builds cell by cell: the comparison that a shared machine allows. BASE is an \
      executable, or a git revision, which is built in .build/against. Exit status: 3 this build is \
      worse, 4 nothing was decided or a cell is missing.

      Example: varve bench Bench/quick.yaml --set bytes=64MiB --repeats 3
      Example: varve bench Bench/builds.yaml --against main --fail-above 5%
      """)

  @Argument(help: "The suite, a YAML file.")
  var suite: String

  @Option(help: "Folder for the results (default: Results/<date>-<host>-<suite>).")
  var out: String?

  @Option(
    help: ArgumentHelp(
      "Folder on the file system to measure, for the trials' files (default: in Results).",
      discussion: "An absolute path must exist; a relative one is made in the current folder."))
  var data: String?

  @Option(
    name: .customLong("set"), help: "key=value: a default of the suite, replaced. Repeatable.")
  var overrides: [String] = []

  @Flag(help: "Make the folder of --data where it is missing.")
  var makeData = false

  @Option(parsing: .unconditional, help: "Trials of each cell, instead of the suite's number.")
  var repeats: String?

  @Option(
    parsing: .unconditional,
    help: "Crash histories for each backend and durability; 0 skips them.")
  var histories = "300"

  @Flag(help: "Go on with the run in --out, where it was interrupted.")
  var resume = false

  @Flag(help: "Count system calls too, in one more trial of each cell (needs strace).")
  var syscalls = false

  @Option(help: "Another build to compare with: an executable, or a git revision.")
  var against: String?

  @Option(
    help:
      "With --against: fail where this build is worse by more than this, such as 5%, in any metric."
  )
  var failAbove: String?

  @Flag(help: "Print the result as one JSON document.")
  var json = false

  @Flag(help: "Print the plan, and run nothing.")
  var dryRun = false

  func validate() throws {
    _ = try (repeatCount(), historyCount())
    if let data, data.hasPrefix("/"), !makeData {
      try expectFolder(
        "--data", data,
        remedy: "a folder that is not mounted would be another disk: mount or make it, or add "
          + "--make-data")
    } else if let data, InputFile.isFolder(data) == false {
      throw ValidationError("--data: found '\(data)', which is a file, expected a folder")
    }
    if failAbove != nil && against == nil {
      throw ValidationError("--fail-above compares builds: expected --against BASE with it")
    }
    if json && dryRun {
      throw ValidationError("--dry-run prints a plan as text: expected it without --json")
    }
    _ = try failAboveShare()
    if resume && out == nil {
      throw ValidationError("--resume needs --out DIR, the folder of the run to go on with")
    }
  }

  func run() throws {
    let context = Laboratory.context(flightsPath: flightsPath)
    let read: Suite
    do {
      read = try Suite.read(file: suite, overrides: overrides, vocabulary: context.vocabulary)
      try read.check(file: suite, context)
    } catch { throw CommandFailure.usage("\(error)") }
    var options = SuiteOptions()
    options.outputDirectory = out
    options.dataDirectory = data
    options.repeats = try repeatCount()
    options.commandLine = ProcessArguments.all
    options.stop = Interruption.flag
    options.resumes = resume
    options.countsSystemCalls = syscalls
    options.printsJSON = json
    options.failAbove = try failAboveShare()
    let survivals = Survivals(historyCount: UInt64(try historyCount()))
    options.historyCount = Int(survivals.historyCount)
    if survivals.historyCount > 0 { options.survival = survivals.find }
    let flights = flightsPath
    options.executor = { TrialProcess($0, arguments: ["trial", "--flights", flights]) }
    if !dryRun { Interruption.install() }
    if let against {
      options.base = try BaseBuildFinder(against, flightsPath: flights, isDryRun: dryRun).find()
    }
    do {
      let run = SuiteRun(suite: read, options: options, context: context)
      if dryRun { return run.dryRun() }
      try end(run.run())
    } catch let error as LaboratoryError {
      throw CommandFailure.failed("\(error)")
    }
  }

  private func end(_ outcome: SuiteOutcome) throws {
    if outcome.wasStopped { throw ExitCode(ExitStatus.interrupted) }
    let gate = outcome.judgement.gate
    if gate == .regression { throw ExitCode(ExitStatus.regression) }
    if !outcome.isComplete { throw ExitCode.failure }
    if !outcome.results.contains(where: \.status.isMeasured) {
      throw CommandFailure.failed("no trial was measured: each was skipped")
    }
    if gate == .undecided { throw ExitCode(ExitStatus.undecided) }
  }

  private func repeatCount() throws -> Int? {
    try number("--repeats", repeats, 1...10_000).map { Int($0) }
  }

  private func historyCount() throws -> Int64 {
    try number("--histories", histories, 0...10_000_000)
  }

  /// `5%` as 0.05; nil where it was not asked for.
  private func failAboveShare() throws -> Double? {
    guard let failAbove else { return nil }
    guard failAbove.hasSuffix("%"), let percent = Double(failAbove.dropLast()),
      percent > 0, percent <= 100
    else {
      throw ValidationError(
        "--fail-above: found '\(failAbove)', expected a share above 0% up to 100%, such as 5%")
    }
    return percent / 100
  }

  /// The real events, beside the suite.
  private var flightsPath: String {
    parentDirectory(of: suite) + "/Data/flights-2013-01.jsonl.gz"
  }
}
