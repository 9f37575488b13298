import CLinux
import Glibc
import LinuxIO

/// What the kernel has counted so far, for the process, the machine and the data's block device.
package struct MachineCounters {
  let process: ResourceUsage
  let thread: ResourceUsage
  /// All threads of the process, to the nanosecond; `process` is cut to microseconds.
  package let processSeconds: Double
  package let machineSeconds: Double?
  /// Time that the hypervisor gave to others.
  let machineStealSeconds: Double?
  /// Nil where the file system has no block device of its own.
  let deviceWriteBytes: Int64?

  /// The machine's counter is read first at a trial's start and last at its end, so that a
  /// difference of the machine's never leaves out what the process's has.
  package enum Moment { case start, end }

  package static func now(
    _ moment: Moment, device: BlockDevice?, machine: MachineCPU?
  ) -> MachineCounters {
    let first = moment == .start ? machine?.seconds() : nil
    let steal = stealSeconds()
    let written = device?.writeBytes()
    let (process, thread) = (ResourceUsage.current(.process), ResourceUsage.current(.thread))
    let seconds = ProcessClock.seconds()
    return MachineCounters(
      process: process, thread: thread, processSeconds: seconds,
      machineSeconds: moment == .start ? first : machine?.seconds(), machineStealSeconds: steal,
      deviceWriteBytes: written)
  }

  /// /proc/stat's first line: user nice system idle iowait irq softirq steal guest guest_nice, in
  /// clock ticks.
  private static func stealSeconds() -> Double? {
    guard let line = KernelText.line("/proc/stat") else { return nil }
    let fields = line.split(separator: " ")
    guard fields.first == "cpu" else { return nil }
    let ticks = fields.dropFirst().compactMap { Double($0) }
    guard ticks.count >= 8 else { return nil }
    return ticks[7] / Double(max(sysconf(Int32(_SC_CLK_TCK)), 1))
  }
}

/// The block device below a directory.
package struct BlockDevice: Hashable, Sendable {
  package let major: UInt32
  package let minor: UInt32

  /// Nil where the file system has none (tmpfs, overlay, network).
  package init?(of directory: String) {
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

  /// What the device calls itself; a partition's is its disk's.
  package var model: String? {
    ["device/model", "../device/model"].lazy.compactMap { KernelText.line("\(path)/\($0)") }.first
  }

  /// A setting of its queue; a partition's is its disk's.
  package func queue(_ name: String) -> String? {
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
