import ArgumentParser
import LinuxIO
import Results

/// `varve compare BEFORE AFTER`, or several runs a side
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare runs of a suite before a change with runs after it.",
    discussion: """
      Runs differ by more than their trials do, so the run is the unit: give two runs a side or more. \
      With one a side only ratios to bare calls are compared, where the suite has such cells. Two \
      builds are better compared in one run: varve bench SUITE --against BASE.

      Prints a verdict for each cell, cells that are missing, and what differs in the environments. \
      Exit status: 0 no cell is worse, 3 one is, 4 nothing was decided or a cell is missing.

      Example: varve compare --before Results/a1 Results/a2 Results/a3 --after Results/b1 Results/b2 \
      Results/b3
      """)

  @Argument(help: "Two folders, of the run before and of the run after.")
  var runs: [String] = []

  @Option(parsing: .upToNextOption, help: "The folders of the runs before.")
  var before: [String] = []

  @Option(parsing: .upToNextOption, help: "The folders of the runs after.")
  var after: [String] = []

  @Flag(help: "Print the result as one JSON document.")
  var json = false

  func validate() throws {
    if runs.isEmpty {
      if before.isEmpty || after.isEmpty {
        throw ValidationError(
          "expected two folders, or --before and --after with at least one folder each")
      }
    } else if !before.isEmpty || !after.isEmpty || runs.count != 2 {
      throw ValidationError(
        "found \(runs.count) folders, expected two, or none with --before and --after")
    }
    var seen: Set<String> = []
    for folder in runs + before + after
    where !seen.insert(canonicalPath(folder) ?? folder).inserted {
      throw ValidationError("found \(folder) twice, expected each run once")
    }
  }

  func run() throws {
    let first = runs.isEmpty ? before : [runs[0]]
    let second = runs.isEmpty ? after : [runs[1]]
    let comparison: RunComparison
    do {
      comparison = try RunComparison(before: first.map(readRun), after: second.map(readRun))
    } catch let error as StoredRunError { throw CommandFailure.failed("\(error)") }
    let text = ComparisonText(comparison, before: first, after: second)
    if json { printLine(text.document().text) } else { text.lines().forEach { printLine($0) } }
    switch comparison.gate {
    case .passed: return
    case .regression: throw ExitCode(ExitStatus.regression)
    case .undecided: throw ExitCode(ExitStatus.undecided)
    }
  }
}
