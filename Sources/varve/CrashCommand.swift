import ArgumentParser
import CrashLaboratory
import Glibc
import LinuxIO
import LogStorage
import Measurements
import Results
import StorageBackends
import Synchronization

/// `varve crash`
struct CrashCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "crash",
    abstract: "Run random histories of the log on a disk that fails, and check what is left.",
    discussion: """
      Each seed is a history: appends, flushes, rolls, retention, lost indexes, clean stops, kills, \
      changes of backend, disk errors, and power cuts at any call. After every start it checks that \
      what was acknowledged is there, that what is there is an unaltered prefix of what was appended, \
      that indexes agree with the log, that recovering again changes nothing, and that appending goes \
      on. A history that fails is reduced to the shortest that fails, and its seed replays it exactly.

      Example: varve crash --backend uring --durability group --seeds 10000
      """)

  @Option(help: "Only histories that begin with this backend. Repeatable.")
  var backend: [String] = []

  @Option(help: "Only this durability: none, interval, batch or group. Repeatable.")
  var durability: [String] = []

  @Option(parsing: .unconditional, help: "How many seeds to run. (default: 10000)")
  var seeds: String?

  @Option(parsing: .unconditional, help: "The first of them. (default: 0)")
  var firstSeed: String?

  @Option(parsing: .unconditional, help: "Run this one seed, and tell all of it.")
  var seed: String?

  @Option(parsing: .unconditional, help: "Threads. (default: 1)")
  var jobs: String?

  @Option(help: "Write what each backend and durability kept to FILE, as CSV.")
  var output: String?

  @Flag(help: "Print the result as one JSON document.")
  var json = false

  /// What the options say, checked.
  private struct Numbers {
    var seedCount: UInt64 = 10_000
    var first: UInt64 = 0
    var seed: UInt64?
    var jobs = 1
  }

  private func numbers() throws -> Numbers {
    var numbers = Numbers()
    if let count = try number("--seeds", seeds, 1...1_000_000_000) {
      numbers.seedCount = UInt64(count)
    }
    // So that the last one has a number, too.
    let last = UInt64.max - numbers.seedCount
    if let first = try varve.seed("--first-seed", firstSeed, in: 0...last) {
      numbers.first = first
    }
    numbers.seed = try varve.seed("--seed", seed, in: 0...UInt64.max)
    if let count = try number("--jobs", jobs, 1...256) { numbers.jobs = Int(count) }
    return numbers
  }

  func validate() throws {
    _ = try numbers()
    if seed != nil && seeds != nil {
      throw ValidationError("--seed runs one history and --seeds many: expected one of the two")
    }
    if seed != nil {
      let others = [
        ("--output", output != nil), ("--first-seed", firstSeed != nil), ("--jobs", jobs != nil),
        ("--json", json),
      ]
      for (name, isGiven) in others where isGiven {
        throw ValidationError(
          "\(name) cannot be combined with --seed, which runs one history")
      }
    }
    if let output { try checkOutput(output) }
    _ = try chosenBackends()
    _ = try chosenDurabilities()
  }

  func run() throws {
    let generator = HistoryGenerator(
      ShippedBackends.all.map(CrashBackend.init), chosen: try chosenBackends(),
      durabilities: try chosenDurabilities())
    let numbers = try numbers()
    if let seed = numbers.seed { return try tell(seed, generator) }
    Interruption.install()
    let outcome = try runCampaign(generator, numbers)
    let table = SurvivalTable(
      outcome, firstSeed: numbers.first, seedCount: numbers.seedCount)
    if json { printDocument(outcome, table, numbers) }
    if let failure = outcome.failure {
      if json { throw ExitCode.failure }
      try explain(failure, generator.backends)
    }
    if !json { printLine(table.text) }
    if Interruption.flag.isRaised {
      // No file: its rows would say that they are of all the seeds.
      writeError("stopped after \(outcome.historyCount) of \(numbers.seedCount) histories")
      throw ExitCode(ExitStatus.interrupted)
    }
    if let output { try write(table.csv, to: output) }
    if json { return }
    printLine("No promise was broken in \(outcome.historyCount) histories.")
  }

  private func printDocument(
    _ outcome: Campaign.Outcome, _ table: SurvivalTable, _ numbers: Numbers
  ) {
    let rows = table.rows.map { row in
      JSONValue.object(
        Dictionary(
          uniqueKeysWithValues: zip(SurvivalTable.columns.map(\.name), row.fields.map { .text($0) })
        ))
    }
    let failure = outcome.failure.map { failure in
      JSONValue.object([
        "seed": .text("\(failure.history.seed)"), "step": .count(failure.violation.step),
        "violation": .text("\(failure.violation)"),
      ])
    }
    printLine(
      JSONValue.object([
        "histories": .count(outcome.historyCount), "first_seed": .text("\(numbers.first)"),
        "seeds": .text("\(numbers.seedCount)"), "stopped": .flag(Interruption.flag.isRaised),
        "failure": failure ?? .null, "survives": .list(rows),
      ]).text)
  }

  private func tell(_ seed: UInt64, _ generator: HistoryGenerator) throws {
    let account = HistoryAccount(generator.backends)
    let history = generator.history(seed: seed)
    printLine(account.heading(history))
    let verdict = account.run(history) { printLine($0) }
    guard let violation = verdict.violation else { return }
    try reduce(history, violation, generator.backends)
  }

  private func explain(_ failure: Campaign.Failure, _ backends: [CrashBackend]) throws {
    let account = HistoryAccount(backends)
    printLine(account.heading(failure.history))
    printLine("VIOLATED at step \(failure.violation.step): \(failure.violation)")
    try reduce(failure.history, failure.violation, backends)
  }

  private func reduce(
    _ history: History, _ violation: Violation, _ backends: [CrashBackend]
  ) throws {
    let reduction = Reduction(history, violation, backends) { Interruption.flag.isRaised }
    HistoryAccount(backends).describe(reduction, of: history).forEach { printLine($0) }
    throw CommandFailure.failed("seed \(history.seed) breaks a promise")
  }

  private func runCampaign(
    _ generator: HistoryGenerator, _ numbers: Numbers
  ) throws -> Campaign.Outcome {
    let seeds = numbers.first..<(numbers.first + numbers.seedCount)
    let campaign = Campaign(generator, seeds: seeds, jobs: numbers.jobs)
    let progress = SharedProgress(total: numbers.seedCount)
    do throws(SystemCallError) {
      let outcome = try campaign.run { count in
        progress.tell(count)
        return !Interruption.flag.isRaised
      }
      progress.end()
      return outcome
    } catch { throw CommandFailure.failed("\(error)") }
  }

  private func write(_ text: String, to path: String) throws {
    do throws(SystemCallError) {
      try OutputFile.write(text, to: path)
    } catch { throw CommandFailure.failed("--output \(path): \(error)") }
  }

  /// Most of what is wrong with it is found out now, and not after all the histories.
  private func checkOutput(_ path: String) throws {
    let folder = parentDirectory(of: path)
    if InputFile.isFolder(path) == true {
      throw ValidationError("--output: found '\(path)', which is a folder, expected a file's name")
    }
    if InputFile.isFolder(folder) != true || access(folder, W_OK) != 0 {
      throw ValidationError(
        "--output: found '\(path)', expected a file in a folder that exists and can be written to")
    }
  }

  // MARK: - Choices

  private func chosenBackends() throws -> [Int]? {
    if backend.isEmpty { return nil }
    return try backend.map { name in
      guard let index = Backends.names.firstIndex(of: name) else {
        throw ValidationError(
          "--backend: found '\(name)', expected \(Backends.names.joined(separator: ", "))")
      }
      return index
    }
  }

  private func chosenDurabilities() throws -> [Durability] {
    if durability.isEmpty { return Durability.allCases }
    return try durability.map { name in
      guard let found = Durability(rawValue: name) else {
        let names = Durability.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("--durability: found '\(name)', expected \(names)")
      }
      return found
    }
  }
}

/// Progress that several threads tell.
final class SharedProgress: Sendable {
  private let line: Lock<LineProgress>
  private let total: UInt64

  init(total: UInt64) {
    self.total = total
    line = Lock(LineProgress())
  }

  func tell(_ count: Int) { line.withLock { $0.tell("\(count) of \(total) histories") } }
  func end() { line.withLock { $0.end() } }
}
