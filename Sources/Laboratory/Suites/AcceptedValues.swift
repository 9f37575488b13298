import LinuxIO
import LogStorage
import Wording

/// What a suite may write for a key.
package enum AcceptedValues: Sendable {
  /// One of these words; `summary` stands for them where there may be more tomorrow.
  case words(@Sendable (SuiteVocabulary) -> [String], summary: String? = nil)
  case count(ClosedRange<Int64>)
  /// A size, such as 64KiB.
  case bytes(ClosedRange<Int64>)
  /// A duration, such as 10ms.
  case milliseconds(ClosedRange<Int64>)
  case flag
  /// A word of a form that `isWellFormed` knows. `problem` follows the rejected word in an error.
  case form(String, problem: String, isWellFormed: @Sendable (String) -> Bool)

  func value(
    of text: String, for key: ParameterKey, _ vocabulary: SuiteVocabulary
  ) throws(ValueProblem) -> Setting.Value {
    switch self {
    case .words(let words, _):
      return try .name(Self.choice(key, text, words(vocabulary)))
    case .count(let range): return try .number(Quantity.count.value(of: text, in: range))
    case .bytes(let range): return try .number(Quantity.bytes.value(of: text, in: range))
    case .milliseconds(let range):
      return try .number(Quantity.milliseconds.value(of: text, in: range))
    case .flag: return try .flag(Self.choice(key, text, ["true", "false"]) == "true")
    case .form(_, let problem, let isWellFormed):
      if isWellFormed(text) { return .name(text) }
      throw ValueProblem("'\(text)' \(problem)")
    }
  }

  /// For the data dictionary: `none, interval, batch, group`, `1 to 4096`.
  package func description(_ vocabulary: SuiteVocabulary) -> String {
    switch self {
    case .words(let words, let summary):
      summary ?? words(vocabulary).joined(separator: ", ")
    case .count(let range), .milliseconds(let range):
      "\(range.lowerBound) to \(range.upperBound)"
    case .bytes(let range):
      "\(Quantity.text(bytes: range.lowerBound)) to \(Quantity.text(bytes: range.upperBound))"
    case .flag: "true, false"
    case .form(let form, _, _): form
    }
  }

  package var unit: String {
    switch self {
    case .bytes: "bytes"
    case .milliseconds: "ms"
    case .words, .count, .flag, .form: ""
    }
  }

  private static func choice(
    _ key: ParameterKey, _ text: String, _ accepted: [String]
  ) throws(ValueProblem) -> String {
    if accepted.contains(text) { return text }
    throw ValueProblem(Spelling.unknown(key.rawValue, text, accepted: accepted))
  }
}

extension AcceptedValues {
  /// All cases of an enum.
  static func cases<Value: RawRepresentable & CaseIterable & Sendable>(_ type: Value.Type)
    -> AcceptedValues
  where Value.RawValue == String { .words { _ in Value.allCases.map(\.rawValue) } }

  /// CPUs or a NUMA node; the trial asks the machine whether it has them.
  static let place = AcceptedValues.form(
    "any, cpu:0, cpu:0-1,3 or node:0",
    problem: "is not a place; write any, cpu:0, cpu:0-1,3 or node:0",
    isWellFormed: { Placement.isWellFormed($0) })

  /// The kernel knows which algorithms it has; this only keeps them names.
  static let congestion = AcceptedValues.form(
    "system, or a name of the kernel's, such as cubic",
    problem: "is not a name of TCP's congestion control, such as cubic",
    isWellFormed: { text in
      text.count <= 15
        && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    })

  static let variant = AcceptedValues.form(
    "up to 24 letters, digits and -",
    problem: "is not a variant's name: up to 24 letters, digits and -",
    isWellFormed: { text in
      text.count <= 24
        && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
    })
}
