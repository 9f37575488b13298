import LinuxIO

/// CPU time of every process and kernel thread of the machine, from the kernel's nanosecond
/// counters.
///
/// /proc/stat counts ticks instead: it charges a whole tick to whoever runs when it fires, so that
/// a trial of half a second can seem to cost less than its own process. The root of the cgroup
/// hierarchy counts what every thread really ran. Interrupts that arrive while a processor is idle
/// are in no thread's time.
package enum MachineCPU: Hashable {
  /// cgroup v1: one counter of all threads.
  case cpuacct(String)
  /// cgroup v2: the root's own counter is made of ticks. Its groups count exactly, and the threads
  /// in no group, kernel threads among them, each have a counter in /proc.
  case groups(root: String, proc: String)

  /// Nil where this process does not see the root of a hierarchy, as in most containers.
  package static func find(cgroups: String = "/sys/fs/cgroup", proc: String = "/proc")
    -> MachineCPU?
  {
    for folder in ["cpuacct", "cpu,cpuacct"] {
      let root = "\(cgroups)/\(folder)"
      // Only a hierarchy's root has a release agent.
      let isRoot = KernelText.read("\(root)/release_agent") != nil
      if isRoot && counter("\(root)/cpuacct.usage") != nil { return .cpuacct(root) }
    }
    // Every group but the root has a type.
    let isRoot =
      KernelText.read("\(cgroups)/cgroup.controllers") != nil
      && KernelText.read("\(cgroups)/cgroup.type") == nil
    // A thread in no group that ends takes its time along: then the groups must not be this
    // process's.
    let isInGroup = KernelText.line("\(proc)/self/cgroup") != "0::/"
    if isRoot, isInGroup, counter("\(proc)/self/schedstat") != nil {
      return .groups(root: cgroups, proc: proc)
    }
    return nil
  }

  /// What `environment.json` calls the source.
  package var name: String {
    switch self {
    case .cpuacct: "cpuacct"
    case .groups: "cpu.stat and schedstat"
    }
  }

  /// Since the machine started.
  package func seconds() -> Double? {
    switch self {
    case .cpuacct(let root):
      return Self.counter("\(root)/cpuacct.usage").map { $0 / 1e9 }
    case .groups(let root, let proc):
      let groups = (try? LinuxFileIO().list(root)) ?? []
      let ofGroups = groups.compactMap { Self.microseconds("\(root)/\($0.name)/cpu.stat") }
      let threads = Self.lines("\(root)/cgroup.threads")
      let ofThreads = threads.compactMap { Self.counter("\(proc)/\($0)/schedstat") }
      return ofGroups.reduce(0, +) / 1e6 + ofThreads.reduce(0, +) / 1e9
    }
  }

  /// The first number of a file.
  private static func counter(_ path: String) -> Double? {
    KernelText.line(path)?.split(separator: " ").first.flatMap { Double($0) }
  }

  private static func lines(_ path: String) -> [Substring] {
    KernelText.read(path)?.split(separator: "\n") ?? []
  }

  private static func microseconds(_ path: String) -> Double? {
    lines(path).lazy.compactMap { line in
      line.hasPrefix("usage_usec ") ? Double(line.dropFirst(11)) : nil
    }.first
  }
}
