import Foundation
import LinuxIO
import Suites

/// A backend and a durability whose speed a suite measures, and which therefore must say what they
/// keep.
package struct SurvivalCell: Hashable, Sendable {
  package let backend: String
  package let durability: String
}

/// What one backend under one durability was seen to keep of what it had acknowledged: a row of
/// `survives.csv`, which the crash laboratory writes.
package struct SurvivalStatement: Hashable, Sendable, Encodable {
  package let backend: String
  package let durability: String
  package let histories: Int
  package let powerCuts: Int
  package let processKills: Int
  /// The oldest acknowledged record that a power cut took, on the simulated disk's clock.
  package let lostMsMax: Int
  /// What the end of the process takes.
  package let processKill: String
  /// What a power cut takes.
  package let powerCut: String

  /// In a table whose title is "a power cut takes".
  var powerCutTakes: String { powerCut == "nothing lost" ? "nothing" : powerCut }
}

/// `survives.csv` of a run's folder.
package struct Survival: Sendable {
  package static let fileName = "survives.csv"

  package let statements: [SurvivalStatement]

  package init(statements: [SurvivalStatement] = []) { self.statements = statements }

  /// Reads the file; one without statements where there is none. `toResume`: of the file of a run that
  /// was killed, what it holds whole.
  package init(directory: String, toResume: Bool = false) throws(StoredRunError) {
    let path = "\(directory)/\(Self.fileName)"
    guard InputFile.isFolder(path) != nil else {
      self.init()
      return
    }
    let text = String(decoding: try RunRecords.bytes(path), as: UTF8.self)
    try self.init(csv: text, path: path, toResume: toResume)
  }

  /// Reads the file's text; `path` is for what is said of mistakes.
  package init(csv: String, path: String, toResume: Bool = false) throws(StoredRunError) {
    let records = try RunRecords.records(csv, path: path, toResume: toResume)
    guard let header = records.first?.fields ?? (toResume ? [] : nil) else {
      throw StoredRunError(path, "is empty: expected what `varve crash --output` writes")
    }
    var found: [SurvivalStatement] = []
    for record in records.dropFirst() {
      let place = "\(path):\(record.line)"
      let row = Dictionary(zip(header, record.fields)) { first, _ in first }
      found.append(try Self.statement(row, place))
    }
    statements = found
  }

  private static func statement(
    _ row: [String: String], _ place: String
  ) throws(StoredRunError) -> SurvivalStatement {
    func text(_ name: String) throws(StoredRunError) -> String {
      if let text = row[name] { return text }
      throw StoredRunError(place, "has no column \(name)")
    }
    func count(_ name: String) throws(StoredRunError) -> Int {
      let text = try text(name)
      if let count = Int(text), count >= 0 { return count }
      throw StoredRunError(place, "\(name): found '\(text)', expected a count")
    }
    return SurvivalStatement(
      backend: try text("backend"), durability: try text("durability"),
      histories: try count("histories"), powerCuts: try count("power_cuts"),
      processKills: try count("process_kills"), lostMsMax: try count("lost_ms_max"),
      processKill: try text("process_kill"), powerCut: try text("power_cut"))
  }

  /// What is known of the backend and durability that these parameters ask for.
  func statement(of parameters: TrialParameters) -> SurvivalStatement? {
    guard let cell = parameters.survivalCell else { return nil }
    return statements.first { $0.backend == cell.backend && $0.durability == cell.durability }
  }

  /// The table for a page.
  func markdownTable() -> [String] {
    [
      "| backend | durability | process kill | power cut | histories | power cuts | kills | most "
        + "lost, ms |", "| --- | --- | --- | --- | ---: | ---: | ---: | ---: |",
    ]
      + statements.map {
        "| \($0.backend) | \($0.durability) | \($0.processKill) | \($0.powerCut) | "
          + "\($0.histories) | \($0.powerCuts) | \($0.processKills) | \($0.lostMsMax) |"
      }
  }
}

extension TrialParameters {
  /// Nil where the trial appends nothing to a log.
  var survivalCell: SurvivalCell? {
    let appends = [TargetName.log, TargetName.embedded, TargetName.stream].contains(target)
    guard appends, let durability = text(of: .durability), let backend = text(of: .backend) else {
      return nil
    }
    return SurvivalCell(backend: backend, durability: durability)
  }
}

extension SuitePlan {
  /// The backends and durabilities that the plan's trials append with, each once, in order.
  var survivalCells: [SurvivalCell] {
    var seen: Set<SurvivalCell> = []
    return cells.compactMap(\.parameters.survivalCell).filter { seen.insert($0).inserted }
  }
}
