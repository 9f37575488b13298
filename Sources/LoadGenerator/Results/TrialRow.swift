import LogStorage

/// A row of `trials.csv`, read back: for runs that go on, and for reports and comparisons.
struct TrialRow {
  private let fields: [String: String]
  let line: Int

  init(_ names: [String], _ fields: [String], line: Int) {
    self.line = line
    var row: [String: String] = [:]
    for (name, field) in zip(names, fields) where !field.isEmpty { row[name] = field }
    self.fields = row
  }

  subscript(_ column: TrialColumn) -> String? { fields[column.rawValue] }

  private func number(_ column: TrialColumn) throws(UnreadableField) -> Double? {
    guard let text = self[column] else { return nil }
    guard let number = Double(text), number.isFinite else { throw UnreadableField(column, text) }
    return number
  }

  private func count(_ column: TrialColumn) throws(UnreadableField) -> Int64? {
    guard let text = self[column] else { return nil }
    guard let count = Int64(text) else { throw UnreadableField(column, text) }
    return count
  }

  /// The trial's cell and block, from an id like `c03-b2`.
  var trial: SuitePlan.Trial? {
    guard let id = self[.trialID], let match = id.wholeMatch(of: /c([0-9]{2,5})-b([0-9]{1,5})/),
      let cell = Int(match.1), let block = Int(match.2), cell > 0
    else { return nil }
    return SuitePlan.Trial(
      cell: cell - 1, block: block, position: self[.position].flatMap { Int($0) } ?? 0)
  }

  /// What was measured in it, as a result of `parameters`; nil where the row names no trial or status.
  /// Throws where a number is none: going on would leave it out of the row for good.
  func result(_ parameters: TrialParameters) throws(UnreadableField) -> TrialResult? {
    guard let trial, let status = self[.status].flatMap({ TrialStatus(rawValue: $0) }) else {
      return nil
    }
    var result = TrialResult(
      suite: self[.suite] ?? "", trial: trial, commit: self[.commit] ?? "", parameters: parameters)
    if let way = self[.preallocation] {
      result.parameters.preallocation = .init(rawValue: way) ?? parameters.preallocation
    }
    result.status = status
    result.reason = self[.reason]
    result.build = self[.build].flatMap { ComparedBuild(rawValue: $0) }
    try takeCosts(&result)
    try takeLoad(&result)
    result.response = try latency(.responseP50, .responseP99, .responseP999, .responseMax)
    result.service = try latency(.serviceP50, .serviceP99, .serviceP999, .serviceMax)
    result.endToEnd = try latency(.endToEndP50, .endToEndP99, .endToEndP999, .endToEndMax)
    result.lateness = try latency(.latenessP50, .latenessP99, .latenessP99, .latenessMax)
    return result
  }

  private func takeCosts(_ result: inout TrialResult) throws(UnreadableField) {
    result.records = try count(.records)
    result.bytes = try count(.bytes)
    result.errors = try count(.errors)
    result.seconds = try number(.seconds)
    result.cpuUserSeconds = try number(.cpuUserSeconds)
    result.cpuSystemSeconds = try number(.cpuSystemSeconds)
    result.threadCPUSeconds = try number(.threadCPUSeconds)
    result.machineCPUSeconds = try number(.machineCPUSeconds)
    result.machineStealSeconds = try number(.machineStealSeconds)
    result.minorFaults = try count(.minorFaults)
    result.majorFaults = try count(.majorFaults)
    result.contextSwitches = try count(.contextSwitches)
    result.deviceWriteBytes = try count(.deviceWriteBytes)
    result.rssPeakMebibytes = try number(.rssPeakMebibytes)
    result.referenceRatio = try number(.referenceRatio)
    result.finalSyncSeconds = try number(.finalSyncSeconds)
    result.memory = self[.memory].flatMap { MemoryState(rawValue: $0) }
    result.drained = self[.drained].map { $0 == "true" }
    result.zeroCopySends = try count(.zeroCopySends)
    result.copiedSends = try count(.copiedSends)
    // The table has it by the gigabyte only.
    if let perGigabyte = try number(.receiverCPUSecondsPerGigabyte), let bytes = result.bytes {
      result.receiverCPUSeconds =
        perGigabyte * Double(try count(.consumedBytes) ?? bytes) / 1e9
    }
  }

  private func takeLoad(_ result: inout TrialResult) throws(UnreadableField) {
    // A search's row has the best probe's rate instead of the suite's.
    if let offered = try number(.offeredRecordsPerSecond), (1...1e9).contains(offered) {
      result.parameters.rate = Int64(offered)
    }
    result.generatorCeiling = try number(.generatorCeiling)
    result.sustainableRecordsPerSecond = try number(.sustainableRecordsPerSecond)
    result.searchProbes = self[.searchProbes]
    guard let producers = try number(.producerCPUSeconds) else { return }
    var load = LoadCounts()
    load.producerCPUSeconds = producers
    load.consumerCPUSeconds = try number(.consumerCPUSeconds)
    load.targetCPUSeconds = try number(.targetCPUSeconds) ?? 0
    load.consumedRecords = try count(.consumedRecords)
    load.consumedBytes = try count(.consumedBytes)
    load.catchUpSeconds = try number(.catchUpSeconds)
    load.catchUpBytes = try count(.catchUpBytes)
    load.lostRecords = try count(.lostRecords)
    result.load = load
  }

  private func latency(
    _ p50: TrialColumn, _ p99: TrialColumn, _ p999: TrialColumn, _ max: TrialColumn
  ) throws(UnreadableField) -> LatencySummary? {
    guard let middle = try number(p50), let high = try number(p99), let top = try number(p999)
    else {
      return nil
    }
    return LatencySummary(p50: middle, p99: high, p999: top, max: try number(max) ?? top)
  }
}

/// A number's column holds something else.
struct UnreadableField: Error, CustomStringConvertible {
  let description: String
  init(_ column: TrialColumn, _ text: String) {
    description = "\(column.rawValue) is '\(text.prefix(60))', expected a number"
  }
}
