/// A run's README.md: the question, the answer, and how to ask again.
struct RunPage {
  let text: SummaryText
  let environment: Environment
  let commandLine: [String]
  let lastLine: String
  let results: [TrialResult]
  let systemCalls: [Int: SystemCallCounts]

  func markdown() -> String {
    var lines = ["# \(text.suite.name)", ""]
    if !text.suite.question.isEmpty { lines += ["**\(text.suite.question)**", ""] }
    let verdicts = text.verdicts()
    lines += verdicts.map { "- \($0)" } + (verdicts.isEmpty ? [] : [""])
    lines += text.markdownTable() + [""]
    lines += [
      "Medians over trials with their 95 % intervals (bootstrap, widened for few trials); latencies "
        + "over all records of a cell: response times, from the intended send, where arrivals have a "
        + "rate, and else service times of appends. MB and GB are powers of ten. *To baseline* and *to bare calls* are medians of "
        + "ratios of trials in the same block; above 1 is better. The deciding metric is "
        + "`\(text.suite.headline.rawValue)`, its verdicts at 5 % for the whole suite (paired t-test, "
        + "Holm's correction).", "",
    ]
    if !text.survival.statements.isEmpty {
      lines += [
        "What survives, as histories on a simulated disk found with this very program:", "",
      ]
      lines += text.survival.markdownTable() + [""]
    }
    let generator = text.generatorLines(results)
    lines += generator.map { "Of \($0)." } + (generator.isEmpty ? [] : [""])
    let complaints = text.complaints()
    if !complaints.isEmpty {
      lines += ["Trials that did not run well:", ""] + complaints.map { "- \($0)" } + [""]
    }
    let calls = systemCallLines()
    if !calls.isEmpty {
      lines += ["Of one more trial of each cell, traced by strace:", ""] + calls.map { "- \($0)" }
      lines.append("")
    }
    if !commandLine.isEmpty {
      lines += ["The command:", "", "```sh", commandLine.map(Self.quoted).joined(separator: " ")]
      lines += ["```", ""]
    }
    lines += place() + ["", lastLine, ""]
    return lines.joined(separator: "\n")
  }

  /// `system calls of direct: pwrite64 1.2, fdatasync 1.2 per 1,000 records`
  func systemCallLines() -> [String] {
    text.plan.cells.compactMap { cell in
      systemCalls[cell.number].map { "system calls of \(cell.label): \($0.text)" }
    }
  }

  private func place() -> [String] {
    let machine = environment.machine
    let storage = environment.storage
    let memory = machine.memoryBytes.map { "\($0 >> 20) MiB" }
    let facts: [(String, String?)] = [
      ("started", environment.startedAt),
      ("commit", environment.program.commit + (hasChanges ? " with local changes" : "")),
      ("build", "\(environment.program.build), Swift \(environment.program.swift)"),
      ("kernel", machine.kernel), ("processor", machine.cpuModel),
      ("processors", machine.processors.map { "\($0)" }), ("memory", memory),
      ("virtualization", machine.virtualization),
      ("file system", storage.fileSystem), ("mount options", storage.mountOptions),
      ("block device", storage.source), ("scheduler", storage.scheduler),
    ]
    return ["| | |", "| --- | --- |"]
      + facts.compactMap { name, value in value.map { "| \(name) | \($0) |" } }
      + ["", "More in `environment.json`; one row a trial in `trials.csv`."]
  }

  private var hasChanges: Bool { environment.program.hasLocalChanges == true }

  /// As a shell would read it back.
  static func quoted(_ word: String) -> String {
    let isPlain = word.unicodeScalars.allSatisfy {
      $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil)
        || "-_./=,:+".unicodeScalars.contains($0)
    }
    if isPlain && !word.isEmpty { return word }
    return "'"
      + word.split(separator: "'", omittingEmptySubsequences: false)
      .joined(separator: "'\\''") + "'"
  }
}
