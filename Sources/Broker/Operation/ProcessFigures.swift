import Glibc
import LinuxIO

/// What the kernel says of this process, by the names that Prometheus' own clients use. What cannot
/// be read is left out.
struct ProcessFigures {
  var residentBytes: Int64?
  var cpuNanoseconds: Int64
  var openDescriptors: Int?
  var startSeconds: Double?

  /// Reads files under /proc (`proc(5)`).
  static func current() -> ProcessFigures {
    let usage = ResourceUsage.current(.process)
    let pages = KernelText.read("/proc/self/statm")?.split(separator: " ").dropFirst().first
    return ProcessFigures(
      residentBytes: pages.flatMap { Int64($0) }.map { $0 &* Int64(sysconf(Int32(_SC_PAGESIZE))) },
      cpuNanoseconds: usage.userNanoseconds &+ usage.systemNanoseconds,
      openDescriptors: KernelText.entryCount("/proc/self/fd"),
      startSeconds: startSeconds())
  }

  /// Since 1970: when the machine started, and so many ticks later.
  private static func startSeconds() -> Double? {
    guard let stat = KernelText.read("/proc/self/stat"), let end = stat.lastIndex(of: ")"),
      let boot = KernelText.read("/proc/stat")?.split(separator: "\n")
        .first(where: { $0.hasPrefix("btime ") })?.split(separator: " ").last,
      let bootSeconds = Double(boot)
    else { return nil }
    // The program's name is in parentheses and may hold spaces; the 22nd field is the 20th after
    // it.
    let fields = stat[stat.index(after: end)...].split(separator: " ")
    guard fields.count > 19, let ticks = Double(fields[19]) else { return nil }
    return bootSeconds + ticks / Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
  }

  func write(_ text: inout MetricsText) {
    text.begin("process_cpu_seconds_total", .counter, "User and system time of the process.")
    text.sample("process_cpu_seconds_total", [], MetricsText.seconds(cpuNanoseconds))
    if let residentBytes {
      text.single("process_resident_memory_bytes", .gauge, residentBytes, "Memory in use.")
    }
    if let openDescriptors {
      text.single("process_open_fds", .gauge, openDescriptors, "Open file descriptors.")
    }
    if let startSeconds {
      text.begin("process_start_time_seconds", .gauge, "When it started, since 1970.")
      text.sample("process_start_time_seconds", [], "\(startSeconds)")
    }
  }
}
