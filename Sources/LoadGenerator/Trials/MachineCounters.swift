import CLinux
import Glibc
import LinuxIO

/// What the kernel has counted so far, for the process, the machine and the data's block device.
struct MachineCounters {
  let process: ResourceUsage
  let thread: ResourceUsage
  /// Busy time of all processors, kernel threads included; idle, I/O wait and steal are not.
  let machineBusySeconds: Double?
  /// Time that the hypervisor gave to others.
  let machineStealSeconds: Double?
  /// Nil where the file system has no block device of its own.
  let deviceWriteBytes: Int64?

  static func now(device: BlockDevice?) -> MachineCounters {
    let machine = machineSeconds()
    return MachineCounters(
      process: .current(.process), thread: .current(.thread),
      machineBusySeconds: machine?.busy, machineStealSeconds: machine?.steal,
      deviceWriteBytes: device?.writeBytes())
  }

  /// /proc/stat's first line: user nice system idle iowait irq softirq steal guest guest_nice, in
  /// clock ticks; user and nice contain the guests' time.
  private static func machineSeconds() -> (busy: Double, steal: Double)? {
    guard let line = KernelText.line("/proc/stat") else { return nil }
    let fields = line.split(separator: " ")
    guard fields.first == "cpu" else { return nil }
    let ticks = fields.dropFirst().compactMap { Double($0) }
    guard ticks.count >= 8 else { return nil }
    let perSecond = Double(max(sysconf(Int32(_SC_CLK_TCK)), 1))
    let busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]
    return (busy / perSecond, ticks[7] / perSecond)
  }
}

/// The block device below a directory.
struct BlockDevice: Hashable, Sendable {
  let major: UInt32
  let minor: UInt32

  /// Nil where the file system has none (tmpfs, overlay, network).
  init?(of directory: String) {
    var major: UInt32 = 0
    var minor: UInt32 = 0
    guard clinux_device_of(directory, &major, &minor) == 0 else { return nil }
    self.major = major
    self.minor = minor
    if KernelText.line("\(path)/stat") == nil { return nil }
  }

  /// Its folder in sysfs.
  var path: String { "/sys/dev/block/\(major):\(minor)" }

  /// Bytes that it was asked to write since the machine started: sectors of 512 bytes, whatever
  /// the device's own are.
  func writeBytes() -> Int64? {
    guard let line = KernelText.line("\(path)/stat") else { return nil }
    let fields = line.split(separator: " ")
    return fields.count > 6 ? Int64(fields[6]).map { $0 * 512 } : nil
  }

  /// A setting of its queue; a partition's is its disk's.
  func queue(_ name: String) -> String? {
    KernelText.line("\(path)/queue/\(name)") ?? KernelText.line("\(path)/../queue/\(name)")
  }
}

/// The process's memory at its highest.
enum PeakMemory {
  /// Forgets the peak so far; false where the kernel does not let us, and then `mebibytes` says
  /// nothing about the trial alone.
  static func reset() -> Bool { KernelText.write("5", to: "/proc/self/clear_refs") }

  static func mebibytes() -> Double? {
    KernelText.bytes("VmHWM", in: "/proc/self/status").map { Double($0) / 1_048_576 }
  }
}
