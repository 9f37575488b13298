import ArgumentParser
import CrashLaboratory
import LinuxIO
import Results
import Targets

/// `varve columns`
struct ColumnsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "columns",
    abstract:
      "Print the keys of suites, the metrics, and every column of a run's CSV files, as Markdown.",
    discussion: "Example: varve columns > Bench/COLUMNS.md")

  func run() {
    let survives = DataDictionary.File(
      Survival.fileName, rows: "One row a backend and durability.",
      SurvivalTable.columns.map { .init($0.name, $0.description) })
    let vocabulary = Laboratory.context(flightsPath: "").vocabulary
    StandardStream.output.write(DataDictionary(vocabulary, others: [survives]).markdown)
  }
}
