import ArgumentParser
import Foundation
import LinuxIO
import Results

/// The one executable: subcommands, and the only place where a backend's name becomes a type.
@main
struct Varve: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "varve",
    abstract: "A laboratory for commit-log storage: Kafka's log over pluggable backends.",
    discussion: """
      Exit status: 0 done, 1 failed, 2 wrong usage, 3 compare or bench --against found a regression, \
      4 they decided nothing or lack a cell, 130 interrupted. Output that cannot be written is a \
      failure, too.

      Example: varve bench Bench/quick.yaml
      """,
    subcommands: [
      BenchCommand.self, ReportCommand.self, CompareCommand.self, ColumnsCommand.self,
      CrashCommand.self, LogCommand.self, ServeCommand.self, BackendsCommand.self,
      DoctorCommand.self, TrialCommand.self,
    ])

  @Flag(help: "Print the commit and how the program was built.")
  var version = false

  func run() throws {
    if !version { throw CleanExit.helpRequest(self) }
    let program = Environment.Program.probe(commandLine: [])
    let changes = program.hasLocalChanges == true ? ", with local changes" : ""
    printLine("varve, commit \(program.commit)\(changes)")
    printLine("\(program.build) build, Swift \(program.swift), \(Environment.Machine.architecture)")
  }

  static func main() {
    StandardStream.fillClosedDescriptors()
    ignoreSignalsThatHaveErrors()
    raiseDescriptorLimit()
    var status: Int32 = 0
    do {
      var command = try parseAsRoot(Array(ProcessArguments.all.dropFirst()))
      try command.run()
    } catch { status = statusAfterTelling(error) }
    if let loss = StandardStream.output.loss ?? StandardStream.error.loss {
      writeError("varve: \(loss)")
      if status == 0 { status = 1 }
    }
    Foundation.exit(status)
  }

  /// Prints what the error says. ArgumentParser's own status for wrong usage is 64; here it is 2.
  private static func statusAfterTelling(_ error: any Error) -> Int32 {
    if let failure = error as? CommandFailure {
      writeError("varve: \(failure.message)")
      return failure.status
    }
    if let exit = error as? ExitCode { return exit.rawValue }
    let code = exitCode(for: error)
    let message = fullMessage(for: error)
    if code == .success {
      if !message.isEmpty { printLine(message) }
      return 0
    }
    writeError(message)
    return code == .validationFailure ? 2 : 1
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

/// A line of the result, to standard output.
func printLine(_ text: String) { StandardStream.output.write(text + "\n") }

/// A line beside the result, to standard error.
func writeError(_ text: String) { StandardStream.error.write(text + "\n") }
