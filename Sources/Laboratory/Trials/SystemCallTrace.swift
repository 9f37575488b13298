import CLinux
import Glibc
import LinuxIO
import Targets

/// Counts the system calls of this process, all its threads, by `strace -c` attached to it.
struct SystemCallTrace {
  private let tracer: ChildProcess
  private let output: String

  /// Attaches; returns when every call is counted. Throws `TrialSkipped` where there is no strace, or it
  /// may not.
  init(in directory: String) throws {
    output = "\(directory)/strace.txt"
    do throws(SystemCallError) {
      tracer = try ChildProcess(["strace", "-f", "-c", "-o", output, "-p", "\(getpid())"])
    } catch { throw Self.missing }
    _ = clinux_allow_tracer(tracer.number)
    while KernelText.field("TracerPid", in: "/proc/self/status") == "0" {
      if tracer.wait(milliseconds: 0) != nil { throw Self.missing }
      usleep(5000)
    }
    // It attaches to the first thread first.
    usleep(100_000)
  }

  private static let missing = TrialSkipped(
    "system calls cannot be counted: strace is missing (install Debian's strace), or may not attach "
      + "(run as root)")

  /// Detaches; calls by name.
  func end() throws -> [String: Int] {
    tracer.send(SIGINT)
    _ = tracer.wait()
    guard let text = KernelText.read(output) else { return [:] }
    return Self.counts(text)
  }

  /// Lines of `% time, seconds, usecs/call, calls, errors, syscall`, where errors may be missing.
  static func counts(_ text: String) -> [String: Int] {
    var counts: [String: Int] = [:]
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count >= 5, Double(fields[0]) != nil, let calls = Int(fields[3]),
        let name = fields.last, name != "total"
      else { continue }
      counts[String(name)] = calls
    }
    return counts
  }
}
