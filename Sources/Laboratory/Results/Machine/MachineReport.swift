import Glibc
import LinuxIO
import LogStorage
import Targets
import Trials

/// What this machine offers to the laboratory, and how to get what it lacks: `varve doctor`.
package struct MachineReport: Sendable {
  /// One thing that a suite may need.
  package struct Finding: Sendable {
    package let group: String
    package let name: String
    /// False where it is missing; nil of a fact that is neither.
    package let isAvailable: Bool?
    /// What was found, or why it is missing.
    package let detail: String
    /// How to get it; nil where `detail` says so, or nothing is to be done.
    package let remedy: String?

    init(
      _ group: String, _ name: String, _ isAvailable: Bool?, _ detail: String,
      remedy: String? = nil
    ) {
      self.group = group
      self.name = name
      self.isAvailable = isAvailable
      self.detail = detail
      self.remedy = remedy
    }
  }

  /// The folder whose file system was looked at.
  package let directory: String
  package let findings: [Finding]

  package var missing: [Finding] { findings.filter { $0.isAvailable == false } }

  /// Looks, and runs a trial of 64 KiB for each backend, preallocation and transfer path in a folder of
  /// its own in `directory`, which it deletes. Takes about a second.
  package init(of directory: String, _ context: LaboratoryContext) throws(SystemCallError) {
    self.directory = directory
    let folder = "\(directory)/varve-doctor-\(getpid())"
    try LinuxFileIO().createDirectory(folder)
    defer { try? FileTree.remove(folder) }
    let trials = MachineTrials(context, folder)
    let storage = Environment.Storage.probe(folder)
    let machine = Environment.Machine.probe()
    findings =
      Self.machine(machine) + Self.storage(storage, folder, machine) + Self.ring()
      + trials.backends() + trials.preallocations() + trials.transfers() + Self.measuring()
      + Self.limits()
  }

  private static func fact(_ group: String, _ name: String, _ value: String?) -> Finding {
    Finding(group, name, nil, value ?? "unknown")
  }

  private static func machine(_ machine: Environment.Machine) -> [Finding] {
    let free = KernelText.bytes("MemAvailable", in: "/proc/meminfo")
    let memory = machine.memoryBytes.map {
      "\(gibibytes($0)) GiB" + (free.map { ", \(gibibytes($0)) GiB available" } ?? "")
    }
    return [
      fact("machine", "kernel", machine.kernel),
      fact(
        "machine", "processors",
        machine.processors.map { "\($0)" + (machine.cpuModel.map { " × \($0)" } ?? "") }),
      fact("machine", "memory", memory),
      fact("machine", "virtualization", machine.virtualization ?? "none seen"),
      Finding(
        "machine", "NUMA", machine.nodes == nil ? false : true,
        machine.nodes.map { "\($0.count) \($0.count == 1 ? "node" : "nodes")" }
          ?? "the kernel has none, so place_* takes processors only"),
    ]
  }

  private static func storage(
    _ storage: Environment.Storage, _ folder: String, _ machine: Environment.Machine
  ) -> [Finding] {
    let kind = [storage.fileSystem, storage.source, storage.deviceModel].compactMap { $0 }
    var findings = [
      fact("storage", "file system", kind.isEmpty ? nil : kind.joined(separator: ", ")),
      fact("storage", "free", storage.freeBytes.map { "\(gibibytes($0)) GiB" }),
      fact("storage", "write cache", storage.writeCache),
      fact(
        "storage", "written and synced",
        storage.writtenBytesPerSecond.map { "\(Digits.text($0 / 1e6)) MB/s" }),
      fact(
        "storage", "fdatasync of 4 KiB",
        storage.flushMicroseconds.map { "\(Digits.text($0.median)) µs" }),
    ]
    let flush = FlushProbe.warning(storage, machine)
    if let flush { findings.append(fact("storage", "durability", flush)) }
    findings.append(direct(folder))
    return findings
  }

  private static func direct(_ folder: String) -> Finding {
    let name = "O_DIRECT"
    do {
      let file = try FileHandle(
        LinuxFileIO(), "\(folder)/direct", FileOpening(.readWrite, creation: .mustBeNew))
      if let alignment = file.io.directAlignment(file.number) {
        return Finding(
          "storage", name, true,
          "memory aligned to \(alignment.memory) bytes, offsets to \(alignment.offset)")
      }
      return Finding(
        "storage", name, false, "statx(2) gives no alignment on this file system",
        remedy: "measure on ext4, XFS or btrfs: --data DIR")
    } catch { return Finding("storage", name, false, "\(error)") }
  }

  private static func ring() -> [Finding] {
    do throws(SystemCallError) {
      let ring = try LinuxRing(depth: 8)
      return [
        Finding("kernel", "io_uring", true, "features: \(ring.features.joined(separator: " "))")
      ]
    } catch {
      return [Finding("kernel", "io_uring", false, "\(StorageError.ringUnavailable(error))")]
    }
  }

  private static func measuring() -> [Finding] {
    let cpu = MachineCPU.find()
    let group = MemoryGroup.reasonAgainst
    let perf = KernelText.line("/proc/sys/kernel/perf_event_paranoid")
    let tracing = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"].first {
      access("\($0)/events", R_OK) == 0
    }
    return [
      Finding(
        "measuring", "the machine's CPU time", cpu != nil,
        cpu.map { "from \($0.name)" } ?? "no exact counter is visible",
        remedy: cpu == nil ? "run outside a container, in a control group of its own" : nil),
      Finding(
        "measuring", "memory_limit", group == nil, group ?? "a memory control group can be made"),
      program("strace", for: "bench --syscalls"),
      program("perf", for: "profiles"),
      Finding(
        "measuring", "perf events", perf.flatMap { Int($0) }.map { $0 <= 1 || getuid() == 0 },
        perf.map { "kernel.perf_event_paranoid is \($0)" } ?? "this kernel has none",
        remedy: "sysctl kernel.perf_event_paranoid=1, or run as root"),
      Finding(
        "measuring", "tracefs", tracing != nil, tracing ?? "not mounted, or not readable",
        remedy: "mount -t tracefs tracefs /sys/kernel/tracing, as root"),
    ]
  }

  private static func program(_ name: String, for use: String) -> Finding {
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
    let found = path.split(separator: ":").map { "\($0)/\(name)" }
      .first { access($0, X_OK) == 0 && InputFile.isFolder($0) == false }
    return Finding(
      "measuring", name, found != nil, found ?? "not in PATH; \(use) needs it",
      remedy: "install it; Scripts/setup does on Debian")
  }

  private static func limits() -> [Finding] {
    let all: [(ProcessLimit, String)] = [
      (.openFiles, "open files"), (.lockedMemory, "locked memory, bytes"),
      (.addressSpace, "address space, bytes"), (.fileSize, "file size, bytes"),
      (.processes, "threads and processes"),
    ]
    return all.map { limit, name in
      let value = limit.soft.map { "\($0)" } ?? "unlimited"
      return Finding("limits", name, nil, "\(value) (\(limit.names))")
    }
  }

  private static func gibibytes(_ bytes: Int64) -> String {
    Digits.text(Double(bytes) / Double(1 << 30))
  }
}
