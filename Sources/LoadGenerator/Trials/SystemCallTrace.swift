import CLinux
import Foundation
import LinuxIO

/// Counts the system calls of this process, all its threads, by `strace -c` attached to it.
struct SystemCallTrace {
  private let tracer: Process
  private let output: String

  /// Attaches; returns when every call is counted. Throws `TrialSkipped` where there is no strace, or it
  /// may not.
  init(in directory: String) throws {
    output = "\(directory)/strace.txt"
    tracer = Process()
    tracer.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    tracer.arguments = [
      "strace", "-f", "-c", "-o", output, "-p", "\(ProcessInfo.processInfo.processIdentifier)",
    ]
    tracer.standardInput = Foundation.FileHandle.nullDevice
    tracer.standardOutput = Foundation.FileHandle.nullDevice
    tracer.standardError = Foundation.FileHandle.nullDevice
    try tracer.run()
    _ = clinux_allow_tracer(tracer.processIdentifier)
    while KernelText.field("TracerPid", in: "/proc/self/status") == "0" {
      guard tracer.isRunning else {
        throw TrialSkipped(
          "system calls cannot be counted: strace is missing (install Debian's strace), or may not "
            + "attach (run as root)")
      }
      usleep(5000)
    }
    // It attaches to the first thread first.
    usleep(100_000)
  }

  /// Detaches; calls by name.
  func end() throws -> [String: Int] {
    tracer.interrupt()
    tracer.waitUntilExit()
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
