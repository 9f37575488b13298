import ArgumentParser
import Results
import Suites
import Targets

/// `varve report DIR`
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Judge a run again and draw it: verdicts, report.html and plots/*.svg in its folder.",
    discussion: """
      Writes verdicts.csv, cells.csv and, in README.md, the part between its two markers: what stands \
      before and after them stays.

      report.html needs nothing else and opens offline. The drawing is done by the Python program in \
      Scripts/python/report, with the interpreter that Scripts/setup makes; VARVE_PYTHON and \
      VARVE_PLOTTER say where else they are.

      Example: varve report Results/2026-11-29-vm-quick
      """)

  @Argument(help: "The folder of a run.")
  var directory: String

  @Flag(help: "Judge only, and draw nothing.")
  var noPlots = false

  @Flag(help: "Print the result as one JSON document.")
  var json = false

  func validate() throws { try expectText("<directory>", directory, "the folder of a run") }

  func run() throws {
    let run = try readRun(directory)
    do {
      let judgement = try Judgement(run)
      try judgement.write()
      if !noPlots { try Plotter().draw(judgement, of: run) }
      if json { return printLine(judgement.document().text) }
    } catch { throw CommandFailure.failed("\(error)") }
    printLine("\(run.suite.name): \(directory)/\(noPlots ? "README.md" : "report.html")")
  }
}

/// Reads a run's folder; a failure is the command's.
func readRun(_ directory: String) throws -> StoredRun {
  var path = directory
  while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
  let vocabulary = Laboratory.context(flightsPath: "").vocabulary
  do { return try StoredRun(directory: path, vocabulary: vocabulary) } catch {
    throw CommandFailure.failed("\(error)")
  }
}
