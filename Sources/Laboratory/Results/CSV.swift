/// RFC 4180: commas, quotes where needed, quotes doubled within them, CR LF between records.
package enum CSV {
  /// One record with its line end; nil is an empty field.
  package static func record(_ fields: [String?]) -> String {
    fields.map { $0.map(quoted) ?? "" }.joined(separator: ",") + "\r\n"
  }

  private static func quoted(_ field: String) -> String {
    // By scalars: a CR LF is one Character and equal to neither.
    let needsQuotes = field.unicodeScalars.contains {
      $0 == "," || $0 == "\"" || $0 == "\r" || $0 == "\n"
    }
    if !needsQuotes { return field }
    var text = "\""
    for scalar in field.unicodeScalars {
      if scalar == "\"" { text += "\"" }
      text.unicodeScalars.append(scalar)
    }
    return text + "\""
  }

  /// The records of a file, header included, each with the line that it begins on. Lines may end in
  /// LF alone. Throws where a quote is left open, or stands within a field.
  package static func records(
    _ text: String
  ) throws(CSVError) -> [(line: Int, fields: [String])] {
    var reader = CSVReader(text)
    var all: [(line: Int, fields: [String])] = []
    while let record = try reader.next() { all.append(record) }
    return all
  }

  /// The whole records of a file that was being written when its writer was killed. A kill tears
  /// only the last record, which is dropped. Throws where a record that is not whole has others
  /// behind it.
  package static func recordsBeforeTear(
    _ text: String
  ) throws(CSVError) -> [(line: Int, fields: [String])] {
    var reader = CSVReader(text)
    var all: [(line: Int, fields: [String])] = []
    while true {
      let rest = reader
      do throws(CSVError) {
        guard let record = try reader.next() else { return all }
        if !reader.hasLineEnd && reader.isAtEnd { return all }
        all.append(record)
      } catch {
        // A record that is torn within quotes reaches the end; so does one with a quote too many,
        // which swallows the records behind it.
        let count = all.first?.fields.count ?? 0
        guard reader.isAtEnd, !rest.hasRecordBehindFirstLine(fields: count) else { throw error }
        return all
      }
    }
  }
}

/// What is wrong with a CSV file, and on which line.
package struct CSVError: Error, Hashable, Sendable {
  package let line: Int
  package let problem: String
}

/// Splits a text into records, scalar by scalar.
private struct CSVReader {
  private let scalars: [Unicode.Scalar]
  private var position = 0
  private var line = 1
  /// True where LF followed the last record.
  private(set) var hasLineEnd = false

  init(_ text: String) { scalars = Array(text.unicodeScalars) }

  var isAtEnd: Bool { position >= scalars.count }

  /// True where a line that follows the one here is a record of so many fields.
  func hasRecordBehindFirstLine(fields count: Int) -> Bool {
    var start = position
    while let end = scalars[start...].firstIndex(of: "\n"), end + 1 < scalars.count {
      start = end + 1
      var reader = self
      reader.position = start
      if let record = try? reader.next(), reader.hasLineEnd, record.fields.count == count {
        return true
      }
    }
    return false
  }

  mutating func next() throws(CSVError) -> (line: Int, fields: [String])? {
    if position >= scalars.count { return nil }
    let first = line
    hasLineEnd = false
    var fields: [String] = []
    while true {
      fields.append(try field())
      guard position < scalars.count else { break }
      let end = scalars[position]
      position += 1
      if end == "," { continue }
      hasLineEnd = end == "\n"
      if end == "\r", position < scalars.count, scalars[position] == "\n" {
        position += 1
        hasLineEnd = true
      }
      line += 1
      break
    }
    return (first, fields)
  }

  /// Up to the comma or line end behind it, which stays.
  private mutating func field() throws(CSVError) -> String {
    guard position < scalars.count, scalars[position] == "\"" else { return try plain() }
    position += 1
    let opened = line
    var text = String.UnicodeScalarView()
    while position < scalars.count {
      let scalar = scalars[position]
      position += 1
      if scalar == "\n" { line += 1 }
      if scalar != "\"" {
        text.append(scalar)
      } else if position < scalars.count, scalars[position] == "\"" {
        text.append(scalar)
        position += 1
      } else {
        guard position == scalars.count || isEnd(scalars[position]) else {
          throw CSVError(line: line, problem: "text follows a closing quote")
        }
        return String(text)
      }
    }
    throw CSVError(line: opened, problem: "a quote is not closed")
  }

  private mutating func plain() throws(CSVError) -> String {
    var text = String.UnicodeScalarView()
    while position < scalars.count, !isEnd(scalars[position]) {
      if scalars[position] == "\"" {
        throw CSVError(line: line, problem: "a quote stands within a field")
      }
      text.append(scalars[position])
      position += 1
    }
    return String(text)
  }

  private func isEnd(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "," || scalar == "\r" || scalar == "\n"
  }
}
