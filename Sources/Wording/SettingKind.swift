/// What kind of value a setting has, as Kafka names kinds (KIP-569).
package enum SettingType: Sendable { case boolean, string, int, long, double, list }

/// How a setting's text becomes a value and back, and how an error says what is accepted.
package struct SettingKind<Value>: Sendable {
  package let type: SettingType
  package let expected: String
  /// Nil for what is not accepted.
  package let parse: @Sendable (String) -> Value?
  /// What `parse` makes the same value of.
  package let text: @Sendable (Value) -> String

  package init(
    _ type: SettingType, expected: String, parse: @escaping @Sendable (String) -> Value?,
    text: @escaping @Sendable (Value) -> String
  ) {
    self.type = type
    self.expected = expected
    self.parse = parse
    self.text = text
  }
}

extension SettingKind where Value: FixedWidthInteger & Sendable {
  package static func number(_ range: ClosedRange<Value>) -> SettingKind {
    SettingKind(
      range.upperBound <= Int32.max ? .int : .long,
      expected: "a whole number from \(range.lowerBound) to \(range.upperBound)",
      parse: { text in Value(text).flatMap { range.contains($0) ? $0 : nil } },
      text: { "\($0)" })
  }
}

extension SettingKind {
  /// A number, or -1 for none.
  package static func numberOrNone<Number: FixedWidthInteger & Sendable>(
    _ range: ClosedRange<Number>
  ) -> SettingKind where Value == Number? {
    let number = SettingKind<Number>.number(range)
    return SettingKind(
      number.type, expected: "-1 or \(number.expected)",
      parse: { text in text == "-1" ? .some(nil) : number.parse(text).map { .some($0) } },
      text: { $0.map(number.text) ?? "-1" })
  }

  /// One of an enumeration's words. `note` says why there are no others.
  package static func word(_ type: SettingType = .string, note: String? = nil) -> SettingKind
  where Value: RawRepresentable & CaseIterable & Sendable, Value.RawValue == String {
    SettingKind(
      type,
      expected: Value.allCases.map(\.rawValue).joined(separator: ", ")
        + (note.map { " (\($0))" } ?? ""),
      parse: { Value(rawValue: $0) }, text: { $0.rawValue })
  }

  /// One of an enumeration's words, or another word that stands for none of them.
  package static func wordOrNone<Word: RawRepresentable & CaseIterable & Sendable>(
    _ none: String
  ) -> SettingKind where Value == Word?, Word.RawValue == String {
    SettingKind(
      .string, expected: ([none] + Word.allCases.map(\.rawValue)).joined(separator: ", "),
      parse: { text in text == none ? .some(nil) : Word(rawValue: text).map { .some($0) } },
      text: { $0?.rawValue ?? none })
  }
}

extension SettingKind<Bool> {
  package static let flag = SettingKind(
    .boolean, expected: "true or false",
    parse: { text in
      switch text.lowercased() {
      case "true": true
      case "false": false
      default: nil
      }
    }, text: { "\($0)" })
}

extension SettingKind<String> {
  package static func oneOf(_ accepted: [String]) -> SettingKind {
    SettingKind(
      .string, expected: accepted.joined(separator: ", "),
      parse: { accepted.contains($0) ? $0 : nil }, text: { $0 })
  }

  /// Any text but none; `expected` is what it names.
  package static func name(_ expected: String) -> SettingKind {
    SettingKind(.string, expected: expected, parse: { $0.isEmpty ? nil : $0 }, text: { $0 })
  }
}

/// Another name for a setting, perhaps in a larger unit.
package struct SettingAlias: Sendable {
  package let name: String
  /// How many of the setting's own units are one of the alias's.
  private let factor: Int64
  /// What the alias counts, where that is not what the setting counts.
  private let unit: String?

  package init(_ name: String) {
    self.name = name
    (factor, unit) = (1, nil)
  }

  private init(_ name: String, _ factor: Int64, _ unit: String) {
    self.name = name
    (self.factor, self.unit) = (factor, unit)
  }

  package static func minutes(_ name: String) -> SettingAlias {
    SettingAlias(name, 60_000, "minutes")
  }

  package static func hours(_ name: String) -> SettingAlias {
    SettingAlias(name, 3_600_000, "hours")
  }

  /// The setting's text for a text of the alias; nil where that is no number of its unit.
  package func text(_ given: String) -> String? {
    if factor == 1 { return given }
    guard let number = Int64(given) else { return nil }
    if number < 0 { return given }
    let (product, overflow) = number.multipliedReportingOverflow(by: factor)
    return overflow ? nil : "\(product)"
  }

  /// What an error says is accepted.
  package func expected(_ ofSetting: String) -> String {
    unit.map { "a number of \($0); in milliseconds \(ofSetting)" } ?? ofSetting
  }
}
