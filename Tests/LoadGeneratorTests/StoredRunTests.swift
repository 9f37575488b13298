import Foundation
import Histogram
import LinuxIO
import LoadGenerator
import TestSupport
import Testing

/// Runs that are read back, and runs that go on.
extension SuiteRunTests {
  private static let disk = TemporaryDirectory()

  /// What the fake targets of a run do, one call after the other.
  private final class Script {
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

  private final class ScriptedTarget: LoadTarget {
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

  private static let text = """
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
  private func go(
    _ folder: String, _ script: Script, text: String = text, overrides: [String] = [],
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

  private func file(_ folder: String, _ name: String) throws -> String {
    try String(contentsOfFile: "\(folder)/out/\(name)", encoding: .utf8)
  }

  private func lines(_ folder: String, _ name: String) throws -> [String] {
    try file(folder, name).components(separatedBy: "\r\n").filter { !$0.isEmpty }
  }

  private func rows(_ folder: String, _ name: String = "trials.csv") throws -> [[String: String]] {
    let table = parseCSV(try file(folder, name))
    let header = try #require(table.first)
    return table.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(header, $0)) }
  }

  // MARK: - Reading back

  private func expectAlike(_ folder: String, _ outcome: SuiteOutcome, _ context: LaboratoryContext)
    throws
  {
    let stored = try StoredRun(directory: "\(folder)/out", vocabulary: context.vocabulary)
    let rows = try rows(folder)
    #expect(stored.results.count == rows.count && rows.count == outcome.results.count)
    for (result, (row, original)) in zip(stored.results, zip(rows, outcome.results)) {
      for column in TrialColumn.all {
        let text = column.text(result)
        #expect(text ?? "" == row[column.name], "\(result.trial.id): \(column.name)")
        #expect(text == column.text(original), "\(result.trial.id): \(column.name)")
      }
    }
    #expect(try stored.suite == outcome.suite(context))
    let times = try stored.times()
    for (cell, summary) in outcome.summary.cells.enumerated() {
      #expect((times[cell] ?? [:]).compactMapValues { LatencySummary($0) } == summary.latency)
    }
  }

  @Test func `a run is read back as it was, in every column`() throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let text = """
        suite: all
        repeats: 2
        warmup: 0
        question: "What, \\"if\\"?"
        baseline: {backend: buffered}
        defaults: {batch_bytes: 8KiB, drain: false, memory: cold, records: 700}
        crosses:
          stored: {axes: {target: [log, syscalls, recover], backend: [buffered, mmap, direct]}}
          loaded:
            with: {producers: 2, partitions: 2, consumers: 2, arrival: poisson, rate: 7000}
            axes: {target: [embedded, stream], durability: [none, interval]}
          rest:
            with: {prefill_bytes: 64KiB, consume_from: start, consumers: 1, variant: a}
            axes: {target: [embedded, generator], record_sizes: [uniform]}
          sent: {with: {bytes: 100000}, axes: {target: [transfer], transfer: [copy, zerocopy]}}
        """
      let outcome = try go(folder, Script(), text: text, context: Self.loaded)
      #expect(outcome.results.count == 34)
      #expect(outcome.results.contains { $0.status == .skipped })
      try expectAlike(folder, outcome, Self.loaded)
    }
  }

  @Test func `a search is read back as it was`() throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let text = """
        suite: searched
        repeats: 1
        warmup: 0
        headline: sustainable_records_per_s
        defaults: {drain: false, memory: cold, duration: 50ms, arrival: uniform}
        crosses: {x: {axes: {target: [embedded, generator]}}}
        search: {limit: 50s, percentile: p50, from: 1000, to: 5000}
        """
      let outcome = try go(folder, Script(), text: text, context: Self.loaded)
      #expect(outcome.results.count == 2)
      try expectAlike(folder, outcome, Self.loaded)
    }
  }

  @Test func `reasons with commas, quotes and line ends are read back`() throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let script = Script()
      script.fails = { $0 % 2 == 0 }
      let outcome = try go(folder, script)
      #expect(outcome.results.contains { $0.reason == "it broke,\n\"so\"" })
      try expectAlike(
        folder, outcome,
        Fixtures.context([TargetChoice("log") { ScriptedTarget(script) }, .syscalls]))
    }
  }

  @Test func `a folder that is no run, or a damaged one, is refused with file and line`() throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let script = Script()
      try go(folder, script)
      let out = "\(folder)/out"
      let vocabulary = Fixtures.context([TargetChoice("log") { ScriptedTarget(script) }, .syscalls])
        .vocabulary
      func complaint() -> String? {
        do {
          _ = try StoredRun(directory: out, vocabulary: vocabulary)
          return nil
        } catch { return "\(error)" }
      }
      /// What is said of the file with another text.
      func complaint(_ name: String, _ change: (String) -> String?) throws -> String? {
        let path = "\(out)/\(name)"
        let good = try String(contentsOfFile: path, encoding: .utf8)
        try FileManager.default.removeItem(atPath: path)
        if let text = change(good) {
          try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        }
        defer { try? Data(good.utf8).write(to: URL(fileURLWithPath: path)) }
        return complaint()
      }
      func line(_ number: Int, _ change: @escaping (String) -> String) -> (String) -> String {
        { text in
          var lines = text.components(separatedBy: "\r\n")
          lines[number - 1] = change(lines[number - 1])
          return lines.joined(separator: "\r\n")
        }
      }
      let csv = "\(out)/trials.csv"
      #expect(complaint() == nil)
      #expect(
        try complaint("trials.csv") { _ in nil }
          == "\(csv): is missing: expected the folder of a run of `varve bench`")
      #expect(
        try complaint("environment.json") { _ in nil }
          == "\(out)/environment.json: is missing: expected the folder of a run of `varve bench`")
      #expect(
        try complaint("environment.json") { _ in "{}" }?
          .hasPrefix("\(out)/environment.json: not what `varve bench` writes: '") == true)
      #expect(
        try complaint("environment.json") { _ in "[" }?.hasPrefix("\(out)/environment.json: ")
          == true)
      #expect(
        try complaint("trials.csv") { _ in "" }
          == "\(csv): has no header with the column trial_id")
      #expect(
        try complaint("trials.csv", line(4) { $0 + ",1" })?.hasPrefix("\(csv):4: ") == true)
      #expect(try complaint("trials.csv", line(3) { _ in "x" })?.contains("1 fields") == true)
      #expect(
        try complaint("trials.csv", line(5) { "\"" + $0 })?.hasPrefix("\(csv):") == true)
      for foreign in ["c99-b1", "c01-b0", "c01-b99", "c01-b005", "c1-b1", "", "nonsense"] {
        let found = try complaint(
          "trials.csv",
          line(2) {
            var fields = $0.components(separatedBy: ",")
            fields[1] = foreign
            return fields.joined(separator: ",")
          })
        #expect(found?.hasPrefix("\(csv):2: ") == true, "\(foreign): \(found ?? "nothing")")
      }
      for (column, word) in [("status", "fine"), ("seconds", "1.2.3"), ("bytes", "many")] {
        let index = try #require(TrialColumn.all.firstIndex { $0.name == column })
        let found = try complaint(
          "trials.csv",
          line(3) {
            var fields = $0.components(separatedBy: ",")
            fields[index] = word
            return fields.joined(separator: ",")
          })
        #expect(found?.hasPrefix("\(csv):3: ") == true, "\(column): \(found ?? "nothing")")
      }
      // One trial twice is two results of one.
      let twice = try complaint("trials.csv") { text in
        let lines = text.components(separatedBy: "\r\n")
        return text + lines[1] + "\r\n"
      }
      #expect(twice?.hasPrefix("\(csv):18: ") == true, "\(twice ?? "nothing")")
    }
  }

  // MARK: - Going on

  @Test(arguments: [1, 2, 3, 4, 7, 9, 10])
  func `a run that was stopped goes on, and has every trial once`(stopsAt: Int) throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let script = Script()
      script.stopsAt = stopsAt
      let first = try go(folder, script)
      #expect(first.wasStopped)
      let kept = try lines(folder, "trials.csv")
      let keptIntervals = try lines(folder, "intervals.csv")
      let environment = try file(folder, "environment.json")
      script.stopsAt = nil
      let second = try go(folder, script, resumes: true)
      #expect(second.isComplete && second.results.count == 16)

      let ids = try rows(folder).map { $0["trial_id"] ?? "" }
      let suite = try Suite.read(
        text: Self.text, file: "s.yaml", vocabulary: Fixtures.vocabulary)
      let planned = SuitePlan(suite).trials.filter { $0.block > 0 }.map(\.id)
      #expect(ids.sorted() == planned.sorted())
      // The last block may have got its ratios since.
      let now = try lines(folder, "trials.csv")
      let block = kept.last.flatMap { $0.components(separatedBy: ",").dropFirst(2).first }
      for (number, line) in kept.enumerated() {
        let isOfLastBlock = line.components(separatedBy: ",")[2] == block
        if line == now[number] || isOfLastBlock { continue }
        let fields = zip(
          line.components(separatedBy: ","), now[number].components(separatedBy: ","))
        let changed = zip(TrialColumn.all.map(\.name), fields).filter { $1.0 != $1.1 }
        Issue.record("line \(number + 1): \(changed)")
      }
      for row in try rows(folder) where row["target"] == "log" {
        #expect(row["vs_syscalls_ratio"] != "", "\(row["trial_id"] ?? "")")
      }
      #expect(try lines(folder, "intervals.csv").prefix(keptIntervals.count) == keptIntervals[...])
      try expectIntervalsAndHistograms(folder)
      #expect(try file(folder, "environment.json") == environment)
      #expect(try file(folder, "README.md").contains("goes-on"))
    }
  }

  private func expectIntervalsAndHistograms(_ folder: String) throws {
    let intervals = try rows(folder, "intervals.csv")
    for row in try rows(folder) {
      let id = row["trial_id"] ?? ""
      let seconds = intervals.filter { $0["trial_id"] == id }.map { $0["second"] }
      #expect(seconds == (row["target"] == "log" ? ["0", "1"] : ["0"]), "\(id)")
      let bytes = try LinuxFileIO().readFile(
        at: "\(folder)/out/histograms/\(id).hlog", bytesMax: 1 << 20)
      let times = try TrialReport.times(try #require(bytes, "\(id)"), name: id)
      #expect((times[.service]?.totalCount ?? 0) == (row["target"] == "log" ? 20 : 4))
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/out/histograms")
    #expect(names.count == 16)
  }

  @Test func `a run that is complete has nothing left to do, and stays as it is`() throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let script = Script()
      try go(folder, script)
      let calls = script.calls
      let (trials, intervals) = (try file(folder, "trials.csv"), try file(folder, "intervals.csv"))
      let again = try go(folder, script, resumes: true)
      #expect(again.isComplete && script.calls == calls)
      #expect(try file(folder, "trials.csv") == trials)
      #expect(try file(folder, "intervals.csv") == intervals)
    }
  }

  @Test func `a run can be stopped again and again`() throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let script = Script()
      var rounds = 0
      while true {
        // Warm-up and three more.
        script.stopsAt = script.calls + 5
        let outcome = try go(folder, script, resumes: rounds > 0)
        rounds += 1
        if !outcome.wasStopped { break }
        guard rounds < 20 else {
          Issue.record("it does not get on")
          return
        }
      }
      #expect(rounds > 2)
      #expect(try Set(rows(folder).map { $0["trial_id"] }).count == 16)
      try expectIntervalsAndHistograms(folder)
    }
  }

  @Test func `failed trials run again, and replace their rows`() throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let script = Script()
      // The warm-up's two go well.
      script.fails = { $0 == 3 || $0 == 6 || $0 == 10 }
      let first = try go(folder, script)
      #expect(first.results.count { $0.status == .failed } == 3 && !first.isComplete)
      let failed = first.results.filter { $0.status == .failed }.map(\.trial.id)
      let before = try rows(folder).filter { $0["status"] == "ok" }
      script.fails = { _ in false }
      let calls = script.calls
      let second = try go(folder, script, resumes: true)
      #expect(second.isComplete && second.results.count == 16)
      // The warm-up and those three.
      #expect(script.calls == calls + 5)
      let after = try rows(folder)
      #expect(after.allSatisfy { $0["status"] == "ok" && $0["reason"] == "" })
      for row in before { #expect(after.contains(row), "\(row["trial_id"] ?? "")") }
      #expect(Set(after.map { $0["trial_id"] }).isSuperset(of: failed))
      try expectIntervalsAndHistograms(folder)
    }
  }

  @Test func `only the same suite goes on, and what differs is named`() throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let script = Script()
      script.stopsAt = 5
      try go(folder, script, overrides: ["bytes=32KiB"])
      script.stopsAt = nil
      let calls = script.calls
      let before = try file(folder, "trials.csv")
      func complaint(
        text: String = Self.text, _ overrides: [String] = ["bytes=32KiB"], repeats: Int? = nil
      ) -> String? {
        do {
          try go(
            folder, script, text: text, overrides: overrides, repeats: repeats, resumes: true)
          return nil
        } catch { return "\(error)" }
      }
      let start =
        "cannot go on with the run: what differs from when \(folder)/out was begun (then, now): "
      #expect(complaint([]) == start + "--set: bytes=32KiB, none; start a new run")
      #expect(
        complaint(["bytes=16KiB"]) == start + "--set: bytes=32KiB, bytes=16KiB; start a new run")
      #expect(complaint(repeats: 3) == start + "the number of repeats: 4, 3; start a new run")
      let line = "line 8 of the suite: nothing, 'seed: 2'; "
      #expect(complaint(text: Self.text + "\nseed: 2") == start + line + "start a new run")
      #expect(
        complaint(text: Self.text + "\nseed: 2", [], repeats: 3)
          == start + line + "--set: bytes=32KiB, none; the number of repeats: 4, 3; start a new run"
      )
      #expect(script.calls == calls)
      #expect(try file(folder, "trials.csv") == before)
      #expect(complaint() == nil)
    }
  }

  @Test func `a run that another machine or program made does not go on here`() throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let script = Script()
      script.stopsAt = 5
      try go(folder, script)
      script.stopsAt = nil
      let path = "\(folder)/out/environment.json"
      let good = try Data(contentsOf: URL(fileURLWithPath: path))
      for (name, change) in [
        ("machine.kernel: 1.2.3, ", { (here: inout Environment) in here.machine.kernel = "1.2.3" }),
        ("the program's commit: 0badc0de, ", { $0.program.commit = "0badc0de" }),
        (
          "limits.cgroupMemory: 7 bytes, ",
          { $0.limits.cgroupMemory = ["/a": "max", "/a/b": "7", "/a/b/c": "4096"] }
        ),
      ] {
        var environment = try JSONDecoder().decode(Environment.self, from: good)
        change(&environment)
        try Data(environment.json()).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: LaboratoryError.self) {
          try go(folder, script, resumes: true)
        }
        #expect(
          error?.description.contains("begun (then, now): \(name)") == true,
          "\(error?.description ?? "")"
        )
      }
    }
  }

  @Test func `a machine whose memory grew, under another name, goes on`() throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let script = Script()
      script.stopsAt = 5
      try go(folder, script)
      script.stopsAt = nil
      let path = "\(folder)/out/environment.json"
      var environment = try JSONDecoder().decode(
        Environment.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
      environment.machine.memoryBytes = 1
      environment.machine.nodes = nil
      environment.machine.host = "elsewhere"
      environment.storage.freeBytes = 1
      // The groups of another login, without a limit of their own.
      environment.limits.cgroupMemory = environment.limits.cgroupMemory
        .merging(["/user.slice/session-9.scope": "max"]) { now, _ in now }
      try Data(environment.json()).write(to: URL(fileURLWithPath: path))
      #expect(try go(folder, script, resumes: true).isComplete)
    }
  }

  /// A kill, or a power cut, leaves any prefix of a file that grows.
  @Test(arguments: ["trials.csv", "intervals.csv"])
  func `a run goes on whatever byte a file was torn at`(name: String) throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let script = Script()
      script.stopsAt = 9
      try go(folder, script)
      script.stopsAt = nil
      let out = "\(folder)/out"
      let whole = try Data(contentsOf: URL(fileURLWithPath: "\(out)/\(name)"))
      let trials = try Data(contentsOf: URL(fileURLWithPath: "\(out)/trials.csv"))
      let intervals = try Data(contentsOf: URL(fileURLWithPath: "\(out)/intervals.csv"))
      var random = SeededGenerator(seed: 29)
      let ends = [0, 1, whole.count - 1, whole.count - 2, whole.count - 3]
      for end in ends + (0..<20).map({ _ in random.below(whole.count) }) {
        try trials.write(to: URL(fileURLWithPath: "\(out)/trials.csv"))
        try intervals.write(to: URL(fileURLWithPath: "\(out)/intervals.csv"))
        try whole.prefix(end).write(to: URL(fileURLWithPath: "\(out)/\(name)"))
        #expect(try go(folder, script, resumes: true).isComplete, "torn at byte \(end)")
        #expect(try Set(rows(folder).map { $0["trial_id"] }).count == 16, "torn at byte \(end)")
        let kept = parseCSV(try file(folder, "intervals.csv"))
        #expect(Set(kept.map(\.count)).count == 1, "torn at byte \(end)")
      }
    }
  }

  @Test func `a run that was killed before its first row goes on`() throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let script = Script()
      script.stopsAt = 4
      try go(folder, script)
      script.stopsAt = nil
      try FileManager.default.removeItem(atPath: "\(folder)/out/trials.csv")
      try FileManager.default.removeItem(atPath: "\(folder)/out/intervals.csv")
      #expect(try go(folder, script, resumes: true).isComplete)
      try expectIntervalsAndHistograms(folder)
    }
  }

  @Test func `there is nothing to go on with in an empty folder, or in none`() throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let error = #expect(throws: LaboratoryError.self) {
        try go(folder, Script(), resumes: true)
      }
      #expect(error?.description.contains("environment.json: is missing") == true)
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/out/trials.csv"))
      var options = SuiteOptions()
      options.resumes = true
      options.console = .silent
      options.dataDirectory = folder
      options.resultsDirectory = "\(folder)/Results"
      let suite = try Fixtures.suite(Self.text)
      let other = #expect(throws: LaboratoryError.self) {
        try SuiteRun(suite: suite, options: options, context: Fixtures.context()).run()
      }
      #expect(other?.description.contains("--resume needs --out") == true)
    }
  }

  @Test func `a suite that had enough blocks has enough when it goes on`() throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let script = Script()
      // One per cent of noise: five pairs find a difference of ten.
      let text = """
        suite: enough
        repeats: 5
        repeats_max: 30
        detect: 10
        warmup: 0
        headline: service_p50_us
        baseline: {partitions: 1}
        defaults: {target: log, batch_bytes: 4KiB, bytes: 16KiB, drain: false}
        axes: {partitions: [1, 2]}
        """
      let first = try go(folder, script, text: text)
      #expect(first.results.count == 10 && !first.wasStopped)
      let again = try go(folder, script, text: text, resumes: true)
      #expect(again.results.count == 10 && script.calls == 10)
      #expect(try rows(folder).count == 10)
    }
  }
}

extension SuiteOutcome {
  /// The suite that the run's folder tells of.
  fileprivate func suite(_ context: LaboratoryContext) throws -> Suite {
    let bytes = try LinuxFileIO().readFile(at: "\(directory)/environment.json", bytesMax: 1 << 20)
    let environment = try JSONDecoder().decode(Environment.self, from: Data(bytes ?? []))
    return try Suite.read(
      text: environment.suite.text, file: "x", overrides: environment.suite.overrides,
      vocabulary: context.vocabulary)
  }
}
