import CLinux
import Foundation
import LinuxIO
import Suites
import Trials

extension Environment.Network {
  static func probe() -> Self {
    let folder = "/proc/sys/net/ipv4"
    return Self(
      tcpCongestionControl: KernelText.line("\(folder)/tcp_congestion_control"),
      tcpCongestionControls: KernelText.line("\(folder)/tcp_available_congestion_control"),
      tcpSendBuffer: KernelText.line("\(folder)/tcp_wmem"),
      tcpReceiveBuffer: KernelText.line("\(folder)/tcp_rmem"),
      loopbackMTU: KernelText.line("/sys/class/net/lo/mtu"))
  }
}

extension Environment.Machine {
  static func probe() -> Self {
    let cpu = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
    let nodes = (try? LinuxFileIO().list("/sys/devices/system/node")) ?? []
    let nodeCount = nodes.count { $0.name.wholeMatch(of: /node[0-9]+/) != nil }
    let huge = KernelText.line("/sys/kernel/mm/transparent_hugepage/enabled")
    let processors = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    return Self(
      host: KernelText.line("/proc/sys/kernel/hostname"),
      kernel: KernelText.line("/proc/sys/kernel/osrelease"),
      architecture: architecture,
      cpuModel: KernelText.field("model name", in: "/proc/cpuinfo"),
      processors: processors > 0 ? processors : nil,
      cpuGovernor: KernelText.line(cpu),
      clockSource: KernelText.line(
        "/sys/devices/system/clocksource/clocksource0/current_clocksource"),
      numaNodes: nodeCount > 0 ? nodeCount : nil,
      nodes: memoryNodes(),
      memoryBytes: KernelText.bytes("MemTotal", in: "/proc/meminfo"),
      transparentHugePages: huge.map(SysfsChoice.chosen),
      virtualization: virtualization(), hypervisor: hypervisor(),
      cpuTimeSource: MachineCPU.find()?.name)
  }

  private static func memoryNodes() -> [Environment.Node]? {
    guard let memory = NUMANodes.ofThisMachine else { return nil }
    return zip(memory.nodes, memory.distances).map { node, distances in
      Environment.Node(
        number: node.number, processors: "\(node.processors)", memoryBytes: node.memoryBytes,
        distances: distances)
    }
  }

  package static var architecture: String {
    #if arch(x86_64)
      "x86_64"
    #elseif arch(arm64)
      "arm64"
    #else
      "other"
    #endif
  }

  private static func hypervisor() -> String? {
    var name = [CChar](repeating: 0, count: 13)
    guard clinux_hypervisor(&name) == 1 else { return nil }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func virtualization() -> String? {
    var hints: [String] = []
    let flags = KernelText.field("flags", in: "/proc/cpuinfo") ?? ""
    if flags.split(separator: " ").contains("hypervisor") { hints.append("hypervisor") }
    for name in ["sys_vendor", "product_name"] {
      if let text = KernelText.line("/sys/class/dmi/id/\(name)") { hints.append(text) }
    }
    let io = LinuxFileIO()
    if let size = try? io.size(ofFileAt: "/.dockerenv"), size >= 0 { hints.append("container") }
    return hints.isEmpty ? nil : hints.joined(separator: ", ")
  }
}

extension Environment.Storage {
  static func probe(_ directory: String) -> Self {
    var storage = Self(directory: directory)
    storage.freeBytes = FileSystemSpace(of: directory)?.usableBytes
    if let mount = MountPoint.of(directory) {
      storage.fileSystem = mount.type
      storage.mountPoint = mount.path
      storage.mountOptions = mount.options
      storage.source = mount.source
    }
    if let device = BlockDevice(of: directory) {
      storage.blockDevice = "\(device.major):\(device.minor)"
      storage.scheduler = device.queue("scheduler").map(SysfsChoice.chosen)
      storage.isRotational = device.queue("rotational").map { $0 == "1" }
      storage.logicalBlockBytes = device.queue("logical_block_size").flatMap { Int($0) }
      storage.deviceModel = device.model
      storage.writeCache = device.queue("write_cache")
      storage.canForceUnitAccess = device.queue("fua").map { $0 == "1" }
    }
    storage.flushMicroseconds = FlushProbe.times(in: directory)
    storage.writtenBytesPerSecond = FlushProbe.bytesPerSecond(in: directory)
    return storage
  }
}

extension Environment.Limits {
  static func probe() -> Self {
    Self(
      lockedMemory: limit("Max locked memory"), openFiles: limit("Max open files"),
      fileSize: limit("Max file size"), cgroupMemory: cgroupMemory())
  }

  /// Soft limit and unit of a line of /proc/self/limits.
  private static func limit(_ name: String) -> String? {
    guard let text = KernelText.read("/proc/self/limits") else { return nil }
    for line in text.split(separator: "\n") where line.hasPrefix(name) {
      let fields = line.dropFirst(name.count).split(separator: " ")
      if let soft = fields.first { return soft == "unlimited" ? "unlimited" : "\(soft)" }
    }
    return nil
  }

  /// Lines of /proc/self/cgroup are `id:controllers:path`; version 2 has id 0 and no controllers.
  private static func cgroupMemory() -> [String: String] {
    var limits: [String: String] = [:]
    for line in (KernelText.read("/proc/self/cgroup") ?? "").split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let isUnified = parts[1].isEmpty
      if !isUnified && !parts[1].split(separator: ",").contains("memory") { continue }
      let root = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
      let file = isUnified ? "memory.max" : "memory.limit_in_bytes"
      var path = String(parts[2])
      while true {
        let place = "\(root)\(path == "/" ? "" : path)/\(file)"
        if let limit = KernelText.line(place) { limits[place] = limit }
        if path == "/" || path.isEmpty { break }
        path = parentDirectory(of: path)
        if path == "." { break }
      }
    }
    return limits
  }
}

/// sysfs writes a choice as `none [mq-deadline] kyber`.
enum SysfsChoice {
  static func chosen(_ text: String) -> String {
    guard let open = text.firstIndex(of: "["), let end = text.firstIndex(of: "]"), open < end
    else { return text }
    return String(text[text.index(after: open)..<end])
  }
}

/// One line of /proc/self/mountinfo.
package struct MountPoint: Hashable, Sendable {
  package let path: String
  package let type: String
  package let options: String
  package let source: String

  /// The mount that holds `directory`: the one with the longest path, and of those the last.
  static func of(_ directory: String) -> MountPoint? {
    guard let real = realpath(directory, nil) else { return nil }
    defer { free(real) }
    let path = String(cString: real)
    var best: MountPoint?
    for line in (KernelText.read("/proc/self/mountinfo") ?? "").split(separator: "\n") {
      guard let mount = MountPoint(line) else { continue }
      let prefix = mount.path == "/" ? "/" : mount.path + "/"
      guard path == mount.path || path.hasPrefix(prefix) else { continue }
      if mount.path.utf8.count >= best?.path.utf8.count ?? 0 { best = mount }
    }
    return best
  }

  /// `27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard`
  package init?(_ line: Substring) {
    let fields = line.split(separator: " " as Character).map { String($0) }
    guard fields.count >= 9, let dash = fields.firstIndex(of: "-"), dash >= 6,
      fields.count > dash + 3
    else { return nil }
    path = Self.unescaped(fields[4])
    type = fields[dash + 1]
    source = Self.unescaped(fields[dash + 2])
    options = fields[5] + "," + fields[dash + 3]
  }

  /// Spaces and the like are written as three octal digits.
  private static func unescaped(_ text: String) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      if byte == UInt8(ascii: "\\"), digits.count == 3,
        let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
      {
        bytes.append(code)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
