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
}
