import Foundation

/// Rows for programs: the same as a CSV file and as JSON objects.
package struct ResultTable: Sendable {
  package enum Value: Hashable, Sendable {
    case text(String)
    case count(Int)
    /// Six significant digits in CSV.
    case number(Double)
  }

  /// A column's name and its value in a row; nil is empty in CSV and null in JSON.
  package typealias Row = KeyValuePairs<String, Value?>

  package let columns: [String]
  package let rows: [[Value?]]

  /// All rows have these columns, in this order.
  package init(columns: [String], _ rows: [Row]) {
    self.columns = columns
    self.rows = rows.map { row in
      precondition(row.map(\.key) == columns, "a row has the table's columns")
      return row.map(\.value)
    }
  }

  init<Row>(_ columns: [ResultColumn<Row>], _ rows: [Row]) {
    self.columns = columns.map(\.name)
    self.rows = rows.map { row in columns.map { $0.value(row) } }
  }

  package var csv: [UInt8] {
    let lines = rows.map { row in CSV.record(row.map { $0.map(Self.text) }) }
    return Array((CSV.record(columns) + lines.joined()).utf8)
  }

  package var json: [[String: JSONValue]] {
    rows.map { row in
      Dictionary(uniqueKeysWithValues: zip(columns, row).map { ($0, Self.json($1)) })
    }
  }

  private static func text(_ value: Value) -> String {
    switch value {
    case .text(let text): text
    case .count(let count): "\(count)"
    case .number(let number): String(format: "%.6g", number)
    }
  }

  private static func json(_ value: Value?) -> JSONValue {
    switch value {
    case .text(let text): .text(text)
    case .count(let count): .count(count)
    case .number(let number): number.isFinite ? .number(number) : .null
    case nil: .null
    }
  }
}

/// A column of a table for programs: its name, what it means, and its value in a row.
struct ResultColumn<Row>: Sendable {
  let name: String
  let description: String
  let value: @Sendable (Row) -> ResultTable.Value?

  init(
    _ name: String, _ description: String,
    _ value: @escaping @Sendable (Row) -> ResultTable.Value?
  ) {
    self.name = name
    self.description = description
    self.value = value
  }
}

/// A JSON document for `--json`, whose keys are those of the CSV files.
package indirect enum JSONValue: Encodable, Sendable {
  case null
  case text(String)
  case count(Int)
  case number(Double)
  case flag(Bool)
  case list([JSONValue])
  case object([String: JSONValue])

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .text(let text): try container.encode(text)
    case .count(let count): try container.encode(count)
    case .number(let number): try container.encode(number)
    case .flag(let flag): try container.encode(flag)
    case .list(let values): try container.encode(values)
    case .object(let object): try container.encode(object)
    }
  }

  package static func optional(_ text: String?) -> JSONValue { text.map { .text($0) } ?? .null }

  package static func table(_ table: ResultTable) -> JSONValue {
    .list(table.json.map { .object($0) })
  }

  /// Several lines, keys sorted.
  package var text: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    // Every case can be encoded: numbers that are none are null.
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
  }
}
