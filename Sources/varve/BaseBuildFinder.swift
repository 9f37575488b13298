import ArgumentParser
import Foundation
import LinuxIO
import LoadGenerator

/// The build that `--against` names: an executable, or a git revision, which is built in a folder
/// of its own under `.build/against` and kept there.
struct BaseBuildFinder {
  private let name: String
  private let flightsPath: String
  private let isDryRun: Bool

  /// `isDryRun`: a revision is looked up, and not built.
  init(_ name: String, flightsPath: String, isDryRun: Bool) {
    self.name = name
    self.flightsPath = flightsPath
    self.isDryRun = isDryRun
  }

  /// Throws where the name is neither, and where the revision cannot be built.
  func find() throws -> BaseBuild {
    if FileManager.default.isExecutableFile(atPath: name), !isFolder(name) {
      let path = URL(fileURLWithPath: name).resolvingSymlinksInPath().path
      return build(at: path, .probe(executable: path))
    }
    let revision = Command("git", "rev-parse", "--verify", "--quiet", "\(name)^{commit}")
    guard let commit = revision.output(),
      let root = Command("git", "rev-parse", "--show-toplevel").output()
    else {
      throw CommandFailure.usage(
        "--against: found '\(name)', expected an executable file or a git revision of this folder")
    }
    let folder = "\(root)/.build/against/\(commit.prefix(12))"
    let executable = "\(folder)/.build/release/varve"
    if !FileManager.default.isExecutableFile(atPath: executable), !isDryRun {
      try make(commit, from: root, in: folder)
    }
    return build(at: executable, .probe(executable: executable, commit: commit))
  }

  private func build(at path: String, _ program: Environment.Program) -> BaseBuild {
    let arguments = ["trial", "--flights", flightsPath]
    return BaseBuild(program: program) {
      TrialProcess($0, executable: path, arguments: arguments)
    }
  }

  /// From an archive of the commit, and not a worktree: git's own lists stay as they are.
  private func make(_ commit: String, from root: String, in folder: String) throws {
    writeError("building \(name) (\(commit.prefix(12))) in \(folder)")
    let archive = "\(folder).tar"
    do {
      try FileTree.remove(folder)
      try FileTree.create(folder)
    } catch { throw CommandFailure.failed("--against \(name): \(error)") }
    defer { unlink(archive) }
    // What was built in part has no executable, and is built anew.
    for command in [
      Command("git", "-C", root, "archive", "--format=tar", "--output", archive, commit),
      Command("tar", "-xf", archive, "-C", folder),
      Command("swift", "build", "-c", "release", "--product", "varve", "--package-path", folder),
    ] where !command.run() {
      if Interruption.flag.isRaised { throw ExitCode(ExitStatus.interrupted) }
      throw CommandFailure.failed(
        "--against \(name): the revision cannot be built; this failed: \(command.text)")
    }
  }

  private func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }

  /// A program of PATH and its arguments.
  private struct Command {
    private let words: [String]

    init(_ words: String...) { self.words = words }

    var text: String { words.joined(separator: " ") }

    /// True where it succeeded. What it prints goes to standard error. Ctrl-C ends it, and all that
    /// it has started: Foundation gives a process a group of its own, which the terminal does not
    /// signal.
    func run() -> Bool {
      guard let process = start(output: Foundation.FileHandle.standardError) else { return false }
      while process.isRunning {
        usleep(100_000)
        if Interruption.flag.isRaised, kill(-process.processIdentifier, SIGTERM) != 0 {
          process.terminate()
        }
      }
      process.waitUntilExit()
      return process.terminationStatus == 0
    }

    /// Standard output, trimmed; nil where it failed or printed nothing.
    func output() -> String? {
      let pipe = Pipe()
      guard let process = start(output: pipe) else { return nil }
      let data = pipe.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      let text = String(decoding: data, as: UTF8.self)
        .trimmingCharacters(in: .whitespacesAndNewlines)
      return process.terminationStatus == 0 && !text.isEmpty ? text : nil
    }

    private func start(output: Any) -> Process? {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = words
      process.standardInput = Foundation.FileHandle.nullDevice
      process.standardOutput = output
      do { try process.run() } catch { return nil }
      return process
    }
  }
}
