/// Whole numbers, sizes and durations as people write them: in suites, in settings and after
/// options.
package enum Quantity: Sendable {
  /// `4096` or `4_096`.
  case count
  /// `64KiB`, `100kB` or `4096`, in bytes.
  case bytes
  /// `10ms`, `2s` or `10`, in milliseconds.
  case milliseconds

  private static let sizes: [(name: String, factor: Int64)] = [
    ("B", 1), ("kB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000),
    ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
  ]
  private static let durations: [(name: String, factor: Int64)] = [
    ("ms", 1), ("s", 1000), ("min", 60_000),
  ]

  private var units: [(name: String, factor: Int64)] {
    switch self {
    case .count: []
    case .bytes: Self.sizes
    case .milliseconds: Self.durations
    }
  }

  /// The number that `text` says. Throws what was found and what is expected.
  package func value(
    of text: String, in range: ClosedRange<Int64>
  ) throws(ValueProblem) -> Int64 {
    if let value = number(text), range.contains(value) { return value }
    throw ValueProblem("found '\(text)', expected \(expected(range))")
  }

  /// `a whole number from 1 to 4096`, `a size from 1KiB to 1GiB, such as 64KiB (units: …)`.
  package func expected(_ range: ClosedRange<Int64>) -> String {
    let names = units.map(\.name).joined(separator: ", ")
    switch self {
    case .count: return "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .bytes:
      let (low, high) = (Self.text(bytes: range.lowerBound), Self.text(bytes: range.upperBound))
      return "a size from \(low) to \(high), such as 64KiB (units: \(names))"
    case .milliseconds:
      return "a duration from \(range.lowerBound) to \(range.upperBound) ms, such as 10ms "
        + "(units: \(names))"
    }
  }

  /// The shortest of the binary units that says it exactly, or plain bytes.
  package static func text(bytes: Int64) -> String {
    for (unit, size) in sizes.reversed()
    where size > 1 && bytes >= size && bytes % size == 0 && unit.contains("i") {
      return "\(bytes / size)\(unit)"
    }
    return "\(bytes)"
  }

  /// Nil for what is no such number, or does not fit.
  private func number(_ text: String) -> Int64? {
    let digits = text.prefix { ($0.isASCII && $0.isNumber) || $0 == "_" }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    guard digits.first?.isNumber == true, let value = Int64(digits.filter { $0 != "_" }) else {
      return nil
    }
    if unit.isEmpty { return value }
    guard let factor = units.first(where: { $0.name == unit })?.factor else { return nil }
    let (product, overflow) = value.multipliedReportingOverflow(by: factor)
    return overflow ? nil : product
  }
}

/// Why a text is not a value of what it was given for; the caller knows where it stands.
package struct ValueProblem: Error, Hashable, Sendable {
  package let text: String
  package init(_ text: String) { self.text = text }
}
