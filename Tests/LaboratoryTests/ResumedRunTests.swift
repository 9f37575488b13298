import Foundation
import Histogram
import LinuxIO
import Measurements
import Results
import Suites
import TestSupport
import Testing
import Trials

/// Runs that were stopped, killed or complete, and go on.
extension SuiteRunTests {
  @Test(arguments: [1, 2, 3, 4, 7, 9, 10])
  func `a run that was stopped goes on, and has every trial once`(stopsAt: Int) throws {
    try Fixtures.withFolder(under: Self.scriptedDisk.path) { folder in
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
        text: Self.scriptedText, file: "s.yaml", vocabulary: Fixtures.vocabulary)
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
    try Fixtures.withFolder(under: Self.scriptedDisk.path) { folder in
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
    try Fixtures.withFolder(under: Self.scriptedDisk.path) { folder in
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
    try Fixtures.withFolder(under: Self.scriptedDisk.path) { folder in
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
    try Fixtures.withFolder(under: Self.scriptedDisk.path) { folder in
      let script = Script()
      script.stopsAt = 5
      try go(folder, script, overrides: ["bytes=32KiB"])
      script.stopsAt = nil
      let calls = script.calls
      let before = try file(folder, "trials.csv")
      func complaint(
        text: String = Self.scriptedText, _ overrides: [String] = ["bytes=32KiB"],
        repeats: Int? = nil
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
      #expect(complaint(text: Self.scriptedText + "\nseed: 2") == start + line + "start a new run")
      #expect(
        complaint(text: Self.scriptedText + "\nseed: 2", [], repeats: 3)
          == start + line + "--set: bytes=32KiB, none; the number of repeats: 4, 3; start a new run"
      )
      #expect(script.calls == calls)
      #expect(try file(folder, "trials.csv") == before)
      #expect(complaint() == nil)
    }
  }

  private func changeEnvironment(
    _ folder: String, _ change: (inout Environment) -> Void
  ) throws {
    let file = URL(fileURLWithPath: "\(folder)/out/environment.json")
    var environment = try JSONDecoder().decode(Environment.self, from: Data(contentsOf: file))
    change(&environment)
    try Data(environment.json()).write(to: file)
  }

  @Test func `a run that another machine or program made does not go on here`() throws {
    try Fixtures.withFolder(under: Self.scriptedDisk.path) { folder in
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
        try good.write(to: URL(fileURLWithPath: path))
        try changeEnvironment(folder, change)
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
    try Fixtures.withFolder(under: Self.scriptedDisk.path) { folder in
      let script = Script()
      script.stopsAt = 5
      try go(folder, script)
      script.stopsAt = nil
      try changeEnvironment(folder) { environment in
        environment.machine.memoryBytes = 1
        environment.machine.nodes = nil
        environment.machine.host = "elsewhere"
        environment.storage.freeBytes = 1
        // The groups of another login, without a limit of their own.
        environment.limits.cgroupMemory = environment.limits.cgroupMemory
          .merging(["/user.slice/session-9.scope": "max"]) { now, _ in now }
      }
      #expect(try go(folder, script, resumes: true).isComplete)
    }
  }

  /// A kill, or a power cut, leaves any prefix of a file that grows.
  @Test(arguments: ["trials.csv", "intervals.csv"])
  func `a run goes on whatever byte a file was torn at`(name: String) throws {
    try Fixtures.withFolder(under: Self.scriptedDisk.path) { folder in
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

  /// Such as an editor leaves behind.
  @Test(arguments: ["trials.csv", "intervals.csv"])
  func `a damaged row that others follow is refused with its line, and nothing is changed`(
    name: String
  ) throws {
    try Fixtures.withFolder(under: Self.scriptedDisk.path) { folder in
      let script = Script()
      script.stopsAt = 9
      try go(folder, script)
      script.stopsAt = nil
      let calls = script.calls
      let path = "\(folder)/out/\(name)"
      let lines = try lines(folder, name)
      #expect(lines.count > 3)
      for (damaged, problem) in [
        (
          lines[1].components(separatedBy: ",").dropLast(2).joined(separator: ","),
          "fields, expected"
        ),
        ("\"" + lines[1], "quote"),
        (lines[1] + "\"", "quote"),
        ("", "1 fields, expected"),
      ] {
        var changed = lines
        changed[1] = damaged
        let text = changed.map { $0 + "\r\n" }.joined()
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: LaboratoryError.self) { try go(folder, script, resumes: true) }
        let said = error?.description ?? ""
        #expect(said.contains("\(name):2: ") && said.contains(problem), "\(said)")
        #expect(try file(folder, name) == text)
        #expect(script.calls == calls)
      }
    }
  }

  @Test func `a run that was killed before its first row goes on`() throws {
    try Fixtures.withFolder(under: Self.scriptedDisk.path) { folder in
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
    try Fixtures.withFolder(under: Self.scriptedDisk.path) { folder in
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
      let suite = try Fixtures.suite(Self.scriptedText)
      let other = #expect(throws: LaboratoryError.self) {
        try SuiteRun(suite: suite, options: options, context: Fixtures.context()).run()
      }
      #expect(other?.description.contains("--resume needs --out") == true)
    }
  }

  @Test func `a suite that had enough blocks has enough when it goes on`() throws {
    try Fixtures.withFolder(under: Self.scriptedDisk.path) { folder in
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
