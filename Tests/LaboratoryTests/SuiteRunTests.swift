import Foundation
import LinuxIO
import LogStorage
import Measurements
import Results
import Suites
import Targets
import TestSupport
import Testing
import Trials

/// Whole runs of small suites. They drain and write, so one at a time.
@Suite(.serialized, .enabled(if: TestBuild.isOptimized, "runs long: in release builds"))
struct SuiteRunTests {
  final class Lines {
    var printed: [String] = []
    var progress = ""
  }

  struct Run {
    let outcome: SuiteOutcome
    let rows: [[String: String]]
    let printed: [String]
    let progress: String
    let readme: String
    let environment: Environment
    /// What the run left beside its results.
    let leftovers: [String]
  }

  func run(
    _ text: String, in folder: String, context: LaboratoryContext = Fixtures.context(),
    data: String? = nil, stop: StopFlag = StopFlag()
  ) throws -> Run {
    let suite = try Suite.read(text: text, file: "s.yaml", vocabulary: context.vocabulary)
    let lines = Lines()
    var options = SuiteOptions()
    options.resultsDirectory = "\(folder)/Results"
    options.dataDirectory = data ?? "\(folder)/data"
    options.commandLine = ["varve", "bench", "it's.yaml"]
    options.stop = stop
    options.console = Console(
      print: { lines.printed.append($0) }, progress: { lines.progress += $0 }, isTerminal: false)
    let outcome = try SuiteRun(suite: suite, options: options, context: context).run()
    let csv = try String(contentsOfFile: "\(outcome.directory)/trials.csv", encoding: .utf8)
    let table = parseCSV(csv)
    let header = try #require(table.first)
    let json = try Data(contentsOf: URL(fileURLWithPath: "\(outcome.directory)/environment.json"))
    return Run(
      outcome: outcome,
      rows: table.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(header, $0)) },
      printed: lines.printed, progress: lines.progress,
      readme: try String(contentsOfFile: "\(outcome.directory)/README.md", encoding: .utf8),
      environment: try JSONDecoder().decode(Environment.self, from: json),
      leftovers: try FileManager.default.contentsOfDirectory(atPath: data ?? "\(folder)/data"))
  }

  @Test func `bare calls give a row a trial with the bytes that were asked for`() throws {
    try Fixtures.withFolder { folder in
      let run = try run(
        """
        suite: smoke
        question: "Does it run?"
        repeats: 2
        warmup: 1
        baseline: {durability: none}
        defaults: {target: syscalls, batch_bytes: 8KiB, bytes: 250kB, drain: false, partitions: 3}
        axes: {durability: [none, batch, interval]}
        """, in: folder)
      #expect(run.rows.count == 6)
      for row in run.rows {
        #expect(row["status"] == "ok" && row["reason"] == "")
        #expect(row["bytes"] == "253952" && row["records"] == "" && row["errors"] == "0")
        #expect(row["suite"] == "smoke" && row["partitions"] == "3" && row["memory"] == "warm")
        #expect(row["service_p50_us"] != "" && row["cpu_system_s"] != "")
        #expect(row["response_p50_us"] == "" && row["final_sync_s"] != "")
      }
      #expect(run.rows.map { $0["block"] } == ["1", "1", "1", "2", "2", "2"])
      #expect(run.leftovers == [])
      #expect(run.outcome.isComplete)
      #expect(run.printed.last?.hasPrefix("smoke: ") == true)
      #expect(run.printed.last?.hasSuffix("trials: 6 ok; \(run.outcome.directory)") == true)
      #expect(run.readme.contains("**Does it run?**"))
      #expect(run.readme.contains(#"varve bench 'it'\''s.yaml'"#))
      #expect(run.environment.suite.cells["c02"]?["durability"] == "batch")
      #expect(run.environment.machine.kernel != nil && run.environment.machine.processors != nil)
      #expect(run.progress.split(separator: "\n").filter { $0.hasPrefix("[") }.count == 9)
    }
  }

  @Test func `O_DIRECT on a file system without it is skipped with the reason`() throws {
    try Fixtures.withFolder(under: "/dev/shm") { folder in
      let run = try run(
        """
        suite: skips
        repeats: 1
        warmup: 0
        defaults: {target: syscalls, batch_bytes: 8KiB, bytes: 64KiB, drain: false}
        axes: {backend: [buffered, direct], queue_depth: [1, 2]}
        """, in: folder)
      let direct = try #require(run.rows.first { $0["backend"] == "direct" })
      #expect(direct["status"] == "skipped" && direct["bytes"] == "" && direct["seconds"] == "")
      #expect(direct["reason"]?.contains("does not support O_DIRECT") == true)
      #expect(run.rows.first { $0["queue_depth"] == "2" }?["status"] == "skipped")
      #expect(run.rows.filter { $0["status"] == "ok" }.count == 1)
      #expect(run.outcome.isComplete)
    }
  }

  @Test func `a trial larger than the disk is skipped before it begins`() throws {
    try Fixtures.withFolder { folder in
      let run = try run(
        "suite: big\nrepeats: 1\nwarmup: 0\ndefaults: {target: syscalls, bytes: 1000TiB}",
        in: folder)
      #expect(run.rows.map { $0["status"] } == ["skipped"])
      #expect(run.rows.first?["reason"]?.hasPrefix("not enough disk space at ") == true)
    }
  }

  private final class FakeTarget: LoadTarget {
    var appendBytes: Int { 4096 }
    enum Behaviour { case append(records: Int64), fail, stop(StopFlag) }
    struct Broken: Error, CustomStringConvertible { var description: String { "it \"broke\", so" } }

    let behaviour: Behaviour
    init(_ behaviour: Behaviour) { self.behaviour = behaviour }

    func prepare(_ trial: TrialSetting) throws {}
    func synchronize() throws {}
    func finish() throws {}
    func run(_ recorder: TrialRecorder) throws -> TrialCounts {
      switch behaviour {
      case .append(let records):
        recorder.recordService(from: recorder.start, to: recorder.start + 1000)
        // So that the trial takes measurable time.
        usleep(100)
        return TrialCounts(records: records, bytes: records * 100)
      case .fail: throw Broken()
      case .stop(let flag):
        flag.raise()
        throw TrialStopped()
      }
    }
  }

  @Test func `a failing trial is a row, and the suite goes on`() throws {
    try Fixtures.withFolder { folder in
      let context = Fixtures.context([
        TargetChoice("log") { FakeTarget(.fail) }, .syscalls,
      ])
      let run = try run(
        """
        suite: fails
        repeats: 5
        warmup: 0
        defaults: {batch_bytes: 4KiB, bytes: 16KiB, drain: false}
        crosses: {x: {axes: {target: [log, syscalls]}}}
        """, in: folder, context: context)
      #expect(run.rows.filter { $0["status"] == "failed" }.count == 5)
      #expect(run.rows.filter { $0["status"] == "ok" }.count == 5)
      #expect(run.rows.first { $0["status"] == "failed" }?["reason"] == #"it "broke", so"#)
      #expect(!run.outcome.isComplete)
      #expect(run.printed.contains { $0.contains(#"5 failed: it "broke", so"#) })
    }
  }

  @Test func `a log's trial has its share of the bare calls of its block`() throws {
    try Fixtures.withFolder { folder in
      let context = Fixtures.context([
        TargetChoice("log") { FakeTarget(.append(records: 500)) }, .syscalls,
      ])
      let run = try run(
        """
        suite: pairs
        repeats: 5
        warmup: 0
        baseline: {target: syscalls}
        defaults: {batch_bytes: 4KiB, bytes: 16KiB, drain: false}
        crosses: {x: {axes: {target: [log, syscalls]}}}
        """, in: folder, context: context)
      #expect(run.rows.count == 10)
      for row in run.rows where row["target"] == "log" {
        let bare = try #require(
          run.rows.first { $0["target"] == "syscalls" && $0["block"] == row["block"] })
        let rate = try #require(Double(row["mb_per_s"] ?? ""))
        let other = try #require(Double(bare["mb_per_s"] ?? ""))
        let ratio = try #require(Double(row["vs_syscalls_ratio"] ?? ""))
        #expect(abs(ratio - rate / other) < 0.01 * ratio + 0.001)
        #expect(row["records"] == "500" && row["achieved_records_per_s"] != "")
      }
      #expect(
        run.rows.filter { $0["target"] == "syscalls" }.allSatisfy { $0["vs_syscalls_ratio"] == "" })
      #expect(run.printed.last?.contains("log") == true)
    }
  }

  @Test func `a stopped suite keeps the trials that ended`() throws {
    try Fixtures.withFolder { folder in
      let flag = StopFlag()
      let context = Fixtures.context([
        TargetChoice("log") { FakeTarget(.stop(flag)) }, .syscalls,
      ])
      let run = try run(
        """
        suite: stopped
        repeats: 3
        warmup: 0
        defaults: {batch_bytes: 4KiB, bytes: 16KiB, drain: false}
        crosses: {x: {axes: {target: [log, syscalls]}}}
        """, in: folder, context: context, stop: flag)
      #expect(run.outcome.wasStopped && !run.outcome.isComplete)
      #expect(run.rows.count <= 1 && run.rows.allSatisfy { $0["target"] == "syscalls" })
      #expect(run.printed.last?.hasPrefix("stopped (stopped): ") == true)
      #expect(run.leftovers == [])
    }
  }

  @Test func `a second run of the day takes the next folder, and --out must be new`() throws {
    try Fixtures.withFolder { folder in
      let text =
        "suite: twice\nrepeats: 1\nwarmup: 0\ndefaults: {target: syscalls, bytes: 4KiB, "
        + "batch_bytes: 4KiB, drain: false}"
      let first = try run(text, in: folder).outcome.directory
      let second = try run(text, in: folder).outcome.directory
      #expect(second == first + "-2")
      #expect(first.hasSuffix("-twice"))
      let suite = try Fixtures.suite(text)
      var options = SuiteOptions()
      options.console = .silent
      options.dataDirectory = folder
      options.outputDirectory = first
      #expect(throws: LaboratoryError.resultsExist(first)) {
        try SuiteRun(suite: suite, options: options, context: Fixtures.context()).run()
      }
    }
  }

  @Test func `results that cannot be written say which call failed on what`() throws {
    try Fixtures.withFolder { folder in
      let file = "\(folder)/file"
      try Data().write(to: URL(fileURLWithPath: file))
      let suite = try Fixtures.suite("suite: a\ndefaults: {target: syscalls}")
      var options = SuiteOptions()
      options.console = .silent
      options.dataDirectory = folder
      options.resultsDirectory = "\(file)/Results"
      let error = #expect(throws: LaboratoryError.self) {
        try SuiteRun(suite: suite, options: options, context: Fixtures.context()).run()
      }
      #expect(error?.description.contains("Not a directory") == true)
    }
  }

  @Test func `a dry run prints the plan and touches nothing`() throws {
    try Fixtures.withFolder { folder in
      let suite = try Fixtures.suite(
        "suite: a\nrepeats: 2\ndefaults: {target: syscalls, bytes: 10MB}\n"
          + "baseline: {backend: buffered}\naxes: {backend: [buffered, direct]}")
      let lines = Lines()
      var options = SuiteOptions()
      options.resultsDirectory = "\(folder)/Results"
      options.console = Console(
        print: { lines.printed.append($0) }, progress: { _ in }, isTerminal: false)
      SuiteRun(suite: suite, options: options, context: Fixtures.context()).dryRun()
      #expect(lines.printed.contains("  c02  direct  10.5 MB, against c01"))
      #expect(
        lines.printed.last?.hasPrefix("2 cells, 6 trials (4 measured), 0.1 GB written") == true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    }
  }

  @Test(
    arguments: [
      ("repeats: 4", nil, "about 3 s on a disk of"),
      (
        "repeats: 2\nrepeats_max: 10", nil,
        "about 2 s (2 blocks) to 7 s (10 blocks), until a difference of 10 % would be found, on"
      ),
      (
        "repeats: 2\nrepeats_max: 10\ntime_max: 4s", nil, "about 2 s (2 blocks) to 4 s (time_max), "
      ),
      ("repeats: 2\nrepeats_max: 10", 4, "about 3 s on a disk of"),
    ] as [(String, Int?, String)])
  func `the announced time is a range where the suite takes blocks until it knows enough`(
    blocks: String, repeats: Int?, words: String
  ) throws {
    // Trials of 64 KiB take what a process takes: 0.3 s.
    let suite = try Fixtures.suite(
      "suite: a\n\(blocks)\ndefaults: {target: log, bytes: 64KiB}\n"
        + "axes: {backend: [buffered, direct]}")
    let lines = Lines()
    var options = SuiteOptions()
    options.repeats = repeats
    options.console = Console(
      print: { lines.printed.append($0) }, progress: { _ in }, isTerminal: false)
    SuiteRun(suite: suite, options: options, context: Fixtures.context()).dryRun()
    #expect(lines.printed.last?.contains(words) == true, "\(lines.printed.last ?? "")")
  }

  @Test(arguments: ["quick", "bare-calls", "storage", "growth", "opening"])
  func `the suites that come with the project are read`(name: String) throws {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let suite = try Suite.read(
      file: root.appendingPathComponent("Bench/\(name).yaml").path,
      vocabulary: Self.real.vocabulary)
    let plan = SuitePlan(suite)
    #expect(suite.name == name)
    if name == "quick" || name == "bare-calls" {
      let logs = plan.cells.filter { $0.parameters.target == "log" }
      #expect(logs.allSatisfy { $0.reference != nil })
    }
    // A cell that is compared with nothing answers nothing, unless it is what others are compared
    // with.
    let baselines = Set(plan.cells.compactMap(\.baseline))
    for cell in plan.cells where !suite.baseline.isEmpty && cell.baseline == nil {
      #expect(
        baselines.contains(cell.number) || cell.parameters.target == "syscalls",
        "\(name): \(cell.label)")
    }
  }
}
