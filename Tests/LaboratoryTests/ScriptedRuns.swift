import Foundation
import Histogram
import LinuxIO
import Measurements
import Results
import Suites
import Targets
import TestSupport
import Testing

/// Runs of a suite whose targets do as a script says, for the tests that read them back and go on with them.
extension SuiteRunTests {
  static let scriptedDisk = TemporaryDirectory()

  /// What the fake targets of a run do, one call after the other.
  final class Script {
    var calls = 0
    /// The call at which the suite is stopped.
    var stopsAt: Int?
    var fails: (Int) -> Bool = { _ in false }
    var stop = StopFlag()
    var random = SeededGenerator(seed: 41)
    struct Broken: Error, CustomStringConvertible {
      var description: String { "it broke,\n\"so\"" }
    }
  }

  final class ScriptedTarget: LoadTarget {
    let script: Script
    init(_ script: Script) { self.script = script }
    var appendBytes: Int { 4096 }
    func prepare(_ trial: TrialSetting) throws {}
    func synchronize() throws {}
    func finish() throws {}

    func run(_ recorder: TrialRecorder) throws -> TrialCounts {
      script.calls += 1
      if script.calls == script.stopsAt {
        script.stop.raise()
        throw TrialStopped()
      }
      if script.fails(script.calls) { throw Script.Broken() }
      // A duration with digits below a microsecond, in two seconds of the trial.
      usleep(150)
      for number in 0..<20 as Range<Int64> {
        let took = 100_000 + Int64(script.random.below(2_000))
        let begin = recorder.start + number * 100_000_000
        recorder.recordService(from: begin, to: begin + took)
      }
      return TrialCounts(records: 12_345, bytes: 1_234_567)
    }
  }

  static let scriptedText = """
    suite: goes-on
    repeats: 4
    warmup: 1
    headline: service_p50_us
    baseline: {target: syscalls}
    defaults: {batch_bytes: 4KiB, bytes: 16KiB, drain: false}
    crosses: {x: {axes: {target: [log, syscalls], partitions: [1, 2]}}}
    """

  /// Runs the suite into `<folder>/out`.
  @discardableResult
  func go(
    _ folder: String, _ script: Script, text: String = scriptedText, overrides: [String] = [],
    repeats: Int? = nil, resumes: Bool = false, context given: LaboratoryContext? = nil
  ) throws -> SuiteOutcome {
    script.stop = StopFlag()
    let context =
      given ?? Fixtures.context([TargetChoice("log") { ScriptedTarget(script) }, .syscalls])
    let suite = try Suite.read(
      text: text, file: "s.yaml", overrides: overrides, vocabulary: context.vocabulary)
    var options = SuiteOptions()
    options.outputDirectory = "\(folder)/out"
    options.dataDirectory = "\(folder)/data"
    options.repeats = repeats
    options.resumes = resumes
    options.stop = script.stop
    options.console = .silent
    return try SuiteRun(suite: suite, options: options, context: context).run()
  }

  func file(_ folder: String, _ name: String) throws -> String {
    try String(contentsOfFile: "\(folder)/out/\(name)", encoding: .utf8)
  }

  func lines(_ folder: String, _ name: String) throws -> [String] {
    try file(folder, name).components(separatedBy: "\r\n").filter { !$0.isEmpty }
  }

  func rows(_ folder: String, _ name: String = "trials.csv") throws -> [[String: String]] {
    let table = parseCSV(try file(folder, name))
    let header = try #require(table.first)
    return table.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(header, $0)) }
  }
}
