import Foundation
import LinuxIO
import Suites
import Trials

/// The files of a run as it goes: `trials.csv`, `intervals.csv` and `histograms/`, each of them
/// whole after every trial.
struct RunFiles: ~Copyable {
  private let directory: ResultsDirectory
  private var trials: CSVTable
  private var intervals: CSVTable

  static let trialsName = "trials.csv"
  static let intervalsName = "intervals.csv"
  static let histogramsName = "histograms"

  private static let intervalHeader = IntervalColumn.all.map(\.name)
  private static let trialHeader = TrialColumn.all.map(\.name)

  /// The trials of a run that goes on, and their rows of `intervals.csv`.
  struct Kept {
    let results: [TrialResult]
    let intervalRows: [[String?]]
  }

  /// Creates them, or goes on after the trials that `kept` holds, whose files stay.
  init(_ directory: ResultsDirectory, continuing kept: Kept?) throws(SystemCallError) {
    let paths = (
      trials: "\(directory.path)/\(Self.trialsName)",
      intervals: "\(directory.path)/\(Self.intervalsName)"
    )
    try FileTree.create("\(directory.path)/\(Self.histogramsName)")
    let trials: CSVTable
    let intervals: CSVTable
    if let kept {
      trials = try CSVTable(
        continuing: paths.trials, header: Self.trialHeader, rows: kept.results.map(Self.row))
      intervals = try CSVTable(
        continuing: paths.intervals, header: Self.intervalHeader, rows: kept.intervalRows)
    } else {
      trials = try CSVTable(path: paths.trials, header: Self.trialHeader)
      intervals = try CSVTable(path: paths.intervals, header: Self.intervalHeader)
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
      report.intervals.map { interval in
        let row = IntervalColumn.Row(interval: interval, suite: report.result.suite, trial: id)
        return IntervalColumn.all.map { $0.text(row) }
      })
    try trials.append([Self.row(report.result)])
  }

  /// Replaces all rows of `trials.csv`.
  mutating func replace(with results: [TrialResult]) throws(SystemCallError) {
    try trials.replace(with: results.map(Self.row))
  }

  private static func row(_ result: TrialResult) -> [String?] {
    TrialColumn.all.map { $0.text(result) }
  }

  /// The rows of `intervals.csv` of the trials with these ids, in today's columns.
  static func intervalRows(
    in directory: String, of ids: Set<String>
  ) throws(StoredRunError) -> [[String?]] {
    let records = try RunRecords.read("\(directory)/\(intervalsName)", toResume: true)
    guard let header = records.first?.fields.map({ TrialColumn.formerNames[$0] ?? $0 }) else {
      return []
    }
    return records.dropFirst().compactMap { record in
      let row = Dictionary(zip(header, record.fields)) { first, _ in first }
      guard let id = row["trial_id"], ids.contains(id) else { return nil }
      return intervalHeader.map { name in row[name].flatMap { $0.isEmpty ? nil : $0 } }
    }
  }
}
