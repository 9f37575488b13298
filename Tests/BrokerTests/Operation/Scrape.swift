/// A reader of Prometheus' text format, as strict as a scrape: every sample belongs to the family
/// that was begun last, families and samples come once.
struct Scrape {
  struct Malformed: Error { let line: String }

  /// `name{label=value,…}` without quotes or escapes, and the value, in the order of the text.
  private(set) var samples: [(key: String, value: Double)] = []

  init(_ text: String) throws(Malformed) {
    var family = ""
    var kind = ""
    var helped = ""
    var families: Set<String> = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
      let words = line.split(separator: " ", maxSplits: 3)
      if line.hasPrefix("# HELP "), words.count == 4 {
        helped = String(words[2])
      } else if line.hasPrefix("# TYPE "), words.count == 4 {
        (family, kind) = (String(words[2]), String(words[3]))
        guard family == helped, families.insert(family).inserted else {
          throw Malformed(line: String(line))
        }
        guard ["counter", "gauge", "histogram"].contains(kind),
          (kind == "counter") == family.hasSuffix("_total")
        else { throw Malformed(line: String(line)) }
      } else {
        try read(line, family: family, isHistogram: kind == "histogram")
      }
    }
  }

  subscript(key: String) -> Double? { samples.first { $0.key == key }?.value }

  private mutating func read(
    _ line: Substring, family: String, isHistogram: Bool
  ) throws(Malformed) {
    let name = line.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
    let suffixes = isHistogram ? ["_bucket", "_sum", "_count"] : [""]
    var rest = line.dropFirst(name.count)
    guard suffixes.contains(where: { name == family + $0 }) else {
      throw Malformed(line: String(line))
    }
    var key = String(name)
    if rest.first == "{" {
      key += try labels(&rest, line)
    }
    guard rest.first == " ", let value = Double(rest.dropFirst()), self[key] == nil else {
      throw Malformed(line: String(line))
    }
    samples.append((key, value))
  }

  /// `{name="value",…}` off the front.
  private func labels(_ rest: inout Substring, _ line: Substring) throws(Malformed) -> String {
    var text = ""
    var isQuoted = false
    while let character = rest.popFirst() {
      switch character {
      case "\"": isQuoted.toggle()
      case "\\" where isQuoted:
        guard let escaped = rest.popFirst(), "\\\"n".contains(escaped) else {
          throw Malformed(line: String(line))
        }
        text.append(escaped == "n" ? "\n" : escaped)
      default:
        text.append(character)
        if character == "}", !isQuoted { return text }
      }
    }
    throw Malformed(line: String(line))
  }
}
