import Foundation
import LogStorage
import Suites

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
  /// To make, prefill, open and delete a log: small files, each made durable.
  private static let syncsPerPartition = 16.0
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

  /// `36 cells, 288 trials (252 measured), 158.5 GB written, about 11 min 02 s on a disk of …`
  func estimate() -> String {
    let measured = plan.trials.count { $0.block > 0 }
    let bytes = plan.trials.reduce(0.0) {
      $0 + Double(plan.cells[$1.cell].parameters.writtenBytes ?? .max)
    }
    return "\(plan.cells.count) cells, \(plan.trials.count) trials (\(measured) measured), "
      + String(format: "%.1f GB written, about ", bytes / 1e9) + time() + " on \(disk.text)"
  }

  /// `7 min 02 s`. Where the suite takes more blocks until it knows enough:
  /// `5 min 10 s (5 blocks) to 15 min 00 s (time_max), until a difference of 10 % would be found`.
  private func time() -> String {
    let all = seconds { _ in true }
    guard suite.repeatsMax != nil, !isFixed else { return Progress.duration(all) }
    let least = seconds { $0.block <= suite.repeats }
    let limit = suite.millisecondsMax.map { max(least, Double($0) / 1000) } ?? .infinity
    let end = limit < all ? "time_max" : "\(plan.trials.last?.block ?? suite.repeats) blocks"
    return "\(Progress.duration(least)) (\(suite.repeats) blocks) to "
      + "\(Progress.duration(min(all, limit))) (\(end)), until a difference of "
      + "\(suite.detectPercent) % would be found,"
  }

  /// What the trials take that `isCounted` says, and the histories before them.
  private func seconds(_ isCounted: (SuitePlan.Trial) -> Bool) -> Double {
    let probes = Double(suite.search?.probesExpected ?? 1)
    let histories =
      Double(historyCount * plan.survivalCells.count) / Self.historiesPerSecond
    return plan.trials.lazy.filter(isCounted).reduce(histories) {
      $0 + seconds(of: plan.cells[$1.cell]) * probes
    }
  }

  private static func size(_ bytes: Int64) -> String {
    String(format: "%.1f MB", Double(bytes) / 1e6)
  }

  /// What producers that do not wait for their time append, over all backends.
  private static func closedLoopBytesPerSecond(_ durability: Durability) -> Double {
    switch durability {
    case .none: 0.7e9
    case .interval: 0.25e9
    case .batch, .group: 0.05e9
    }
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
      + Double(parameters.partitions) * Self.syncsPerPartition * disk.secondsPerSync
    let planned = Double(parameters.plannedBytes)
    if parameters.isTransfer && parameters.reading == .whole {
      // The log is written, warmed and read, and then sent.
      let log = Double(parameters.sentLogBytes)
      return written(log) + copied(2 * log + planned / 4) + overhead
    }
    let prefill = Double(parameters.prefillBytes)
    let before = written(prefill) + copied(2 * prefill) + overhead
    if let seconds = parameters.plannedSeconds {
      let appended =
        parameters.isOpenLoop
        ? planned : min(planned, seconds * Self.closedLoopBytesPerSecond(parameters.durability))
      // As much memory is warmed as the fastest backend would need.
      return before + seconds + written(appended) + copied(planned)
    }
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
