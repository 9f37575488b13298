import CrashLaboratory
import Foundation
import LinuxIO
import LogStorage
import Measurements
import Results
import StorageBackends

/// What a suite's backends keep: some histories each, by the program whose speed is measured.
struct Survivals {
  /// For each backend and durability; the same seeds for all of them, so that they go through the same.
  let historyCount: UInt64

  /// The text of `survives.csv`; empty where it was interrupted.
  func find(_ cells: [SurvivalCell]) throws -> String {
    let progress = SharedProgress(total: historyCount * UInt64(cells.count))
    defer { progress.end() }
    var rows: [SurvivalRow] = []
    for (number, cell) in cells.enumerated() {
      guard let backend = Backends.names.firstIndex(of: cell.backend),
        let durability = Durability(rawValue: cell.durability), !Interruption.flag.isRaised
      else { continue }
      let before = number * Int(historyCount)
      let generator = HistoryGenerator(
        ShippedBackends.all.map(CrashBackend.init), chosen: [backend], durabilities: [durability])
      let outcome = try Campaign(
        generator, seeds: 0..<historyCount, jobs: ProcessInfo.processInfo.activeProcessorCount
      ).run { count in
        progress.tell(before + count)
        return !Interruption.flag.isRaised
      }
      if let failure = outcome.failure { warn(failure) }
      rows += SurvivalTable(outcome, firstSeed: 0, seedCount: historyCount).rows
    }
    return Interruption.flag.isRaised ? "" : SurvivalTable(rows: rows).csv
  }

  private func warn(_ failure: Campaign.Failure) {
    let command = HistoryAccount(ShippedBackends.all.map(CrashBackend.init)).command(
      failure.history)
    writeError("a promise is broken (\(failure.violation)); see it with: \(command)")
  }
}
