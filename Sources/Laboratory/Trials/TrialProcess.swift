import CLinux
import Foundation
import LinuxIO
import Measurements
import Suites
import Targets

/// Runs each trial in a process of its own, which is this program again: what a trial leaves in
/// memory or breaks ends with it, and a crash is a row.
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
  package struct Request: Codable {
    package var suite: String
    var commit: String
    var directory: String
    package var trial: SuitePlan.Trial
    package var parameters: TrialParameters
    var seed: UInt64
    var countsCalls: Bool

    package init(
      suite: String, commit: String, directory: String, trial: SuitePlan.Trial,
      parameters: TrialParameters, seed: UInt64, countsCalls: Bool
    ) {
      self.suite = suite
      self.commit = commit
      self.directory = directory
      self.trial = trial
      self.parameters = parameters
      self.seed = seed
      self.countsCalls = countsCalls
    }
  }

  /// What it answers.
  package struct Reply: Codable {
    /// Nil where the trial was stopped.
    package var report: TrialReport?

    package init(report: TrialReport?) { self.report = report }
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
      if let skipped = TrialSkipped(error) {
        report.end(.skipped, skipped.description)
      } else {
        report.end(.failed, "\(error)")
      }
      return runner.stop.isRaised ? nil : report
    }
  }

  private func ask(
    _ trial: SuitePlan.Trial, _ planned: TrialParameters
  ) throws -> TrialReport? {
    let request = Request(
      suite: runner.suite, commit: runner.commit, directory: runner.directory, trial: trial,
      parameters: planned, seed: runner.seed, countsCalls: runner.countsCalls)
    let process = try ChildProcess(
      [executable ?? Self.ownExecutable] + arguments, input: Array(JSONEncoder().encode(request)),
      output: .captured, errors: .captured)
    let end = wait(process)
    MemoryGroup.remove(of: process.number)
    let (answer, words) = (process.captured(), process.captured())
    guard end.isSuccess else { throw TrialProcessEnded(end, words) }
    return try Self.reply(in: answer, to: request).report
  }

  /// The reply to `request`, of a build that may be older: where a parameter is missing it is
  /// filled in if the trial leaves it at its default. Throws where the trial sets it.
  package static func reply(in answer: [UInt8], to request: Request) throws -> Reply {
    var reply = try JSONSerialization.jsonObject(with: Data(answer)) as? [String: Any] ?? [:]
    if var report = reply["report"] as? [String: Any],
      var result = report["result"] as? [String: Any]
    {
      var parameters = result["parameters"] as? [String: Any] ?? [:]
      let defaults = try jsonObject(TrialParameters())
      for (name, value) in try jsonObject(request.parameters) where parameters[name] == nil {
        guard let value = value as? NSObject, value == defaults[name] as? NSObject else {
          throw UnknownParameter(name: name, value: "\(value)")
        }
        parameters[name] = value
      }
      result["parameters"] = parameters
      report["result"] = result
      reply["report"] = report
    }
    return try JSONDecoder().decode(
      Reply.self, from: JSONSerialization.data(withJSONObject: reply))
  }

  private static func jsonObject(_ parameters: TrialParameters) throws -> [String: Any] {
    let data = try JSONEncoder().encode(parameters)
    return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
  }

  /// This program, also where its file was replaced by a newer build, and where there is no /proc.
  private static var ownExecutable: String {
    if let path = canonicalPath("/proc/self/exe") { return path }
    return InputFile.isFolder("/proc/self") == nil ? ProcessArguments.all[0] : "/proc/self/exe"
  }

  /// Until it ends; a raised stop is passed on. Wakes five times a second: it shares the processors
  /// with the trial.
  private func wait(_ process: ChildProcess) -> ChildProcess.End {
    var deadline: Int64?
    while true {
      if let end = process.wait(milliseconds: 200) { return end }
      guard runner.stop.isRaised else { continue }
      let now = MonotonicClock.nanoseconds()
      if deadline == nil {
        process.send(SIGTERM)
        deadline = now + Int64(Self.secondsToStop * 1e9)
      }
      if let deadline, now > deadline { process.send(SIGKILL) }
    }
  }
}

/// An older build does not have a parameter that the trial sets.
package struct UnknownParameter: Error, CustomStringConvertible {
  package let name: String
  package let value: String

  package var description: String {
    "it does not know the parameter \(name), which this trial sets to \(value)"
  }
}

/// The trial's process ended without an answer.
struct TrialProcessEnded: Error, CustomStringConvertible {
  let description: String

  init(_ end: ChildProcess.End, _ standardError: [UInt8]) {
    var text: String
    switch end {
    case .status(let status): text = "the trial's process ended with status \(status)"
    case .signal(let signal):
      text =
        "the trial's process was ended by signal \(signal) (\(String(cString: strsignal(signal))))"
      if let limit = ProcessLimit.addressSpace.soft {
        text +=
          "; its address space is limited to \(limit) bytes "
          + "(\(ProcessLimit.addressSpace.names)), and a program whose memory is refused ends so: raise it"
      } else if signal == SIGKILL {
        text += "; perhaps the kernel ran out of memory: see dmesg"
      }
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
  /// Reads a request from standard input and writes the report to standard output. `stop` is raised
  /// by SIGTERM. Where the process that asked ends, so does this one.
  package static func run(_ context: LaboratoryContext, stop: StopFlag) throws {
    _ = clinux_end_with_parent()
    let request: TrialProcess.Request
    do {
      let input = try InputFile.standardInput(bytesMax: 1 << 24)
      request = try JSONDecoder().decode(TrialProcess.Request.self, from: Data(input))
    } catch {
      throw LaboratoryError.other(
        "standard input: found no trial as varve bench sends it; run varve bench instead")
    }
    var runner = TrialRunner(
      suite: request.suite, commit: request.commit, context: context,
      directory: request.directory, stop: stop)
    runner.seed = request.seed
    runner.countsCalls = request.countsCalls
    let reply = TrialProcess.Reply(report: runner.run(request.trial, request.parameters))
    StandardStream.output.write(String(decoding: try JSONEncoder().encode(reply), as: UTF8.self))
  }
}
