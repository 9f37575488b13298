import ArgumentParser
import Foundation
import LoadGenerator

/// `varve compare DIR_A DIR_B`
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare two runs, cell by cell, by their deciding metric.",
    discussion: """
      Prints a verdict for each cell that both runs have, and what is different in their environments. \
      Exit status: 0 no cell of the second run is worse, 3 one is.

      Example: varve compare Results/before Results/after
      """)

  @Argument(help: "The folder of the first run: before.")
  var first: String

  @Argument(help: "The folder of the second run: after.")
  var second: String

  func run() throws {
    let (old, new) = (try readRun(first), try readRun(second))
    let comparison: RunComparison
    do { comparison = try RunComparison(old, new) } catch {
      throw CommandFailure.failed("\(error)")
    }
    for line in ComparisonText(comparison, first: first, second: second).lines() { print(line) }
    if comparison.regressions > 0 { throw ExitCode(3) }
  }
}
