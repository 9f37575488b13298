/// Where a setting's value came from, in rising order of weight.
package enum SettingSource: Hashable, Sendable {
  case defaultValue
  /// A line of a configuration file, counted from 1.
  case file(path: String, line: Int)
  /// The variable's name.
  case environment(String)
  /// The flag as it is written, `--set` or `--listen`.
  case flag(String)

  package var isDefault: Bool { self == .defaultValue }

  /// A value is only replaced by one from a source that weighs as much or more.
  var weight: Int {
    switch self {
    case .defaultValue: 0
    case .file: 1
    case .environment: 2
    case .flag: 3
    }
  }
}

extension SettingSource: CustomStringConvertible {
  package var description: String {
    switch self {
    case .defaultValue: "default"
    case .file(let path, let line): "\(path):\(line)"
    case .environment(let name): name
    case .flag(let name): name
    }
  }
}

/// A setting that was refused: where, which, what was found and what is expected. Nothing of it was
/// applied.
package struct SettingsError: Error, Hashable, Sendable, CustomStringConvertible {
  package let source: SettingSource
  package let reason: String

  init(_ source: SettingSource, _ reason: String) {
    self.source = source
    self.reason = reason
  }

  package var description: String { "\(source): \(reason)" }
}

extension SettingsError {
  static func value(
    _ source: SettingSource, _ name: String, _ text: String, expected: String
  ) -> SettingsError {
    SettingsError(source, "\(name): found \(quoted(text)), expected \(expected)")
  }

  static func unknown(
    _ source: SettingSource, _ name: String, _ text: String, nearest: String?
  ) -> SettingsError {
    let hint = nearest.map { "nearest: '\($0)'" } ?? "varve serve --settings-help lists all"
    return SettingsError(
      source, "unknown setting \(quoted(name)) with the value \(quoted(text)) (\(hint))")
  }

  /// In quotes, cut to what fits a message, control characters replaced.
  static func quoted(_ text: String) -> String {
    let limit = 80
    let shown = text.unicodeScalars.prefix(limit).map { scalar in
      scalar.value < 0x20 || scalar.value == 0x7f ? "\u{fffd}" : Character(scalar)
    }
    return "'\(String(shown))\(text.unicodeScalars.count > limit ? "…" : "")'"
  }
}
