import Foundation

extension Environment {
  /// What would make a comparison with `other` one of machines, or programs, instead of what was
  /// measured: each as `name: here, there`.
  func differences(from other: Environment) -> [String] {
    let parts: [(String, any Encodable, any Encodable)] = [
      ("machine", machine, other.machine), ("storage", storage, other.storage),
      ("limits", limits, other.limits), ("network", network, other.network),
      ("program", program, other.program),
    ]
    var all: [String] = []
    for (name, mine, theirs) in parts {
      let (here, there) = (Self.fields(mine), Self.fields(theirs))
      for key in Set(here.keys).union(there.keys).sorted() where !Self.passing.contains(key) {
        let (old, new) = (here[key] ?? "unknown", there[key] ?? "unknown")
        if old != new { all.append("\(name).\(key): \(old), \(new)") }
      }
    }
    return all
  }

  /// These differ from run to run and say nothing.
  private static let passing: Set<String> = ["freeBytes", "directory", "commandLine"]

  /// A value's fields as text.
  private static func fields(_ value: any Encodable) -> [String: String] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value),
      let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
    else { return [:] }
    return object.mapValues { value in
      guard value is [String: Any] || value is [Any],
        let text = try? JSONSerialization.data(
          withJSONObject: value, options: [.sortedKeys, .withoutEscapingSlashes])
      else { return "\(value)" }
      return String(decoding: text, as: UTF8.self)
    }
  }
}
