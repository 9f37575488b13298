import ArgumentParser
import Foundation
import LoadGenerator

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
    help: "Folder on the file system to measure, for the trials' files (default: in Results).")
  var data: String?

  @Option(
    name: .customLong("set"), help: "key=value: a default of the suite, replaced. Repeatable.")
  var overrides: [String] = []

  @Option(help: "Trials of each cell, instead of the suite's number.")
  var repeats: Int?

  @Option(
    help: "Crash histories for each backend and durability; 0 skips them.")
  var histories: UInt64 = 300

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
    if let repeats, !(1...10_000).contains(repeats) {
      throw ValidationError("--repeats: found \(repeats), expected 1 to 10000")
    }
    if histories > 10_000_000 {
      throw ValidationError("--histories: found \(histories), expected 0 to 10000000")
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
    } catch { throw CommandFailure.usage("\(error)") }
    var options = SuiteOptions()
    options.outputDirectory = out
    options.dataDirectory = data
    options.repeats = repeats
    options.commandLine = CommandLine.arguments
    options.stop = Interruption.flag
    options.resumes = resume
    options.countsSystemCalls = syscalls
    options.printsJSON = json
    options.failAbove = try failAboveShare()
    let survivals = Survivals(historyCount: histories)
    if histories > 0 { options.survival = survivals.find }
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
    if gate == .undecided { throw ExitCode(ExitStatus.undecided) }
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
    let directory = (suite as NSString).deletingLastPathComponent
    return (directory.isEmpty ? "." : directory) + "/Data/flights-2013-01.jsonl.gz"
  }
}
