/// Sizes and durations as people write them in suites: a whole number and a unit.
enum Quantity {
  private static let sizes: [(unit: String, bytes: Int64)] = [
    ("B", 1), ("kB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000),
    ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
  ]
  private static let durations: [(unit: String, milliseconds: Int64)] = [
    ("ms", 1), ("s", 1000), ("min", 60_000),
  ]

  /// `64KiB`, `100kB` or `4096`, in bytes.
  static func bytes(_ text: String) throws(ValueProblem) -> Int64 {
    try parse(text, sizes.map { ($0.unit, $0.bytes) }, what: "a size", example: "64KiB")
  }

  /// `10ms`, `2s` or `10`, in milliseconds.
  static func milliseconds(_ text: String) throws(ValueProblem) -> Int64 {
    try parse(
      text, durations.map { ($0.unit, $0.milliseconds) }, what: "a duration", example: "10ms")
  }

  /// `4096` or `4_096`.
  static func count(_ text: String) throws(ValueProblem) -> Int64 {
    try parse(text, [], what: "a count", example: "16")
  }

  /// The shortest of the binary units that says it exactly, or plain bytes.
  static func text(bytes: Int64) -> String {
    for (unit, size) in sizes.reversed()
    where size > 1 && bytes >= size && bytes % size == 0 && unit.contains("i") {
      return "\(bytes / size)\(unit)"
    }
    return "\(bytes)"
  }

  private static func parse(
    _ text: String, _ units: [(String, Int64)], what: String, example: String
  ) throws(ValueProblem) -> Int64 {
    var help = "'\(text)' is not \(what); write a whole number"
    if units.isEmpty {
      help += ", such as \(example)"
    } else {
      help += " and a unit, such as \(example) (units: "
      help += units.map(\.0).joined(separator: ", ") + ")"
    }
    if text.hasPrefix("-") { throw ValueProblem("'\(text)' is negative; write \(what) from 0 up") }
    let digits = text.prefix { ($0.isASCII && $0.isNumber) || $0 == "_" }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    guard digits.first?.isNumber == true else { throw ValueProblem(help) }
    let number = digits.filter { $0 != "_" }
    guard let value = Int64(number) else {
      throw ValueProblem("'\(text)' is too large")
    }
    if unit.isEmpty { return value }
    guard let factor = units.first(where: { $0.0 == unit })?.1 else { throw ValueProblem(help) }
    let (product, overflow) = value.multipliedReportingOverflow(by: factor)
    if overflow { throw ValueProblem("'\(text)' is too large") }
    return product
  }
}
