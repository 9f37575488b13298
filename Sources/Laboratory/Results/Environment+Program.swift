import LinuxIO

extension Environment.Program {
  /// The program as it runs, and the commit of the worktree that it lies in.
  package static func probe(commandLine: [String]) -> Self {
    let folder = canonicalPath("/proc/self/exe").map { parentDirectory(of: $0) }
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
    let folder = parentDirectory(of: executable)
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
    let process = try? ChildProcess(["git", "-C", folder] + arguments, output: .captured)
    guard let process, process.wait()?.isSuccess == true else { return nil }
    return String(decoding: process.captured(), as: UTF8.self).trimmed
  }
}
