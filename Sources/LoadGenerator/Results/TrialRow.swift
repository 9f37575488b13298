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

  private func number(_ column: TrialColumn) -> Double? { self[column].flatMap(Double.init) }

  private func count(_ column: TrialColumn) -> Int64? { self[column].flatMap { Int64($0) } }

  /// The trial's cell and block, from an id like `c03-b2`.
  var trial: SuitePlan.Trial? {
    guard let id = self[.trialID], let match = id.wholeMatch(of: /c([0-9]{2,5})-b([0-9]{1,5})/),
      let cell = Int(match.1), let block = Int(match.2), cell > 0
    else { return nil }
    return SuitePlan.Trial(
      cell: cell - 1, block: block, position: Int(count(.position) ?? 0))
  }

  /// What was measured in it, as a result of `parameters`; nil where the row names no trial or status.
  func result(_ parameters: TrialParameters) -> TrialResult? {
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
    takeCosts(&result)
    takeLoad(&result)
    result.response = latency(.responseP50, .responseP99, .responseP999, .responseMax)
    result.service = latency(.serviceP50, .serviceP99, .serviceP999, .serviceMax)
    result.endToEnd = latency(.endToEndP50, .endToEndP99, .endToEndP999, .endToEndMax)
    result.lateness = latency(.latenessP50, .latenessP99, .latenessP99, .latenessMax)
    return result
  }

  private func takeCosts(_ result: inout TrialResult) {
    result.records = count(.records)
    result.bytes = count(.bytes)
    result.errors = count(.errors)
    result.seconds = number(.seconds)
    result.cpuUserSeconds = number(.cpuUserSeconds)
    result.cpuSystemSeconds = number(.cpuSystemSeconds)
    result.threadCPUSeconds = number(.threadCPUSeconds)
    result.machineCPUSeconds = number(.machineCPUSeconds)
    result.machineStealSeconds = number(.machineStealSeconds)
    result.minorFaults = count(.minorFaults)
    result.majorFaults = count(.majorFaults)
    result.contextSwitches = count(.contextSwitches)
    result.deviceWriteBytes = count(.deviceWriteBytes)
    result.rssPeakMebibytes = number(.rssPeakMebibytes)
    result.referenceRatio = number(.referenceRatio)
    result.finalSyncSeconds = number(.finalSyncSeconds)
    result.memory = self[.memory].flatMap { MemoryState(rawValue: $0) }
    result.drained = self[.drained].map { $0 == "true" }
    result.zeroCopySends = count(.zeroCopySends)
    result.copiedSends = count(.copiedSends)
    // The table has it by the gigabyte only.
    if let perGigabyte = number(.receiverCPUSecondsPerGigabyte), let bytes = result.bytes {
      result.receiverCPUSeconds =
        perGigabyte * Double(count(.consumedBytes) ?? bytes) / 1e9
    }
  }

  private func takeLoad(_ result: inout TrialResult) {
    result.generatorCeiling = number(.generatorCeiling)
    result.sustainableRecordsPerSecond = number(.sustainableRecordsPerSecond)
    result.searchProbes = self[.searchProbes]
    guard let producers = number(.producerCPUSeconds) else { return }
    var load = LoadCounts()
    load.producerCPUSeconds = producers
    load.consumerCPUSeconds = number(.consumerCPUSeconds)
    load.targetCPUSeconds = number(.targetCPUSeconds) ?? 0
    load.consumedRecords = count(.consumedRecords)
    load.consumedBytes = count(.consumedBytes)
    load.catchUpSeconds = number(.catchUpSeconds)
    load.catchUpBytes = count(.catchUpBytes)
    load.lostRecords = count(.lostRecords)
    result.load = load
  }

  private func latency(
    _ p50: TrialColumn, _ p99: TrialColumn, _ p999: TrialColumn, _ max: TrialColumn
  ) -> LatencySummary? {
    guard let middle = number(p50), let high = number(p99), let top = number(p999) else {
      return nil
    }
    return LatencySummary(p50: middle, p99: high, p999: top, max: number(max) ?? top)
  }
}
