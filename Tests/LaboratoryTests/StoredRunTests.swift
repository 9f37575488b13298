import Foundation
import Histogram
import LinuxIO
import Measurements
import Results
import Suites
import Targets
import TestSupport
import Testing

/// Runs that are read back.
extension SuiteRunTests {
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
    try Fixtures.withFolder(under: Self.scriptedDisk.path) { folder in
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
    try Fixtures.withFolder(under: Self.scriptedDisk.path) { folder in
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
    try Fixtures.withFolder(under: Self.scriptedDisk.path) { folder in
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
    try Fixtures.withFolder(under: Self.scriptedDisk.path) { folder in
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
