import CLinux
import Foundation
import LinuxIO

/// Runs each trial in a process of its own, which is this program again: what a trial leaves in memory
/// or breaks ends with it, and a crash is a row.
package struct TrialProcess: TrialExecutor {
  private let runner: TrialRunner
  private let executable: String?
  private let arguments: [String]

  /// Runs `arguments` of this executable, or of another build; they end in `TrialServer.run`.
  package init(_ runner: TrialRunner, executable: String? = nil, arguments: [String]) {
    self.runner = runner
    self.executable = executable
    self.arguments = arguments
  }

  /// What the process is asked for.
  struct Request: Codable {
    var suite: String
    var commit: String
    var directory: String
    var trial: SuitePlan.Trial
    var parameters: TrialParameters
    var seed: UInt64
    var countsCalls: Bool
  }

  /// What it answers.
  struct Reply: Codable {
    /// Nil where the trial was stopped.
    var report: TrialReport?
  }

  /// A stopped trial has so long to clean up.
  private static let secondsToStop = 10.0

  package func run(_ trial: SuitePlan.Trial, _ planned: TrialParameters) -> TrialReport? {
    let folder = "\(runner.directory)/trial"
    defer { try? FileTree.remove(folder) }
    do { return try ask(trial, planned) } catch {
      var report = TrialReport(
        TrialResult(
          suite: runner.suite, trial: trial, commit: runner.commit, parameters: planned))
      report.end(.failed, "\(error)")
      return runner.stop.isRaised ? nil : report
    }
  }

  private func ask(
    _ trial: SuitePlan.Trial, _ planned: TrialParameters
  ) throws -> TrialReport? {
    let request = Request(
      suite: runner.suite, commit: runner.commit, directory: runner.directory, trial: trial,
      parameters: planned, seed: runner.seed, countsCalls: runner.countsCalls)
    let process = Process()
    process.executableURL =
      executable.map { URL(fileURLWithPath: $0) }
      ?? URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = arguments
    let (input, output, errors) = (Pipe(), Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    process.standardError = errors
    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    try process.run()
    // Both are read as they come: a full pipe would stop the process.
    let answer = try Drain(output)
    let complaint = try Drain(errors)
    try? input.fileHandleForWriting.write(contentsOf: JSONEncoder().encode(request))
    try? input.fileHandleForWriting.close()
    wait(process, ended)
    MemoryGroup.remove(of: process.processIdentifier)
    let bytes = answer.bytes()
    let words = complaint.bytes()
    guard process.terminationReason == .exit, process.terminationStatus == 0 else {
      throw TrialProcessEnded(process, words)
    }
    return try JSONDecoder().decode(Reply.self, from: bytes).report
  }

  /// Until it ends; a raised stop is passed on. Wakes five times a second: it shares the processors
  /// with the trial.
  private func wait(_ process: Process, _ ended: DispatchSemaphore) {
    var deadline: Date?
    while ended.wait(timeout: .now() + 0.2) == .timedOut {
      guard runner.stop.isRaised else { continue }
      if deadline == nil {
        process.terminate()
        deadline = Date(timeIntervalSinceNow: Self.secondsToStop)
      }
      if let deadline, Date() > deadline { kill(process.processIdentifier, SIGKILL) }
    }
    process.waitUntilExit()
  }

  /// A pipe's bytes, read by a thread to its end.
  private final class Drain {
    private let thread: WorkerThread<Data>

    init(_ pipe: Pipe) throws(SystemCallError) {
      // SAFETY: only the thread uses it until it has ended.
      let pipe = Handover(pipe)
      thread = try WorkerThread {
        (try? pipe.value.fileHandleForReading.readToEnd()) ?? Data()
      }
    }

    func bytes() -> Data { thread.join() ?? Data() }
  }
}

/// The trial's process ended without an answer.
struct TrialProcessEnded: Error, CustomStringConvertible {
  let description: String

  init(_ process: Process, _ standardError: Data) {
    let status = process.terminationStatus
    var text =
      process.terminationReason == .uncaughtSignal
      ? "the trial's process was ended by signal \(status) (\(String(cString: strsignal(status))))"
      : "the trial's process ended with status \(status)"
    if process.terminationReason == .uncaughtSignal && status == SIGKILL {
      text += "; perhaps the kernel ran out of memory: see dmesg"
    }
    let words = String(decoding: standardError, as: UTF8.self)
    // A crash's own message, without the stack that follows it.
    let line = words.split(separator: "\n").first { $0.contains("rror") || $0.contains("atal") }
    if let line { text += ": \(line.prefix(300))" }
    description = text
  }
}

/// The other end: runs the one trial that standard input asks for.
package enum TrialServer {
  /// Reads a request from standard input and writes the report to standard output. `stop` is raised by
  /// SIGTERM. Where the process that asked ends, so does this one.
  package static func run(_ context: LaboratoryContext, stop: StopFlag) throws {
    _ = clinux_end_with_parent()
    let input = try Foundation.FileHandle.standardInput.readToEnd() ?? Data()
    let request = try JSONDecoder().decode(TrialProcess.Request.self, from: input)
    var runner = TrialRunner(
      suite: request.suite, commit: request.commit, context: context,
      directory: request.directory, stop: stop)
    runner.seed = request.seed
    runner.countsCalls = request.countsCalls
    let reply = TrialProcess.Reply(report: runner.run(request.trial, request.parameters))
    let output = Foundation.FileHandle.standardOutput
    try output.write(contentsOf: JSONEncoder().encode(reply))
    try output.close()
  }
}
