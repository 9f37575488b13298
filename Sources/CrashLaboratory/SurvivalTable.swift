import LogStorage

/// What histories found that each backend and durability keeps: as a table to read, and as CSV.
package struct SurvivalTable: Sendable {
  /// The columns of `survives.csv`, each with what it means.
  package static let columns: [(name: String, description: String)] = [
    ("backend", "The storage backend."),
    ("durability", "What a batch waited for before it was acknowledged."),
    ("first_seed", "The first history's seed."),
    ("last_seed", "The last history's seed."),
    ("histories", "Histories that ran."),
    ("power_cuts", "Power cuts in them."),
    ("process_kills", "Ends of the process in them."),
    ("clean_stops", "Clean stops in them."),
    ("recovery_cuts", "Power cuts and kills during a recovery."),
    ("acknowledged_records", "Records that the log acknowledged."),
    ("lossy_cuts", "Power cuts that took an acknowledged record."),
    ("lost_records", "Acknowledged records that power cuts took."),
    ("lost_records_max", "The most that one power cut took."),
    ("lost_bytes_max", "The most bytes that one power cut took."),
    (
      "lost_ms_max",
      "Age of the oldest acknowledged record that a power cut took, on the simulated clock."
    ),
    ("violations", "Histories that broke a promise."),
    ("process_kill", "What the end of the process takes."),
    ("power_cut", "What a power cut takes."),
  ]

  package let rows: [SurvivalRow]

  package init(rows: [SurvivalRow]) { self.rows = rows }

  package init(_ outcome: Campaign.Outcome, firstSeed: UInt64, seedCount: UInt64) {
    let order = Durability.allCases
    rows = outcome.tallies.map { cell, tally in
      SurvivalRow(
        cell: cell, tally: tally, firstSeed: firstSeed, lastSeed: firstSeed + (seedCount - 1),
        brokenSeed: tally.violations > 0 ? outcome.failure?.history.seed : nil)
    }.sorted { one, other in
      let place = { (row: SurvivalRow) in order.firstIndex(of: row.cell.durability) ?? 0 }
      return (one.cell.backend, place(one)) < (other.cell.backend, place(other))
    }
  }

  /// RFC 4180. No field needs quotes: names are words, statements have no commas.
  package var csv: String {
    ([Self.columns.map(\.name)] + rows.map(\.fields)).map { $0.joined(separator: ",") + "\r\n" }
      .joined()
  }

  package var text: String {
    let header = ["backend", "durability", "histories", "cuts", "kills", "survives"]
    let lines =
      [header]
      + rows.map { row in
        [
          row.cell.backend, row.cell.durability.rawValue, "\(row.tally.histories)",
          "\(row.tally.powerCuts)", "\(row.tally.kills)", row.statement,
        ]
      }
    let widths = header.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { line in
      line.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - line[column].count)
        // Counts to the right, words to the left.
        return (2...4).contains(column) ? padding + line[column] : line[column] + padding
      }.joined(separator: "  ").trimmingTrailingSpaces
    }.joined(separator: "\n")
  }
}

/// What one backend under one durability was seen to keep.
package struct SurvivalRow: Hashable, Sendable {
  package let cell: Campaign.Cell
  package let tally: HistoryTally
  package let firstSeed: UInt64
  package let lastSeed: UInt64
  /// The lowest seed whose history broke a promise; nil where all held.
  package let brokenSeed: UInt64?

  private var broken: String? {
    if tally.violations == 0 { return nil }
    return "a promise is broken" + (brokenSeed.map { " at seed \($0)" } ?? "")
  }

  /// What the end of the process takes of what was acknowledged.
  package var processKill: String {
    if let broken { return broken }
    return tally.kills > 0 ? "nothing lost" : "not tried"
  }

  /// What a power cut takes of what was acknowledged.
  package var powerCut: String {
    if let broken { return broken }
    if tally.powerCuts == 0 { return "not tried" }
    switch cell.durability {
    case .batch, .group: return "nothing lost"
    case .interval: return "flush.ms + a tick + a flush"
    case .none: return "any suffix"
    }
  }

  /// How old the oldest acknowledged record was that a power cut took, rounded up.
  package var lostMilliseconds: Int { Int((tally.lostNanosecondsMax + 999_999) / 1_000_000) }

  /// Both in one line.
  package var statement: String {
    let seen = lostMilliseconds > 0 ? " (\(lostMilliseconds) ms seen)" : ""
    return "process kill: \(processKill); power cut: \(powerCut)\(seen)"
  }

  package var fields: [String] {
    let counts: [Int] = [
      tally.histories, tally.powerCuts, tally.kills, tally.cleanStops, tally.recoveryCuts,
      tally.acknowledgedRecords, tally.lossyCuts, tally.lostRecords, tally.lostRecordsMax,
      tally.lostBytesMax, lostMilliseconds, tally.violations,
    ]
    return [cell.backend, cell.durability.rawValue, "\(firstSeed)", "\(lastSeed)"]
      + counts.map { "\($0)" } + [processKill, powerCut]
  }
}

extension String {
  fileprivate var trimmingTrailingSpaces: String {
    var text = Substring(self)
    while text.hasSuffix(" ") { text.removeLast() }
    return String(text)
  }
}
