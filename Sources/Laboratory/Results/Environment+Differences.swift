import Foundation
import LinuxIO

extension Environment {
  /// Why trials that run in `now` are not of the run that began in this one: each with both values.
  func reasonsNotToContinue(as now: Environment) -> [String] {
    var reasons: [String] = []
    func compare<Value: Equatable>(_ what: String, _ part: (Environment) -> Value?) {
      let (then, here) = (part(self), part(now))
      if then == here { return }
      func text(_ value: Value?) -> String { value.map { "\($0)" } ?? "none" }
      reasons.append("\(what): \(text(then)), \(text(here))")
    }
    if suite.text != now.suite.text {
      let lines = [self, now].map { TextLines.of(Array($0.suite.text.utf8)) }
      let index = zip(lines[0], lines[1]).enumerated().first { $1.0 != $1.1 }?.offset
      let line = index ?? lines.map(\.count).min() ?? 0
      let words = lines.map { line < $0.count ? "'\($0[line].trimmed)'" : "nothing" }
      reasons.append("line \(line + 1) of the suite: \(words[0]), \(words[1])")
    }
    compare("--set") {
      $0.suite.overrides.isEmpty ? nil : $0.suite.overrides.joined(separator: " ")
    }
    compare("the number of repeats") { $0.suite.repeats }
    compare("the program's commit") { $0.program.commit }
    compare("local changes in the program's worktree") { $0.program.hasLocalChanges }
    compare("the commit compared with (--against)") { $0.base?.commit }
    compare("the executable compared with (--against)") { $0.base?.commandLine.first }
    compare("--fail-above") { $0.suite.failAbove }
    return reasons + differences(from: now)
  }

  /// What would make a comparison with `other` one of machines instead of what was measured: each
  /// as `machine.kernel: 6.1, 6.18`. Programs are what is compared, so only how they were built
  /// counts.
  func differences(from other: Environment) -> [String] {
    let parts: [(String, any Encodable, any Encodable, Set<String>)] = [
      ("machine", machine, other.machine, Self.ofMachines),
      ("storage", storage, other.storage, Self.ofStorage),
      ("network", network, other.network, Self.ofNetworks),
      ("program", program, other.program, ["swift", "build"]),
    ]
    var all: [String] = []
    for (name, mine, theirs, telling) in parts {
      let (here, there) = (Self.fields(mine), Self.fields(theirs))
      for key in telling.sorted() {
        let (old, new) = (here[key] ?? "unknown", there[key] ?? "unknown")
        let isRecordedByBoth = here[key] != nil && there[key] != nil
        if Self.recordedLater.contains(key) && !isRecordedByBoth { continue }
        if old != new { all.append("\(name).\(key): \(old), \(new)") }
      }
    }
    // The groups' names differ from login to login, and only the narrowest limit holds.
    let (mine, theirs) = (limits.memoryBytes, other.limits.memoryBytes)
    if mine != theirs {
      func text(_ bytes: Int64?) -> String { bytes.map { "\($0) bytes" } ?? "none" }
      all.append("limits.cgroupMemory: \(text(mine)), \(text(theirs))")
    }
    return all
  }

  // Names of hosts, folders and devices say nothing, and neither does free memory or the memory of
  // a virtual machine, which grows and shrinks as it runs.
  private static let ofMachines: Set<String> = [
    "kernel", "architecture", "cpuModel", "processors", "cpuGovernor", "clockSource", "numaNodes",
    "transparentHugePages", "virtualization", "hypervisor", "cpuTimeSource",
  ]
  private static let ofStorage: Set<String> = [
    "fileSystem", "mountOptions", "scheduler", "isRotational", "logicalBlockBytes",
    "deviceModel", "writeCache", "canForceUnitAccess",
  ]
  /// Earlier versions did not record these, so a missing one is no difference.
  private static let recordedLater: Set<String> = [
    "hypervisor", "deviceModel", "writeCache", "canForceUnitAccess",
  ]
  private static let ofNetworks: Set<String> = [
    "tcpCongestionControl", "tcpSendBuffer", "tcpReceiveBuffer", "loopbackMTU",
  ]

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
