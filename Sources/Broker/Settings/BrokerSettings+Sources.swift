import Wording

// Where settings are read from: a configuration file, the environment, `name=value` flags.

extension BrokerSettings {
  /// Reads a configuration file's text (`PropertiesText`); `path` is for messages. A name that
  /// comes twice has its last value. After a throw the lines before the bad one have been applied.
  package mutating func readFile(text: String, path: String) throws(SettingsError) {
    let properties: [PropertiesText.Property]
    do {
      properties = try PropertiesText.parse(text)
    } catch {
      throw SettingsError(.file(path: path, line: error.line), error.reason)
    }
    for property in properties {
      try set(
        property.name, to: property.value, from: .file(path: path, line: property.line))
    }
  }

  /// Reads the variables that are a setting's; all others are left, also those that begin like one.
  /// After a throw the settings before the bad one in the table have been applied.
  package mutating func readEnvironment(
    _ environment: [String: String]
  ) throws(SettingsError) {
    for setting in Self.table {
      for name in setting.names {
        for variable in Self.variables(of: name) {
          guard let text = environment[variable] else { continue }
          try set(name, to: text, from: .environment(variable))
        }
      }
    }
  }

  /// Variables that no setting has, and that are nearly one's.
  package static func misspelt(
    _ environment: [String: String]
  ) -> [(variable: String, nearest: String)] {
    let known = table.flatMap(\.names).flatMap { variables(of: $0) }
    return environment.keys.filter { $0.hasPrefix("VARVE_") && !known.contains($0) }.sorted()
      .compactMap { variable in
        Spelling.near(variable, in: known).map { (variable, $0) }
      }
  }

  /// Reads `name=value`, as it follows `flag`.
  package mutating func set(
    assignment: String, flag: String = "--set"
  ) throws(SettingsError) {
    guard let equals = assignment.utf8.firstIndex(of: UInt8(ascii: "=")) else {
      throw SettingsError(
        .flag(flag), "found \(SettingsError.quoted(assignment)), expected name=value")
    }
    try set(
      String(assignment[..<equals]), to: String(assignment[assignment.index(after: equals)...]),
      from: .flag(flag))
  }

  /// `VARVE_` and the name in upper case, `.` and `-` as `_`. A name that begins with `varve.` need
  /// not say it twice: VARVE_BACKEND is VARVE_VARVE_BACKEND.
  static func variables(of name: String) -> [String] {
    let upper = name.uppercased().map { $0 == "." || $0 == "-" ? "_" : $0 }
    let whole = "VARVE_" + String(upper)
    return name.hasPrefix("varve.") ? [whole, String(upper)] : [whole]
  }
}
