import Foundation
import LogStorage

/// What a suite would do, for `--dry-run`.
struct PlanText {
  let suite: Suite
  let plan: SuitePlan
  /// `--repeats` asks for so many blocks, whatever they find and take.
  var isFixed = false

  // What trials took on a small virtual machine with a fast disk. Another disk takes longer.
  private static let bytesPerSecond = 2e9
  private static let secondsPerSync = 0.0003
  private static let secondsPerTrial = 0.12
  /// Connections, the generator's own ceiling, and looking for every acknowledged record.
  private static let secondsPerLoad = 0.3
  /// To make, prefill, open and delete a log.
  private static let secondsPerPartition = 0.0025
  /// What is written before a trial goes to the disk, and warms and cools caches on the way.
  private static let prefillFactor = 4.0

  func lines() -> [String] {
    var lines = ["suite: \(suite.name)"]
    if !suite.question.isEmpty { lines.append("question: \(suite.question)") }
    lines.append("cells:")
    for cell in plan.cells {
      let size = Self.size(cell.parameters.plannedBytes)
      var line = "  \(SuitePlan.name(ofCell: cell.number))  \(cell.label)  \(size)"
      if let baseline = cell.baseline {
        line += ", against \(SuitePlan.name(ofCell: baseline))"
      }
      if let reference = cell.reference {
        line += ", beside system calls in \(SuitePlan.name(ofCell: reference))"
      }
      lines.append(line)
    }
    return lines + [estimate()]
  }

  /// `36 cells, 288 trials (252 measured), 158.5 GB written, about 11 min 02 s on …`
  func estimate() -> String {
    let measured = plan.trials.count { $0.block > 0 }
    let bytes = plan.trials.reduce(0.0) {
      $0 + Double(plan.cells[$1.cell].parameters.writtenBytes ?? .max)
    }
    let growth =
      suite.repeatsMax != nil && !isFixed
      ? "; at least \(suite.repeats) blocks, and more until a difference of \(suite.detectPercent) % would be found"
      : ""
    return "\(plan.cells.count) cells, \(plan.trials.count) trials (\(measured) measured), "
      + String(format: "%.1f GB written, about ", bytes / 1e9) + Progress.duration(seconds())
      + " on a disk of 2 GB/s with syncs of 0.3 ms" + growth
  }

  /// Of all blocks, or of those that `time_max` leaves time for.
  private func seconds() -> Double {
    let probes = Double(suite.search?.probesExpected ?? 1)
    func sum(_ trials: some Sequence<SuitePlan.Trial>) -> Double {
      trials.reduce(0.0) { $0 + Self.seconds(plan.cells[$1.cell].parameters) * probes }
    }
    let all = sum(plan.trials)
    guard let most = suite.millisecondsMax, !isFixed else { return all }
    let least = sum(plan.trials.lazy.filter { $0.block <= suite.repeats })
    return min(all, max(least, Double(most) / 1000))
  }

  private static func size(_ bytes: Int64) -> String {
    String(format: "%.1f MB", Double(bytes) / 1e6)
  }

  /// The run, the warming and the final sync move the same bytes.
  private static func seconds(_ parameters: TrialParameters) -> Double {
    if parameters.isTransfer && parameters.reading == .whole {
      // The log is written, synced and read, and then sent.
      let moved = Double(parameters.sentLogBytes) * 3 + Double(parameters.plannedBytes) / 2
      return moved / bytesPerSecond + secondsPerTrial
    }
    let overhead =
      secondsPerTrial + (parameters.isLoaded ? secondsPerLoad : 0)
      + Double(parameters.partitions) * secondsPerPartition
    let prefill = Double(parameters.prefillBytes) * prefillFactor
    let planned = Double(parameters.plannedBytes)
    if let seconds = parameters.plannedSeconds {
      return seconds + (prefill + planned) / bytesPerSecond + overhead
    }
    let flushed = Double(parameters.plannedBatches)
    let syncs =
      switch parameters.durability {
      case .none, .interval: 1.0
      case .batch: flushed
      case .group: flushed / Double(parameters.partitions)
      }
    // Under a load the producers are slower than one loop.
    let moved = prefill + planned * (parameters.isLoaded ? 5 : 3)
    return moved / bytesPerSecond + syncs * secondsPerSync + overhead
  }
}
