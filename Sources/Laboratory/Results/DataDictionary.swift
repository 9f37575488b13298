import Suites

/// Every column of every CSV file that a run leaves, as a page in Markdown.
package struct DataDictionary {
  /// One file's columns, in its order.
  package struct File {
    package struct Column {
      package let name: String
      package let unit: String
      package let description: String

      package init(_ name: String, unit: String = "", _ description: String) {
        self.name = name
        self.unit = unit
        self.description = description
      }
    }

    package let name: String
    package let rows: String
    package let columns: [Column]

    package init(_ name: String, rows: String, _ columns: [Column]) {
      self.name = name
      self.rows = rows
      self.columns = columns
    }
  }

  package let files: [File]
  private let vocabulary: SuiteVocabulary

  /// Of the files of this module, and `others`.
  package init(_ vocabulary: SuiteVocabulary, others: [File]) {
    self.vocabulary = vocabulary
    files =
      [
        File(
          RunFiles.trialsName, rows: "One row a trial.",
          TrialColumn.all.map { .init($0.name, unit: $0.unit, $0.description) }),
        File(
          RunFiles.intervalsName, rows: "One row a trial and second.",
          IntervalColumn.all.map { .init($0.name, unit: $0.unit, $0.description) }),
        File(
          SummaryTables.cellsName, rows: "One row a cell, metric and kind of value.",
          CellRow.columns.map { .init($0.name, $0.description) }),
        File(
          SummaryTables.verdictsName, rows: "One row a comparison.",
          VerdictRow.columns.map { .init($0.name, $0.description) }),
      ] + others
  }

  package var markdown: String {
    var lines = [
      "# The data of a run", "",
      "Written by `varve columns`, from the tables that the files are written from. MB and GB are powers of ten,",
      "KiB and MiB powers of two. An empty field is unknown or does not apply; it is never zero.",
      "",
      "## Keys of a suite", "",
      "For `defaults`, `axes`, `with`, `baseline` and `--set`. Where a key does not apply to a trial, its column",
      "is empty.", "", "| key | accepted | unit | column of trials.csv | meaning |",
      "|---|---|---|---|---|",
    ]
    for key in ParameterKey.allCases {
      let parameter = key.parameter
      lines.append(
        "| `\(key.rawValue)` | \(parameter.accepted.description(vocabulary)) | \(parameter.accepted.unit) "
          + "| `\(key.columnName)` | \(parameter.description) |")
    }
    lines += ["", "## Metrics for `headline` and `also`", ""]
    lines += Metric.comparable.map { metric in
      "- `\(metric.rawValue)` (\(metric.definition.unit), \(metric.moreIsBetter ? "more" : "less") is better)"
    }
    for file in files {
      lines += [
        "", "## \(file.name)", "", file.rows, "", "| column | unit | meaning |", "|---|---|---|",
      ]
      lines += file.columns.map { "| `\($0.name)` | \($0.unit) | \($0.description) |" }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
