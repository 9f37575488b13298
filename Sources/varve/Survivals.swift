import CrashLaboratory
import LinuxIO
import LoadGenerator
import LogStorage

/// What a suite's backends keep: some histories each, by the program whose speed is measured.
enum Survivals {
  /// A second or so for each backend and durability; `varve crash` runs as many as one likes.
  private static let historyCount: UInt64 = 300

  /// The text of `survives.csv`.
  static func find(_ cells: [SurvivalCell]) throws -> String {
    let progress = LineProgress()
    defer { progress.end() }
    var rows: [SurvivalRow] = []
    for (number, cell) in cells.enumerated() {
      progress.tell("what survives: \(number + 1) of \(cells.count) backends and durabilities")
      guard let backend = Backends.names.firstIndex(of: cell.backend),
        let durability = Durability(rawValue: cell.durability), !Interruption.flag.isRaised
      else { continue }
      let generator = HistoryGenerator(
        Backends.onSimulatedDisks, chosen: [backend], durabilities: [durability])
      let outcome = try Campaign(generator, seeds: 0..<historyCount).run { _ in
        !Interruption.flag.isRaised
      }
      if let failure = outcome.failure {
        writeError(
          "\(cell.backend) under \(cell.durability) breaks a promise (\(failure.violation)); see it with "
            + HistoryAccount(Backends.onSimulatedDisks).command(failure.history))
      }
      rows += SurvivalTable(outcome, firstSeed: 0, seedCount: historyCount).rows
    }
    return SurvivalTable(rows: rows).csv
  }
}
