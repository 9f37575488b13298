import Foundation

extension Environment {
  /// What would make a comparison with `other` one of machines instead of what was measured: each
  /// as `machine.kernel: 6.1, 6.18`. Programs are what is compared, so only how they were built
  /// counts.
  func differences(from other: Environment) -> [String] {
    let parts: [(String, any Encodable, any Encodable, Set<String>)] = [
      ("machine", machine, other.machine, Self.ofMachines),
      ("storage", storage, other.storage, Self.ofStorage),
      ("limits", limits, other.limits, ["cgroupMemory"]),
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
