import Foundation
import LinuxIO

extension Environment.Program {
  /// The program as it runs, and the commit of the worktree that it lies in.
  static func probe(commandLine: [String]) -> Self {
    let place = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
    let folder = place.map { ($0 as NSString).deletingLastPathComponent }
    let commit = folder.flatMap { git(["rev-parse", "HEAD"], in: $0) }
    // Not what git does not know: the results of the run itself may lie there.
    let changes = folder.flatMap { git(["status", "--porcelain", "--untracked-files=no"], in: $0) }
    return Self(
      commit: commit ?? "unknown",
      hasLocalChanges: commit == nil ? nil : changes.map { !$0.isEmpty },
      swift: swiftVersion, build: build, commandLine: commandLine)
  }

  /// Another build. `commit` is known where it was built from an archive, which has no worktree of its
  /// own. Its compiler and configuration are not known.
  package static func probe(executable: String, commit: String? = nil) -> Self {
    let folder = (executable as NSString).deletingLastPathComponent
    let changes =
      commit == nil ? git(["status", "--porcelain", "--untracked-files=no"], in: folder) : ""
    return Self(
      commit: commit ?? git(["rev-parse", "HEAD"], in: folder) ?? "unknown",
      hasLocalChanges: changes.map { !$0.isEmpty }, swift: "unknown", build: "unknown",
      commandLine: [executable])
  }

  private static var build: String {
    #if DEBUG
      "debug"
    #else
      "release"
    #endif
  }

  /// The language has no constant for it, so the compiler is asked one version at a time.
  private static var swiftVersion: String {
    #if compiler(>=6.5)
      "6.5 or newer"
    #elseif compiler(>=6.4)
      "6.4"
    #elseif compiler(>=6.3.2)
      "6.3.2 or newer"
    #elseif compiler(>=6.3.1)
      "6.3.1"
    #elseif compiler(>=6.3)
      "6.3"
    #else
      "6.2"
    #endif
  }

  /// Standard output of git, trimmed; nil where it cannot be run or fails.
  private static func git(_ arguments: [String], in folder: String) -> String? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["git", "-C", folder] + arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = Foundation.FileHandle.nullDevice
    process.standardInput = Foundation.FileHandle.nullDevice
    do { try process.run() } catch { return nil }
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { return nil }
    return String(decoding: data, as: UTF8.self).trimmed
  }
}
