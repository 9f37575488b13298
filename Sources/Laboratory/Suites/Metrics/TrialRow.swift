import LogStorage
import Measurements

/// A row of trials.csv, read back: for runs that go on, and for reports and comparisons.
package struct TrialRow {
  private let fields: [String: String]
  let line: Int

  /// Takes the names of earlier versions too.
  package init(_ names: [String], _ fields: [String], line: Int) {
    self.line = line
    var row: [String: String] = [:]
    for (name, field) in zip(names, fields) where !field.isEmpty {
      row[TrialColumn.formerNames[name] ?? name] = field
    }
    self.fields = row
  }

  private subscript(_ column: TrialColumn.Identity) -> String? { fields[column.rawValue] }

  private func number(_ name: String) throws(UnreadableField) -> Double? {
    guard let text = fields[name] else { return nil }
    guard let number = Double(text), number.isFinite else { throw UnreadableField(name, text) }
    return number
  }

  private func count(_ name: String) throws(UnreadableField) -> Int64? {
    guard let text = fields[name] else { return nil }
    guard let count = Int64(text) else { throw UnreadableField(name, text) }
    return count
  }

  package var trialID: String? { self[.trialID] }

  /// The trial's cell and block, from an id like `c03-b2`.
  package var trial: SuitePlan.Trial? {
    guard let id = trialID, let match = id.wholeMatch(of: /c([0-9]{2,5})-b([0-9]{1,5})/),
      let cell = Int(match.1), let block = Int(match.2), cell > 0
    else { return nil }
    return SuitePlan.Trial(
      cell: cell - 1, block: block, position: self[.position].flatMap { Int($0) } ?? 0)
  }

  /// What was measured in it, as a result of `parameters`; nil where the row names no trial or
  /// status. Throws where a number is none: going on would leave it out of the row for good.
  package func result(_ parameters: TrialParameters) throws(UnreadableField) -> TrialResult? {
    guard let trial, let status = self[.status].flatMap({ TrialStatus(rawValue: $0) }) else {
      return nil
    }
    var result = TrialResult(
      suite: self[.suite] ?? "", trial: trial, commit: self[.commit] ?? "", parameters: parameters)
    result.status = status
    result.reason = self[.reason]
    result.build = self[.build].flatMap { ComparedBuild(rawValue: $0) }
    result.memory = self[.memory].flatMap { MemoryState(rawValue: $0) }
    result.drained = self[.drained].map { $0 == "true" }
    result.searchProbes = self[.searchProbes]
    if let way = self[.preallocation] {
      result.parameters.preallocation = .init(rawValue: way) ?? parameters.preallocation
    }
    // A search's row has the best probe's rate instead of the suite's.
    if let offered = try number(ParameterKey.rate.columnName), (1...1e9).contains(offered) {
      result.parameters.rate = Int64(offered)
    }
    for metric in Metric.allCases { try read(metric, into: &result) }
    for kind in LatencyKind.allCases { result[kind] = try latency(kind) }
    try readFormerReceiver(&result)
    return result
  }

  private func read(_ metric: Metric, into result: inout TrialResult) throws(UnreadableField) {
    switch metric.definition.source {
    case .number(let path):
      if let number = try number(metric.rawValue) { result[keyPath: path] = number }
    case .count(let path):
      if let count = try count(metric.rawValue) { result[keyPath: path] = count }
    case .latency, .computed: break
    }
  }

  /// Versions without `receiver_cpu_s` wrote it by the gigabyte only.
  private func readFormerReceiver(_ result: inout TrialResult) throws(UnreadableField) {
    guard result.receiverCPUSeconds == nil, let bytes = result.load?.consumedBytes ?? result.bytes,
      let perGigabyte = try number(Metric.receiverCPUSecondsPerGigabyte.rawValue)
    else { return }
    result.receiverCPUSeconds = perGigabyte * Double(bytes) / 1e9
  }

  private func latency(_ kind: LatencyKind) throws(UnreadableField) -> LatencySummary? {
    var values: [Percentile: Double] = [:]
    for metric in Metric.allCases {
      guard let percentile = metric.percentile, percentile.kind == kind else { continue }
      values[percentile.percentile] = try number(metric.rawValue)
    }
    guard let p50 = values[.p50], let p99 = values[.p99] else { return nil }
    return LatencySummary(p50: p50, p99: p99, p999: values[.p999], max: values[.max])
  }
}

/// A number's column holds something else.
package struct UnreadableField: Error, CustomStringConvertible {
  package let description: String
  init(_ column: String, _ text: String) {
    description = "\(column) is '\(text.prefix(60))', expected a number"
  }
}
