import ArgumentParser
import Glibc
import LinuxIO
import Measurements
import Results
import Trials

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
    if Self.isExecutable(name), let path = canonicalPath(name) {
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
    if !Self.isExecutable(executable), !isDryRun {
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

  private static func isExecutable(_ path: String) -> Bool {
    InputFile.isFolder(path) == false && access(path, X_OK) == 0
  }

  /// A program of PATH and its arguments.
  private struct Command {
    private let words: [String]

    init(_ words: String...) { self.words = words }

    var text: String { words.joined(separator: " ") }

    /// True where it succeeded. What it prints goes to standard error. Ctrl-C ends it, and all that
    /// it has started.
    func run() -> Bool {
      let process = try? ChildProcess(
        words, output: .standardError, errors: .standardError, hasOwnGroup: true)
      guard let process else { return false }
      while true {
        if let end = process.wait(milliseconds: 100) { return end.isSuccess }
        if Interruption.flag.isRaised { process.send(SIGTERM, toGroup: true) }
      }
    }

    /// Standard output, trimmed; nil where it failed or printed nothing.
    func output() -> String? {
      let process = try? ChildProcess(words, output: .captured)
      guard let process, process.wait()?.isSuccess == true else { return nil }
      let text = String(decoding: process.captured(), as: UTF8.self).trimmed
      return text.isEmpty ? nil : text
    }
  }
}
