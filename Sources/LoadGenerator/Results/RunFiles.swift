import Foundation
import LinuxIO

/// The files of a run as it goes: `trials.csv`, `intervals.csv` and `histograms/`, each of them whole
/// after every trial.
struct RunFiles: ~Copyable {
  private let directory: ResultsDirectory
  private var trials: CSVTable
  private var intervals: CSVTable

  static let trialsName = "trials.csv"
  static let intervalsName = "intervals.csv"
  static let histogramsName = "histograms"

  private static let trialHeader = TrialColumn.allCases.map(\.rawValue)

  /// Creates them, or goes on after the trials that `kept` holds, whose files stay.
  init(
    _ directory: ResultsDirectory, continuing kept: [TrialResult]?
  ) throws(SystemCallError) {
    let paths = (
      trials: "\(directory.path)/\(Self.trialsName)",
      intervals: "\(directory.path)/\(Self.intervalsName)"
    )
    try FileTree.create("\(directory.path)/\(Self.histogramsName)")
    let trials: CSVTable
    let intervals: CSVTable
    if let kept {
      let ids = Set(kept.map(\.trial.id))
      trials = try CSVTable(
        continuing: paths.trials, header: Self.trialHeader, rows: kept.map(Self.row))
      intervals = try CSVTable(
        continuing: paths.intervals, header: IntervalColumn.names,
        rows: Self.intervalRows(at: paths.intervals, of: ids))
    } else {
      trials = try CSVTable(path: paths.trials, header: Self.trialHeader)
      intervals = try CSVTable(path: paths.intervals, header: IntervalColumn.names)
    }
    self.directory = directory
    self.trials = trials
    self.intervals = intervals
  }

  /// Adds a trial; durable on return. The row comes last: a trial that has one has the rest.
  mutating func append(_ report: TrialReport) throws(SystemCallError) {
    let id = report.result.trial.id
    if !report.histogramLog.isEmpty {
      try LinuxFileIO().replaceFile(
        at: "\(directory.path)/\(Self.histogramsName)/\(id).hlog",
        with: Array(report.histogramLog.utf8).span.bytes)
    }
    try intervals.append(
      report.intervals.map {
        IntervalColumn.fields($0, suite: report.result.suite, trial: id)
      })
    try trials.append([Self.row(report.result)])
  }

  /// Replaces all rows of `trials.csv`.
  mutating func replace(with results: [TrialResult]) throws(SystemCallError) {
    try trials.replace(with: results.map(Self.row))
  }

  private static func row(_ result: TrialResult) -> [String?] {
    TrialColumn.allCases.map { result.text(of: $0) }
  }

  /// The rows of trials that are kept; of a file that cannot be read, none.
  private static func intervalRows(at path: String, of ids: Set<String>) -> [[String?]] {
    guard let bytes = try? LinuxFileIO().readFile(at: path, bytesMax: 1 << 30),
      let records = try? CSV.records(String(decoding: bytes, as: UTF8.self)),
      records.first?.fields == IntervalColumn.names
    else { return [] }
    return records.dropFirst().compactMap { record in
      let fields = record.fields
      guard fields.count == IntervalColumn.names.count, ids.contains(fields[1]) else { return nil }
      return fields.map { $0.isEmpty ? nil : $0 }
    }
  }
}
