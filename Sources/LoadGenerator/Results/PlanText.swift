import Foundation
import LogStorage

/// What a suite would do, for `--dry-run`.
struct PlanText {
  let suite: Suite
  let plan: SuitePlan
  /// `--repeats` asks for so many blocks, whatever they find and take.
  var isFixed = false

  /// Crash histories that run first.
  var historyCount = 0
  /// The disk that the time is estimated for.
  var disk = DiskSpeed.reference

  /// What a disk does, as far as it decides how long a suite takes.
  struct DiskSpeed {
    /// Written and synced.
    var bytesPerSecond: Double
    var secondsPerSync: Double

    /// Of a small virtual machine: for `--dry-run`, which touches no disk.
    static let reference = DiskSpeed(bytesPerSecond: 2e9, secondsPerSync: 0.0003)

    /// The measured one; the reference's numbers where something could not be measured.
    init(_ storage: Environment.Storage) {
      bytesPerSecond = storage.writtenBytesPerSecond ?? Self.reference.bytesPerSecond
      secondsPerSync =
        storage.flushMicroseconds.map { $0.median / 1e6 } ?? Self.reference.secondsPerSync
    }

    private init(bytesPerSecond: Double, secondsPerSync: Double) {
      self.bytesPerSecond = bytesPerSecond
      self.secondsPerSync = secondsPerSync
    }

    var text: String {
      String(
        format: "a disk of %.1f GB/s with syncs of %.2f ms", bytesPerSecond / 1e9,
        secondsPerSync * 1000)
    }
  }

  /// To start its process, drain the disk, and delete what it wrote.
  private static let secondsPerTrial = 0.3
  private static let historiesPerSecond = 300.0
  /// Connections, the generator's own ceiling, and looking for every acknowledged record.
  private static let secondsPerLoad = 0.3
  /// To make, prefill, open and delete a log.
  private static let secondsPerPartition = 0.0025
  /// Writes past the page cache, and small ones, are slower than the disk's probe.
  private static let writtenFactor = 1.2
  private static let memoryBytesPerSecond = 1.5e9

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
      + " on \(disk.text)" + growth
  }

  /// Of all blocks, or of those that `time_max` leaves time for.
  private func seconds() -> Double {
    let probes = Double(suite.search?.probesExpected ?? 1)
    func sum(_ trials: some Sequence<SuitePlan.Trial>) -> Double {
      trials.reduce(0.0) { $0 + seconds(of: plan.cells[$1.cell]) * probes }
    }
    let histories =
      Double(historyCount * plan.survivalCells.count) / Self.historiesPerSecond
    let all = sum(plan.trials) + histories
    guard let most = suite.millisecondsMax, !isFixed else { return all }
    let least = sum(plan.trials.lazy.filter { $0.block <= suite.repeats })
    return min(all, max(least, Double(most) / 1000))
  }

  private static func size(_ bytes: Int64) -> String {
    String(format: "%.1f MB", Double(bytes) / 1e6)
  }

  /// Of one trial, its preparation included.
  func seconds(of cell: SuitePlan.Cell) -> Double {
    let parameters = cell.parameters
    func written(_ bytes: Double) -> Double {
      bytes * Self.writtenFactor / disk.bytesPerSecond
    }
    func copied(_ bytes: Double) -> Double { bytes / Self.memoryBytesPerSecond }
    let overhead =
      Self.secondsPerTrial + (parameters.isLoaded ? Self.secondsPerLoad : 0)
      + Double(parameters.partitions) * Self.secondsPerPartition
    let planned = Double(parameters.plannedBytes)
    if parameters.isTransfer && parameters.reading == .whole {
      // The log is written, warmed and read, and then sent.
      let log = Double(parameters.sentLogBytes)
      return written(log) + copied(2 * log + planned / 4) + overhead
    }
    let prefill = Double(parameters.prefillBytes)
    let before = written(prefill) + copied(2 * prefill) + overhead
    if let seconds = parameters.plannedSeconds { return before + seconds + written(planned) }
    let flushed = Double(parameters.plannedBatches)
    let syncs =
      switch parameters.durability {
      case .none, .interval: 1.0
      case .batch: flushed
      case .group: flushed / Double(parameters.partitions)
      }
    // The memory is warmed by as many bytes; under a load the producers make them and consumers read.
    return before + written(planned) + copied(planned * (parameters.isLoaded ? 3 : 1))
      + syncs * disk.secondsPerSync
  }
}
