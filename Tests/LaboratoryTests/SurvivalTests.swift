import Foundation
import Measurements
import Results
import Suites
import Targets
import Testing

/// What a run says that its backends keep. The words come from the crash laboratory; here they are made up.
@Suite struct SurvivalTests {
  private final class Asked {
    var cells: [[SurvivalCell]] = []
    /// What the laboratory answers; nil is its table for the cells.
    var answer: String?
  }

  private final class QuickTarget: LoadTarget {
    var appendBytes: Int { 4096 }
    func prepare(_ trial: TrialSetting) throws {}
    func synchronize() throws {}
    func finish() throws {}
    func run(_ recorder: TrialRecorder) throws -> TrialCounts {
      recorder.recordService(from: recorder.start, to: recorder.start + 100_000)
      return TrialCounts(records: 1, bytes: 1000)
    }
  }

  private static let header =
    "backend,durability,histories,power_cuts,process_kills,lost_ms_max,process_kill,power_cut\r\n"

  private static func table(_ cells: [SurvivalCell]) -> String {
    header
      + cells.map { cell in
        "\(cell.backend),\(cell.durability),70,31,22,"
          + (cell.durability == "none"
            ? "19,nothing lost,any suffix" : "0,nothing lost,nothing lost")
          + "\r\n"
      }.joined()
  }

  private func go(
    _ folder: String, _ asked: Asked, resumes: Bool = false, stop: StopFlag = StopFlag()
  ) throws -> StoredRun {
    let context = Fixtures.context([TargetChoice("log") { QuickTarget() }, .syscalls])
    let suite = try Suite.read(
      text: """
        suite: keeps
        repeats: 1
        warmup: 0
        baseline: {target: syscalls}
        defaults: {batch_bytes: 4KiB, bytes: 16KiB, drain: false}
        crosses: {x: {axes: {target: [log, syscalls], durability: [none, batch]}}}
        """, file: "s.yaml", vocabulary: context.vocabulary)
    var options = SuiteOptions()
    options.outputDirectory = "\(folder)/out"
    options.dataDirectory = "\(folder)/data"
    options.resumes = resumes
    options.stop = stop
    options.console = .silent
    options.survival = { cells in
      asked.cells.append(cells)
      return asked.answer ?? Self.table(cells)
    }
    _ = try SuiteRun(suite: suite, options: options, context: context).run()
    return try StoredRun(directory: "\(folder)/out", vocabulary: context.vocabulary)
  }

  @Test func `a run asks once for each backend and durability that appends to a log, and shows it`()
    throws
  {
    try Fixtures.withFolder { folder in
      let asked = Asked()
      let run = try go(folder, asked)
      #expect(
        asked.cells.map { $0.map { "\($0.backend) \($0.durability)" } } == [
          ["buffered none", "buffered batch"]
        ])
      #expect(run.survival.statements.map(\.durability) == ["none", "batch"])
      #expect(run.survival.statements.first?.lostMsMax == 19)
      let page = try String(contentsOfFile: "\(folder)/out/README.md", encoding: .utf8)
      #expect(page.contains("| a power cut takes |"))
      #expect(page.contains("| buffered | none | nothing lost | any suffix | 70 | 31 | 22 | 19 |"))
      let rows = page.split(separator: "\n").filter { $0.hasPrefix("| log durability=batch |") }
      #expect(rows.count == 1 && rows.allSatisfy { $0.contains("| nothing |") })
      let bare = page.split(separator: "\n").filter { $0.hasPrefix("| syscalls ") }
      #expect(bare.count == 2 && bare.allSatisfy { !$0.contains("nothing") })
    }
  }

  @Test func `a run that goes on asks only for what it does not know yet`() throws {
    try Fixtures.withFolder { folder in
      let asked = Asked()
      asked.answer = ""
      let first = try go(folder, asked)
      #expect(first.survival.statements.isEmpty)
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/out/survives.csv"))
      asked.answer = nil
      #expect(try go(folder, asked, resumes: true).survival.statements.count == 2)
      #expect(try go(folder, asked, resumes: true).survival.statements.count == 2)
      #expect(asked.cells.count == 2)
    }
  }

  @Test(
    arguments: [
      ("", "is empty"),
      ("backend,durability\r\nbuffered\r\n", "s.csv:2: 1 fields, expected 2"),
      ("backend,durability\r\nbuffered,none\r\n", "s.csv:2: has no column"),
      (header + "buffered,none,many,1,1,1,a,b\r\n", "histories: found 'many', expected a count"),
      (header + "buffered,none,-1,1,1,1,a,b\r\n", "histories: found '-1', expected a count"),
      (header + "\"buffered,none", "s.csv:2"),
    ])
  func `a broken file is told by its name, its line and its column`(
    _ text: String, _ expected: String
  ) throws {
    let error = #expect(throws: StoredRunError.self) { try Survival(csv: text, path: "s.csv") }
    #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
  }
}
