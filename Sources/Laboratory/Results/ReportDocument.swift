import Foundation
import Statistics
import Suites

/// What the plotter is told of a run, as JSON: verdicts and intervals are computed here, once, and
/// the plotter draws them. It reads seconds and histograms from the run's folder itself.
struct ReportDocument: Encodable {
  struct MetricRecord: Encodable {
    /// What `value` is: "all records" for the percentile of a cell's records together, "median of
    /// trials" for the rest. `low` and `high` are the 95 % interval of the median over trials.
    let of: String
    let value: Double
    let median: Double
    let low: Double?
    let high: Double?
  }

  struct Headline: Encodable {
    let name: String
    let title: String
    let unit: String
    let moreIsBetter: Bool

    init(_ metric: Metric) {
      name = metric.rawValue
      title = metric.title.text
      unit = metric.title.unit
      moreIsBetter = metric.moreIsBetter
    }
  }

  struct VerdictRecord: Encodable {
    let cell: String
    let baseline: String
    let verdict: String
  }

  struct Cell: Encodable {
    let id: String
    let label: String
    let parameters: [String: String]
    let numbers: [String: Double]
    let statuses: [String: Int]
    let reason: String?
    let metrics: [String: MetricRecord]
    let trials: [String]
    /// The suite's crosses and axes that have it.
    let families: [String]
    let isBaseline: Bool
    /// What a power cut takes; nil where nothing was found out.
    let powerCut: String?
  }

  /// What a cross compares.
  struct Cross: Encodable {
    let name: String
    let metrics: [Headline]
  }

  let suite: String
  let question: String
  let directory: String
  let command: String
  let lastLine: String
  let headline: Headline
  /// What every metric is called.
  let metrics: [Headline]
  /// By the headline against the baseline: what colours a cell.
  let verdicts: [VerdictRecord]
  let families: [VerdictText.Section]
  let notes: [String]
  let answer: [String]
  let warnings: [String]
  let crosses: [Cross]
  /// The rows of verdicts.csv, and the names of the two that each is of.
  let comparisons: [[String: JSONValue]]
  let complaints: [String]
  let tellingKeys: [String]
  let cells: [Cell]
  let survives: [SurvivalStatement]
  private let environment: Environment

  private enum CodingKeys: CodingKey {
    case suite, question, directory, command, lastLine, headline, metrics, verdicts, families,
      notes, answer,
      warnings, crosses, comparisons
    case complaints, tellingKeys, cells, survives
  }

  init(_ judgement: Judgement, _ run: StoredRun) {
    let (summary, text) = (judgement.summary, judgement.text)
    suite = run.suite.name
    question = run.suite.question
    directory = run.directory
    command = run.environment.program.commandLine.map(RunPage.quoted).joined(separator: " ")
    lastLine = judgement.lastLine
    headline = Headline(run.suite.headline)
    metrics = Metric.allCases.map(Headline.init)
    crosses = run.plan.families.map { family in
      Cross(name: family.name, metrics: family.metrics.map(Headline.init))
    }
    let asked = summary.families.filter {
      $0.metric == run.suite.headline && $0.kind == .baseline
    }
    verdicts = asked.flatMap(Self.verdicts)
    families = judgement.verdicts.sections()
    notes = text.generatorLines(run.results)
    answer = judgement.answer
    warnings = judgement.warnings
    comparisons = zip(
      judgement.tables.verdicts.json,
      summary.families.flatMap { family in
        family.comparisons.map { judgement.verdicts.names($0, family) }
      }
    ).map { row, names in
      row.merging([
        "subject": .text(names.subject), "other": .text(names.other), "place": .text(names.place),
      ]) { _, name in name }
    }
    complaints = text.complaints()
    tellingKeys = run.plan.tellingKeys.map(\.rawValue)
    let baselines = Set(run.plan.cells.compactMap(\.baseline))
    let byCell = Dictionary(grouping: run.results, by: \.trial.cell)
    cells = summary.cells.map { each in
      Self.cell(
        each, byCell[each.cell.number] ?? [], isBaseline: baselines.contains(each.cell.number),
        seed: run.suite.seed,
        families: each.cell.families.sorted().map { run.plan.families[$0].name },
        run.survival)
    }
    survives = run.survival.statements
    environment = run.environment
  }

  /// Names as the plotter has them (`last_line`); the environment as it is in its own file.
  func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    guard
      var object = try JSONSerialization.jsonObject(with: encoder.encode(self)) as? [String: Any]
    else { throw PlotterError("the report's document is no object") }
    object["environment"] = try JSONSerialization.jsonObject(with: Data(environment.json()))
    return try JSONSerialization.data(withJSONObject: object)
  }

  private static func verdicts(_ family: FamilySummary) -> [VerdictRecord] {
    family.comparisons.map { comparison in
      VerdictRecord(
        cell: comparison.subject.name, baseline: comparison.against.name,
        verdict: comparison.verdict.rawValue)
    }
  }

  private static func cell(
    _ each: SuiteSummary.CellSummary, _ trials: [TrialResult], isBaseline: Bool, seed: UInt64,
    families: [String],
    _ survival: Survival
  ) -> Cell {
    let parameters = each.cell.parameters
    var texts: [String: String] = [:]
    var numbers: [String: Double] = [:]
    for key in ParameterKey.allCases {
      texts[key.rawValue] = parameters.text(of: key)
      if case .number(let number) = parameters.value(of: key) {
        numbers[key.rawValue] = Double(number)
      }
    }
    // A cell without a rate of its own is not on the ladder.
    if !parameters.isOpenLoop { numbers["rate"] = nil }
    let good = trials.filter { $0.status.isMeasured }
    var metrics: [String: MetricRecord] = [:]
    for metric in Metric.allCases {
      let values = good.compactMap { metric.value(of: $0) }
      guard let trials = SuiteSummary.CellValue(values, seed: seed) else { continue }
      let merged = metric.percentile.flatMap { kind, percentile in each.latency[kind]?[percentile] }
      metrics[metric.rawValue] = MetricRecord(
        of: merged == nil ? "median of trials" : "all records", value: merged ?? trials.median,
        median: trials.median, low: trials.interval?.low, high: trials.interval?.high)
    }
    return Cell(
      id: SuitePlan.name(ofCell: each.cell.number), label: each.cell.label, parameters: texts,
      numbers: numbers,
      statuses: Dictionary(
        uniqueKeysWithValues: each.statuses.map { ($0.key.rawValue, $0.value) }),
      reason: each.reason, metrics: metrics, trials: good.map(\.trial.id), families: families,
      isBaseline: isBaseline,
      powerCut: survival.statement(of: parameters)?.powerCut)
  }
}
