import ArgumentParser
import Foundation
import LinuxIO

/// The one executable: subcommands, and the only place where a backend's name becomes a type.
@main
struct Varve: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "varve",
    abstract: "A laboratory for commit-log storage: Kafka's log over pluggable backends.",
    discussion: """
      Exit status: 0 done, 1 failed, 2 wrong usage, 3 compare or bench --against found a regression, \
      4 they decided nothing or lack a cell, 130 bench or crash was interrupted.

      Example: varve bench Bench/quick.yaml
      """,
    subcommands: [
      BenchCommand.self, ReportCommand.self, CompareCommand.self, ColumnsCommand.self,
      CrashCommand.self, LogCommand.self, ServeCommand.self, TrialCommand.self,
    ])

  static func main() {
    ignoreSignalsThatHaveErrors()
    raiseDescriptorLimit()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      exit(error)
    }
  }

  /// ArgumentParser's own status for wrong usage is 64; here it is 2.
  private static func exit(_ error: any Error) -> Never {
    if let failure = error as? CommandFailure {
      writeError("varve: \(failure.message)")
      Foundation.exit(failure.status)
    }
    let code = exitCode(for: error)
    if let exit = error as? ExitCode { Foundation.exit(exit.rawValue) }
    let message = fullMessage(for: error)
    if code == .success {
      if !message.isEmpty { print(message) }
      Foundation.exit(0)
    }
    writeError(message)
    Foundation.exit(code == .validationFailure ? 2 : 1)
  }

  /// Ten thousand partitions need as many descriptors; the soft limit is often 1024.
  private static func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    // Where it fails, the old limit holds, and running out says so.
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  /// A write past RLIMIT_FSIZE or into a closed pipe then fails with an error instead of ending
  /// the process.
  private static func ignoreSignalsThatHaveErrors() {
    signal(SIGXFSZ, SIG_IGN)
    signal(SIGPIPE, SIG_IGN)
  }
}

/// A failure whose message is complete: printed as it is, without the usage.
struct CommandFailure: Error {
  let message: String
  let status: Int32

  static func failed(_ message: String) -> CommandFailure {
    CommandFailure(message: message, status: 1)
  }

  static func usage(_ message: String) -> CommandFailure {
    CommandFailure(message: message, status: 2)
  }
}

func writeError(_ text: String) {
  FileHandle.standardError.write(Data((text + "\n").utf8))
}
