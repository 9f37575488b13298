import Foundation
import Statistics
import Suites

/// A run's README.md: the question, the answer, and how to ask again.
///
/// The page stands between two markers. `varve report` writes it anew; what people write before and
/// after it stays.
struct RunPage {
  let text: SummaryText
  let verdicts: VerdictText
  let environment: Environment
  let lastLine: String
  let results: [TrialResult]
  let answer: [String]
  let warnings: [String]
  let systemCalls: [String]

  static let start =
    "<!-- Written by varve bench and varve report; what stands outside these two lines stays. -->"
  static let end = "<!-- End of what varve writes. -->"

  /// The file's text: `old` with the part between its markers replaced, or the page alone where
  /// there is no file. `old` has both markers: see `part`.
  func markdown(replacing old: String?) -> String {
    let page = Self.start + "\n" + lines().joined(separator: "\n") + "\n" + Self.end
    guard let old, let part = Self.part(of: old) else { return heading + page + "\n" }
    return old.replacingCharacters(in: part, with: page)
  }

  /// From the first marker to the second; nil where one is missing.
  static func part(of text: String) -> Range<String.Index>? {
    guard let first = text.range(of: start),
      let last = text.range(of: end, range: first.upperBound..<text.endIndex)
    else { return nil }
    return first.lowerBound..<last.upperBound
  }

  private var heading: String {
    let question = text.suite.question
    return "# \(text.suite.name)\n\n" + (question.isEmpty ? "" : "**\(question)**\n\n")
  }

  private func lines() -> [String] {
    let answers = answer.isEmpty ? [] : answer.map { "- \($0)" } + [""]
    var lines =
      [""] + answers + verdicts.markdownLines() + text.markdownTable() + ["", explanation, ""]
    if !text.survival.statements.isEmpty {
      lines += [
        "What survives, as histories on a simulated disk found with this very program:", "",
      ]
      lines += text.survival.markdownTable() + [""]
    }
    let generator = text.generatorLines(results)
    lines += generator.map { "Of \($0)." } + (generator.isEmpty ? [] : [""])
    if !warnings.isEmpty {
      lines += ["Warnings about the data:", ""] + warnings.map { "- \($0)" } + [""]
    }
    let complaints = text.complaints()
    if !complaints.isEmpty {
      lines += ["Trials that did not run well:", ""] + complaints.map { "- \($0)" } + [""]
    }
    if !systemCalls.isEmpty {
      lines += ["Of one more trial of each cell, traced by strace:", ""]
      lines += systemCalls.map { "- \($0)" } + [""]
    }
    let command = environment.program.commandLine
    if !command.isEmpty {
      lines += ["The command:", "", "```sh", command.map(Self.quoted).joined(separator: " ")]
      lines += ["```", ""]
    }
    return lines + place() + ["", lastLine, ""]
  }

  private var explanation: String {
    """
    Medians over trials with their 95 % intervals (bootstrap, widened for few trials). Latencies are \
    percentiles over all records of a cell: response times, from the intended send, where arrivals \
    have a rate, and else service times of appends; a comparison of latencies uses one percentile a \
    trial. MB and GB are powers of ten. Ratios are geometric means of the ratios of trials in the \
    same block, with t intervals at the level that Holm's correction gives them within their family. \
    The deciding metric is `\(text.suite.headline.rawValue)`.
    """
  }

  private func place() -> [String] {
    let machine = environment.machine
    let storage = environment.storage
    let memory = machine.memoryBytes.map { "\($0 >> 20) MiB" }
    let facts: [(String, String?)] = [
      ("started", environment.startedAt),
      ("commit", environment.program.commitText),
      ("compared with", environment.base?.commitText),
      ("build", "\(environment.program.build), Swift \(environment.program.swift)"),
      ("kernel", machine.kernel), ("processor", machine.cpuModel),
      ("processors", machine.processors.map { "\($0)" }), ("memory", memory),
      ("virtualization", machine.virtualization),
      ("file system", storage.fileSystem), ("mount options", storage.mountOptions),
      ("block device", storage.source), ("device model", storage.deviceModel),
      ("device's write cache", storage.writeCache), ("scheduler", storage.scheduler),
      (
        "written and synced",
        storage.writtenBytesPerSecond.map { "\(Digits.text($0 / 1e6)) MB/s" }
      ),
      ("fdatasync of 4 KiB", storage.flushMicroseconds.map { "\(Digits.text($0.median)) µs" }),
    ]
    return ["| | |", "| --- | --- |"]
      + facts.compactMap { name, value in value.map { "| \(name) | \($0) |" } }
      + [
        "",
        "More in `environment.json`; one row a trial in `trials.csv`, one a cell and metric in "
          + "`cells.csv`, one a comparison in `verdicts.csv`.",
      ]
  }

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

extension Environment.Program {
  /// The commit, and whether it is all.
  var commitText: String { commit + (hasLocalChanges == true ? " with local changes" : "") }
}
