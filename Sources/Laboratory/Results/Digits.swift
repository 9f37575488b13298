import Foundation
import Statistics

/// Numbers as people read them.
enum Digits {
  /// Two significant digits or more, without an exponent; empty of nil.
  static func text(_ value: Double?) -> String {
    guard let value else { return "" }
    let digits = abs(value) >= 100 ? 0 : abs(value) >= 10 ? 1 : abs(value) >= 0.1 ? 2 : 4
    return String(format: "%.\(digits)f", value)
  }

  /// ` [1.20, 1.50]`; empty of nil.
  static func text(_ interval: Interval?) -> String {
    interval.map { " [\(end($0.low)), \(end($0.high))]" } ?? ""
  }

  /// An end of an interval: with more digits where fewer would round it to 1, which verdicts are
  /// about.
  private static func end(_ value: Double) -> String {
    let text = text(value)
    return text == "1.00" && value != 1 ? String(format: "%.4f", value) : text
  }

  /// A bound: four significant digits at most.
  static func limit(_ value: Double) -> String { String(format: "%.4g", value) }

  /// A share in per cent: `99.17 %`.
  static func percent(_ share: Double) -> String {
    let text = String(format: "%.2f", share * 100)
    return (text.hasSuffix(".00") ? String(text.dropLast(3)) : text) + " %"
  }

  /// A p-value.
  static func p(_ value: Double) -> String {
    value < 0.0001 ? "< 0.0001" : String(format: "%.4f", value)
  }
}
