import LinuxIO
import Measurements
import Statistics
import Suites
import Trials

/// What a run's trials say, judged and put into words and tables: after the trials, and again by
/// `varve report`.
package struct Judgement {
  package let suite: Suite
  package let plan: SuitePlan
  package let summary: SuiteSummary
  let text: SummaryText
  let verdicts: VerdictText
  let tables: SummaryTables
  let results: [TrialResult]
  let environment: Environment
  let directory: String
  package let lastLine: String
  package let isStopped: Bool

  init(
    _ suite: Suite, _ plan: SuitePlan, _ results: [TrialResult],
    times: [Int: [LatencyKind: TrialRecorder.Times]], survival: Survival,
    environment: Environment, directory: String, failAbove: Double?, isStopped: Bool
  ) {
    self.suite = suite
    self.plan = plan
    self.results = results
    self.environment = environment
    self.directory = directory
    self.isStopped = isStopped
    summary = SuiteSummary(suite, plan, results, times: times, failAbove: failAbove)
    text = SummaryText(suite: suite, plan: plan, summary: summary, survival: survival)
    verdicts = VerdictText(suite: suite, plan: plan, summary: summary)
    tables = SummaryTables(suite: suite, plan: plan, summary: summary, results: results)
    lastLine = text.lastLine(directory: directory, wasStopped: isStopped)
  }

  /// Judges a stored run by today's rule.
  package init(_ run: StoredRun) throws(StoredRunError) {
    // Blocks past these run only where they are needed.
    let blocks = min(
      run.environment.suite.repeats,
      run.suite.repeatsMax == nil ? run.environment.suite.repeats : run.suite.repeats)
    let ran = run.results.count { $0.trial.block <= blocks }
    self.init(
      run.suite, run.plan, run.results, times: try run.times(), survival: run.survival,
      environment: run.environment, directory: run.directory,
      failAbove: run.environment.suite.failAbove,
      isStopped: ran < blocks * run.plan.cells.count)
  }

  /// Replaces `verdicts.csv`, `cells.csv` and, in README.md, the part between its markers.
  /// `systemCalls` are kept in a file of their own; those of an earlier writing stay where there
  /// are none.
  package func write(systemCalls: [String] = []) throws(LaboratoryError) {
    let folder = ResultsDirectory(path: directory)
    let old = try folder.page()
    let callsName = "system-calls.txt"
    var systemCalls = systemCalls
    if systemCalls.isEmpty {
      let kept = try folder.read(callsName).map { String(decoding: $0, as: UTF8.self) } ?? ""
      systemCalls = kept.split(separator: "\n").map(String.init)
    } else {
      try folder.write(callsName, Array((systemCalls.joined(separator: "\n") + "\n").utf8))
    }
    try folder.write(SummaryTables.verdictsName, tables.verdicts.csv)
    try folder.write(SummaryTables.cellsName, tables.cells.csv)
    let page = RunPage(
      text: text, verdicts: verdicts, environment: environment, lastLine: lastLine,
      results: results, answer: answer, warnings: warnings, systemCalls: systemCalls)
    try folder.write(ResultsDirectory.pageName, Array(page.markdown(replacing: old).utf8))
  }

  private var warningText: WarningText { WarningText(plan: plan, environment: environment) }

  /// What the run answers to the suite's question.
  var answer: [String] {
    AnswerText(suite: suite, plan: plan, summary: summary).sentences()
  }

  /// What the reader of the verdicts should know about the data.
  var warnings: [String] { warningText.lines(summary.warnings) }

  /// For the terminal: the table, what went wrong, the verdicts.
  func lines() -> [String] {
    text.terminalTable() + [""] + text.complaints() + text.generatorLines(results)
      + verdicts.terminalLines() + answer + warnings.map { "warning: \($0)" }
  }

  /// For `--json`.
  package func document() -> JSONValue {
    let statuses = summary.statuses.map { ($0.key.rawValue, JSONValue.count($0.value)) }
    return .object([
      "suite": .text(suite.name), "question": .text(suite.question),
      "directory": .text(directory), "headline": .text(suite.headline.rawValue),
      "stopped": .flag(isStopped), "result": .text(lastLine),
      "trials": .object(Dictionary(uniqueKeysWithValues: statuses)),
      "answer": .list(answer.map { .text($0) }),
      "complaints": .list(text.complaints().map { .text($0) }),
      "warnings": .list(warningText.all(summary.warnings).map { .text($0) }),
      "cells": .table(tables.cells), "verdicts": .table(tables.verdicts),
    ])
  }

  /// The gate's result; nil where the run does not compare builds.
  package var gate: Gate? {
    guard plan.comparesBuilds else { return nil }
    let families = summary.families.filter { $0.kind == .build }
    let comparisons = families.flatMap(\.comparisons)
    let unmeasured = summary.cells.count { $0.statuses.keys.contains { !$0.isMeasured } }
    return Gate(
      comparisons.map(\.verdict),
      headline: families.filter(\.isDeciding).flatMap(\.comparisons).map(
        \.verdict),
      isStrict: environment.suite.failAbove != nil,
      missing: unmeasured + comparisons.count { $0.decision == nil })
  }
}

/// Whether a comparison of builds or runs finds a regression.
package enum Gate: Hashable, Sendable {
  case passed
  /// Something is worse, or beyond its bound.
  case regression
  /// Nothing was decided, or something is missing that was to be decided.
  case undecided

  /// `verdicts` are those of all metrics, `headline` those of the deciding one. `isStrict`:
  /// everything must be decided. `missing` counts cells and comparisons that lack what a verdict
  /// needs: no success, whatever the others say.
  package init(_ verdicts: [Verdict], headline: [Verdict], isStrict: Bool, missing: Int) {
    if verdicts.contains(.worse) || verdicts.contains(.fails) {
      self = .regression
    } else if missing > 0 || (isStrict && verdicts.contains(.undecided))
      || headline.allSatisfy({ $0 == .undecided })
    {
      self = .undecided
    } else {
      self = .passed
    }
  }
}
