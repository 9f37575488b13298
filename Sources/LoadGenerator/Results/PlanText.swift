import Foundation
import LogStorage

/// What a suite would do, for `--dry-run`.
struct PlanText {
  let suite: Suite
  let plan: SuitePlan

  // Rates that a plain machine reaches: good enough to tell a minute from an hour.
  private static let bytesPerSecond = 1e9
  private static let secondsPerSync = 0.001
  private static let secondsPerTrial = 0.2

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
    let measured = plan.trials.count { $0.block > 0 }
    let bytes = plan.trials.reduce(0.0) {
      $0 + Double(plan.cells[$1.cell].parameters.writtenBytes ?? .max)
    }
    let probes = Double(suite.search?.probesExpected ?? 1)
    let time = plan.trials.reduce(0.0) {
      $0 + Self.seconds(plan.cells[$1.cell].parameters) * probes
    }
    if let most = suite.repeatsMax, plan.trials.last?.block == most {
      lines.append(
        "at least \(suite.repeats) blocks, and more until a difference of \(suite.detectPercent) % would "
          + "be found"
          + (suite.millisecondsMax.map {
            ", none begun after \(Progress.duration(Double($0) / 1000))"
          } ?? ""))
    }
    lines.append(
      "\(plan.cells.count) cells, \(plan.trials.count) trials (\(measured) measured), "
        + String(format: "%.1f GB written, about ", bytes / 1e9) + Progress.duration(time)
        + " on a disk of 1 GB/s with syncs of 1 ms")
    return lines
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
    if let seconds = parameters.plannedSeconds {
      let written = Double(parameters.prefillBytes) * 2 + Double(parameters.plannedBytes)
      return seconds + written / bytesPerSecond + secondsPerTrial
    }
    let prefill = Double(parameters.prefillBytes)
    let bytes = prefill + Double(parameters.plannedBytes) * 3
    let flushed = Double(parameters.plannedBatches)
    let syncs =
      switch parameters.durability {
      case .none, .interval: 1.0
      case .batch: flushed
      case .group: flushed / Double(parameters.partitions)
      }
    return bytes / bytesPerSecond + syncs * secondsPerSync + secondsPerTrial
  }
}
